"""``crosskey sso plan``."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from crosskey.cli.options import config_option, json_option, watch_options
from crosskey.cli.render import console_for_tables
from crosskey.cli.session import Session
from crosskey.cli.sign_in_shown import as_json as told
from crosskey.cli.sign_in_shown import show_entrance
from crosskey.config import DoorSection
from crosskey.errors import ConfigError, ExitCode
from crosskey.sso.set_up import Entrance, look

__all__ = ("chosen_doors", "plan", "surveyed")


@click.command(
    epilog="""\
\b
Examples:
  crosskey sso plan
  crosskey sso plan --json | jq '.doors[].app.differences'
"""
)
@config_option
@json_option
@watch_options
def plan(config_path: Path, *, as_json: bool) -> int:
    """Show what sign-in lacks at both vendors. Changes nothing.

    Each door of the configuration is compared with its application at the identity provider and with what the desk
    knows of it, whether the door is open or not.
    """
    session = Session(config_path)
    doors = chosen_doors(session)
    entrances = asyncio.run(surveyed(session, doors))
    if as_json:
        click.echo(msgspec.json.encode({"doors": [told(entrance) for entrance in entrances]}))
        return int(ExitCode.OK)
    console = console_for_tables()
    for entrance in entrances:
        show_entrance(console, entrance)
    count = sum(entrance.differences for entrance in entrances)
    console.print(f"{count} to change: crosskey sso apply" if count else "Nothing to change.")
    return int(ExitCode.OK)


def chosen_doors(session: Session) -> Sequence[DoorSection]:
    """The doors of the configuration. Raises :class:`ConfigError` where there is none."""
    doors = list(session.config.doors.values())
    if not doors:
        raise ConfigError(
            "the configuration has no door",
            code="sso-no-door",
            where=str(session.config.path),
            fix="write a section [sso.agents] or [sso.portal]",
        )
    return doors


async def surveyed(session: Session, doors: Sequence[DoorSection]) -> list[Entrance]:
    """A look at each door."""
    return [await look(session.config, session.connect, door) for door in doors]
