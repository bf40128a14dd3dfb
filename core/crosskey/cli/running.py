"""Run the engine under signals and a progress display, and turn what it came to into text, JSON and an exit code."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import click
import msgspec
from rich.console import Console

from crosskey.cli.progress import ProgressBar
from crosskey.cli.render import Renderer, console_for_tables
from crosskey.cli.session import Session
from crosskey.engine.run import Proposal, RunOptions, RunResult, execute
from crosskey.engine.saved import save_plan
from crosskey.errors import ExitCode

__all__ = ("StopFlag", "confirmed", "exit_code", "run_engine", "see_that_somebody_can_answer", "supervised")

T = TypeVar("T")

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def run_engine(
    config_path: Path,
    options: RunOptions,
    *,
    as_json: bool,
    show_all: bool,
    save: Path | None = None,
    ask: bool = False,
    more: Callable[[], Mapping[str, object]] = dict,
) -> int:
    """Run once, show what it came to, and return the exit code; ``more`` is what else JSON has to say."""
    if ask:
        see_that_somebody_can_answer(as_json=as_json)
    session = Session(config_path)
    console, errors = console_for_tables(), Console(stderr=True, highlight=False)
    stop = StopFlag()
    renderer = Renderer(console, session.config, show_all=show_all)
    progress = ProgressBar(errors, quiet=as_json)

    def confirm(proposal: Proposal) -> bool:
        with progress.paused():
            renderer.proposal(proposal)
            return confirmed(f"Apply these {proposal.plan.size} changes?")

    options = msgspec.structs.replace(options, stop=stop, confirm=confirm if ask else None)
    stop.applying = progress.applying
    with session.writing() as journal:
        with progress:  # gone before anything is told: a bar that is still drawn overwrites the last lines
            result: RunResult = asyncio.run(
                supervised(execute(session.config, session.plugins, journal, session.connect, options, progress), stop)
            )
        if save is not None:
            save_plan(result.plan, save)
        if as_json:
            renderer.result_json(result, saved=save, more=more())
        else:
            renderer.result(result, applies=options.kind != "plan", saved=save)
    return exit_code(result)


def exit_code(result: RunResult) -> int:
    """The documented exit code of a run: what ended it early, else refused changes, else held ones."""
    if result.applied.stopped is not None:
        return int(result.applied.stopped.exit_code)
    if result.applied.interrupted:
        return int(ExitCode.INTERRUPTED)
    if any(held.rail == "failing" for held in result.applied.held):
        return int(ExitCode.QUARANTINED)
    if any(result.applied.counts[each] for each in ("rejected", "unknown", "unverified")):
        return int(ExitCode.REJECTED)
    return int(ExitCode.HELD if result.plan.held else ExitCode.OK)


def see_that_somebody_can_answer(*, as_json: bool) -> None:
    """Refuse before anything is read: a question between the lines of JSON, or to nobody, would only be in the way."""
    if as_json:
        raise click.UsageError("--json cannot ask: add --yes to apply without asking, or use `crosskey sync`")
    if not sys.stdin.isatty():
        raise click.UsageError("nobody is there to ask: add --yes to apply without asking, or use `crosskey sync`")


def confirmed(question: str) -> bool:
    """Ask; Ctrl-C or SIGTERM instead of an answer ends the run at once."""
    # the loop, which takes signals otherwise, waits for the answer too
    kept = {number: signal.signal(number, signal.default_int_handler) for number in _SIGNALS}
    try:
        return click.confirm(question, default=False)
    except click.Abort:
        raise KeyboardInterrupt from None
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


class StopFlag:
    """Set by the first signal while changes are being applied: the batch under way ends, no other begins."""

    def __init__(self) -> None:
        self.stopped = False
        self.applying: Callable[[], bool] = lambda: False

    def __call__(self) -> bool:
        """Whether it was set."""
        return self.stopped


async def supervised(work: Coroutine[Any, Any, T], stop: StopFlag) -> T:
    """Run ``work``; SIGINT or SIGTERM drains it while it applies and cancels it otherwise, a second one cancels it."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        if stop.stopped or not stop.applying():
            task.cancel()
        stop.stopped = True

    for number in _SIGNALS:
        loop.add_signal_handler(number, on_signal)
    try:
        return await task
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
