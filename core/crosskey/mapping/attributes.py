"""The attributes that rules may read, by the names a mapping uses."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter

from crosskey.connector.mapper import Candidate
from crosskey.errors import close_matches
from crosskey.model import PERSON_ATTRIBUTES

__all__ = ("ATTRIBUTES", "EXTRA", "Reader", "known", "reader", "suggest")

Reader = Callable[[Candidate], object]
"""Reads one attribute. Absent is ``""``, as everywhere in the vocabulary."""

ATTRIBUTES: frozenset[str] = frozenset({*PERSON_ATTRIBUTES, "active", "subject_id"})

EXTRA = "extra."
"""Prefix of the source's own attributes."""


def known(name: str) -> bool:
    """Whether a rule may read ``name``. Names under ``extra`` cannot be checked before people are read."""
    return name in ATTRIBUTES or (name.startswith(EXTRA) and len(name) > len(EXTRA))


def reader(name: str) -> Reader:
    """How to read the attribute ``name``, which must be known."""
    if not name.startswith(EXTRA):
        return attrgetter("person.subject.id" if name == "subject_id" else f"person.{name}")
    key = name.removeprefix(EXTRA)

    def read_extra(candidate: Candidate) -> object:
        value: object = candidate.person.extra.get(key)
        return "" if value is None else value

    return read_extra


def suggest(name: str) -> str:
    """A sentence with the closest attributes, and how to name one that only the source knows."""
    return f"{close_matches(name, ATTRIBUTES)} The source's own attributes are written extra.<name>."
