"""The moment at which a run planned: what it went by besides what it read, and what it asked while planning."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from crosskey.connector.target import Seats
from crosskey.engine.read import PeopleRead
from crosskey.model import Account, Person, Subject
from crosskey.plan import Duty

__all__ = ("FORM", "Abilities", "Answers", "Moment")

FORM: Final = 1
"""Grows when a moment is kept in another form: one of another form is explained, but not planned again."""


class Answers(msgspec.Struct, kw_only=True):
    """What sources and target were asked while planning, and what they said."""

    people: list[tuple[Subject, Person | None]] = msgspec.field(default_factory=list[tuple[Subject, Person | None]])
    groups: list[tuple[Subject, list[str] | None]] = msgspec.field(
        default_factory=list[tuple[Subject, list[str] | None]]
    )
    accounts: list[tuple[str, Account | None]] = msgspec.field(default_factory=list[tuple[str, Account | None]])
    """By the id of the change that was looked for."""
    seats: dict[str, Seats] | None = None
    duties: list[tuple[str, dict[str, list[Duty]] | str]] = msgspec.field(
        default_factory=list[tuple[str, dict[str, list[Duty]] | str]]
    )
    """By kind; a text where the target did not tell, and why."""


class Abilities(msgspec.Struct, frozen=True, kw_only=True):
    """Which sources (by issuer) look people up by id, and whether the target looks changes up, counts seats and tells
    duties.
    """

    finding: tuple[str, ...] = ()
    target_finds: bool = False
    target_counts: bool = False
    target_tells_duties: bool = False


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One run's planning.

    ``marks`` is where the journal's logs ended. ``touched`` are those whom a run over changes looked at. ``waiting``
    and ``unclear`` are people for whom nothing could be planned. ``last_reads`` is how much the reads before brought,
    by section and stream. ``doubt`` is why the clock could not be trusted. ``worth`` says that it is to be kept when
    the next run takes its place.
    """

    form: int = FORM
    run: str
    kind: str
    at: datetime
    doubt: str = ""
    reach: str
    config_digest: str
    allowed: tuple[str, ...]
    marks: dict[str, int]
    reads: PeopleRead
    last_reads: dict[str, dict[str, int]]
    attributes: tuple[str, ...]
    issuers: dict[str, str] = {}
    abilities: Abilities = Abilities()
    waiting: list[tuple[str, Subject, datetime]] = []
    unclear: list[Subject] = []
    touched: list[Subject] = []
    answers: Answers = msgspec.field(default_factory=Answers)
    changes: int = 0
    worth: bool = False

    @property
    def full(self) -> bool:
        """Whether the run read everything."""
        return self.reach == "everything"

    def people(self, source: str) -> int:
        """People in the complete read before; 0 when there was none."""
        return self.last_reads.get(source, {}).get("people", 0)

    def members(self, source: str, name: str) -> int:
        """Members of a group or app in the complete read before; 0 when there was none."""
        return self.last_reads.get(source, {}).get(f"group:{name}", 0)
