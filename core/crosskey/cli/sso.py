"""``crosskey sso``."""

from __future__ import annotations

import click

from crosskey.cli.sso_apply import apply
from crosskey.cli.sso_plan import plan

__all__ = ("sso",)


@click.group()
def sso() -> None:
    """Set sign-in up at the identity provider and at the desk.

    What `[sso.agents]` and `[sso.portal]` ask for is compared with what is there, and made so.
    """


sso.add_command(plan)
sso.add_command(apply)
