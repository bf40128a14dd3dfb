"""``crosskey drift``."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec
from rich.markup import escape

from crosskey.cli.listing import Listing
from crosskey.cli.options import config_option, json_option
from crosskey.cli.render import Names, console_for_tables, reference_names, written
from crosskey.cli.session import Session
from crosskey.engine.drift import DriftShown, report
from crosskey.engine.stage import Stage
from crosskey.journal import Value

__all__ = ("drift",)


@click.command(
    epilog="""\
\b
Examples:
  crosskey drift                             everything that stands
  crosskey drift --json | jq '.[].drift'     for programs
"""
)
@config_option
@json_option
def drift(config_path: Path, *, as_json: bool) -> None:
    """List what somebody else changed in the target, and what comes of it.

    A field, a given reference or the switch of an account has drifted when it differs from what crosskey last applied.
    Reads the last run's snapshot and the journal; needs no network and no secrets.
    """
    session = Session(config_path, offline=True)
    snapshot = session.config.journal.path.with_name("snapshot.sqlite")
    with session.reading() as journal, Stage.kept(snapshot) as stage:
        found = report(session.config, journal, stage)
    if as_json:
        click.echo(msgspec.json.encode(found.drifts))
        return
    console = console_for_tables()
    names = reference_names(found.schema, found.catalogue)
    details = {"last applied": 3, "now": 2, "wanted": 2, "what comes of it": 4}
    listing = Listing("account", "field", "who", details=details)
    for one in found.drifts:
        listing.add(*_cells(one, names))
    if found.drifts:
        console.print(listing)
    console.print(f"{len(found.drifts) or 'No'} drift{'' if len(found.drifts) == 1 else 's'}.")


def _cells(one: DriftShown, names: Names) -> tuple[str, ...]:
    drift = one.drift

    def show(value: Value) -> str:
        if isinstance(value, tuple):
            return ", ".join(names(drift.kind, drift.part, id_) for id_ in value) or written(None)
        return written(value)

    applied = show(drift.ours) + (f" (run {one.applied_in})" if one.applied_in else "")
    comes = f"{one.policy}: {one.will} (noticed {drift.since:%Y-%m-%d %H:%M} UTC)"
    cells = (f"{drift.kind} {drift.key}", drift.part, one.label, applied, show(drift.now), show(one.wanted), comes)
    return tuple(escape(cell) for cell in cells)
