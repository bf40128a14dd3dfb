"""``crosskey approve``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import click
import msgspec
from rich.markup import escape
from rich.table import Table

from crosskey.cli.options import config_option, json_option
from crosskey.cli.render import console_for_tables
from crosskey.cli.session import Session
from crosskey.cli.user import this_user
from crosskey.config import duration_text, parse_duration
from crosskey.engine.holds import choose
from crosskey.engine.stage import Stage
from crosskey.errors import ExitCode, StorageError
from crosskey.journal import Approval, Watchbook
from crosskey.model import Subject

__all__ = ("approve",)

_LONGEST: Final = timedelta(days=7)


def _lasting(_context: click.Context, _option: click.Parameter, text: str) -> timedelta:
    try:
        lasts = parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    if not timedelta(0) < lasts <= _LONGEST:
        raise click.BadParameter(f'an approval lasts "{duration_text(_LONGEST)}" at most: who looked today knows today')
    return lasts


@click.command(
    epilog="""\
\b
Examples:
  crosskey approve mass-disable --because "the Leeds office closed"
  crosskey approve mass-change --kind user --only ada@acme.example --because "try it on one"
  crosskey approve --list
  crosskey approve --withdraw a1b2c3d
"""
)
@click.argument("rail", required=False)
@config_option
@json_option
@click.option("--kind", default="", help="Only accounts of this kind.")
@click.option(
    "--only",
    multiple=True,
    metavar="WHO",
    help="Only this person: a name as `held` shows it, an e-mail address, an id, or kind:key. Repeatable.",
)
@click.option("--limit", type=click.IntRange(1), help="Only so many, the first that `held --all` lists.")
@click.option("--because", default="", metavar="REASON", help="Why it is right. Kept in the journal.")
@click.option(
    "--for",
    "lasts",
    default="4h",
    show_default=True,
    callback=_lasting,
    metavar="DURATION",
    help="How long it stands: 7d at most.",
)
@click.option("--as", "name", default="", metavar="NAME", help="Who approves. Left out: the user of this machine.")
@click.option("--list", "lists", is_flag=True, help="List approvals and what became of them.")
@click.option("--withdraw", default="", metavar="ID", help="Take an approval back that no run has used.")
def approve(
    rail: str | None,
    config_path: Path,
    *,
    as_json: bool,
    kind: str,
    only: tuple[str, ...],
    limit: int | None,
    because: str,
    lasts: timedelta,
    name: str,
    lists: bool,
    withdraw: str,
) -> int:
    """Let exactly what is held now through one rail, once.

    The next run that writes makes use of it. What comes under the rail later stays held. Needs no network and no
    secrets, and works while `crosskey watch` is at work.
    """
    if bool(rail) + lists + bool(withdraw) != 1:
        raise click.UsageError("give one of: RAIL, --list, --withdraw ID")
    session = Session(config_path, offline=True)
    with _book(session) as book:
        if lists:
            _list(book.approvals(), session.clock.now(), as_json=as_json)
            return int(ExitCode.OK)
        if withdraw:
            taken = book.withdraw(withdraw)
            click.echo(msgspec.json.encode(taken) if as_json else f"withdrawn: {taken.id} ({taken.rail})")
            return int(ExitCode.OK)
        if not because.strip():
            raise click.UsageError('say why it is right: --because "…"')
        choice = choose(
            book.waiting(), rail or "", kind=kind, only=only, limit=limit, known=_known(session.config.journal.path)
        )
        given = book.approve(
            rail or "",
            items=choice.items,
            words=choice.words,
            by=name.strip() or this_user(),
            reason=because.strip(),
            lasts=lasts,
        )
    if as_json:
        click.echo(msgspec.json.encode(given))
        return int(ExitCode.OK)
    until = f"{given.expires_at:%Y-%m-%d %H:%M} UTC"
    click.echo(f"approved {given.id}: {_what(given)} through {given.rail}, by {given.by}, until {until}")
    click.echo("the next `sync`, `apply` or round of `watch` makes use of it; at once: crosskey watch --now")
    click.echo(f"taken back with: crosskey approve --withdraw {given.id}")
    return int(ExitCode.OK)


def _book(session: Session) -> Watchbook:
    return Watchbook.noting(session.config.journal.path, clock=session.clock, connection=session.connection)


def _known(journal: Path) -> Callable[[str], AbstractSet[Subject]]:
    """People by e-mail address or user name, as the last read's snapshot knows them."""

    def search(who: str) -> AbstractSet[Subject]:
        try:
            with Stage.kept(journal.with_name("snapshot.sqlite")) as stage:
                return frozenset(stage.people.search(who))
        except StorageError:
            return frozenset()

    return search


def _list(approvals: Sequence[Approval], now: datetime, *, as_json: bool) -> None:
    if as_json:
        click.echo(
            msgspec.json.encode([{"state": each.state(now), **msgspec.structs.asdict(each)} for each in approvals])
        )
        return
    console = console_for_tables()
    if not approvals:
        console.print("Nobody approved anything yet.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("approval", "rail", "lets through", "state", "until (UTC)", "by"):
        table.add_column(column, no_wrap=True)
    table.add_column("because", overflow="fold")
    for each in approvals:
        state = f"used by {each.run}" if each.run else each.state(now)
        until = f"{each.expires_at:%Y-%m-%d %H:%M}"
        table.add_row(each.id, each.rail, _what(each), state, until, escape(each.by), escape(each.reason))
    console.print(table)


def _what(approval: Approval) -> str:
    if approval.words:
        return ", ".join(word.partition("=")[2] for word in approval.words)
    by_action: dict[str, int] = {}
    for item in approval.items:
        name = f"{item.kind} {item.action or 'account'}"
        by_action[name] = by_action.get(name, 0) + 1
    return ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for name, count in sorted(by_action.items()))
