"""One round: the journal opened, one run, the journal closed; whatever it raises becomes a word about it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Literal, Protocol

import msgspec

from crosskey.config import Config
from crosskey.engine.connect import Connect
from crosskey.engine.run import Observer, RunOptions, RunResult
from crosskey.errors import CrosskeyError, LockedError
from crosskey.journal import JournalWriter
from crosskey.model import Subject
from crosskey.plugins import Plugins
from crosskey.watch.failure import Failure, failure_in, failure_of
from crosskey.watch.heartbeat import ping
from crosskey.watch.progress import Progress
from crosskey.watch.setup import Setup
from crosskey.watch.timetable import Round

__all__ = ("Ended", "Execute", "carry_out", "in_a_line")

_log = logging.getLogger("crosskey.watch")


class Execute(Protocol):
    """:func:`crosskey.engine.run.execute`, or what a test has in its place."""

    def __call__(
        self,
        config: Config,
        plugins: Plugins,
        journal: JournalWriter,
        connect: Connect,
        options: RunOptions,
        observer: Observer,
    ) -> Awaitable[RunResult]:
        """Run once."""
        ...


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """What a round came to. ``locked``: somebody else runs, and nothing was tried; ``result`` where a run ended."""

    how: Literal["done", "failed", "locked", "interrupted"]
    result: RunResult | None = None
    failure: Failure | None = None


async def carry_out(
    setup: Setup,
    round: Round,
    people: frozenset[Subject],
    *,
    execute: Execute,
    progress: Progress,
    stop: Callable[[], bool],
) -> Ended:
    """Run once, with pings around it. Raises nothing, and is interrupted when cancelled."""
    pings = round.reach != "people"  # a few people's round says nothing about the whole
    heartbeat = setup.config.watch.heartbeat
    starting = asyncio.create_task(ping(heartbeat, setup.connect, "start")) if pings else None
    options = RunOptions(
        kind="sync",
        trigger=f"watch:{round.reach}",
        stop=stop,
        changes=round.reach == "changes",
        people=people,
    )
    ended = Ended(how="interrupted")
    try:
        ended = await _run(setup, options, execute, progress)
        if starting is not None and ended.how in ("done", "failed"):
            await starting  # the order in which pings arrive tells how long a round took
            await ping(heartbeat, setup.connect, "success" if _did_its_work(ended) else "fail")
    except asyncio.CancelledError:
        pass  # what the run came to, if it ended, is worth more than a ping
    finally:
        if starting is not None:
            starting.cancel()
    return ended


def in_a_line(round: Round, ended: Ended, people: frozenset[Subject]) -> str:
    """How much was read, what it came to, what was written."""
    what = f"{len(people)} people" if round.reach == "people" else round.reach
    if ended.failure is not None:
        return f"{what}: failed: {ended.failure.text} [{ended.failure.code}]"
    if ended.result is None:
        return f"{what}: {ended.how}"
    result = ended.result
    if round.reach == "changes" and result.reach == "everything":
        what = f"everything, because {result.because}" if result.because else "everything"
    counts = ", ".join(f"{count} {name}" for name, count in sorted(result.applied.counts.items()))
    return f"{what}: {result.verdict}{f', {counts}' if counts else ''} (run {result.run})"


async def _run(setup: Setup, options: RunOptions, execute: Execute, progress: Progress) -> Ended:
    try:
        with JournalWriter.open(
            setup.config.journal.path, clock=setup.connect.clock, connection=setup.connection
        ) as journal:
            result = await execute(setup.config, setup.plugins, journal, setup.connect, options, progress)
    except LockedError as error:
        # "fenced" is not "somebody was first": this run lost its lease half-way
        return Ended(how="locked") if error.code == "locked" else Ended(how="failed", failure=failure_of(error))
    except CrosskeyError as error:
        _log.debug("the round failed", exc_info=error)
        return Ended(how="failed", failure=failure_of(error))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - for years, whatever a run raises
        _log.debug("the round met something unexpected", exc_info=error)
        return Ended(how="failed", failure=failure_of(error))
    if result.applied.interrupted:
        return Ended(how="interrupted", result=result)
    failure = failure_in(result)
    return Ended(how="failed" if failure else "done", result=result, failure=failure)


def _did_its_work(ended: Ended) -> bool:
    if ended.failure is not None or ended.result is None:
        return False
    return not any(held.scope == "run" for held in ended.result.plan.held)
