"""What this plugin declares: its commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from crosskey.hookspecs import hookimpl

if TYPE_CHECKING:
    import click

__all__ = ("crosskey_commands",)


@hookimpl
def crosskey_commands() -> Sequence[click.Command]:
    """``crosskey sandbox`` and ``crosskey demo``."""
    from crosskey_sandbox.commands import sandbox  # noqa: PLC0415 - only the command line needs click
    from crosskey_sandbox.demo import demo  # noqa: PLC0415 - the same

    return [demo, sandbox]
