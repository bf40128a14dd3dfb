"""``crosskey apply``."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final

import click

from crosskey.cli.options import allow_option, config_option, json_option, show_all_option, watch_options
from crosskey.cli.running import run_engine
from crosskey.config.durations import parse_duration
from crosskey.engine.rails import Allowed
from crosskey.engine.run import RunOptions, Waves
from crosskey.engine.saved import load_plan

__all__ = ("apply",)

_WHOLE: Final = 100


def _percents(_context: click.Context, _option: click.Parameter, text: str) -> tuple[float, ...]:
    """``10,50,100``: growing shares."""
    try:
        steps = tuple(float(part) for part in text.split(","))
    except ValueError:
        steps = ()
    if not steps or list(steps) != sorted(set(steps)) or not 0 < steps[0] <= steps[-1] <= _WHOLE:
        raise click.BadParameter("write growing shares up to 100, such as 10,50,100")
    return steps


def _duration(_context: click.Context, _option: click.Parameter, text: str) -> timedelta:
    """``10m``."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command(
    epilog="""\
\b
Examples:
  crosskey apply                 show the plan, ask, apply
  crosskey apply --yes           the same without asking
  crosskey apply monday.plan     exactly what was saved, or nothing
  crosskey apply --canary 10     ten changes first, then 10, 50 and 100 %, each wave looked at
"""
)
@click.argument("saved", metavar="[FILE]", required=False, type=click.Path(path_type=Path, dir_okay=False, exists=True))
@config_option
@json_option
@show_all_option
@allow_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--canary",
    type=click.IntRange(0),
    metavar="N",
    help="Write in waves: N changes first, of every sort. 0: all at once.  [default: 5 where nothing was ever applied]",
)
@click.option(
    "--steps",
    metavar="PERCENT,…",
    default="10,50,100",
    show_default=True,
    callback=_percents,
    help="The waves after the canary, as shares of the whole plan.",
)
@click.option(
    "--max-errors",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    default=5.0,
    show_default=True,
    help="Stop when more of a wave fails, or is not found as it was written. Of the canary nothing may.",
)
@click.option(
    "--pause", metavar="TIME", default="0s", show_default=True, callback=_duration, help="Wait between waves."
)
@watch_options
def apply(
    saved: Path | None,
    config_path: Path,
    *,
    as_json: bool,
    show_all: bool,
    allow: Allowed,
    yes: bool,
    canary: int | None,
    steps: tuple[float, ...],
    max_errors: float,
    pause: timedelta,
) -> int:
    """Show the plan, ask, and carry it out; or apply a saved plan exactly.

    A saved plan is applied only if a fresh read comes to exactly the same changes; otherwise it is refused as stale
    and nothing is written.

    In waves, each one is looked at in the target before the next begins; whatever stops it, the next apply goes on with
    the wave that was not good yet.
    """
    expected = load_plan(saved) if saved is not None else None
    waves = None if canary is None else Waves(canary=canary, steps=steps, max_errors=max_errors, pause=pause)
    options = RunOptions(kind="apply", allowed=allow, expected=expected, waves=waves)
    ask = not yes and expected is None
    return run_engine(config_path, options, as_json=as_json, show_all=show_all, ask=ask)
