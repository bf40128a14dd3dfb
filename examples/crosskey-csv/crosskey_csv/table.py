"""Bytes to rows that know their line, or a refusal: a file that may be cut is no file.

What would be missing from a cut file would look like people who left, so whatever cannot be told from a cut one is
refused: no rows, a last row that is too short, an open quote, a last line that does not end, a wrong count.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec
from crosskey import ConfigError, ContractError, RetryableError
from crosskey.errors import close_matches

from crosskey_csv.settings import CsvSettings

__all__ = ("Row", "Table", "read_table")

_MARKS: Final = (  # UTF-32's little-endian mark begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SEPARATORS: Final = ",;\t|"


class Row(NamedTuple):
    """One row and the line on which it begins."""

    line: int
    cells: Sequence[str]


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """The header and all rows. ``places`` are columns by name, without those of which there are two."""

    name: str
    encoding: str
    separator: str
    places: dict[str, int]
    rows: tuple[Row, ...]

    def cell(self, row: Row, column: str) -> str:
        """What a row says in a column, without blanks around it; nothing, where no column was named."""
        return row.cells[self.places[column]].strip() if column else ""


def read_table(data: bytes, name: str, settings: CsvSettings, instance: str) -> Table:
    """The file as a table. Raises :class:`RetryableError` for one that may be cut, :class:`ContractError` for one
    that is whole and wrong, :class:`ConfigError` for settings that do not fit it.
    """
    return _Reading(name, settings, instance).table(data)


class _Reading:
    """One file under way, so that every refusal can name it."""

    def __init__(self, name: str, settings: CsvSettings, instance: str) -> None:
        self._name = name
        self._settings = settings
        self._instance = instance

    def table(self, data: bytes) -> Table:
        if not data.strip():
            raise self._cut("is empty", code="csv-empty")
        text, encoding = self._decoded(data)
        line_end = "\n" if "\n" in text else "\r"
        may_lack_it = line_end in text and (self._settings.trailer or not self._settings.newline_at_end)
        if not text.endswith(line_end) and not may_lack_it:
            raise self._cut("stops in the middle of its last line")
        text, separator = self._separated(text)
        rows = self._rows(text, separator)
        header = next(rows, Row(1, ()))
        places = self._places(header)
        return Table(
            name=self._name,
            encoding=encoding,
            separator=separator,
            places=places,
            rows=self._whole(header, list(rows)),
        )

    # ------------------------------------------------------------------------------------------------------------ text

    def _decoded(self, data: bytes) -> tuple[str, str]:
        encoding = next((name for mark, name in _MARKS if data.startswith(mark)), self._settings.encoding)
        try:
            text = data.decode(encoding)
        except LookupError:
            raise ConfigError(
                f'there is no encoding "{encoding}"',
                code="csv-encoding",
                where=f"{self._instance}.encoding",
                fix='write "utf-8", "cp1252", "iso-8859-15" …',
            ) from None
        except UnicodeDecodeError as error:
            if error.reason in ("unexpected end of data", "truncated data"):
                raise self._cut("stops in the middle of a character") from None
            line = data.count(b"\n", 0, error.start) + 1
            raise ConfigError(
                f"line {line} of {self._name} is not {encoding}",
                code="csv-encoding",
                where=f"{self._instance}.encoding",
                fix='let the HR system write UTF-8, or say what it writes: encoding = "cp1252"',
            ) from None
        if "\0" in text:
            line = text.count("\n", 0, text.index("\0")) + 1
            raise self._wrong("csv-nul", f"line {line} holds a NUL: it is no text, or not in {encoding}")
        return text, encoding

    def _separated(self, text: str) -> tuple[str, str]:
        """The text and what stands between its cells: what the settings say, the file (``sep=;``), or the header."""
        if text[:4].lower() == "sep=" and len(text) > 5:  # written by and for spreadsheets
            first, _, rest = text.partition("\n")
            return f"\n{rest}", self._settings.separator or first[4]
        if self._settings.separator:
            return text, self._settings.separator
        wanted = self._wanted()
        for separator in _SEPARATORS:
            header = next(csv.reader(io.StringIO(text, newline=""), delimiter=separator), None)
            if header and wanted.keys() <= {cell.strip() for cell in header}:
                return text, separator
        return text, max(
            _SEPARATORS, key=text.partition("\n")[0].count
        )  # the header's own refusal says what is missing

    def _rows(self, text: str, separator: str) -> Iterator[Row]:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader, None)
            except csv.Error as error:
                if "end of data" in str(error):
                    raise self._cut(f"has a quote in line {line} that nothing closes") from None
                raise self._wrong("csv-row", f"line {line} cannot be read: {error}") from None
            if cells is None:
                return
            if any(cell.strip() for cell in cells):
                yield Row(line, cells)

    # ----------------------------------------------------------------------------------------------------------- shape

    def _wanted(self) -> dict[str, str]:
        """The columns that settings name, and which key does."""
        settings = self._settings
        named = [(f"columns.{attribute}", column) for attribute, column in settings.columns.items()]
        named += [("id", settings.id), ("first_day", settings.first_day), ("last_day", settings.last_day)]
        named += [("group_columns", column) for column in settings.group_columns]
        return {column: key for key, column in named if column}

    def _places(self, header: Row) -> dict[str, int]:
        names = [cell.strip() for cell in header.cells]
        twice = {name for name in names if names.count(name) > 1}
        for column, key in self._wanted().items():
            if column in twice:
                raise self._wrong("csv-header", f'has {names.count(column)} columns named "{column}"')
            if column not in names:
                raise ConfigError(
                    f'{self._name} has no column "{column}". {close_matches(column, filter(None, names))}'.rstrip(),
                    code="csv-column",
                    where=f"{self._instance}.{key}",
                    fix="write the column as the file's first line has it, or `separator`, if that is what differs",
                )
        return {name: place for place, name in enumerate(names) if name and name not in twice}

    def _whole(self, header: Row, rows: list[Row]) -> tuple[Row, ...]:
        """The rows of people. Raises for anything that a cut file would show."""
        trailer = self._settings.trailer
        if trailer:
            last = rows.pop() if rows else Row(0, ())
            told = last.cells[1].strip() if len(last.cells) > 1 else ""
            if not last.cells or last.cells[0].strip() != trailer:
                raise self._cut(f'does not end in a line "{trailer}"')
            if told != str(len(rows)):
                raise self._cut(f'has {len(rows)} people, and its last line says "{told}"')
        width = len(header.cells)
        for row in rows:
            if len(row.cells) != width:
                what = f"line {row.line} has {len(row.cells)} cells, the header {width}"
                raise self._cut(what) if row is rows[-1] and not trailer else self._wrong("csv-row", what)
        if not rows:
            raise self._cut("holds nobody", code="csv-empty")
        return tuple(rows)

    def _cut(self, what: str, *, code: str = "csv-cut") -> RetryableError:
        return RetryableError(
            f"{self._name} {what}: it may be cut, or half-written; nothing of it was used",
            code=code,
            where=self._instance,
            fix="run again when the HR system has written it anew; let it write another file and rename that",
        )

    def _wrong(self, code: str, what: str) -> ContractError:
        return ContractError(
            f"{self._name}: {what}; nothing of it was used",
            code=code,
            where=self._instance,
            fix="correct it in the HR system, or its export",
        )
