"""``crosskey go``."""

from __future__ import annotations

from pathlib import Path

import click

from crosskey.cli.options import config_option
from crosskey.cli.session import Session
from crosskey.engine.guarding import Switch
from crosskey.errors import ExitCode
from crosskey.journal import Watchbook

__all__ = ("go",)


@click.command(
    epilog="""\
\b
Examples:
  crosskey go
"""
)
@config_option
def go(config_path: Path) -> int:
    """Let writes go on after `crosskey stop`."""
    session = Session(config_path, offline=True)
    path = session.config.journal.path
    switch = Switch(path)
    was_stopped = switch.go()
    if was_stopped and path.exists():
        with Watchbook.noting(path, clock=session.clock, connection=session.connection) as book:
            book.note_switch(stopped=False)
    still = switch.look()
    if still is not None:
        click.echo(f"still stopped: {still.fix}", err=True)
        return int(ExitCode.HELD)
    click.echo("writes go on" if was_stopped else "nothing was stopped")
    return int(ExitCode.OK)
