"""``crosskey sso apply``."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from crosskey.cli.options import config_option, json_option, watch_options
from crosskey.cli.render import console_for_tables
from crosskey.cli.running import confirmed, see_that_somebody_can_answer
from crosskey.cli.session import Session
from crosskey.cli.sign_in_shown import show_duties, show_entrance
from crosskey.cli.sso_plan import chosen_doors, surveyed
from crosskey.config import DoorSection
from crosskey.errors import ExitCode
from crosskey.journal import JournalWriter
from crosskey.sso.set_up import Made, make

__all__ = ("apply",)


@click.command(
    epilog="""\
\b
Examples:
  crosskey sso apply
  crosskey sso apply --yes --send-secret    after the secret was changed by hand
"""
)
@config_option
@json_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--send-secret", is_flag=True, help="Give the desk the client secret again, which it does not show.")
@watch_options
def apply(config_path: Path, *, as_json: bool, yes: bool, send_secret: bool) -> int:
    """Make sign-in what the configuration asks for, at both vendors.

    What is there is looked at before anything is written, so that it may be run again at any time. Nothing is deleted,
    and nothing is switched on: the desk's side is made inactive. A new client secret is stored where the door's
    client_secret says, and shown nowhere.
    """
    session = Session(config_path)
    doors = chosen_doors(session)
    console = console_for_tables()
    if not yes:
        see_that_somebody_can_answer(as_json=as_json)
        entrances = asyncio.run(surveyed(session, doors))
        for entrance in entrances:
            show_entrance(console, entrance)
        if not confirmed(f"Apply these {sum(entrance.differences for entrance in entrances)} changes?"):
            return int(ExitCode.OK)
    with session.writing() as journal:
        made = asyncio.run(_made(session, journal, doors, send_secret=send_secret))
    if as_json:
        click.echo(msgspec.json.encode({"doors": made}))
        return int(ExitCode.OK)
    for each in made:
        kept = f"; the client secret is stored at {each.stored}" if each.stored else ""
        console.print(f"{each.door}, by {each.provider}: {each.written} changed{kept}", markup=False, soft_wrap=True)
        show_duties(console, each.duties)
    return int(ExitCode.OK)


async def _made(
    session: Session, journal: JournalWriter, doors: Sequence[DoorSection], *, send_secret: bool
) -> list[Made]:
    return [await make(session.config, session.connect, journal, door, send_secret=send_secret) for door in doors]
