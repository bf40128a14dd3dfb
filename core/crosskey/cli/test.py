"""``crosskey test``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click
import msgspec
from rich.console import Console
from rich.markup import escape

from crosskey.cli.options import json_option
from crosskey.cli.render import console_for_tables
from crosskey.plugins import load_plugins
from crosskey.rehearsal import CaseResult, exit_code, find_cases, offline, play, write_junit

__all__ = ("test",)

_COLOURS: Final = {"ok": "green", "failed": "red", "error": "red"}


@click.command(
    epilog="""\
\b
Examples:
  crosskey test
  crosskey test tests/plans --junit results.xml
"""
)
@click.argument("folder", type=click.Path(path_type=Path), default=Path("cases"))
@click.option(
    "--junit",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the results to FILE as JUnit XML too.",
)
@json_option
def test(folder: Path, *, junit: Path | None, as_json: bool) -> int:
    """Say whether configurations come to the plans that are expected of them.

    Plays each case of FOLDER (`cases`, unless another is named): TOML files that name a configuration, what is there,
    and what the plan must be. Vendors are answered for by cassettes or by what a case describes; no secret is read, and
    no network reached. The exit code is 0 when every plan is as expected, 5 when one is not, and 2 when a case does not
    come to a plan.
    """
    cases = find_cases(folder)
    results: list[CaseResult] = []
    console = console_for_tables()
    with offline():
        root = folder if folder.is_dir() else folder.parent
        for result in play(cases, load_plugins(), root):
            results.append(result)
            if not as_json:
                _show(console, result)
    if junit is not None:
        write_junit(results, junit)
    if as_json:
        click.echo(msgspec.json.encode(results))
    else:
        console.print(_verdict(results))
    return int(exit_code(results))


def _show(console: Console, result: CaseResult) -> None:
    planned = ", ".join(f"{count} to {action}" for action, count in sorted(result.counts.items()))
    about = "" if result.error else f"  {planned or 'nothing to do'}"
    console.print(f"[{_COLOURS[result.state]}]{result.state:<6}[/] [bold]{escape(result.name)}[/]{about}")
    for miss in result.misses:
        console.print(f"       [red]expected[/] {escape(miss.expected)}", soft_wrap=True)
        for line in miss.found:
            console.print(f"         {escape(line)}", soft_wrap=True)
    if result.error:
        for each in (result.error, *result.problems):
            for line in str(each).splitlines():
                console.print(f"       {escape(line)}", soft_wrap=True)


def _verdict(results: Sequence[CaseResult]) -> str:
    counted = [
        f"{count} {state}"
        for state in ("ok", "failed", "error")
        if (count := sum(result.state == state for result in results))
    ]
    cases = "1 case" if len(results) == 1 else f"{len(results)} cases"
    return f"{cases}: {', '.join(counted)}."
