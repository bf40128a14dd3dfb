"""One run, journalled from its first step to its verdict."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from crosskey.config import Config
from crosskey.engine.connect import Connect
from crosskey.engine.order import Applied, Observer, Proposal, Reach, RunOptions, RunResult, Verdict, Waves
from crosskey.engine.provenance import plugins_of
from crosskey.engine.turn import Turn
from crosskey.errors import CrosskeyError, StorageError
from crosskey.journal import JournalWriter, Signer
from crosskey.plugins import Plugins
from crosskey.spans import trace_id

__all__ = ("Observer", "Proposal", "Reach", "RunOptions", "RunResult", "Verdict", "Waves", "execute", "journalled")


R = TypeVar("R", bound=RunResult)

_log = logging.getLogger("crosskey.run")


async def execute(
    config: Config, plugins: Plugins, journal: JournalWriter, connect: Connect, options: RunOptions, observer: Observer
) -> RunResult:
    """Run once. Raises :class:`CrosskeyError` when the run could not come to a plan; the journal says so too."""

    async def go(run: str) -> RunResult:
        return await Turn(config, plugins, journal, connect, options, observer, run).go()

    with connect.telling(journal.connection).run(config, options, journal) as told:
        if options.expected is not None:
            options.expected.refuse_stale(
                lineage=journal.lineage, serial=journal.serial, config_digest=config.digest, now=connect.clock.now()
            )
        return told.ended(await journalled(config, plugins, journal, options, go, begun=told.begun))


async def journalled(
    config: Config,
    plugins: Plugins,
    journal: JournalWriter,
    options: RunOptions,
    go: Callable[[str], Awaitable[R]],
    *,
    begun: Callable[[str], None],
    parent: str = "",
) -> R:
    """Open a run, do it (``go`` is given its id), and close it with its verdict, however it ends."""
    signer = Signer(config.journal.sign_with) if config.journal.sign_with is not None else None
    run = journal.start_run(
        options.kind,
        trigger=options.trigger,
        config_digest=config.digest,
        config_text=config.canonical,
        plugins=plugins_of(config),
        trace=trace_id(),
        parent=parent,
    )
    begun(run)
    try:
        result = await go(run)
    except CrosskeyError as error:
        with suppress(CrosskeyError):  # where the journal itself failed, it says so once
            journal.end_run(run, "failed", {}, note=_note(error))
        raise
    except (asyncio.CancelledError, KeyboardInterrupt):
        journal.end_run(run, "aborted", {}, note="interrupted")
        raise
    counts = {**result.plan.header.counts, **_results(result.applied)}
    stopped = result.applied.stopped
    journal.end_run(run, result.verdict, counts, note=_note(stopped) if stopped else _doubt(result))
    _keep_up(config, plugins, journal, signer)
    return result


def _keep_up(config: Config, plugins: Plugins, journal: JournalWriter, signer: Signer | None) -> None:
    """Seal and tidy the journal. The run is over and told: what fails here is tried again after the next."""
    kept = config.journal
    try:
        told = journal.keep_up(keep=kept.keep, keep_plans=kept.keep_plans, signer=signer)
    except StorageError as error:
        _log.warning("the journal could not be tidied: %s", error.message)
        return
    for event in told:
        _log.info("%s %s", event.kind, " ".join(f"{name}={value}" for name, value in event.facts.items()))
        plugins.emit(event)


def _note(error: CrosskeyError) -> str:
    return f"{error.code}: {error.message}"


def _doubt(result: RunResult) -> str:
    return f"everything was read: {result.because}" if result.because else ""


def _results(applied: Applied) -> dict[str, int]:
    return {f"result.{name}": count for name, count in applied.counts.items()}
