"""Rows that stay readable: a table on a wide terminal, a block for each row on a narrow one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

__all__ = ("Listing",)

WIDE: Final = 120
"""Columns from which sentences fit beside each other; below, they stand under what they belong to."""

_NAME_WIDTH: Final = 32


class Listing:
    """Rows of short ``heads`` (what it is, who) and longer ``details`` (what, why), whose shares of a wide terminal
    are the mapping's values. Cells are Rich markup: escape what others wrote. Printed by a console, as Rich prints.
    """

    def __init__(self, *heads: str, details: Mapping[str, int]) -> None:
        self._heads = heads
        self._details = details
        self._rows: list[tuple[str, ...]] = []

    def add(self, *cells: str) -> None:
        """One row: the heads, then the details; an empty detail is left out of a block."""
        if len(cells) != len(self._heads) + len(self._details):
            raise ValueError(f"a row of {len(cells)} cells in {[*self._heads, *self._details]}")
        self._rows.append(cells)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Rich's protocol: the table, or the blocks."""
        if options.max_width >= WIDE:
            yield self._table()
        else:
            yield from self._blocks(console)

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False, show_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        *labels, name = self._heads
        for label in labels:
            table.add_column(label, no_wrap=True)
        table.add_column(name, overflow="fold", max_width=_NAME_WIDTH)
        for detail, share in self._details.items():
            table.add_column(detail, overflow="fold", ratio=share)
        for row in self._rows:
            table.add_row(*row)
        return table

    def _blocks(self, console: Console) -> Iterable[Text | Padding]:
        heads = [[console.render_str(cell) for cell in row[: len(self._heads)]] for row in self._rows]
        widths = [max((cell_len(head.plain) for head in column), default=0) for column in zip(*heads, strict=True)]
        for row, head in zip(self._rows, heads, strict=True):
            for part, width in zip(head[:-1], widths, strict=False):
                part.pad_right(width - cell_len(part.plain))
            yield Text("  ").join(part for part in head if part.plain)
            grid = Table.grid(padding=(0, 2, 0, 0))
            grid.add_column(style="dim", no_wrap=True)
            grid.add_column(overflow="fold")
            for label, cell in zip(self._details, row[len(self._heads) :], strict=True):
                if cell:
                    grid.add_row(label, cell)
            if grid.row_count:
                yield Padding(grid, (0, 0, 0, 4), expand=False)
