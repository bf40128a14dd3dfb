"""What ``crosskey plan`` says of doors that are open: whether sign-in is still as it was set up."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
import msgspec

from crosskey.cli.session import Session
from crosskey.errors import CrosskeyError

__all__ = ("SignInNotice", "notice_sign_in", "sign_in_notices")


class SignInNotice(msgspec.Struct, frozen=True, kw_only=True):
    """An open door: how many fields of its set-up differ, or (``None``) why that could not be found out."""

    door: str
    differences: int | None
    problem: str = ""
    fix: str = ""


def sign_in_notices(config_path: Path) -> list[SignInNotice]:
    """One for each open door. Without an open door it costs nothing."""
    session = Session(config_path)
    doors = [door for door in session.config.doors.values() if door.rules.enabled]
    if not doors:
        return []
    from crosskey.sso.set_up import look  # noqa: PLC0415 - for open doors only

    found: list[SignInNotice] = []
    for door in doors:
        try:
            entrance = asyncio.run(look(session.config, session.connect, door))
        except CrosskeyError as error:
            found.append(SignInNotice(door=door.path, differences=None, problem=error.message, fix=error.fix))
            continue
        fix = "crosskey sso plan" if entrance.differences else ""
        found.append(SignInNotice(door=door.path, differences=entrance.differences, fix=fix))
    return found


def notice_sign_in(config_path: Path) -> None:
    """One line for each open door whose sign-in differs."""
    for each in sign_in_notices(config_path):
        if each.differences is None:
            click.echo(f"Sign-in of {each.door} could not be compared: {each.problem}")
        elif each.differences:
            click.echo(f"Sign-in of {each.door} differs in {each.differences} fields: {each.fix}")
