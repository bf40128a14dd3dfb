"""An HR file as an open identity source."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import date
from zoneinfo import ZoneInfo

from crosskey import (
    Context,
    CrosskeyError,
    Diagnostic,
    GroupsPage,
    MembersPage,
    PeoplePage,
    Person,
    ReadComplete,
    ReadPage,
    ReadRequest,
    RejectedError,
    Subject,
)

from crosskey_csv.changes import changed_pages, parts, place_of
from crosskey_csv.cursor import open_cursor, request_digest
from crosskey_csv.findings import findings
from crosskey_csv.fit import refuse_unfit
from crosskey_csv.hr_file import HrFile, Print
from crosskey_csv.roster import Roster, read_roster
from crosskey_csv.settings import CsvSettings
from crosskey_csv.table import read_table

__all__ = ("CompleteCsvSource", "CsvSource", "open_file")


def open_file(settings: CsvSettings, context: Context) -> CsvSource:
    """Open an HR file; nothing of it is read yet. Raises :class:`ConfigError` for settings that cannot be."""
    refuse_unfit(settings, context.instance)
    return (CompleteCsvSource if settings.complete else CsvSource)(settings, context)


class CsvSource:
    """Reads everybody in the file, and what differs from the file of a cursor.

    It cannot look anybody up: whoever is missing from a file that may leave people out is nowhere to be asked for, and
    without :meth:`CompleteCsvSource.find` the core never takes them for leavers.
    """

    def __init__(self, settings: CsvSettings, context: Context) -> None:
        self._settings = settings
        self._context = context
        self._instance = context.instance
        self._zone = ZoneInfo(settings.timezone)
        self._file = HrFile(settings.path, settle=settings.settle, clock=context.clock, instance=context.instance)
        self._known: tuple[Print, date, Roster] | None = None

    @property
    def issuer(self) -> str:
        """What the settings say, else the section's name: a file has no name of its own that lasts."""
        return self._settings.issuer or f"csv:{self._instance}"

    async def check(self) -> Sequence[Diagnostic]:
        """Read the file as a run would, and say what it holds and what nobody understands."""
        try:
            roster = await self._roster()
        except CrosskeyError as error:
            return [error.diagnostic()]
        return list(findings(roster, self._settings, self._file.name, self._instance))

    async def read(self, request: ReadRequest) -> AsyncGenerator[ReadPage]:
        """Everybody, all groups, and the members of those that ``request`` names. Reads the file once."""
        roster = await self._roster()
        request.apps.choose(())  # a file has none: whoever names one hears of it
        chosen = {group.id for group in request.groups.choose(roster.groups.values()).values()}
        for keys in parts(list(roster.people)):
            yield PeoplePage([roster.person(key, request.attributes) for key in keys])
        yield GroupsPage(list(roster.groups.values()))
        for group in sorted(chosen):
            for keys in parts(roster.members(group)):
                yield MembersPage(group, keys)
        place = place_of(roster, request, chosen, request_digest(request, self._settings, self.issuer))
        yield ReadComplete(cursor=place.text(), warnings=roster.warnings)

    async def read_changes(self, cursor: str, request: ReadRequest) -> AsyncGenerator[ReadPage]:
        """What differs from the file of ``cursor``, also because a day passed. Reads the file once.

        Somebody who is missing is a tombstone only where the file always lists everybody; otherwise the place is
        refused, because a full read is what tells the core of an absence without telling it of a leaver.
        """
        before = open_cursor(cursor, request_digest(request, self._settings, self.issuer), self._instance)
        roster = await self._roster()
        request.apps.choose(())
        chosen = {group.id for group in request.groups.choose(roster.groups.values()).values()}
        for page in changed_pages(before, roster, request, chosen, self._settings, self._instance):
            yield page

    async def groups_of(self, subject: Subject) -> frozenset[str]:
        """Ids of the person's groups, as the file has them. Raises :class:`RejectedError` for nobody in the file."""
        roster = await self._roster()
        if self._foreign(subject) or subject.id not in roster.groups_of:
            raise RejectedError(
                f"nobody in {self._file.name} has that number, so nobody can tell their groups",
                code="csv-nobody",
                where=self._instance,
            )
        return roster.groups_of[subject.id]

    def _foreign(self, subject: Subject) -> bool:
        return subject.issuer != self.issuer

    async def _roster(self) -> Roster:
        """What the file says today; parsed again only when the file or the day is another."""
        seen = await self._file.at_rest()
        today = self._context.clock.now().astimezone(self._zone).date()
        if self._known is None or self._known[:2] != (seen, today):
            table = read_table(self._file.read(seen), self._file.name, self._settings, self._instance)
            roster = read_roster(table, self._settings, issuer=self.issuer, instance=self._instance, today=today)
            self._known = (seen, today, roster)
        return self._known[2]


class CompleteCsvSource(CsvSource):
    """A file that always lists everybody, so it can say that there is nobody of a number."""

    async def find(self, subject: Subject) -> Person | None:
        """The person as the file has them now; ``None``: a whole file that lists everybody does not have them."""
        roster = await self._roster()
        return None if self._foreign(subject) else roster.people.get(subject.id)
