"""Whether somebody works here: what the status column says, within the first and the last day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime

from crosskey import Diagnostic

from crosskey_csv.settings import CsvSettings
from crosskey_csv.table import Row, Table

__all__ = ("Verdicts",)


class Verdicts:
    """Judges rows as of one day, and remembers what it did not understand."""

    def __init__(self, settings: CsvSettings, today: date) -> None:
        self._settings = settings
        self._today = today
        self._column = settings.columns.get("status", "")
        self._active = {word.casefold() for word in settings.active}
        self._inactive = {word.casefold() for word in settings.inactive}
        self._unknown: Counter[str] = Counter()
        self._no_days: list[int] = []

    def of(self, table: Table, row: Row) -> bool | None:
        """Should have accounts, should not, or (``None``) nobody can tell: then nothing is changed."""
        settings = self._settings
        try:
            first = self._day(table.cell(row, settings.first_day))
            last = self._day(table.cell(row, settings.last_day))
        except ValueError:
            self._no_days.append(row.line)
            return None
        said = self._said(table.cell(row, self._column)) if self._column else True
        outside = (first is not None and self._today < first) or (last is not None and self._today > last)
        return False if outside else said

    def _said(self, word: str) -> bool | None:
        folded = word.casefold()
        if folded in self._inactive:
            return False
        if folded in self._active:
            return True
        self._unknown[word] += 1
        return None

    def _day(self, text: str) -> date | None:
        return datetime.strptime(text, self._settings.dates).date() if text else None  # noqa: DTZ007 - a day has no zone

    def warnings(self, instance: str) -> Iterable[Diagnostic]:
        """What nobody understood: nothing is changed for those people."""
        if self._unknown:
            words = ", ".join(f'"{word}" ({count})' for word, count in self._unknown.most_common(10))
            yield Diagnostic(
                severity="warning",
                code="csv-status",
                summary=f"{self._unknown.total()} people have a status that means nothing: nothing is changed for them",
                detail=words,
                path=f"{instance}.inactive",
                fix="write each word into `active` or `inactive`",
            )
        if self._no_days:
            lines = ", ".join(map(str, self._no_days[:10]))
            yield Diagnostic(
                severity="warning",
                code="csv-day",
                summary=f"{len(self._no_days)} people have a first or last day that is none: nothing is changed there",
                detail=f"Lines {lines}{' …' if len(self._no_days) > 10 else ''}.",
                path=f"{instance}.dates",
                fix='correct those days, or say how days are written: dates = "%d.%m.%Y"',
            )
