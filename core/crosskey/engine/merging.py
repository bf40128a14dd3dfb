"""One human whom several sources tell of: which source's word counts, attribute by attribute.

Sources in which the person is active speak first, then the order of ``[sync] from``, except where ``[sync.prefer]``
names another order for an attribute. The first who says anything wins. Whoever is active anywhere is active; only when
every source says inactive is somebody a leaver; a status nobody can read leaves everything as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypedDict

import msgspec

from crosskey.config.sections import SyncSection
from crosskey.model import PERSON_ATTRIBUTES, Person, Subject

__all__ = ("Preference", "Several", "Voice", "merged", "several")

_TEXTS: Final = tuple(name for name in PERSON_ATTRIBUTES if name != "status")


class Voice(msgspec.Struct, frozen=True):
    """What one source (by its number in the order of precedence) says of a person."""

    source: int
    person: Person


class Preference:
    """Which sources go first for an attribute, by their numbers."""

    def __init__(self, by_attribute: Mapping[str, Sequence[int]] | None = None) -> None:
        self._by_attribute = dict(by_attribute or {})

    @classmethod
    def by_names(cls, prefer: Mapping[str, Sequence[str]], sources: Sequence[str]) -> Preference:
        """From ``[sync] prefer``, which names sources; ``sources`` are all of them in their order."""
        numbers = {name: number for number, name in enumerate(sources)}
        return cls({attribute: [numbers[name] for name in names] for attribute, names in prefer.items()})

    def __bool__(self) -> bool:
        return bool(self._by_attribute)

    def ordered(self, attribute: str, voices: Sequence[Voice]) -> Sequence[Voice]:
        """The voices in the order in which they are heard on an attribute; given in the usual order."""
        first = self._by_attribute.get(attribute)
        if first is None:
            return voices
        rank = {source: place for place, source in enumerate(first)}
        return sorted(voices, key=lambda voice: (voice.person.active is not True, rank.get(voice.source, len(rank))))


class Several(TypedDict):
    """What tells people of several sources to be one, and whose word counts then; nothing where one source is read."""

    keys: tuple[str, ...]
    apart: tuple[str, ...]
    preference: Preference


def several(sync: SyncSection) -> Several:
    """From ``[sync]``."""
    keys = tuple(sync.same or ()) if len(sync.sources) > 1 else ()
    return Several(keys=keys, apart=sync.apart, preference=Preference.by_names(sync.prefer, sync.sources))


def merged(lead: Subject, voices: Sequence[Voice], preference: Preference) -> Person:
    """The person as all voices together tell them, under the lead's subject. Pure; there is at least one voice."""
    heard = sorted(voices, key=lambda voice: (voice.person.active is not True, voice.source))
    values: dict[str, Any] = {name: _first(name, preference.ordered(name, heard)) for name in _TEXTS}
    extra: dict[str, Any] = {}
    for voice in heard:
        for name, value in voice.person.extra.items():
            if extra.get(name) in (None, ""):
                extra[name] = value
    for name in extra:
        for voice in preference.ordered(f"extra.{name}", heard):
            if voice.person.extra.get(name) not in (None, ""):
                extra[name] = voice.person.extra[name]
                break
    return Person(subject=lead, active=_active(heard), status=heard[0].person.status, extra=extra, **values)


def _first(name: str, voices: Sequence[Voice]) -> str:
    return next((text for voice in voices if (text := getattr(voice.person, name))), "")


def _active(voices: Sequence[Voice]) -> bool | None:
    verdicts = {voice.person.active for voice in voices}
    if True in verdicts:
        return True
    return None if None in verdicts else False
