"""A progress bar on standard error, for people; nothing at all where nobody looks."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

__all__ = ("ProgressBar",)


_APPLYING: Final = "Applying"


class ProgressBar:
    """An engine observer that draws a bar for the phase under way; what stays on the screen is that of the writes."""

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            _Count(),
            TimeElapsedColumn(),
            console=console,
            disable=quiet or not console.is_terminal,
        )
        self._task: TaskID | None = None
        self._phase = ""

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def phase(self, name: str, total: int | None) -> None:
        """Begin another bar in the current one's place."""
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._phase = name
        self._task = self._progress.add_task(name, total=total)

    def advance(self, count: int) -> None:
        """Move the current bar on."""
        if self._task is not None:
            self._progress.advance(self._task, count)

    def applying(self) -> bool:
        """Whether changes are being written right now."""
        return self._phase.startswith(_APPLYING)

    @contextmanager
    def paused(self) -> Generator[None]:
        """Take the bar away while something else is shown or asked."""
        self._stop()
        try:
            yield
        finally:
            self._progress.start()

    def _stop(self) -> None:
        self._progress.live.transient = not self.applying()
        self._progress.stop()


class _Count(ProgressColumn):
    """How many, of how many where that is known."""

    def render(self, task: Task) -> Text:
        """``250``, or ``250 of 982``."""
        if task.total is None:
            return Text(f"{task.completed:,.0f}" if task.completed else "")
        return Text(f"{task.completed:,.0f} of {task.total:,.0f}")
