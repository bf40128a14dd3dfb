"""``crosskey sso attempts``."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import click
import msgspec
from rich.markup import escape

from crosskey.cli.listing import Listing
from crosskey.cli.options import config_option, json_option
from crosskey.cli.render import console_for_tables
from crosskey.cli.session import Session
from crosskey.config import DOORS
from crosskey.connector.sso import Door
from crosskey.journal import AttemptRecord, Doorbook

__all__ = ("attempts",)


@click.command(
    epilog="""\
\b
Examples:
  crosskey sso attempts                    the last 20 at both doors
  crosskey sso attempts --follow           those, and each one that comes, until Ctrl-C
  crosskey sso attempts --door agents --json | jq '.[] | select(.reference == "1a2b3c4d")'
"""
)
@click.option("--door", type=click.Choice(DOORS), help="At this door only.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many.")
@click.option("--follow", is_flag=True, help="Go on with each one that comes; with --json a line each.")
@config_option
@json_option
def attempts(config_path: Path, door: Door | None, limit: int, *, follow: bool, as_json: bool) -> None:
    """List the last attempts to sign in, with the real reason and masked claims.

    Reads the journal only. People can name the reference that their page showed.
    """
    session = Session(config_path, offline=True)
    if follow:
        with suppress(KeyboardInterrupt):  # there is no other way to end it
            asyncio.run(_follow(session, door, limit, as_json=as_json))
        return
    path = session.config.journal.path
    with Doorbook.reading(path, clock=session.clock, connection=session.connection) as book:
        found = book.attempts(door, limit)
    if as_json:
        click.echo(msgspec.json.encode(found))
        return
    console = console_for_tables()
    listing = Listing("when (UTC)", "door", "what", details={"reference": 1, "person": 2, "account": 1, "why": 5})
    for each in found:
        listing.add(*(escape(cell) for cell in _cells(each)))
    if found:
        console.print(listing)
    console.print(f"{len(found) or 'No'} attempt{'' if len(found) == 1 else 's'}.")


async def _follow(session: Session, door: Door | None, limit: int, *, as_json: bool) -> None:
    from crosskey.sso.following import attempts_as_they_come  # noqa: PLC0415 - only for those who follow

    path, connection = session.config.journal.path, session.connection
    async for each in attempts_as_they_come(path, connection, session.clock, door=door, last=limit):
        click.echo(msgspec.json.encode(each) if as_json else _line(each))


def _line(attempt: AttemptRecord) -> str:
    """An attempt in one line, whatever the provider's words hold."""
    *heads, reference, person, account, why = _cells(attempt)
    told = (reference and f"reference {reference}", person and f"person {person}", account, why)
    return " ".join("  ".join((*heads, *(each for each in told if each))).split("\n"))


def _cells(attempt: AttemptRecord) -> tuple[str, ...]:
    what = attempt.code + (f" ({attempt.times} times)" if attempt.times > 1 else "")
    what += "" if attempt.purpose == "login" else f", {attempt.purpose}"
    account = f"{attempt.kind} {attempt.key}" if attempt.key else ""
    person = attempt.subject.id if attempt.subject else ""
    return (f"{attempt.at:%m-%d %H:%M:%S}", attempt.door, what, attempt.reference, person, account, attempt.detail)
