"""Look at what was just written, and say where the target does not show it: its word alone is not believed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Final

from crosskey.clock import Clock
from crosskey.connector.mapper import CompiledMapping
from crosskey.connector.target import KindSpec, Lookup, Target, TargetSchema
from crosskey.engine.batching import batched
from crosskey.engine.fresh import bring_accounts
from crosskey.engine.shown import lacking
from crosskey.engine.stage import Stage
from crosskey.journal import OperationRecord
from crosskey.plan import Change, Outcome

__all__ = ("Verifier",)

_BATCH: Final = 500
_SLICE: Final = 1.0

Unverified = list[tuple[Change, Outcome]]


class Verifier:
    """Compares accounts at the target with what was written to them."""

    def __init__(
        self,
        target: Target,
        schema: TargetSchema,
        rules: Mapping[str, CompiledMapping],
        *,
        where: str,
        settle: timedelta,
        clock: Clock,
        stop: Callable[[], bool],
        advance: Callable[[int], None],
    ) -> None:
        self._target = target
        self._kinds = {kind.name: kind for kind in schema.kinds}
        self._rules = rules
        self._where = where
        self._settle = settle
        self._clock = clock
        self._stop = stop
        self._advance = advance

    async def unverified(self, operations: Sequence[OperationRecord]) -> Unverified:
        """The changes that the target does not show. A list may lag behind, so they are looked at twice.

        Of several writes to one account the last one counts.
        """
        last = {(each.change.kind, each.key): each for each in operations}
        doubtful = await self._look(list(last.values()))
        if doubtful and await self.wait(self._settle):
            doubtful = await self._look([operation for operation, _ in doubtful])
        return [
            (
                operation.change,
                Outcome(
                    change=operation.change.id,
                    result="applied",
                    key=operation.key,
                    code="not-verified",
                    message=f"the target took it, and shows something else: {'; '.join(lacks)}",
                ),
            )
            for operation, lacks in doubtful
        ]

    async def wait(self, pause: timedelta) -> bool:
        """Wait; ``False`` when somebody stops the run meanwhile."""
        left = pause.total_seconds()
        while left > 0 and not self._stop():
            await self._clock.sleep(min(_SLICE, left))
            left -= _SLICE
        return not self._stop()

    async def _look(self, operations: Sequence[OperationRecord]) -> list[tuple[OperationRecord, list[str]]]:
        by_kind: dict[str, list[OperationRecord]] = {}
        for operation in operations:
            if operation.change.kind in self._kinds and operation.change.writes:
                by_kind.setdefault(operation.change.kind, []).append(operation)
        wanted = [self._lookup(kind, some) for kind, some in by_kind.items()]
        doubtful: list[tuple[OperationRecord, list[str]]] = []
        with Stage.fresh(None, []) as stage:
            await bring_accounts(self._target, wanted, stage, where=self._where, advance=self._advance)
            for kind, some in by_kind.items():
                for few in batched(some, _BATCH):
                    doubtful += _compared(stage, self._kinds[kind], few)
        return doubtful

    def _lookup(self, kind: str, operations: Sequence[OperationRecord]) -> Lookup:
        references = {name for each in operations for name in each.change.references}
        return Lookup(
            kind=kind,
            keys=tuple(sorted({each.key for each in operations if each.key})),
            references=frozenset(references | set(self._rules[kind].managed if kind in self._rules else ())),
        )


def _compared(
    stage: Stage, kind: KindSpec, operations: Sequence[OperationRecord]
) -> list[tuple[OperationRecord, list[str]]]:
    accounts = stage.accounts.by_key(kind.name, [each.key for each in operations if each.key])
    found = [(each, lacking(accounts.get(each.key or ""), each.change, kind)) for each in operations]
    return [(each, lacks) for each, lacks in found if lacks]
