"""Options that several commands share, said once."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Final, TypeVar

import click

from crosskey.cli.command_span import command_span
from crosskey.engine.rails import Allowed
from crosskey.logs import configure_logging
from crosskey.telemetry import exporting

__all__ = (
    "DEFAULT_CONFIG",
    "allow_option",
    "changes_option",
    "config_option",
    "json_option",
    "show_all_option",
    "watch_options",
)

DEFAULT_CONFIG: Final = Path("crosskey.toml")

_LEVELS: Final = ("debug", "info", "warning", "error")

Command = TypeVar("Command", bound=Callable[..., object])
T = TypeVar("T")


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


def watch_options(command: Callable[..., T]) -> Callable[..., T]:
    """Add ``--trace``, ``--otlp`` and ``--log``, which show what a command does; all end with the command."""
    trace = click.option(
        "--trace",
        "trace_file",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Write OpenTelemetry spans to FILE as JSON lines.",
    )
    otlp = click.option(
        "--otlp",
        "otlp_url",
        is_flag=False,
        flag_value="",
        metavar="[URL]",
        help="Send spans and metrics to an OpenTelemetry collector (OTLP over HTTP): to URL, or where the OTEL_* "
        "variables say, which also switch this on by themselves.",
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

    @wraps(command)
    def watched(*args: object, trace_file: Path | None, otlp_url: str | None, **options: object) -> T:
        with exporting(trace_file, otlp_url), command_span(command.__name__) as span:
            result = command(*args, **options)
            span.ended(result if isinstance(result, int) else 0)
            return result

    return log(otlp(trace(watched)))


def changes_option(command: Command) -> Command:
    """Add ``--changes``."""
    return click.option(
        "--changes",
        is_flag=True,
        help="Read only what changed since the last run, where that is safe; else everything, and say why.",
    )(command)


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


def _log(context: click.Context, _option: click.Parameter, level: str) -> None:
    as_json = bool(context.params.get("as_json")) or os.environ.get("CROSSKEY_LOG_FORMAT", "").lower() == "json"
    configure_logging(level=logging.getLevelNamesMapping()[level.upper()], as_json=as_json)
