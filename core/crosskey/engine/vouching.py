"""Leavers whom further sources vouched for: only when every one of them says so is somebody a leaver.

A source that has the person says so in its row. One that once had them, and did not bring them this time, is asked by
id; one that is not read any more cannot be asked, and then nobody is switched off because of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from crosskey.engine.sources import Sources
from crosskey.journal import Journal
from crosskey.model import Person, Subject

__all__ = ("Asked", "Verdict", "Vouching")

Verdict = Literal["gone", "inactive", "active", "unknown", "unread"]
"""What asking came to: nobody of these ids exists; the one who does is inactive, or active; its status is nobody's to
read; a source is not read any more, or cannot look people up."""


class Asked(msgspec.Struct, frozen=True):
    """The verdict over all subjects, and the person who decided it."""

    verdict: Verdict
    person: Person | None = None
    issuer: str = ""


class Vouching:
    """Asks the sources of a run about single people by id."""

    def __init__(self, sources: Sources, journal: Journal) -> None:
        self._sources = sources
        self._journal = journal

    def subjects(self, lead: Subject) -> list[Subject]:
        """The lead and everybody who vouches for it."""
        return [lead, *self._journal.vouchers([lead]).get(lead, [])]

    async def ask(self, subjects: Sequence[Subject]) -> Asked:
        """What the sources say of these subjects, taken together as one person. Costs a request each."""
        inactive: Person | None = None
        unread = ""
        for subject in subjects:
            if not self._sources.can_find(subject):
                unread = subject.issuer
                continue
            person = await self._sources.find(subject)
            if person is None:
                continue
            if person.active is not False:
                return Asked("active" if person.active else "unknown", person, subject.issuer)
            inactive = inactive or person
        if unread:
            return Asked("unread", inactive, unread)
        return Asked("inactive", inactive) if inactive is not None else Asked("gone")
