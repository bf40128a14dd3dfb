"""Looking many people or accounts up in few statements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import msgspec

from crosskey.model import Subject

__all__ = ("chunks", "in_json", "lookups")

_CHUNK = 500

T = TypeVar("T")


def chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Pieces small enough for one statement."""
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]


def in_json(values: Sequence[str]) -> str:
    """The parameter of ``IN (SELECT value FROM json_each(?))``: one fixed statement for lists of any length."""
    return msgspec.json.encode(values).decode()


def lookups(subjects: Iterable[Subject]) -> Iterator[tuple[str, str]]:
    """Issuer and ids (as :func:`in_json`), one pair a statement."""
    by_issuer: dict[str, list[str]] = {}
    for subject in subjects:
        by_issuer.setdefault(subject.issuer, []).append(subject.id)
    for issuer, ids in by_issuer.items():
        for chunk in chunks(ids):
            yield issuer, in_json(chunk)
