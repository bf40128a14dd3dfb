"""``crosskey status``."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import click
import msgspec
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from crosskey.cli.doors_shown import show_door
from crosskey.cli.options import config_option, json_option
from crosskey.cli.render import console_for_tables
from crosskey.cli.session import Session
from crosskey.cli.sso_step import told_of
from crosskey.errors import ExitCode
from crosskey.journal import Watchbook
from crosskey.watch import Status, read_status

__all__ = ("status",)

_VERDICTS: Final[dict[int, str]] = {
    ExitCode.OK: "[green]all is well[/]",
    ExitCode.REJECTED: "[yellow]the target did not do everything[/]",
    ExitCode.HELD: "[magenta]something waits for a person[/]",
    ExitCode.QUARANTINED: "[red]quarantined: rounds wait, because they failed[/]",
    ExitCode.OVERDUE: "[red]nothing succeeds, or nobody watches any more[/]",
}
_GIVEN_UP: Final = "[red]given up: rounds failed for so long that none begins by itself any more[/]"


@click.command(
    epilog="""\
\b
Examples:
  crosskey status                            for people
  crosskey status >/dev/null || page me      for monitors: the exit code says what is wrong
"""
)
@config_option
@json_option
def status(config_path: Path, *, as_json: bool) -> int:
    """Say how it is going: watcher, last success, what is held, doors, notices.

    For each open door it says how late somebody who left may be out, by which channels sooner, and when each last
    spoke. Reads the journal only; needs no network and no secrets. The exit code is 0, 5 (refused), 6 (held), 11
    (quarantined) or 12 (nothing succeeded in time, or the watcher died).
    """
    session = Session(config_path, offline=True)
    path = session.config.journal.path
    with Watchbook.reading(path, clock=session.clock, connection=session.connection) as book:
        found = read_status(book, session.config, session.clock.now())
    if as_json:
        click.echo(msgspec.json.encode(found))
    else:
        _show(console_for_tables(), found)
    return found.exit_code


def _show(console: Console, found: Status) -> None:
    verdict = _GIVEN_UP if found.given_up else _VERDICTS[found.exit_code]
    console.print(f"[bold]{escape(found.connection)}[/]: {verdict}")
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in _lines(found):
        table.add_row(label, escape(text))
    console.print(Padding(table, (0, 0, 0, 2), expand=False))
    for door in found.doors:
        show_door(console, door, lambda at: _when(at, found.at))
    for notice in found.notices:
        console.print(Padding(f"[yellow]![/] {escape(notice.subject)}: {escape(notice.text)}", (0, 0, 0, 2)))
        if notice.fix:
            console.print(Padding(f"fix: {escape(notice.fix)}", (0, 0, 0, 4)))
    for warning in (each for door in found.rollout for each in door.warnings):
        console.print(Padding(f"[yellow]![/] {escape(warning.path)}: {escape(warning.summary)}", (0, 0, 0, 2)))
        console.print(Padding(f"fix: {escape(warning.fix)}", (0, 0, 0, 4)))


def _lines(found: Status) -> list[tuple[str, str]]:
    now, rounds = found.at, found.rounds
    lines = [("watcher", _watcher(found)), ("last success", _when(rounds.success_at, now))]
    lines.append(("all was read", _when(rounds.full_at, now)))
    if found.runs:
        lines.append(("last runs", ", ".join(run.verdict or "running" for run in found.runs)))
    if found.stopped is not None:
        since = f" since {found.stopped.since:%Y-%m-%d %H:%M} UTC" if found.stopped.since else ""
        because = f": {found.stopped.because}" if found.stopped.because else ""
        lines.append(("stopped", f"all writes{since}{because}; to let them go on: {found.stopped.fix}"))
    if found.trouble is not None:
        trouble = found.trouble
        lines.append(
            ("trouble", f"{trouble.failures} rounds failed since {trouble.since:%Y-%m-%d %H:%M} UTC: {trouble.text}")
        )
        if trouble.given_up:
            lines.append(("next try", "none by itself; once: crosskey watch --now; as before: crosskey watch --clear"))
        elif trouble.quarantined:
            lines.append(("next try", f"{trouble.next_try_at:%Y-%m-%d %H:%M} UTC; at once: crosskey watch --clear"))
        if trouble.fix:
            lines.append(("fix", trouble.fix))
    if rounds.held:
        counts = ", ".join(f"{count} {rail}" for rail, count in sorted(rounds.held.items()))
        lines.append(("held", f"{counts}; see `crosskey held`"))
    if rounds.undone:
        lines.append(("not done", ", ".join(f"{count} {how}" for how, count in sorted(rounds.undone.items()))))
    if found.unsettled.count:
        lines.append(("unsettled", f"{found.unsettled.count} writes, {_when(found.unsettled.since, now)}"))
    box = found.outbox
    if box.waiting or box.given_up:
        problem = f"; last problem: {box.problem}" if box.problem else ""
        lines.append(("outbox", f"{box.waiting} wait, {box.failing} failed before, {box.given_up} given up{problem}"))
    for door in found.rollout:
        off = "" if door.enabled else " (switched off)"
        proven = f"; {told_of(door.break_glass)}" if door.break_glass else ""
        lines.append((f"door {door.door}", f"{door.now.step}{off}{proven}"))
    lines += [
        ("credential", f"{each.instance}: {each.name} ends {each.expires_at:%Y-%m-%d}")
        for each in found.credentials
        if each.expires_at is not None
    ]
    return lines


def _watcher(found: Status) -> str:
    watcher = found.watcher
    if watcher is None or found.watching == "never":
        return "none; runs come from elsewhere"
    beat = _when(watcher.beat_at, found.at)
    if watcher.holder is None:
        return f"stopped, {beat}"
    if found.watching == "lost":
        return f"died: {watcher.holder}; last sign {beat}"
    after = f"; next round {watcher.next_at:%H:%M:%S} UTC" if watcher.next_at else ""
    return f"{watcher.holder}: {watcher.doing}{after}"


def _when(at: datetime | None, now: datetime) -> str:
    if at is None:
        return "never"
    age = timedelta(seconds=round(max(0.0, (now - at).total_seconds())))
    return f"{at:%Y-%m-%d %H:%M:%S} UTC ({age} ago)"
