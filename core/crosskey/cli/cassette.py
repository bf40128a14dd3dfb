"""``crosskey cassette``."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from crosskey.cassettes import Drift, Finding, Pseudonyms, compare, lint, load, record, summarise
from crosskey.cli.options import config_option, json_option
from crosskey.cli.progress import ProgressBar
from crosskey.cli.render import console_for_tables
from crosskey.cli.running import StopFlag, supervised
from crosskey.cli.session import Session
from crosskey.errors import ConfigError, ExitCode

__all__ = ("cassette",)

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group(
    epilog="""\
\b
Examples:
  crosskey cassette record tests/monday.yaml
  crosskey cassette lint tests/*.yaml
  crosskey cassette drift tests/monday.yaml
"""
)
def cassette() -> None:
    """Record what vendors answer, without secrets and people, for tests."""


@cassette.command("record")
@click.argument("file", type=_FILE)
@config_option
@click.option("--keep-people", is_flag=True, help="Leave people as they are: for a test tenant of invented people.")
@click.option("--overwrite", is_flag=True, help="Replace the file where it is there already.")
def record_cassette(file: Path, config_path: Path, *, keep_people: bool, overwrite: bool) -> int:
    """Make a plan and keep everything the vendors answered in FILE.

    Only reads, as `crosskey plan` does, and starts from an empty journal of its own. Credentials, tokens and cookies
    never reach the file. People become inventions: names, addresses, phone and employee numbers, the same one for the
    same person everywhere. Ids, groups, departments and titles stay, and so does the tenant's address.
    """
    if file.exists() and not overwrite:
        raise ConfigError("the file is there already", code="cassette", where=str(file), fix="add --overwrite")
    pseudonyms = None if keep_people else Pseudonyms()
    _record(file, config_path, pseudonyms)
    _show_summary(console_for_tables(), file)
    if pseudonyms is not None:
        click.echo(f"{pseudonyms.known} personal values were replaced")
    return _tell_findings([(file, finding) for finding in lint(file) if not keep_people or finding.sort != "person"])


@cassette.command("lint")
@click.argument("files", nargs=-1, required=True, type=_FILE)
@json_option
def lint_cassettes(files: tuple[Path, ...], *, as_json: bool) -> int:
    """Look for secrets and for people who exist in cassettes.

    The exit code is 0 when nothing was found, else 5. What is found is told by its place, never shown.
    """
    found = [(file, finding) for file in files for finding in lint(file)]
    if as_json:
        click.echo(msgspec.json.encode([{"file": str(file), **msgspec.structs.asdict(one)} for file, one in found]))
        return int(ExitCode.REJECTED if found else ExitCode.OK)
    return _tell_findings(found)


@cassette.command("show")
@click.argument("file", type=_FILE)
@json_option
def show_cassette(file: Path, *, as_json: bool) -> None:
    """Show what was asked for in a cassette, how often, and how it was answered."""
    if as_json:
        click.echo(msgspec.json.encode(summarise(load(file))))
    else:
        _show_summary(console_for_tables(), file)


@cassette.command("drift")
@click.argument("file", type=_FILE)
@config_option
@json_option
def drift_cassette(file: Path, config_path: Path, *, as_json: bool) -> int:
    """Ask the vendors again and say where their answers no longer have the recorded shape.

    Only reads. The exit code is 5 when a recorded member is gone or has another type, else 0: new members break
    nothing. What live was not asked is listed as unasked.
    """
    recorded = load(file)
    with tempfile.TemporaryDirectory(prefix="crosskey-drift-") as folder:
        live = Path(folder) / "live.yaml"
        _record(live, config_path, Pseudonyms())
        drifts = compare(recorded, load(live))
    if as_json:
        click.echo(msgspec.json.encode(drifts))
    else:
        _show_drifts(console_for_tables(), drifts)
    return int(ExitCode.REJECTED if any(drift.breaks for drift in drifts) else ExitCode.OK)


def _record(file: Path, config_path: Path, pseudonyms: Pseudonyms | None) -> None:
    session = Session(config_path)
    with ProgressBar(Console(stderr=True, highlight=False)) as progress:
        work = record(file, session.config, session.plugins, session.connect, progress, pseudonyms=pseudonyms)
        asyncio.run(supervised(work, StopFlag()))


def _tell_findings(found: Sequence[tuple[Path, Finding]]) -> int:
    for file, finding in found:
        click.echo(f"{file}: {finding.sort}: {finding.place}: {finding.text}")
    return int(ExitCode.REJECTED if found else ExitCode.OK)


def _show_summary(console: Console, file: Path) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("request", "times", "answers", "most records", "bytes"):
        table.add_column(column, overflow="fold", justify="left" if column in ("request", "answers") else "right")
    for one in summarise(load(file)):
        answers = ", ".join(f"{count} of {status}" for status, count in one.statuses.items())
        table.add_row(escape(one.place), str(one.count), answers, str(one.records), f"{one.bytes:,}")
    console.print(table)


def _show_drifts(console: Console, drifts: Sequence[Drift]) -> None:
    if not drifts:
        console.print("live answers have the recorded shape")
    for drift in drifts:
        colour = "red" if drift.breaks else "dim"
        types = f": {'/'.join(drift.recorded) or 'nothing'} → {'/'.join(drift.live) or 'nothing'}" if drift.path else ""
        console.print(f"[{colour}]{drift.sort}[/] {escape(drift.place)} {escape(drift.path)}{types}")
