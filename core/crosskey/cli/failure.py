"""How an error is told: what happened, where, the fix; as JSON where that was asked for; never a bare traceback."""

from __future__ import annotations

import json
import os
import sys
import traceback

import click

from crosskey.errors import ConfigError, CrosskeyError, ExitCode

__all__ = ("exit_with",)


def exit_with(error: Exception) -> int:
    """Tell the error and return the process's exit code."""
    if os.environ.get("CROSSKEY_DEBUG"):
        traceback.print_exception(error)
    if not isinstance(error, CrosskeyError):
        error = CrosskeyError(
            f"crosskey met something it did not expect ({type(error).__name__}: {error})",
            fix="run again with CROSSKEY_DEBUG=1 and report what it prints; the journal holds what was done",
        )
    if "--json" in sys.argv:
        click.echo(json.dumps({"error": _as_data(error)}, ensure_ascii=False))
    else:
        _show(error)
    return int(error.exit_code)


def _as_data(error: CrosskeyError) -> dict[str, object]:
    data: dict[str, object] = {
        "class": type(error).__name__,
        "code": error.code,
        "message": error.message,
        "where": error.where,
        "fix": error.fix,
        "exit_code": int(error.exit_code),
    }
    if isinstance(error, ConfigError) and error.problems:
        data["problems"] = [
            {"path": problem.path, "code": problem.code, "message": problem.summary, "fix": problem.fix}
            for problem in error.problems
        ]
    return data


def _show(error: CrosskeyError) -> None:
    place = f"{error.where}: " if error.where else ""
    kind = "Error" if error.exit_code is not ExitCode.HELD else "Held"
    click.secho(f"{kind}: ", fg="red", bold=True, err=True, nl=False)
    click.echo(f"{place}{error.message}", err=True)
    if error.fix:
        click.echo(f"  fix: {error.fix}", err=True)
    for problem in error.problems if isinstance(error, ConfigError) else ():
        click.echo(f"  - {problem.path + ': ' if problem.path else ''}{problem.summary}", err=True)
        if problem.fix:
            click.echo(f"      fix: {problem.fix}", err=True)
    click.echo(f"  [{error.code}, exit {int(error.exit_code)}]", err=True)
