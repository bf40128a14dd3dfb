"""What ``crosskey plan`` says of doors that are open: whether sign-in is still as it was set up."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from crosskey.cli.session import Session
from crosskey.errors import CrosskeyError

__all__ = ("notice_sign_in",)


def notice_sign_in(config_path: Path) -> None:
    """One line for each open door whose sign-in differs. Without an open door it costs nothing."""
    session = Session(config_path)
    doors = [door for door in session.config.doors.values() if door.rules.enabled]
    if not doors:
        return
    from crosskey.sso.set_up import look  # noqa: PLC0415 - for open doors only

    for door in doors:
        try:
            entrance = asyncio.run(look(session.config, session.connect, door))
        except CrosskeyError as error:
            click.echo(f"Sign-in of {door.path} could not be compared: {error.message}")
            continue
        if entrance.differences:
            click.echo(f"Sign-in of {door.path} differs in {entrance.differences} fields: crosskey sso plan")
