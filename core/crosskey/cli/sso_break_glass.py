"""``crosskey sso break-glass``."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
import msgspec
from rich.markup import escape

from crosskey.cli.options import config_option, json_option, watch_options
from crosskey.cli.render import console_for_tables
from crosskey.cli.session import Session
from crosskey.cli.sso_step import door_of, noting, told_of
from crosskey.cli.user import this_user
from crosskey.config import DOORS, DoorSection
from crosskey.connector.sso import Door
from crosskey.errors import ExitCode
from crosskey.journal import BreakGlass, Doorbook
from crosskey.model import Account
from crosskey.sso.break_glass import prove

__all__ = ("break_glass",)


@click.command(
    name="break-glass",
    epilog="""\
\b
Examples:
  crosskey sso break-glass agents --account 3
  crosskey sso break-glass agents --account 3 --attest "Bo Ek saw Ada Park sign in at the desk's own page"
""",
)
@click.argument("door", type=click.Choice(DOORS))
@click.option("--account", "key", required=True, metavar="KEY", help="Key of the account at the desk.")
@click.option("--wait", type=click.IntRange(min=1), default=600, show_default=True, help="Seconds until it gives up.")
@click.option("--attest", "word", default="", metavar="TEXT", help="Who saw it and how, where the desk cannot tell.")
@config_option
@json_option
@watch_options
def break_glass(door: Door, config_path: Path, *, key: str, wait: int, word: str, as_json: bool) -> int:
    """Prove that somebody gets in at the desk itself while the provider is down.

    The account must be on, protected by `[rails] protect` or by the desk itself, and nobody's in the sync. Then sign in
    to it with the desk's own page: the desk must report that sign-in. The proof counts for 24 hours; a door needs one
    to go to the step `enforced`.
    """
    session = Session(config_path)
    section = door_of(session, door)
    with noting(session) as book:
        proven = asyncio.run(_prove(session, section, book, key, wait, word.strip()))
    if as_json:
        click.echo(msgspec.json.encode(proven))
    else:
        console_for_tables().print(f"[green]{escape(told_of(proven))}[/]")
    return int(ExitCode.OK)


async def _prove(session: Session, section: DoorSection, book: Doorbook, key: str, wait: int, word: str) -> BreakGlass:
    def challenge(account: Account) -> None:
        where = f"as {account.kind} {account.key} ({account.label})"
        click.echo(f"sign in at the desk's own page, in a private window, {where}; waiting {wait} s for it", err=True)

    return await prove(
        session.config,
        session.connect,
        section,
        book,
        key,
        by=this_user(),
        wait=wait,
        challenge=challenge,
        word=word,
    )
