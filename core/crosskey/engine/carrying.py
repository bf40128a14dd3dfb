"""Carry a plan out, all at once or in waves, and tell of each batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta

import msgspec

from crosskey.clock import Clock
from crosskey.config import Config
from crosskey.connector.mapper import CompiledMapping
from crosskey.connector.target import Target, TargetSchema
from crosskey.engine.apply import Alone, apply_changes
from crosskey.engine.climb import Climb
from crosskey.engine.guarding import Guard
from crosskey.engine.order import Applied, Observer, RunOptions, Waves
from crosskey.engine.spans import RunTelling
from crosskey.engine.stage import Stage
from crosskey.engine.verify import Verifier
from crosskey.journal import JournalWriter
from crosskey.model import Scalar
from crosskey.plan import Change, Outcome, Plan

__all__ = ("Carrying", "batch_facts")


class Carrying(msgspec.Struct, frozen=True, kw_only=True):
    """What one run's changes are carried out with. ``stage`` remembers whose changes are not done."""

    config: Config
    journal: JournalWriter
    options: RunOptions
    run: str
    clock: Clock
    observer: Observer
    telling: RunTelling
    tell: Callable[[str, Mapping[str, Scalar]], None]
    stage: Stage
    target: Target
    schema: TargetSchema
    mappings: Mapping[str, CompiledMapping]
    settle: timedelta
    alone: Alone
    guards: Sequence[Guard] = ()

    async def carry_out(self, plan: Plan, waves: Waves | None) -> Applied:
        """Write every change once, in waves where those are asked for."""
        if waves is not None:
            return await self._climb(waves).go(plan)
        if self.options.kind == "apply":
            self.journal.end_ladder()
        return await self.send(plan.changes(), stop=self.options.stop)

    async def send(
        self,
        changes: Iterable[Change],
        *,
        stop: Callable[[], bool],
        heard: Callable[[Sequence[Outcome]], None] = lambda _outcomes: None,
    ) -> Applied:
        """Write some changes; ``heard`` is told what became of each batch."""

        def progress(batch: Sequence[Change], outcomes: Sequence[Outcome]) -> None:
            self.observer.advance(len(batch))
            heard(outcomes)
            done = {outcome.change for outcome in outcomes if outcome.result in ("applied", "already")}
            self.stage.proposals.settle(change for change in batch if change.id in done)
            self.tell("batch.applied", batch_facts(batch, outcomes))

        return await apply_changes(
            self.journal,
            self.target,
            changes,
            run=self.run,
            batch=self.schema.batch,
            settle=self.settle,
            stop=stop,
            progress=progress,
            telling=self.telling,
            alone=self.alone,
            guards=self.guards,
        )

    def _climb(self, waves: Waves) -> Climb:
        verifier = Verifier(
            self.target,
            self.schema,
            self.mappings,
            where=self.config.target.path,
            settle=self.settle,
            clock=self.clock,
            stop=self.options.stop,
            advance=self.observer.advance,
        )
        return Climb(
            waves,
            self.journal,
            verifier,
            self.send,
            run=self.run,
            config_digest=self.config.digest,
            observer=self.observer,
            stop=self.options.stop,
            tell=self.tell,
        )


def batch_facts(batch: Sequence[Change], outcomes: Sequence[Outcome]) -> dict[str, Scalar]:
    """What listeners hear of a batch: its sort, how many, how many of them failed."""
    failed = sum(outcome.result in ("rejected", "unknown") for outcome in outcomes)
    return {"kind": batch[0].kind, "action": batch[0].action, "count": len(batch), "failed": failed}
