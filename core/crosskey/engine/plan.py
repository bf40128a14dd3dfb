"""A plan as its readers see it: the header, and the changes one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from crosskey.plan import Change, Held, PlanHeader

__all__ = ("Plan",)


class Plan:
    """What would be done and why. Changes stay in the journal and are read as they are asked for."""

    def __init__(self, header: PlanHeader, read: Callable[[], Iterator[Change]]) -> None:
        self.header = header
        self._read = read

    @property
    def held(self) -> tuple[Held, ...]:
        """What was held back, and why."""
        return self.header.held

    @property
    def size(self) -> int:
        """How many changes the plan holds."""
        return sum(self.header.counts.values())

    def changes(self) -> Iterator[Change]:
        """Every change, in the order in which it would be applied."""
        return self._read()
