"""``crosskey stop``."""

from __future__ import annotations

from pathlib import Path

import click

from crosskey.cli.options import config_option
from crosskey.cli.session import Session
from crosskey.engine.guarding import Switch
from crosskey.errors import ExitCode
from crosskey.journal import Watchbook

__all__ = ("stop",)


@click.command(
    epilog="""\
\b
Examples:
  crosskey stop --because "Halo is being moved"
  CROSSKEY_STOP=1 crosskey sync                  the same for one process
"""
)
@config_option
@click.option("--because", required=True, help="Why, for whoever finds it stopped. Name nobody.")
def stop(config_path: Path, *, because: str) -> int:
    """Stop all writes at once, also those of a run that is at work.

    The request under way ends, no other is sent. Reading and planning go on; `crosskey go` lets writes go on too.
    """
    session = Session(config_path, offline=True)
    path = session.config.journal.path
    Switch(path).stop(because, session.clock.now())
    if path.exists():
        with Watchbook.noting(path, clock=session.clock, connection=session.connection) as book:
            book.note_switch(stopped=True, because=because)
    click.echo("stopped: nothing is written until `crosskey go`")
    return int(ExitCode.OK)
