"""Options that several commands share, said once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

import click

from crosskey.engine.rails import Allowed
from crosskey.logs import configure_logging
from crosskey.telemetry import tracing

__all__ = ("DEFAULT_CONFIG", "allow_option", "config_option", "json_option", "show_all_option", "watch_options")

DEFAULT_CONFIG: Final = Path("crosskey.toml")

_LEVELS: Final = ("debug", "info", "warning", "error")

Command = TypeVar("Command", bound=Callable[..., object])


def config_option(command: Command) -> Command:
    """Add ``--config``."""
    return click.option(
        "-c",
        "--config",
        "config_path",
        type=click.Path(path_type=Path, dir_okay=False),
        default=DEFAULT_CONFIG,
        envvar="CROSSKEY_CONFIG",
        show_default=True,
        show_envvar=True,
        help="The configuration file.",
    )(command)


def json_option(command: Command) -> Command:
    """Add ``--json``. It is read before all other options, which may depend on it."""
    return click.option(
        "--json", "as_json", is_flag=True, is_eager=True, help="Print JSON for programs instead of text for people."
    )(command)


def show_all_option(command: Command) -> Command:
    """Add ``--all``."""
    return click.option("--all", "show_all", is_flag=True, help="Show every change, not only the first of each class.")(
        command
    )


def watch_options(command: Command) -> Command:
    """Add ``--trace`` and ``--log``, which show what a command does; both end with the command."""
    trace = click.option(
        "--trace",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        expose_value=False,
        callback=_trace,
        help="Write OpenTelemetry spans to FILE as JSON lines. OTEL_* variables export them elsewhere.",
    )
    log = click.option(
        "--log",
        type=click.Choice(_LEVELS),
        default="warning",
        envvar="CROSSKEY_LOG",
        show_default=True,
        show_envvar=True,
        expose_value=False,
        callback=_log,
        help="Log to standard error from this level on; as JSON lines with --json.",
    )
    return log(trace(command))


def allow_option(command: Command) -> Command:
    """Add ``--allow``."""
    return click.option(
        "--allow",
        "allow",
        multiple=True,
        metavar="RAIL=N",
        callback=_allowed,
        help="Let this much through a rail, for this run only, e.g. mass-disable=37.",
    )(command)


def _allowed(_context: click.Context, _option: click.Parameter, words: Sequence[str]) -> Allowed:
    return Allowed.parse(words)


def _trace(context: click.Context, _option: click.Parameter, file: Path | None) -> None:
    if not context.resilient_parsing:  # completing a command line must not start a trace
        context.with_resource(tracing(file))


def _log(context: click.Context, _option: click.Parameter, level: str) -> None:
    configure_logging(level=logging.getLevelNamesMapping()[level.upper()], as_json=bool(context.params.get("as_json")))
