"""Options that several commands share, said once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import click

from crosskey.engine.rails import Allowed

__all__ = ("allow_option", "config_option", "json_option", "show_all_option")

Command = TypeVar("Command", bound=Callable[..., object])


def config_option(command: Command) -> Command:
    """Add ``--config``."""
    return click.option(
        "-c",
        "--config",
        "config_path",
        type=click.Path(path_type=Path, dir_okay=False),
        default=Path("crosskey.toml"),
        envvar="CROSSKEY_CONFIG",
        show_default=True,
        show_envvar=True,
        help="The configuration file.",
    )(command)


def json_option(command: Command) -> Command:
    """Add ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for programs instead of text for people.")(
        command
    )


def show_all_option(command: Command) -> Command:
    """Add ``--all``."""
    return click.option("--all", "show_all", is_flag=True, help="Show every change, not only the first of each class.")(
        command
    )


def allow_option(command: Command) -> Command:
    """Add ``--allow``."""
    return click.option(
        "--allow",
        "allow",
        multiple=True,
        metavar="RAIL=N",
        callback=_allowed,
        help="Let exactly this through a rail, for this run only, e.g. mass-disable=37.",
    )(command)


def _allowed(_context: click.Context, _option: click.Parameter, words: Sequence[str]) -> Allowed:
    return Allowed.parse(words)
