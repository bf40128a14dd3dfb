"""``crosskey sso step``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding

from crosskey.cli.options import config_option, json_option
from crosskey.cli.render import console_for_tables
from crosskey.cli.session import Session
from crosskey.cli.user import this_user
from crosskey.config import DOORS, DoorSection
from crosskey.connector.sso import Door
from crosskey.errors import ConfigError, Diagnostic, ExitCode
from crosskey.journal import STEPS, BreakGlass, Doorbook, Step, StepRecord, Watchbook
from crosskey.sso.rollout import Rollout, move, read_rollout

__all__ = ("door_of", "noting", "step", "told_of")


@click.command(
    epilog="""\
\b
Examples:
  crosskey sso step agents                 where the door is, and what each further step waits for
  crosskey sso step agents button          one step forward
  crosskey sso step agents test            back at once, whatever is: nobody comes in by the door, nobody stays inside
"""
)
@click.argument("door", type=click.Choice(DOORS))
@click.argument("to", metavar="[STEP]", type=click.Choice(STEPS), required=False)
@click.option("--because", default="", metavar="REASON", help="Why. Kept in the journal.")
@config_option
@json_option
def step(door: Door, to: Step | None, config_path: Path, *, because: str, as_json: bool) -> int:
    """Show how far a door is rolled out, or move it to a STEP.

    Forward one step at a time, when what it waits for is there; back any number, always. Works on the journal: without
    network and secrets, and while `crosskey serve` runs, which obeys at the next request.
    """
    session = Session(config_path, offline=True)
    section = door_of(session, door)
    if to is None:
        with _reading(session) as book:
            found = read_rollout(session.config, section, book, session.clock.now())
        if as_json:
            click.echo(msgspec.json.encode(found))
        else:
            _show(console_for_tables(), found)
        return int(ExitCode.OK)
    moved = _move(session, section, to, because.strip())
    if as_json:
        click.echo(msgspec.json.encode(moved))
    else:
        click.echo(f"{door}: {moved.step}, before {moved.before}, by {moved.by}")
        if moved.before and STEPS.index(moved.step) > STEPS.index(moved.before):
            click.echo(f"taken back with: crosskey sso step {door} {moved.before}")
    return int(ExitCode.OK)


def door_of(session: Session, door: Door) -> DoorSection:
    """The door's section. Raises :class:`ConfigError` where there is none."""
    if door not in session.config.doors:
        raise ConfigError("there is no such door", code="no-door", where=f"sso.{door}", fix=f"write [sso.{door}]")
    return session.config.doors[door]


def noting(session: Session) -> Doorbook:
    """The journal to note in, beside whatever run is at work. One of an older version is upgraded first."""
    with _reading(session) as book:
        older = book.is_older
    path, connection = session.config.journal.path, session.connection
    if older:
        Watchbook.prepare(path, clock=session.clock, connection=connection)
    return Doorbook.noting(path, clock=session.clock, connection=connection)


def _reading(session: Session) -> Doorbook:
    return Doorbook.reading(session.config.journal.path, clock=session.clock, connection=session.connection)


def _move(session: Session, section: DoorSection, to: Step, reason: str) -> StepRecord:
    with noting(session) as book:
        return move(session.config, section, book, session.clock.now(), to, by=this_user(), reason=reason)


def _show(console: Console, found: Rollout) -> None:
    off = "" if found.enabled else " [yellow](switched off: enabled = false)[/]"
    console.print(f"[bold]{found.door}[/]: {found.now.step}{off}")
    for line in _lines(found):
        console.print(Padding(escape(line), (0, 0, 0, 2), expand=False))
    for each in found.warnings:
        _tell(console, "[yellow]![/]", each)
    for number, ahead in enumerate(found.ahead):
        if ahead.lacks:
            console.print(f"{ahead.step} waits for:")
            for each in ahead.lacks:
                _tell(console, "[ ]", each)
        else:
            how = f"crosskey sso step {found.door} {ahead.step}" if number == 0 else "after the steps before it"
            console.print(f"{ahead.step} waits for nothing: {how}")


def _lines(found: Rollout) -> Iterator[str]:
    now = found.now
    if now.at is not None:
        because = f": {now.reason}" if now.reason else ""
        yield f"since {now.at:%Y-%m-%d %H:%M} UTC, before {now.before}, by {now.by}{because}"
    if found.members is not None:
        came = f"; {found.pilots} of them signed in since then" if now.step == "pilot" else ""
        yield f"of the pilot: {found.members} people{came}"
    if found.break_glass is not None:
        yield told_of(found.break_glass)


def told_of(proven: BreakGlass) -> str:
    """A proof of a local login in a sentence."""
    how = f"{proven.by} says: {proven.word}" if proven.word else "the desk saw it"
    return f"local login of {proven.kind} {proven.key} proven {proven.at:%Y-%m-%d %H:%M} UTC: {how}"


def _tell(console: Console, sign: str, told: Diagnostic) -> None:
    place = f"{told.path}: " if told.path else ""
    sign = sign if sign.startswith("[yellow]") else escape(sign)
    console.print(Padding(f"{sign} {escape(place + told.summary)}", (0, 0, 0, 2), expand=False))
    if told.fix:
        console.print(Padding(f"fix: {escape(told.fix)}", (0, 0, 0, 6), expand=False))
