"""Rows in the order they came, each at a place that never changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

__all__ = ("Roll",)

T = TypeVar("T")


class Roll(Generic[T]):
    """A keyed list for paging: a row keeps its place when others leave, so a cursor stays good.

    A row that was removed leaves a hole; one that comes back is put at the end.
    """

    __slots__ = ("_places", "_slots")

    def __init__(self) -> None:
        self._slots: list[T | None] = []
        self._places: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, key: object) -> bool:
        return key in self._places

    def __iter__(self) -> Iterator[T]:
        return (row for row in self._slots if row is not None)

    @property
    def slots(self) -> Sequence[T | None]:
        """All places, holes included, for paging."""
        return self._slots

    def ids(self) -> Iterator[str]:
        """The keys, oldest first."""
        return iter(self._places)

    def add(self, key: str, row: T) -> None:
        """Put a row at the end; the key must be new."""
        self._places[key] = len(self._slots)
        self._slots.append(row)

    def get(self, key: str) -> T | None:
        """The row, or None."""
        place = self._places.get(key)
        return None if place is None else self._slots[place]

    def remove(self, key: str) -> bool:
        """Take a row out; False when it was not there."""
        place = self._places.pop(key, None)
        if place is None:
            return False
        self._slots[place] = None
        return True
