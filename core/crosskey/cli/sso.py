"""``crosskey sso``."""

from __future__ import annotations

import click

from crosskey.cli.sso_apply import apply
from crosskey.cli.sso_attempts import attempts
from crosskey.cli.sso_break_glass import break_glass
from crosskey.cli.sso_plan import plan
from crosskey.cli.sso_step import step
from crosskey.cli.sso_test import test

__all__ = ("sso",)


@click.group()
def sso() -> None:
    """Set sign-in up at the identity provider and at the desk, try it, and roll it out.

    What `[sso.agents]` and `[sso.portal]` ask for is compared with what is there, and made so. Then each door goes from
    step to step, and back whenever somebody says so.
    """


sso.add_command(plan)
sso.add_command(apply)
sso.add_command(test)
sso.add_command(attempts)
sso.add_command(step)
sso.add_command(break_glass)
