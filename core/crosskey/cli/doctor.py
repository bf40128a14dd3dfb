"""``crosskey doctor``."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from crosskey.cli.findings import show_findings
from crosskey.cli.options import config_option, json_option
from crosskey.cli.render import console_for_tables
from crosskey.cli.session import Session
from crosskey.doctor import examine, worst
from crosskey.journal import Watchbook

__all__ = ("doctor",)


@click.command(
    epilog="""\
\b
Examples:
  crosskey doctor                            before an upgrade, after a crash, when something is odd
  crosskey doctor --json > doctor.json       for whoever is to help
"""
)
@config_option
@json_option
def doctor(config_path: Path, *, as_json: bool) -> int:
    """Say whether this machine, the journal and its disk are fit; offline.

    Looks at versions, permissions, free space, every page of the journal and its chain of events, locks, the clock, old
    writes without an outcome, the watcher, and whether the next run must read everything. Changes nothing, needs no
    network and no secrets, and says what it can of a damaged journal. The exit code is 0 or that of the worst finding.
    """
    session = Session(config_path, offline=True)
    path, clock, connection = session.config.journal.path, session.clock, session.connection
    found = examine(session.config, clock.now(), lambda: Watchbook.reading(path, clock=clock, connection=connection))
    code = worst(found)
    if as_json:
        click.echo(msgspec.json.encode({"ok": not code, "findings": found}))
    else:
        console = console_for_tables()
        show_findings(console, found)
        console.print("[green]All is fit.[/]" if not code else "[red]Not all is fit.[/]")
    return int(code)
