"""Whether this machine, the journal and its disk are fit for a run: offline, and without changing anything."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Final

from crosskey.config import Config
from crosskey.engine.provenance import plugins_of
from crosskey.engine.snapshot import DoubtError, read_origin
from crosskey.errors import CrosskeyError, Diagnostic, ExitCode, Severity
from crosskey.journal import JournalFile, Watchbook
from crosskey.watch.status import read_status

__all__ = ("Findings", "examine", "worst")

Findings = Mapping[str, list[Diagnostic]]
"""By section: versions, disk, journal, evidence, runs, snapshot."""

_ROOM: Final = 3
_LEAST: Final = 16 * 1024 * 1024
_SKEW: Final = timedelta(minutes=5)
_MIB: Final = 1024 * 1024


def examine(config: Config, now: datetime, open_book: Callable[[], Watchbook]) -> Findings:
    """Look at everything that can be looked at. What is damaged is a finding, and what comes after it goes on."""
    file = JournalFile(config.journal.path)
    found: dict[str, list[Diagnostic]] = {"versions": list(_versions(config)), "disk": list(_disk(file))}
    found["journal"] = file.problems()
    if not file.exists:
        found["journal"].append(_finding("info", "journal-missing", "there is no journal yet: the first run makes it"))
        return found
    try:
        with open_book() as book:
            for section, look in (
                ("journal", lambda: _journal(file, book, config)),
                ("evidence", lambda: _evidence(book)),
                ("runs", lambda: _runs(book, config, now)),
                ("snapshot", lambda: _snapshot(book, config, now)),
            ):
                found[section] = [*found.get(section, []), *_guarded(look)]
    except CrosskeyError as error:
        found["journal"].append(error.diagnostic())
    return found


def worst(findings: Findings) -> ExitCode:
    """The class of the first error, or of the first warning that has one."""
    everything = [each for section in findings.values() for each in section]
    for severity in ("error", "warning"):
        for each in everything:
            if each.severity == severity and each.exit_code:
                return each.exit_code
    return ExitCode.OK


def _guarded(look: Callable[[], Iterator[Diagnostic]]) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    try:
        for each in look():
            found.append(each)  # noqa: PERF402 - what was found before something failed is kept
    except CrosskeyError as error:
        found.append(error.diagnostic())
    return found


def _versions(config: Config) -> Iterator[Diagnostic]:
    plugins = ", ".join(f"{name} ({origin})" for name, origin in plugins_of(config).items())
    yield _finding(
        "ok", "versions", f"crosskey {version('crosskey')}, Python {platform.python_version()}", detail=plugins
    )
    mode, syncing = JournalFile.durability()
    yield _finding(
        "ok",
        "sqlite",
        f"SQLite {sqlite3.sqlite_version}: journal mode {mode}, syncing {syncing}, which it is safe with",
    )


def _disk(file: JournalFile) -> Iterator[Diagnostic]:
    folder = next(each for each in file.path.parents if each.exists())
    free, needed = shutil.disk_usage(folder).free, max(_LEAST, _ROOM * file.grew)
    said = f"{free // _MIB} MiB free, the last run took {file.grew / _MIB:.1f} MiB"
    if free < needed:
        yield _finding(
            "error",
            "disk-full",
            f"{said}: too little for a run",
            path=str(folder),
            fix=f"free at least {needed // _MIB} MiB on that file system",
            exit_code=ExitCode.STORAGE,
        )
    else:
        yield _finding("ok", "disk", said, path=str(folder))
    if not os.access(folder, os.W_OK):
        yield _finding(
            "error",
            "disk-read-only",
            "this folder cannot be written",
            path=str(folder),
            fix="give it to the user that runs crosskey, or mount it to be written",
            exit_code=ExitCode.STORAGE,
        )


def _journal(file: JournalFile, book: Watchbook, config: Config) -> Iterator[Diagnostic]:
    kept = book.keeping()
    yield _finding(
        "ok",
        "journal",
        f"{book.size / _MIB:.1f} MiB, schema {book.version}, {kept.events} events since {kept.since:%Y-%m-%d}"
        if kept.since
        else f"{book.size / _MIB:.1f} MiB, schema {book.version}, nothing happened yet",
        path=str(file.path),
    )
    if kept.since is not None and kept.blocked_by:
        yield _finding(
            "warning",
            "retention-blocked",
            f"what is older than {config.journal.keep.days} days cannot go: operation {kept.blocked_by} is not settled",
            fix="run `crosskey sync`; it looks what became of that write",
        )
    holder = file.holder()
    if holder is not None:
        yield _finding("info", "journal-held", f"a run is at work: {holder}")
    elif book.lease_holder() is not None:
        yield _finding("info", "lease-left", f"a run was killed: {book.lease_holder()}; the next one takes over")
    backups = sorted(file.path.parent.glob(f"{file.path.name}*.bak"))
    said = f"the newest copy beside it is {backups[-1].name}" if backups else "no copy lies beside it"
    yield _finding("info", "backup", f"{said}; copies kept elsewhere are not known here")


def _evidence(book: Watchbook) -> Iterator[Diagnostic]:
    found = book.audit()
    if found.damage:
        yield _finding(
            "error",
            "journal-corrupt",
            f"the file is damaged: {found.damage}",
            fix="restore it from a backup; `crosskey audit verify` says what can be trusted",
            exit_code=ExitCode.STORAGE,
        )
    if found.first_bad is not None:
        yield _finding(
            "error",
            "journal-altered",
            f"from event {found.first_bad} on it is not what was written: {found.reason}",
            detail=f"What can be trusted: {found.trustworthy}.",
            fix="crosskey audit verify",
            exit_code=ExitCode.ALTERED,
        )
    if found.ok:
        signed = f", signed by {found.keys[-1]}" if found.keys else ""
        yield _finding("ok", "chain", f"{found.trustworthy}; {found.segments} segments are sealed{signed}")
    if book.is_restored:
        yield _finding(
            "warning",
            "restored",
            "it came from a backup: the next run reads everything and leaves disables to a person",
            fix="crosskey plan",
            exit_code=ExitCode.HELD,
        )


def _runs(book: Watchbook, config: Config, now: datetime) -> Iterator[Diagnostic]:
    status = read_status(book, config, now)
    if status.runs:
        last = status.runs[0]
        yield _finding("ok", "last-run", f"{last.id}: {last.verdict or 'at work'}")
        if last.config_digest != config.digest:
            yield _finding(
                "info", "configuration-changed", "the configuration changed since: the next run reads everything"
            )
    ahead = book.last_event_at()
    if ahead is not None and ahead - now > _SKEW:
        yield _finding(
            "error",
            "clock",
            f"the clock says {now:%Y-%m-%d %H:%M} UTC, the journal's newest event is of {ahead:%Y-%m-%d %H:%M} UTC",
            fix="set the clock: waits, leases and graces are counted by it",
            exit_code=ExitCode.STORAGE,
        )
    if status.unsettled.count:
        yield _finding(
            "warning",
            "unsettled",
            f"{status.unsettled.count} writes have no known outcome,"
            f" the oldest since {status.unsettled.since:%Y-%m-%d %H:%M} UTC",
            fix="crosskey sync",
        )
    if status.watching == "lost":
        yield _finding(
            "error",
            "watcher-lost",
            f"the watcher died: {status.watcher.holder if status.watcher else ''}",
            fix="start `crosskey watch` again",
            exit_code=ExitCode.OVERDUE,
        )
    else:
        said = {"yes": "a watcher is at work", "no": "the watcher was stopped", "never": "nobody watches"}
        yield _finding("ok", "watcher", said[status.watching])


def _snapshot(book: Watchbook, config: Config, now: datetime) -> Iterator[Diagnostic]:
    path = config.journal.path.with_name("snapshot.sqlite")
    try:
        origin = read_origin(path)
        origin.refuse_unfit(config, book, origin.issuers, plugins_of(config), now)
    except DoubtError as doubt:
        yield _finding("info", "snapshot", f"the next run reads everything: {doubt.message}", path=str(path))
    else:
        yield _finding("ok", "snapshot", f"fit to go on from; all was read {origin.full_at:%Y-%m-%d %H:%M} UTC")


def _finding(
    severity: Severity,
    code: str,
    summary: str,
    *,
    detail: str = "",
    path: str = "",
    fix: str = "",
    exit_code: ExitCode = ExitCode.OK,
) -> Diagnostic:
    return Diagnostic(
        severity=severity, code=code, summary=summary, detail=detail, path=path, fix=fix, exit_code=exit_code
    )
