"""Record what a plan reads from live vendors; nothing is written to them, and no secret or person to the file."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec

from crosskey.cassettes.pseudonyms import Pseudonyms
from crosskey.config import Config
from crosskey.engine.connect import Connect
from crosskey.engine.run import Observer, RunOptions, RunResult, execute
from crosskey.http import recording
from crosskey.journal import JournalWriter
from crosskey.plugins import Plugins

__all__ = ("record",)


async def record(
    path: Path, config: Config, plugins: Plugins, connect: Connect, observer: Observer, *, pseudonyms: Pseudonyms | None
) -> RunResult:
    """Make a plan from nothing, as on the first day, and keep the whole traffic of it in a cassette at ``path``.

    The journal of the configuration is neither read nor touched. ``pseudonyms`` take people out; without them they stay
    as they are. Raises as a run does; then no cassette is written.
    """
    with tempfile.TemporaryDirectory(prefix="crosskey-record-") as folder:
        journal = msgspec.structs.replace(config.journal, path=Path(folder) / "journal.sqlite")
        apart = msgspec.structs.replace(config, journal=journal)
        with (
            recording(path, "all", synthetic=False, pseudonyms=pseudonyms),
            JournalWriter.open(journal.path, clock=connect.clock, connection=config.connection) as writer,
        ):
            return await execute(apart, plugins, writer, connect, RunOptions(kind="plan", trigger="record"), observer)
