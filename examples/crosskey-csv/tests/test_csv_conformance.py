"""The source by the kit of crosskey, over a folder in which an HR system rewrites its file."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from tempfile import mkdtemp
from typing import ClassVar

from crosskey.testing import FakeDirectory, SourceConformance


class HrSystem(FakeDirectory):
    """People and groups in memory, written as a whole file whenever anything changes."""

    statuses: ClassVar = {"Active": True, "Terminated": False, "Sabbatical": None}

    def __init__(self, folder: Path) -> None:
        self._path = folder / "people.csv"
        self._rows: dict[str, dict[str, str]] = {}
        self._groups: dict[str, set[str]] = {}
        self.settings = f"path = {str(self._path)!r}"

    def hire(self, name: str) -> str:
        number = f"{len(self._rows) + 1:05}"
        self._rows[number] = {"Name": name, "Mail": f"{name}@acme.example", "State": "Active"}
        return self._written(number)

    def rename(self, person: str, name: str) -> None:
        self._rows[person]["Name"] = name
        self._written()

    def suspend(self, person: str) -> None:
        self.set_status(person, "Terminated")

    def restore(self, person: str) -> None:
        self.set_status(person, "Active")

    def set_status(self, person: str, status: str) -> None:
        self._rows[person]["State"] = status
        self._written()

    def delete(self, person: str) -> None:
        self._rows[person]["Name"] = ""
        self._written()

    def form(self, name: str) -> str:
        self._groups[name] = set()
        return f"Team={name}"

    def join(self, group: str, person: str) -> None:
        self._groups[group.removeprefix("Team=")].add(person)
        self._written()

    def leave(self, group: str, person: str) -> None:
        self._groups[group.removeprefix("Team=")].discard(person)
        self._written()

    def _written(self, number: str = "") -> str:
        text = io.StringIO(newline="")
        rows = csv.writer(text)
        rows.writerow(["No", "Name", "Mail", "State", "Team"])
        listed = {number: row for number, row in self._rows.items() if row["Name"]}
        for key, row in listed.items():
            teams = "|".join(team for team, members in self._groups.items() if key in members)
            rows.writerow([key, row["Name"], row["Mail"], row["State"], teams])
        rows.writerow(["END", len(listed), "", "", ""])
        self._path.write_text(text.getvalue(), encoding="utf-8")
        return number


class Csv(SourceConformance):
    plugin = "crosskey_csv"
    use = "csv"
    settings = """
id = "No"
columns = { display_name = "Name", email = "Mail", status = "State" }
active = ["Active"]
inactive = ["Terminated"]
group_columns = ["Team"]
group_separator = "|"
empty_groups = ["Team=Kit Group"]
trailer = "END"
"""
    skips: ClassVar = {
        "test_a_cursor_that_the_vendor_forgot_is_told_so": "a cursor holds all that the next file is compared with: "
        "there is nobody who could forget it"
    }

    def vendor(self, clock: object) -> HrSystem:  # noqa: ARG002 - a file knows no time
        return HrSystem(Path(mkdtemp(dir=self.folder)))


class TestCsv(Csv):
    """A file that may leave people out."""


class TestCompleteCsv(Csv):
    """A file that always lists everybody: it can say that somebody is gone."""

    settings = f"{Csv.settings}\ncomplete = true"
