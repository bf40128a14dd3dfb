"""``crosskey sync``."""

from __future__ import annotations

from pathlib import Path

import click

from crosskey.cli.options import (
    allow_option,
    changes_option,
    config_option,
    json_option,
    show_all_option,
    watch_options,
)
from crosskey.cli.running import run_engine
from crosskey.engine.rails import Allowed
from crosskey.engine.run import RunOptions

__all__ = ("sync",)


@click.command(
    epilog="""\
\b
Examples:
  crosskey sync
  crosskey sync --changes                   often; everything is read once a day
  crosskey sync --allow mass-disable=37     this run, up to that many
"""
)
@config_option
@json_option
@show_all_option
@allow_option
@changes_option
@watch_options
def sync(config_path: Path, *, as_json: bool, show_all: bool, allow: Allowed, changes: bool) -> int:
    """Plan and apply in one go, as the rails allow.

    For timers and cron. What a rail holds is not done and not forgotten: it is listed, the exit code says so, and
    everything else goes on.
    """
    options = RunOptions(
        kind="sync", trigger="command:changes" if changes else "command", allowed=allow, changes=changes
    )
    return run_engine(config_path, options, as_json=as_json, show_all=show_all)
