"""How an error is told: what happened, where, the fix; as JSON where that was asked for; never a bare traceback."""

from __future__ import annotations

import json
import os
import sys
import traceback

import click

from crosskey.errors import ConfigError, CrosskeyError, Diagnostic, ExitCode, StorageError

__all__ = ("exit_interrupted", "exit_misused", "exit_with", "leave_standard_output")


def exit_with(error: Exception) -> int:
    """Tell the error and return the process's exit code."""
    if os.environ.get("CROSSKEY_DEBUG"):
        click.echo(_scrubbed("".join(traceback.format_exception(error))), err=True, nl=False)
    if isinstance(error, OSError):
        # Files are opened by code that names them in its own errors: what is left is the output itself.
        leave_standard_output()
        error = StorageError(
            f"the output cannot be written: {error.strerror or type(error).__name__}",
            code="output",
            where=str(error.filename or "standard output"),
            fix="send it to where there is space; `crosskey history` tells what was done",
        )
    elif not isinstance(error, CrosskeyError):
        error = CrosskeyError(
            f"crosskey met something it did not expect ({type(error).__name__}: {_scrubbed(str(error))})",
            fix="run again with CROSSKEY_DEBUG=1 and report what it prints; the journal holds what was done",
        )
    if _wants_json() and error.code != "output":
        _print_json(_as_data(error))
    else:
        _show(error)
    return int(error.exit_code)


def leave_standard_output() -> None:
    """Nobody reads it, or it takes no more: what is still buffered goes nowhere, and the process ends quietly."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def exit_misused(error: click.ClickException) -> int:
    """Tell what is wrong with the command line itself, as click words it."""
    if _wants_json():
        context = error.ctx if isinstance(error, click.UsageError) else None
        fix = f"see `{context.command_path} --help`" if context else ""
        _print_json(_facts(error, "usage", error.format_message(), fix=fix, exit_code=error.exit_code))
    else:
        error.show()
    return error.exit_code


def exit_interrupted() -> int:
    """Tell that a person or the system stopped the command."""
    message = "interrupted; whatever was under way is found out by the next run"
    if _wants_json():
        code = ExitCode.INTERRUPTED
        _print_json(_facts(KeyboardInterrupt(), "interrupted", message, fix="run again", exit_code=code))
    else:
        click.echo(message, err=True)
    return int(ExitCode.INTERRUPTED)


def _wants_json() -> bool:
    """Asked before anything was parsed, for a command line that cannot be parsed may ask for JSON too."""
    return "--json" in sys.argv


def _print_json(error: dict[str, object]) -> None:
    click.echo(json.dumps({"error": error}, ensure_ascii=False))


def _scrubbed(text: str) -> str:
    from crosskey.http.redaction import scrub_text  # noqa: PLC0415 - only for what nobody worded with care

    return scrub_text(text)


def _as_data(error: CrosskeyError) -> dict[str, object]:
    data = _facts(error, error.code, error.message, where=error.where, fix=error.fix, exit_code=error.exit_code)
    if isinstance(error, ConfigError) and error.problems:
        data["problems"] = [
            {"path": problem.path, "code": problem.code, "message": _sentence(problem), "fix": problem.fix}
            for problem in error.problems
        ]
    return data


def _facts(
    error: BaseException, code: str, message: str, *, where: str = "", fix: str = "", exit_code: int
) -> dict[str, object]:
    return {
        "class": type(error).__name__,
        "code": code,
        "message": message,
        "where": where,
        "fix": fix,
        "exit_code": int(exit_code),
    }


def _sentence(problem: Diagnostic) -> str:
    """What is wrong, and the detail behind it: the closest names that are known, or the text in question."""
    return f"{problem.summary} {problem.detail}".rstrip()


def _show(error: CrosskeyError) -> None:
    place = f"{error.where}: " if error.where else ""
    kind = "Error" if error.exit_code is not ExitCode.HELD else "Held"
    click.secho(f"{kind}: ", fg="red", bold=True, err=True, nl=False)
    click.echo(f"{place}{error.message}", err=True)
    if error.fix:
        click.echo(f"  fix: {error.fix}", err=True)
    for problem in error.problems if isinstance(error, ConfigError) else ():
        click.echo(f"  - {problem.path + ': ' if problem.path else ''}{_sentence(problem)}", err=True)
        if problem.fix:
            click.echo(f"      fix: {problem.fix}", err=True)
    click.echo(f"  [{error.code}, exit {int(error.exit_code)}]", err=True)
