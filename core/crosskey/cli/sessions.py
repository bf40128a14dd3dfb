"""``crosskey sessions``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec
from rich.markup import escape

from crosskey.cli.listing import Listing
from crosskey.cli.options import config_option, json_option
from crosskey.cli.render import console_for_tables
from crosskey.cli.session import Session
from crosskey.config import DOORS
from crosskey.connector.sso import Door
from crosskey.errors import ConfigError, ExitCode
from crosskey.journal import Doorbook, SessionRecord, Whom
from crosskey.model import Subject

__all__ = ("sessions",)


@click.group()
def sessions() -> None:
    """List who is signed in at the doors, and end sessions; offline.

    Works on the journal, without the network and while `crosskey serve` runs or not: whoever is ended is refused at
    their next click.
    """


@sessions.command(
    name="list",
    epilog="""\
\b
Examples:
  crosskey sessions list
  crosskey sessions list --all --json | jq '.[] | select(.revoked_because != "")'
""",
)
@click.option("--all", "show_all", is_flag=True, help="Also sessions that are over, of the last 30 days.")
@config_option
@json_option
def list_sessions(config_path: Path, *, as_json: bool, show_all: bool) -> None:
    """List sessions, the newest first: whose, since when, and what ended those that are over."""
    session = Session(config_path, offline=True)
    path = session.config.journal.path
    with Doorbook.reading(path, clock=session.clock, connection=session.connection) as book:
        found = book.sessions(ended=show_all)
    if as_json:
        click.echo(msgspec.json.encode([_shown(each) for each in found]))
        return
    listing = Listing("number", "door", "account", details={"person": 3, "since": 2, "last seen": 2, "ended": 3})
    for each in found:
        ended = f"{each.revoked_at:%Y-%m-%d %H:%M:%S} UTC: {each.revoked_because}" if each.revoked_at else ""
        since, seen = f"{each.begun_at:%Y-%m-%d %H:%M} UTC", f"{each.seen_at:%Y-%m-%d %H:%M} UTC"
        cells = (str(each.number), each.door, f"{each.kind} {each.key}", each.person.id, since, seen, ended)
        listing.add(*(escape(cell) for cell in cells))
    console = console_for_tables()
    if found:
        console.print(listing)
    console.print(f"{len(found) or 'No'} session{'' if len(found) == 1 else 's'}.")


@sessions.command(
    epilog="""\
\b
Examples:
  crosskey sessions revoke 17                   one session
  crosskey sessions revoke --person 00u1abcd    everything of one person, by their id in the source
  crosskey sessions revoke --all --door portal  everybody at one door
"""
)
@click.argument("numbers", nargs=-1, type=click.IntRange(min=1))
@click.option("--person", default="", metavar="ID", help="End every session of the person with this id in the source.")
@click.option("--all", "everybody", is_flag=True, help="End every session.")
@click.option("--door", type=click.Choice(DOORS), help="With --person or --all: at this door only.")
@config_option
@json_option
def revoke(
    numbers: tuple[int, ...], person: str, config_path: Path, door: Door | None, *, everybody: bool, as_json: bool
) -> int:
    """End sessions: whoever has one is refused at their next click. They may sign in again at once.

    To keep somebody out, switch them off in the identity provider or let `crosskey sync` do it.
    """
    if bool(numbers) + bool(person) + everybody != 1:
        raise click.UsageError("give numbers, --person or --all: one of them")
    session = Session(config_path, offline=True)
    whom = [Whom(number=number) for number in numbers] or [Whom(everybody=True, door=door)]
    if person:
        issuers = _issuers(session, person)
        whom = [Whom(person=Subject(issuer, person), door=door) for issuer in issuers]
    path = session.config.journal.path
    with Doorbook.noting(path, clock=session.clock, connection=session.connection) as book:
        ended = sum(book.end_sessions(each, "operator") for each in whom)
    if as_json:
        click.echo(msgspec.json.encode({"ended": ended}))
    else:
        click.echo(f"{ended or 'No'} session{'' if ended == 1 else 's'} ended")
    return int(ExitCode.OK)


def _issuers(session: Session, person: str) -> list[str]:
    """The issuers under which somebody of that id has an account or had a session. Raises :class:`ConfigError`."""
    with session.reading() as journal:
        found = {link.subject.issuer for link in journal.all_links() if link.subject.id == person}
    path = session.config.journal.path
    with Doorbook.reading(path, clock=session.clock, connection=session.connection) as book:
        found |= {each.person.issuer for each in book.sessions(ended=True) if each.person.id == person}
    if not found:
        raise ConfigError(
            f'nobody of the id "{person}" has an account or a session',
            code="person-unknown",
            fix="`crosskey sessions list` and `crosskey explain` show ids",
        )
    return sorted(found)


def _shown(session: SessionRecord) -> dict[str, Any]:
    """A session without anything that is good for a session."""
    return {
        "number": session.number,
        "door": session.door,
        "flow": session.flow,
        "kind": session.kind,
        "key": session.key,
        "person": session.person.id,
        "mfa": session.mfa.verdict,
        "begun_at": session.begun_at,
        "seen_at": session.seen_at,
        "ends_at": session.ends_at,
        "revoked_at": session.revoked_at,
        "revoked_because": session.revoked_because,
    }
