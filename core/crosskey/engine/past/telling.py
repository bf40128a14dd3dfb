"""Sources and target as they answered then. A question that nobody asked then is answered as if absence were true.

So a plan made again shows the most that could have come of it, and says how many questions stayed open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from crosskey.config import SourceSection
from crosskey.connector.source import ReadPage, ReadRequest
from crosskey.connector.target import Seats
from crosskey.engine.past.moment import Moment
from crosskey.engine.sources import OpenSource, Sources
from crosskey.errors import ContractError, Diagnostic, RetryableError
from crosskey.model import Account, Person, Subject
from crosskey.plan import Change, Duty

__all__ = ("OpenQuestions", "ToldSources", "ToldTarget")


class OpenQuestions:
    """How many questions nobody had asked then."""

    def __init__(self) -> None:
        self.count = 0

    def note(self) -> None:
        """One more."""
        self.count += 1


class _Silent:
    """A source of which only the name is left."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer

    async def check(self) -> Sequence[Diagnostic]:
        """Nothing to try."""
        return ()

    async def read(self, request: ReadRequest) -> ReadPage:
        """Nobody may read: it is all in the stage."""
        raise ContractError(f"a source of the past was read: {request}", code="past-read")


class ToldSources(Sources):
    """The sources of a moment."""

    def __init__(self, sections: Sequence[SourceSection], moment: Moment, unasked: OpenQuestions) -> None:
        super().__init__([OpenSource(each, _Silent(moment.issuers[each.path])) for each in sections])  # pyright: ignore[reportArgumentType] - never read
        self._people = dict(moment.answers.people)
        self._groups = dict(moment.answers.groups)
        self._finding = moment.abilities.finding
        self._unasked = unasked

    def can_find(self, subject: Subject) -> bool:
        """Whether somebody's source could look people up then."""
        return subject.issuer in self._finding

    async def find(self, subject: Subject) -> Person | None:
        """What the source said then."""
        if subject not in self._people:
            self._unasked.note()
        return self._people.get(subject)

    async def groups_of(self, subject: Subject) -> frozenset[str] | None:
        """What the source said then."""
        if subject not in self._groups:
            self._unasked.note()
        groups = self._groups.get(subject)
        return None if groups is None else frozenset(groups)


class ToldTarget:
    """The target of a moment; it can what it could then."""

    def __init__(self, moment: Moment, unasked: OpenQuestions) -> None:
        accounts: Mapping[str, Account | None] = dict(moment.answers.accounts)
        counted = moment.answers.seats

        async def find(change: Change) -> Account | None:
            if change.id not in accounts:
                unasked.note()
            return accounts.get(change.id)

        async def seats() -> Mapping[str, Seats]:
            if counted is None:
                unasked.note()
            return counted or {}

        told = dict(moment.answers.duties)

        async def duties(kind: str, keys: Sequence[str]) -> Mapping[str, Sequence[Duty]]:
            answer = told.get(kind)
            if isinstance(answer, str):
                raise RetryableError(answer)
            if answer is None or not answer.keys() >= set(keys):
                unasked.note()
            return answer or {}

        if moment.abilities.target_tells_duties:
            self.duties = duties
        if moment.abilities.target_finds:
            self.find = find
        if moment.abilities.target_counts:
            self.seats = seats
