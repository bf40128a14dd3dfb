"""``crosskey held``."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
import msgspec
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding

from crosskey.cli.options import config_option, json_option
from crosskey.cli.render import console_for_tables
from crosskey.cli.session import Session
from crosskey.engine.holds import Hold, holds, who_waits
from crosskey.engine.rails import Approvals
from crosskey.errors import ExitCode
from crosskey.journal import Waiting

__all__ = ("held",)

_SHOWN: Final = 10


@click.command(
    epilog="""\
\b
Examples:
  crosskey held
  crosskey held --all                        everybody and every change, not only ten
  crosskey held >/dev/null || page me        for monitors: the exit code is 6 while something waits
"""
)
@config_option
@json_option
@click.option("--all", "show_all", is_flag=True, help="Show all that waits, not only the first of each sort.")
def held(config_path: Path, *, as_json: bool, show_all: bool) -> int:
    """List what waits for a person, why, and what lets it through.

    What the newest plan holds: since when, ten of each sort, and the command that approves it. Reads the journal only;
    needs no network and no secrets. The exit code is 6 while something waits, else 0.
    """
    session = Session(config_path, offline=True)
    with session.reading() as journal:
        waiting = journal.waiting()
        found = holds(waiting, Approvals(journal.usable_approvals(session.clock.now())))
    if as_json:
        _print_json(found, waiting, show_all=show_all)
    else:
        console = console_for_tables()
        for hold in found:
            _show(console, hold, waiting if show_all else [])
        if not found:
            console.print("Nothing is held.")
    return int(ExitCode.HELD if found else ExitCode.OK)


def _print_json(found: list[Hold], waiting: list[Waiting], *, show_all: bool) -> None:
    short = [msgspec.structs.replace(hold, examples=hold.examples[:_SHOWN]) for hold in found]
    data: dict[str, object] = {"held": short}
    if show_all:
        data["waiting"] = [each for each in waiting if each.held.subject is not None]
    click.echo(msgspec.json.encode(data))


def _show(console: Console, hold: Hold, waiting: list[Waiting]) -> None:
    console.print(f"[magenta]! {hold.rail}[/]: [bold]{escape(_what(hold))}[/]")
    _say(console, escape(hold.summary))
    _say(console, f"since {hold.since:%Y-%m-%d %H:%M} UTC, first in run {hold.run}")
    everything = [_line(each) for each in waiting if _belongs(each, hold)]
    shown = everything or list(hold.examples[:_SHOWN])
    for line in shown:
        _say(console, escape(line), indent=4)
    if hold.count > len(shown) and hold.scope != "run":
        _say(console, f"… and {hold.count - len(shown)} more; --all shows every one", indent=4)
    if hold.approved:
        _say(console, f"[green]approved[/]: {hold.approved} of {hold.count} go with the next run that writes")
    if hold.approve:
        _say(console, f"approve: {escape(hold.approve)}")
    if hold.fix:
        _say(console, f"fix: {escape(hold.fix)}")


def _what(hold: Hold) -> str:
    if hold.scope == "run":
        return "the whole run"
    if hold.scope == "class":
        return f"{hold.count} {hold.kind} {hold.action}{'' if hold.count == 1 else 's'}"
    of_kind = f", {hold.kind} accounts" if hold.kind else ""
    return f"{hold.count} {'person' if hold.count == 1 else 'people'}{of_kind}"


def _belongs(each: Waiting, hold: Hold) -> bool:
    held = each.held
    same = (held.rail, held.scope, held.kind) == (hold.rail, hold.scope, hold.kind)
    return same and held.subject is not None and hold.action in (None, held.action)


def _line(each: Waiting) -> str:
    held, change = each.held, each.change
    if change is None:
        return f"{who_waits(each)}: {held.summary}"
    parts = ", ".join((*change.fields, *change.references)) if change.action == "update" else ""
    return f"{who_waits(each)}: {parts or change.why.get('', change.action)}"


def _say(console: Console, text: str, *, indent: int = 2) -> None:
    """A paragraph whose lines are all indented."""
    console.print(Padding(text, (0, 0, 0, indent), expand=False))
