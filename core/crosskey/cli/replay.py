"""``crosskey replay``."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.markup import escape

from crosskey.cli.listing import Listing
from crosskey.cli.options import config_option, json_option, show_all_option
from crosskey.cli.render import Names, console_for_tables, counted, reference_names, what, why
from crosskey.cli.session import Session
from crosskey.engine.past import Kept, Shelf
from crosskey.engine.past.asking import named_run
from crosskey.engine.past.replay import Replay, Replayed
from crosskey.engine.past.replay import replay as plan_again
from crosskey.errors import ConfigError
from crosskey.journal import Journal
from crosskey.plan import Change

__all__ = ("replay",)

_SHOWN = 20


@click.command(
    epilog="""\
\b
Examples:
  crosskey replay last --config new.toml
  crosskey replay 20261123T090000-4f2a --config new.toml --all
"""
)
@click.argument("run")
@config_option
@json_option
@show_all_option
def replay(run: str, config_path: Path, *, as_json: bool, show_all: bool) -> None:
    """Say what other rules would have done in a run that is past.

    RUN is its id, the beginning of it, a day or time, or `last`: the last that read everything. Plans again, by the
    rules and rails of the configuration, over what that run read and knew; shows what differs from the plan it made.
    Needs no network and no secrets, and writes nothing.
    """
    session = Session(config_path, offline=True)
    with session.reading() as journal:
        kept = _kept(journal, Shelf(session.config.journal.path, session.config.journal.snapshots), run)
        made = asyncio.run(plan_again(session.config, journal, kept))
    if as_json:
        data = {name: value for name, value in msgspec.structs.asdict(made).items() if name not in _INNER}
        click.echo(msgspec.json.encode({**data, "same_plan": made.is_same}))
    else:
        _show(console_for_tables(), made, show_all=show_all)


_INNER = frozenset({"schema", "catalogue"})


def _kept(journal: Journal, shelf: Shelf, word: str) -> Kept:
    if word == "last":
        kept, named = shelf.newest(), "a run that read everything"
    else:
        named = f"run {named_run(journal, word).id}"
        kept = shelf.find(named.removeprefix("run "))
    if kept is None:
        near = [one.run for one in shelf.all() if one.whole][-5:]
        raise ConfigError(
            f"nothing is kept of what {named} read",
            code="past-gone",
            where="replay",
            fix=f"take one of which it is: {', '.join(near)}" if near else "run `crosskey plan` once; it is kept",
        )
    return kept


def _show(console: Console, made: Replay, *, show_all: bool) -> None:
    console.print(f"Run {made.run}, {made.at:%Y-%m-%d %H:%M} UTC, planned again by these rules:")
    listing = Listing("", "account", "who", details={"what": 4, "why": 5})
    names = reference_names(made.schema, made.catalogue)
    rows = made.differences
    for each in rows if show_all else rows[:_SHOWN]:
        _add(listing, each, names, whole=show_all)
    if rows:
        console.print(listing)
    if len(rows) > _SHOWN and not show_all:
        console.print(f"… and {len(rows) - _SHOWN} more differences; --all shows every one")
    for rail in sorted({*made.held_counts, *made.held_then}):
        now, then = made.held_counts.get(rail, 0), made.held_then.get(rail, 0)
        if now != then:
            console.print(f"[magenta]! {rail}[/]: {then} held then, {now} by these rules")
            for held in [each for each in made.held if each.rail == rail and each.scope != "person"]:
                console.print(f"    {escape(held.summary)}")
    for notice in made.notices:
        console.print(f"[yellow]note[/] {escape(notice.summary)}")
    if made.is_same:
        console.print(f"The same plan: {counted(made.counts)}.")
    else:
        console.print(f"Plan by these rules: {counted(made.counts)}; {made.same} changes are the same in both.")


def _add(listing: Listing, each: Replayed, names: Names, *, whole: bool) -> None:
    """One difference: only by these rules, only then, or another one; of that what is not the same."""
    change = each.now or each.then
    if change is None:
        return
    account = change.kind if change.key is None else f"{change.kind} {escape(change.key)}"
    who = f"[bold]{escape(change.label)}[/]"
    if each.then is None or each.now is None:
        sign = "[green]now[/] " if each.then is None else "[red]then[/]"
        listing.add(
            f"{sign} {change.action}", account, who, escape(what(change, names, whole=whole)), escape(why(change))
        )
        return
    then, now = _apart(each.then, each.now)
    action = now.action if then.action == now.action else f"{then.action} → {now.action}"
    before, after = (what(each, names, whole=True) or "nothing more" for each in (then, now))
    told = f"then: {before}\nnow: {after}"
    listing.add(f"[yellow]other[/] {action}", account, who, escape(told), escape(_reasons(now) or _reasons(then)))


def _apart(then: Change, now: Change) -> tuple[Change, Change]:
    """Both changes without the parts that are the same in both."""

    def rest(one: Change, other: Change) -> Change:
        return msgspec.structs.replace(
            one,
            fields={name: part for name, part in one.fields.items() if other.fields.get(name) != part},
            references={name: part for name, part in one.references.items() if other.references.get(name) != part},
            active=one.active if one.active != other.active else None,
            end_sessions=one.end_sessions and not other.end_sessions,
            why={name: text for name, text in one.why.items() if other.why.get(name) != text},
        )

    return rest(then, now), rest(now, then)


def _reasons(change: Change) -> str:
    return "; ".join(text for text in change.why.values() if text)
