"""``crosskey apply``."""

from __future__ import annotations

from pathlib import Path

import click

from crosskey.cli.options import allow_option, config_option, json_option, show_all_option, watch_options
from crosskey.cli.running import run_engine
from crosskey.engine.rails import Allowed
from crosskey.engine.run import RunOptions
from crosskey.engine.saved import load_plan

__all__ = ("apply",)


@click.command(
    epilog="""\
\b
Examples:
  crosskey apply                 show the plan, ask, apply
  crosskey apply --yes           the same without asking
  crosskey apply monday.plan     exactly what was saved, or nothing
"""
)
@click.argument("saved", metavar="[FILE]", required=False, type=click.Path(path_type=Path, dir_okay=False, exists=True))
@config_option
@json_option
@show_all_option
@allow_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@watch_options
def apply(saved: Path | None, config_path: Path, *, as_json: bool, show_all: bool, allow: Allowed, yes: bool) -> int:
    """Show the plan, ask, and carry it out; or apply a saved plan exactly.

    A saved plan is applied only if a fresh read comes to exactly the same changes; otherwise it is refused as stale
    and nothing is written.
    """
    expected = load_plan(saved) if saved is not None else None
    options = RunOptions(kind="apply", allowed=allow, expected=expected)
    ask = not yes and expected is None
    return run_engine(config_path, options, as_json=as_json, show_all=show_all, ask=ask)
