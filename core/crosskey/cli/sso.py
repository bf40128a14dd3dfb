"""``crosskey sso``: a group whose commands are imported only when one of them is used."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Final

import click

__all__ = ("SSO_COMMANDS", "sso")

SSO_COMMANDS: Final[Mapping[str, str]] = {
    "plan": "crosskey.cli.sso_plan:plan",
    "apply": "crosskey.cli.sso_apply:apply",
}
"""Where each command is."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own shape
        """In the order in which they are needed."""
        return list(SSO_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """Import a command."""
        if cmd_name not in SSO_COMMANDS:
            return None
        module, _, name = SSO_COMMANDS[cmd_name].partition(":")
        return getattr(importlib.import_module(module), name)


@click.command(cls=_Commands)
def sso() -> None:
    """Set sign-in up at the identity provider and at the desk.

    What `[sso.agents]` and `[sso.portal]` ask for is compared with what is there, and made so.
    """
