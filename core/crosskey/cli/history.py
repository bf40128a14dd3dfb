"""``crosskey history``."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec
from rich.markup import escape
from rich.table import Table

from crosskey.cli.options import config_option, json_option
from crosskey.cli.render import console_for_tables
from crosskey.cli.session import Session
from crosskey.journal import OperationRecord, RunRecord

__all__ = ("history",)


@click.command(
    epilog="""\
\b
Examples:
  crosskey history
  crosskey history 20261123T212944-4f2a     what that run did (a prefix is enough)
"""
)
@click.argument("run", required=False)
@config_option
@json_option
@click.option("-n", "--limit", type=click.IntRange(1), default=20, show_default=True, help="How many runs, or changes.")
def history(run: str | None, config_path: Path, *, as_json: bool, limit: int) -> None:
    """List past runs, or show what one run did. Reads the journal only; needs no network and no secrets."""
    with Session(config_path, offline=True).reading() as journal:
        if run is None:
            runs = journal.runs(limit=limit)
            click.echo(msgspec.json.encode(runs)) if as_json else _show_runs(runs)
        else:
            record = journal.run(run)
            operations = journal.operations(run=record.id, limit=limit)
            if as_json:
                click.echo(msgspec.json.encode({"run": record, "operations": operations}))
            else:
                _show_run(record, operations)


def _show_runs(runs: list[RunRecord]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("run", "kind", "started (UTC)", "took", "verdict"):
        table.add_column(column, no_wrap=True)
    table.add_column("changes", overflow="fold")
    for run in runs:
        table.add_row(run.id, run.kind, f"{run.started_at:%Y-%m-%d %H:%M:%S}", _took(run), _verdict(run), _counts(run))
    console_for_tables().print(table)


def _show_run(run: RunRecord, operations: list[OperationRecord]) -> None:
    console = console_for_tables()
    kind = f"{run.kind} of {run.parent}" if run.parent else run.kind
    console.print(f"Run {run.id} ({kind}), {run.started_at:%Y-%m-%d %H:%M:%S} UTC, {_verdict(run)}")
    console.print(f"  {_counts(run)}")
    if run.note:
        console.print(f"  {escape(run.note)}")
    console.print(f"  configuration {run.config_digest[:12]}")
    if run.trace:
        console.print(f"  trace {run.trace}")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("change", "account", "who", "state", "why", "answer"):
        table.add_column(column, overflow="fold")
    for operation in operations:
        change = operation.change
        table.add_row(
            change.action,
            f"{change.kind} {operation.key or change.key or ''}".strip(),
            escape(change.label),
            f"{operation.state} by {operation.undone_by}" if operation.undone_by else operation.state,
            escape(change.why.get("", ", ".join((*change.fields, *change.references)))),
            escape(operation.message),
        )
    if operations:
        console.print(table)
    else:
        console.print("  It wrote nothing.")


def _took(run: RunRecord) -> str:
    return "" if run.ended_at is None else f"{(run.ended_at - run.started_at).total_seconds():.1f} s"


def _verdict(run: RunRecord) -> str:
    verdict = run.verdict or "running"
    colour = {"clean": "green", "held": "magenta", "partial": "yellow"}.get(verdict, "red")
    return f"[{colour}]{verdict}[/]"


def _counts(run: RunRecord) -> str:
    planned = ", ".join(f"{count} {name}" for name, count in run.counts.items() if not name.startswith("result."))
    done = ", ".join(
        f"{count} {name.removeprefix('result.')}" for name, count in run.counts.items() if name.startswith("result.")
    )
    if not planned and run.verdict in ("clean", "held"):
        planned = "nothing to do"
    return f"{planned}{f' → {done}' if done else ''}"
