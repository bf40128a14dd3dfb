"""T5: each way in which a disk or a file can fail, done to the journal of a small synthetic company before a run.

``python -m proofs.storage`` does each to a journal with history, lets somebody leave, runs the real command line
against the local vendors, and prints what came of it: the exit code, the code of the error, and how many records were
written to the desk after the fault. The bar: exactly the exit code and code of the table, and nothing written.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from crosskey.errors import ExitCode
from crosskey_sandbox.okta import leave
from crosskey_sandbox.stage import Stage, configuration, on_stage

__all__ = ("FAULTS", "Came", "Company", "Fault", "Unable", "suffer", "table")


class Company:
    """A folder with a configuration, a journal that knows everybody, an older copy of it, and somebody who left."""

    def __init__(self, folder: Path, stage: Stage) -> None:
        self.folder, self.stage = folder, stage
        (folder / "crosskey.toml").write_text(configuration(stage), encoding="utf-8")
        self.kept = folder / ".crosskey"
        self.journal = self.kept / "journal.sqlite"
        self.older, self.good = folder / "older.sqlite", folder / "good"
        self.types("sync")
        shutil.copy2(self.journal, self.older)
        self.types("sync")
        shutil.copytree(self.kept, self.good)
        leave(stage.org, stage.somebody().login)
        self.mounted = False

    def mend(self) -> None:
        """Everything as it was before a fault."""
        if self.mounted:
            _mount("umount", str(self.kept))
            self.mounted = False
        shutil.rmtree(self.kept)
        shutil.copytree(self.good, self.kept)

    def mounts(self, *, spare: int, then: str = "") -> None:
        """Put what is kept on a disk of its own, with so much to spare. Raises :class:`Unable` where nobody may."""
        size = sum(-(-each.stat().st_size // 4096) * 4096 for each in self.good.rglob("*")) + spare
        _mount("mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "crosskey-proof", str(self.kept))
        self.mounted = True
        shutil.copytree(self.good, self.kept, dirs_exist_ok=True)
        if then:
            _mount("mount", "-o", f"remount,{then}", str(self.kept))

    def types(self, *words: str) -> tuple[int, str]:
        """Type a command; its exit code and what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "crosskey", *words],
            cwd=self.folder,
            env={**os.environ, **self.stage.secrets()},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout

    def alters(self, *statements: str) -> None:
        """Change the journal with another program."""
        other = sqlite3.connect(self.journal)
        for statement in statements:
            other.execute(statement)
        other.commit()
        other.close()

    def writes(self, place: int, content: bytes) -> None:
        """Overwrite bytes of the journal."""
        whole = bytearray(self.journal.read_bytes())
        whole[place : place + len(content)] = content
        self.journal.write_bytes(whole)


class Fault(msgspec.Struct, frozen=True):
    """What is done, and what a run then comes to. ``code``: the error's, or the rail that holds."""

    name: str
    inflict: Callable[[Company], object]
    exit_code: ExitCode
    code: str


class Unable(Exception):  # noqa: N818 - not an error of the program
    """This machine does not let anybody mount a disk."""


def _mount(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unable(done.stderr.strip())


def _flip(company: Company) -> None:
    company.writes(company.journal.read_bytes().rindex(b"run.closed"), b"s")


def _cut(company: Company) -> None:
    content = company.journal.read_bytes()
    company.journal.write_bytes(content[: len(content) // 2])


def _another_program(company: Company) -> None:
    company.journal.unlink()
    company.alters("CREATE TABLE recipe (name TEXT)")
    company.journal.chmod(0o600)


def _older(company: Company) -> None:
    shutil.copy2(company.older, company.journal)


_READ_ONLY = (ExitCode.STORAGE, "journal-read-only")

FAULTS: tuple[Fault, ...] = (
    Fault("open to everybody", lambda at: at.journal.chmod(0o644), ExitCode.STORAGE, "journal-exposed"),
    Fault("a folder in its place", lambda at: _folder(at.journal), ExitCode.STORAGE, "journal-foreign"),
    Fault("emptied", lambda at: at.journal.write_text(""), ExitCode.STORAGE, "journal-corrupt"),
    Fault("cut in half", _cut, ExitCode.STORAGE, "journal-corrupt"),
    Fault("a damaged header", lambda at: at.writes(0, bytes(16)), ExitCode.STORAGE, "journal-foreign"),
    Fault("damaged pages", lambda at: _spoil(at.journal), ExitCode.STORAGE, "journal-corrupt"),
    Fault("one flipped byte in a text", _flip, ExitCode.STORAGE, "journal-altered"),
    Fault("another program's database", _another_program, ExitCode.STORAGE, "journal-foreign"),
    Fault("a newer schema", lambda at: at.alters("PRAGMA user_version = 99"), ExitCode.STORAGE, "journal-newer"),
    Fault("an older copy put back", _older, ExitCode.HELD, "restored"),
    Fault(
        "a disk that may not be written",
        lambda at: at.mounts(spare=1 << 20, then="ro"),
        ExitCode.STORAGE,
        "journal-read-only",
    ),
    Fault("on a disk that is full", lambda at: at.mounts(spare=0), ExitCode.STORAGE, "journal-full"),
)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _spoil(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for page in range(1, len(content) // 4096):
        content[page * 4096 : page * 4096 + 12] = b"\xff" * 12
    path.write_bytes(content)


class Came(msgspec.Struct, frozen=True):
    """What a fault came to: the exit code, the error's code or the rails that held, and the records written."""

    exit_code: int
    codes: tuple[str, ...]
    written: int


def suffer(company: Company, fault: Fault) -> Came:
    """Do it to a good journal, and run. Raises :class:`Unable` where this machine cannot do it."""
    company.mend()
    fault.inflict(company)
    before = len(company.stage.desk.writes)
    code, out = company.types("sync", "--json")
    said = json.loads(out)
    codes = (
        (said["error"]["code"],) if said.get("error") else tuple(each["rail"] for each in said["plan"].get("held", []))
    )
    return Came(code, codes, len(company.stage.desk.writes) - before)


def table() -> str:
    """The faults as Markdown, for the page about proof."""
    lines = [f"| {fault.name} | {int(fault.exit_code)} | `{fault.code}` |" for fault in FAULTS]
    return "\n".join(("| the journal is | exit code | code |", "| --- | --- | --- |", *lines))


def main() -> None:
    """Do all of them, and say which came to something else."""
    wrong = 0
    with tempfile.TemporaryDirectory() as folder, on_stage(people=30, groups=40) as stage:
        company = Company(Path(folder), stage)
        for fault in FAULTS:
            try:
                came = suffer(company, fault)
            except Unable as unable:
                print(f"?  {fault.name}: not tried here ({unable})")
                continue
            fine = came.exit_code == fault.exit_code and fault.code in came.codes and not came.written
            wrong += not fine
            print(f"{'ok' if fine else 'NO'} {fault.name}: exit {came.exit_code}, {came.codes}, {came.written} written")
        company.mend()
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
