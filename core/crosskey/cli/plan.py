"""``crosskey plan``."""

from __future__ import annotations

from pathlib import Path

import click

from crosskey.cli.options import allow_option, config_option, json_option, show_all_option, watch_options
from crosskey.cli.running import run_engine
from crosskey.cli.sign_in_notice import notice_sign_in, sign_in_notices
from crosskey.engine.rails import Allowed
from crosskey.engine.run import RunOptions

__all__ = ("plan",)


@click.command(
    epilog="""\
\b
Examples:
  crosskey plan
  crosskey plan --save monday.plan        then: crosskey apply monday.plan
  crosskey plan --json | jq .plan.counts
"""
)
@config_option
@json_option
@show_all_option
@allow_option
@click.option(
    "--save",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Keep the plan, to apply exactly it.",
)
@watch_options
def plan(config_path: Path, *, as_json: bool, show_all: bool, allow: Allowed, save: Path | None) -> int:
    """Show what would be done, and why. Changes nothing.

    Reads everyone in the source and every account in the target, and works out the difference. Nothing is written to
    the target. Where a door is open, it also says whether sign-in is still as it was set up.
    """
    options = RunOptions(kind="plan", allowed=allow)
    code = run_engine(
        config_path,
        options,
        as_json=as_json,
        show_all=show_all,
        save=save,
        more=lambda: {"sign_in": sign_in_notices(config_path)},
    )
    if not as_json:
        notice_sign_in(config_path)
    return code
