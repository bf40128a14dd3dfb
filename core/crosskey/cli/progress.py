"""A progress bar on standard error, for people; nothing at all where nobody looks."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

__all__ = ("ProgressBar",)


class ProgressBar:
    """An engine observer that draws one bar a phase."""

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
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
        self._progress.stop()

    def phase(self, name: str, total: int | None) -> None:
        """Finish the current bar and begin another."""
        if self._task is not None:
            done = self._progress.tasks[-1].completed
            self._progress.update(self._task, total=done, completed=done)
        self._phase = name
        self._task = self._progress.add_task(name, total=total)

    def advance(self, count: int) -> None:
        """Move the current bar on."""
        if self._task is not None:
            self._progress.advance(self._task, count)

    def applying(self) -> bool:
        """Whether changes are being written right now."""
        return self._phase == "Applying"

    @contextmanager
    def paused(self) -> Generator[None]:
        """Take the bar away while something else is shown or asked."""
        self._progress.stop()
        try:
            yield
        finally:
            self._progress.start()
