"""Who of today's directory is whom in the new one, among those whose accounts must follow and among everybody else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from crosskey.engine.recognise import Ambiguous, recognise
from crosskey.engine.stage import Stage
from crosskey.model import Person, Subject

__all__ = ("Pairs", "pair_up")

_LISTED: Final = 100


class Pairs:
    """Everybody of both directories: found on both sides, on one only, or nobody can tell.

    ``agreeing`` counts pairs by how many of the keys that both sides fill in agree, such as "2 of 3".
    """

    def __init__(self) -> None:
        self.new_of: dict[Subject, Subject] = {}
        self.because: Counter[str] = Counter()
        self.agreeing: Counter[str] = Counter()
        self.only_old: list[Person] = []
        self.only_new: list[Person] = []
        self.unclear: list[tuple[Person, str]] = []
        self.only_new_count = 0

    def __len__(self) -> int:
        return len(self.new_of)


def pair_up(stage: Stage, old: str, new: str, keys: Sequence[str]) -> Pairs:
    """Pair everybody up by keys. The stage holds both directories, under the issuers ``old`` and ``new``."""
    pairs = Pairs()
    claimed: dict[Subject, Subject] = {}
    for person in _people(stage, old):
        found = recognise(stage, person, keys)
        if found is None:
            pairs.only_old.append(person)
        elif isinstance(found, Ambiguous):
            pairs.unclear.append((person, found.reason))
        elif (rival := claimed.get(found.subjects[0])) is not None:
            pairs.unclear.append((person, f"{found.because}, but {rival.id} is that person already"))
        else:
            partner = found.subjects[0]
            claimed[partner] = person.subject
            pairs.new_of[person.subject] = partner
            pairs.because[found.because.split('"')[0].strip()] += 1
            pairs.agreeing[_agreement(stage, person, partner, keys)] += 1
    for person in _people(stage, new):
        if person.subject not in claimed:
            pairs.only_new_count += 1
            if len(pairs.only_new) < _LISTED:
                pairs.only_new.append(person)
    return pairs


def _people(stage: Stage, issuer: str) -> Iterator[Person]:
    for people in stage.people.of_source(issuer):
        yield from people


def _agreement(stage: Stage, person: Person, partner: Subject, keys: Sequence[str]) -> str:
    [other] = stage.people.rows([partner])
    both = [key for key in keys if person.text(key).strip() and other.text(key).strip()]
    same = [key for key in both if person.text(key).strip().casefold() == other.text(key).strip().casefold()]
    return f"{len(same)} of {len(both)}"
