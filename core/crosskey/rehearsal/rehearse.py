"""Make the plan of a scene with nothing live: the real engine and plugins, answered by cassettes or descriptions."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import msgspec

from crosskey.config import Config, SnapshotSettings, load_config
from crosskey.engine.rails import Allowed
from crosskey.engine.run import RunOptions, RunResult, Waves, execute
from crosskey.errors import ConfigError, close_matches
from crosskey.journal import JournalWriter
from crosskey.plugins import Plugins
from crosskey.rehearsal.answers import Answers
from crosskey.rehearsal.case import Scene
from crosskey.rehearsal.clock import PatientClock
from crosskey.rehearsal.offline import offline
from crosskey.rehearsal.people import DescribedPerson
from crosskey.rehearsal.rehearsal import Rehearsal
from crosskey.rehearsal.staging import Staging
from crosskey.rehearsal.stand_ins import stand_in

__all__ = ("rehearse",)

_START: Final = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
_BETWEEN: Final = 3600.0
"""Seconds from one turn to the next."""


Part = Literal["before", "now"]


class _Unwatched:
    """Nobody looks."""

    def phase(self, name: str, total: int | None) -> None:
        """A new phase begins."""

    def advance(self, count: int) -> None:
        """More of it is done."""


def rehearse(scene: Scene, people: Sequence[DescribedPerson], plugins: Plugins, *, applied: bool = False) -> Rehearsal:
    """The plan of a scene; ``applied``: the one that follows once it was applied, in memory.

    Reads no secret, reaches no network, and leaves nothing behind. Raises :class:`CrosskeyError` where there is no
    plan.
    """
    with offline():
        config = _configuration(scene.config, plugins)
        before = _configuration(scene.before, plugins) if scene.before else None
        _refuse_unread(people, config)
        return asyncio.run(_play(scene, people, plugins, config, before, applied=applied))


async def _play(
    scene: Scene,
    people: Sequence[DescribedPerson],
    plugins: Plugins,
    config: Config,
    before: Config | None,
    *,
    applied: bool,
) -> Rehearsal:
    answers = Answers(scene.cassettes)
    answers.clock = PatientClock(answers.recorded_at() or _START)
    staging = Staging(scene, people, config, answers=answers, clock=answers.clock)
    allowed = Allowed.parse(scene.allow)

    def again() -> Rehearsal:
        return rehearse(scene, people, plugins, applied=True)

    with tempfile.TemporaryDirectory(prefix="crosskey-test-") as folder:
        turns = _Turns(plugins, staging, Path(folder) / "journal.sqlite", allowed)
        if before is not None or any(person.before != person.now for person in people):
            await turns.apply(before or config, "before")
        if applied:
            await turns.apply(config, "now")
        async with turns.run(config, "plan", "now") as result:
            return Rehearsal(
                config=scene.config,
                changes=tuple(result.plan.changes()),
                held=result.plan.held,
                held_counts=result.plan.header.held_counts,
                schema=result.schema,
                catalogue=result.catalogue,
                made_up=staging.made_up,
                book=staging.book,
                after=again,
            )


class _Turns:
    """Runs of the real engine over one journal, an hour apart."""

    def __init__(self, plugins: Plugins, staging: Staging, journal: Path, allowed: Allowed) -> None:
        self._plugins = plugins
        self._staging = staging
        self._journal = journal
        self._allowed = allowed

    async def apply(self, config: Config, part: Part) -> None:
        """Plan and apply, in memory. Raises :class:`ConfigError` when a rail holds the whole of it."""
        async with self.run(config, "apply", part) as result:
            stopped = [held for held in result.plan.held if held.scope == "run"]
            if stopped:
                raise ConfigError(
                    f"{config.path.name} could not be applied first: {stopped[0].summary}",
                    code="case-unapplied",
                    where=stopped[0].rail,
                    fix="describe what a run needs, or let it through: allow = […]",
                )
        await self._staging.clock.sleep(_BETWEEN)

    @asynccontextmanager
    async def run(self, config: Config, kind: Literal["plan", "apply"], part: Part) -> AsyncGenerator[RunResult]:
        """One run; what it came to can be read until the ``with`` ends."""
        staging = self._staging
        staging.config, staging.part = config, part
        staging.answers.rewind()
        kept = msgspec.structs.replace(
            config.journal, path=self._journal, sign_with=None, snapshots=SnapshotSettings(count=0)
        )
        apart = msgspec.structs.replace(config, journal=kept)
        options = RunOptions(kind=kind, trigger="test", allowed=self._allowed, waves=Waves(canary=0))
        with JournalWriter.open(self._journal, clock=staging.clock, connection=config.connection) as journal:
            result = await execute(apart, self._plugins, journal, staging, options, _Unwatched())
            if staging.answers.missing is not None:  # whatever the engine made of it
                raise staging.answers.missing
            yield result


def _configuration(path: Path, plugins: Plugins) -> Config:
    return load_config(path, plugins, resolve_secrets=False, stand_in=stand_in)


def _refuse_unread(people: Sequence[DescribedPerson], config: Config) -> None:
    """Refuse people of a source that the configuration does not read."""
    for person in people:
        if person.source and person.source not in config.sync.sources:
            raise ConfigError(
                f'{person.now.id} is of source "{person.source}", which nobody reads. '
                f"{close_matches(person.source, config.sync.sources)}",
                code="case-unknown",
                where="people",
                fix="correct the name",
            )
