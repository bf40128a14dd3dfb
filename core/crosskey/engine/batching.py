"""Long streams in lists of a bearable length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

__all__ = ("batched",)

T = TypeVar("T")


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in order, in lists of ``size`` and a last shorter one (as ``itertools.batched`` of Python 3.12)."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
