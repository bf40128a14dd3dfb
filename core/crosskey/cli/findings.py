"""Findings of a check, section by section, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from crosskey.errors import Diagnostic

__all__ = ("show_findings",)


def show_findings(console: Console, findings: Mapping[str, Sequence[Diagnostic]]) -> None:
    """Print each with its sign, and how to mend what is wrong."""
    signs = {"ok": "[green]✓[/]", "info": "[blue]i[/]", "warning": "[yellow]![/]", "error": "[red]✗[/]"}
    for section, found in findings.items():
        console.print(f"[bold]{escape(section)}[/]")
        for finding in found:
            place = f"{finding.path}: " if finding.path and finding.path != section else ""
            said = [place + finding.summary, finding.detail]
            if finding.fix and finding.severity != "ok":
                said.append(f"fix: {finding.fix}")
            grid = Table.grid(padding=(0, 1, 0, 0))
            grid.add_column(no_wrap=True)
            grid.add_column(overflow="fold")
            grid.add_row(signs[finding.severity], escape("\n".join(filter(None, said))))
            console.print(Padding(grid, (0, 0, 0, 2), expand=False))
