"""Who in one directory is whom in another: by configured keys, in order, and never by guess.

The first key that finds anybody decides. It must find exactly one person in a directory, nobody else of one's own
directory may bear the same value, and no later key may name somebody else. Nor may the first key of whoever was found
lead to somebody else: otherwise it would depend on the order who is whom.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from crosskey.engine.stage import Stage
from crosskey.model import Person, Subject

__all__ = ("Ambiguous", "Recognised", "recognise")


class Recognised(msgspec.Struct, frozen=True):
    """One person found in other directories, and the key that told."""

    subjects: tuple[Subject, ...]
    because: str


class Ambiguous(msgspec.Struct, frozen=True):
    """Nobody can tell who this is: why, and who is involved."""

    reason: str
    subjects: tuple[Subject, ...]


def recognise(stage: Stage, person: Person, keys: Sequence[str]) -> Recognised | Ambiguous | None:
    """Who bears the same keys in other directories than the person's own; ``None``: nobody does."""
    decided: Recognised | None = None
    for key, value in _values(person, keys):
        bearers = [subject for subject in stage.people.recognised(key, value) if subject != person.subject]
        others = [subject for subject in bearers if subject.issuer != person.subject.issuer]
        if not others:
            continue
        if decided is not None:
            known = {subject.issuer: subject for subject in decided.subjects}
            if stray := [other for other in others if known.get(other.issuer, other) != other]:
                reason = f'{decided.because} and same {key} "{value}" name two different people'
                return Ambiguous(reason, (*decided.subjects, *stray))
            continue
        if len(others) < len(bearers):
            twins = [subject for subject in bearers if subject.issuer == person.subject.issuer]
            return Ambiguous(f'{len(twins) + 1} people of one source share {key} "{value}"', tuple(bearers))
        issuers = {subject.issuer for subject in others}
        if len(issuers) < len(others):
            return Ambiguous(f'{len(others)} people of another source share {key} "{value}"', tuple(others))
        decided = Recognised(tuple(others), f'same {key} "{value}"')
    return _refuse_second_choice(stage, person, decided, keys) if decided is not None else None


def _refuse_second_choice(
    stage: Stage, person: Person, decided: Recognised, keys: Sequence[str]
) -> Recognised | Ambiguous:
    for other in stage.people.rows(decided.subjects):
        for key, value in _values(other, keys):
            bearers = stage.people.recognised(key, value)
            first = [subject for subject in bearers if subject.issuer == person.subject.issuer]
            if first and person.subject not in first:
                reason = f'{decided.because}, but {other.subject.id} has the same {key} "{value}" as somebody else'
                return Ambiguous(reason, (other.subject, *first))
            if first:
                break
    return decided


def _values(person: Person, keys: Sequence[str]) -> Iterator[tuple[str, str]]:
    for key in keys:
        if value := person.text(key).strip():
            yield key, value
