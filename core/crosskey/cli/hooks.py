"""``crosskey hooks``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import click
import msgspec
from rich.markup import escape
from rich.table import Table

from crosskey.cli.options import config_option, json_option, watch_options
from crosskey.cli.render import console_for_tables
from crosskey.cli.session import Session
from crosskey.config import SourceSection, hook_addresses
from crosskey.connector.signal import ManagesSubscriptions, Subscription
from crosskey.engine.blame import blaming
from crosskey.errors import ConfigError, ExitCode

__all__ = ("hooks",)

Found = Mapping[str, Sequence[Subscription]]
"""Subscriptions by the name of their source."""


@click.group()
def hooks() -> None:
    """Have the identity provider tell about changes at once.

    Its hooks are set up, looked at and removed here. What they deliver only says where to look sooner.
    """


@hooks.command(
    epilog="""\
\b
Examples:
  crosskey hooks install --url https://sync.acme.example
  crosskey hooks install --url https://proxy.acme.example/desk/hooks/corp
"""
)
@click.option(
    "--url",
    default="",
    help="Where the identity provider can reach this machine: the address in front of /hooks/<source>, or all of it. "
    "Otherwise [watch] public_url.",
)
@config_option
@json_option
@watch_options
def install(url: str, config_path: Path, *, as_json: bool) -> int:
    """Make the subscriptions at the identity provider, or mend those that are there.

    The provider asks the address at once whether it is yours, so it must be served already. Calling it again changes
    nothing.
    """
    session = Session(config_path)
    address = url or session.config.watch.public_url
    if not address:
        raise click.UsageError("where can the identity provider reach this machine? Give --url, or [watch] public_url")
    where = "--url" if url else "watch.public_url"
    addresses = hook_addresses(address, session.config.sync.sources, where=where)

    async def subscribe(section: SourceSection, source: ManagesSubscriptions) -> Sequence[Subscription]:
        return await source.subscribe(addresses[section.name])

    sections = [section for section in _sections(session) if section.name in addresses]
    found = asyncio.run(_with_each(session, sections, subscribe))
    return _show(found, as_json=as_json, empty="The identity provider made no subscription.")


@hooks.command()
@config_option
@json_option
@watch_options
def status(config_path: Path, *, as_json: bool) -> int:
    """Show the subscriptions that crosskey made: whether they work, where they deliver, when they end."""
    session = Session(config_path)

    async def subscriptions(_section: SourceSection, source: ManagesSubscriptions) -> Sequence[Subscription]:
        return await source.subscriptions()

    found = asyncio.run(_with_each(session, _sections(session), subscriptions))
    return _show(found, as_json=as_json, empty="No hooks are set up; `crosskey hooks install` does it.")


@hooks.command()
@config_option
@json_option
@watch_options
def remove(config_path: Path, *, as_json: bool) -> int:
    """Remove the subscriptions that crosskey made. Changes are then found by the timer alone."""
    session = Session(config_path)

    async def unsubscribe(_section: SourceSection, source: ManagesSubscriptions) -> Sequence[Subscription]:
        removed = list(await source.subscriptions())
        for subscription in removed:
            await source.unsubscribe(subscription)
        return removed

    found = asyncio.run(_with_each(session, _sections(session), unsubscribe))
    if as_json:
        click.echo(msgspec.json.encode({"removed": _rows(found)}))
        return int(ExitCode.OK)
    for name, removed in found.items():
        for subscription in removed:
            click.echo(f"removed {subscription.id} of source.{name}, which delivered to {subscription.url}")
    if not any(found.values()):
        click.echo("There was nothing to remove.")
    return int(ExitCode.OK)


def _sections(session: Session) -> list[SourceSection]:
    return [session.config.sources[name] for name in session.config.sync.sources]


async def _with_each(
    session: Session,
    sections: Sequence[SourceSection],
    do: Callable[[SourceSection, ManagesSubscriptions], Awaitable[Sequence[Subscription]]],
) -> Found:
    """What each source that has hooks came to. Raises :class:`ConfigError` where none has."""
    found: dict[str, Sequence[Subscription]] = {}
    for section in sections:
        async with session.connect.source(section) as source:
            with blaming(section):
                if isinstance(source, ManagesSubscriptions):
                    found[section.name] = await do(section, source)
    if not found:
        names = ", ".join(f'"{section.provided.value.name}"' for section in sections)
        raise ConfigError(
            f"{names} has no hooks that crosskey could set up",
            code="hooks-unsupported",
            where=", ".join(section.path for section in sections),
            fix="nothing is missing: changes are found by the timer, a little later",
        )
    return found


def _rows(found: Found) -> list[dict[str, object]]:
    return [{"source": name, **msgspec.structs.asdict(each)} for name, all_ in found.items() for each in all_]


def _show(found: Found, *, as_json: bool, empty: str) -> int:
    """Show the subscriptions; one that does not work needs a person."""
    broken = [each for all_ in found.values() for each in all_ if each.state != "active"]
    if as_json:
        click.echo(msgspec.json.encode({"ok": not broken, "hooks": _rows(found)}))
    elif not any(found.values()):
        click.echo(empty)
    else:
        console = console_for_tables()
        console.print(_table(found))
        if broken:
            console.print(
                f"[red]{len(broken)} not working.[/] See that the address is served (`crosskey watch`) and can be "
                "reached from the internet, then run `crosskey hooks install` again."
            )
    return int(ExitCode.HELD if broken else ExitCode.OK)


def _table(found: Found) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("source", "state", "ends (UTC)"):
        table.add_column(column, no_wrap=True)
    for column in ("about", "delivers to"):
        table.add_column(column, overflow="fold")
    for name, subscriptions in found.items():
        for each in subscriptions:
            colour = "green" if each.state == "active" else "red"
            ends = f"{each.expires_at:%Y-%m-%d %H:%M}" if each.expires_at else "never"
            table.add_row(name, f"[{colour}]{each.state}[/]", ends, escape(each.about), escape(each.url))
    return table
