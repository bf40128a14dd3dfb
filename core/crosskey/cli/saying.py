"""What long-running commands say: a line at a time, with the time before it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import click

__all__ = ("Say", "sayer")

Say = Callable[[str], None]


def sayer(*, as_json: bool) -> Say:
    """Something that prints a line, for people or for programs."""

    def say(text: str) -> None:
        now = datetime.now(UTC)
        if as_json:
            click.echo(json.dumps({"at": now.isoformat(timespec="seconds"), "text": text}, ensure_ascii=False))
        else:
            click.echo(f"{now:%Y-%m-%d %H:%M:%S} {text}")

    return say
