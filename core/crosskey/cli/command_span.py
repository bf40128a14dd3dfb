"""One command as one span: its name, its process and how it ended; never its arguments, which name people."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crosskey.errors import CrosskeyError, ExitCode
from crosskey.spans import mark_failed, opened
from crosskey.telemetry import tracer

if TYPE_CHECKING:
    from opentelemetry.trace import Span

__all__ = ("CommandSpan", "command_span")


class CommandSpan:
    """The span of the command that runs."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def ended(self, code: int, kind: str = "") -> None:
        """Note the exit code; other than 0 it makes the span an error, whose kind is the code's class if not told."""
        self._span.set_attribute("process.exit.code", code)
        if code:
            known = code in ExitCode.__members__.values()
            mark_failed(self._span, kind or (ExitCode(code).name.lower() if known else "_OTHER"))


@contextmanager
def command_span(name: str) -> Generator[CommandSpan]:
    """The root of everything that a command does."""
    attributes: dict[str, str | int] = {
        "process.executable.name": Path(sys.executable).name,
        "process.pid": os.getpid(),
        "crosskey.command": name,
    }
    with opened(tracer(), "crosskey", attributes) as span:
        command = CommandSpan(span)
        try:
            yield command
        except BaseException as error:
            span.set_attribute("process.exit.code", _exit_code(error))
            raise


def _exit_code(error: BaseException) -> int:
    """What :func:`crosskey.cli.main.main` makes of it."""
    if isinstance(error, CrosskeyError | click.ClickException | click.exceptions.Exit):
        return int(error.exit_code)
    if isinstance(error, click.Abort | KeyboardInterrupt):
        return int(ExitCode.INTERRUPTED)
    if isinstance(error, OSError):  # whoever read the output went away (``| head``), or the disk took no more
        return int(ExitCode.OK if isinstance(error, BrokenPipeError) else ExitCode.STORAGE)
    return int(ExitCode.INTERNAL)
