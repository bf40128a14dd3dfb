"""The first plan after the swap, made by the real planner over a copy of the journal in which the links have moved."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import msgspec

from crosskey.config import Config, JournalSettings
from crosskey.connector.target import Target, TargetSchema
from crosskey.engine.connect import Connect
from crosskey.engine.marker import marker
from crosskey.engine.order import Observer, RunOptions
from crosskey.engine.rails import Allowed
from crosskey.engine.run import execute
from crosskey.engine.swap.cutover import Pretend, cut_over
from crosskey.errors import StorageError
from crosskey.journal import JournalWriter
from crosskey.model import Subject
from crosskey.plan import Change, PlanHeader
from crosskey.plugins import Plugins

__all__ = ("rehearse",)


async def rehearse(
    new: Config,
    plugins: Plugins,
    journal: JournalWriter,
    connect: Connect,
    target: Target,
    schema: TargetSchema,
    changes: Sequence[Change],
    moves: Sequence[tuple[Subject, Subject]],
    *,
    allowed: Allowed,
    observer: Observer,
) -> tuple[PlanHeader, list[Change]]:
    """The plan that the first run after the swap would make, and its first changes. Reads; writes nothing anywhere.

    The copy lies in a private folder beside the journal, and goes with it; what a kill left there goes first.
    """
    folder = new.journal.path.with_name("rehearsal")
    try:
        _make_private(folder)
        path = folder / "journal.sqlite"
        journal.copy_to(path)
        config = msgspec.structs.replace(new, journal=JournalSettings(path=path))
        with JournalWriter.open(path, clock=connect.clock, connection=journal.connection) as copy:
            run = copy.start_run(
                "swap", trigger="rehearsal", config_digest=new.digest, config_text=new.canonical, plugins={}
            )
            settle = timedelta(seconds=schema.settle)
            await cut_over(
                copy,
                Pretend(target),
                schema,
                changes,
                run=run,
                settle=settle,
                stop=lambda: False,
                progress=lambda _changes, _outcomes: None,
                telling=connect.telling("rehearsal"),
            )
            copy.move_vouchers(moves, run=run)
            copy.end_run(run, "clean", {})
            moved = [change for change in changes if change.former is not None and change.marker]
            markers = {marker(change.former): change.marker for change in moved if change.former is not None}
            options = RunOptions(kind="plan", trigger="rehearsal", allowed=allowed, markers=markers)
            result = await execute(config, plugins, copy, connect, options, observer)
            shown = [change for _, change in zip(range(100), result.plan.changes(), strict=False)]
            return result.plan.header, shown
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make_private(folder: Path) -> None:
    try:
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise StorageError(
            f"there is no room for a rehearsal: {error.strerror}",
            code="rehearsal",
            where=str(folder),
            fix="remove that folder, or make the one around it writable",
        ) from error
