"""What a check says of a file that can be read."""

from __future__ import annotations

from collections.abc import Iterator

from crosskey import Diagnostic

from crosskey_csv.roster import Roster
from crosskey_csv.settings import CsvSettings

__all__ = ("findings",)


def findings(roster: Roster, settings: CsvSettings, name: str, instance: str) -> Iterator[Diagnostic]:
    """What it holds, how leavers are told, and what nobody understands."""
    active = sum(person.active is True for person in roster.people.values())
    yield Diagnostic(
        severity="ok",
        code="csv-people",
        summary=f"{name} has {len(roster.people)} people, {active} of them active, in {len(roster.groups)} groups",
        path=instance,
    )
    if settings.complete and not settings.trailer:
        yield Diagnostic(
            severity="warning",
            code="csv-no-count",
            summary="whoever is missing counts as gone, and a file that was cut between two lines looks whole",
            path=f"{instance}.trailer",
            fix='let the HR system end the file with a line that counts its people, as END;1042: trailer = "END"',
        )
    if not settings.complete and not settings.inactive and not settings.last_day:
        yield Diagnostic(
            severity="warning",
            code="csv-no-leavers",
            summary="nothing in this file tells of leavers: absence means nothing, and no column does",
            path=instance,
            fix="name the column of the last day or the status; or, if the file always has everybody, complete = true",
        )
    yield from roster.warnings
