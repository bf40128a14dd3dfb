"""End a run whose target refuses nearly everything: more of the same would only do harm (G18)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from crosskey.engine.guarding.guard import Guard
from crosskey.plan import Change, Held, Outcome

__all__ = ("FailureGuard",)

_SHARE: Final = 0.4
_ENOUGH: Final = 20
_IN_A_ROW: Final = 5


class FailureGuard(Guard):
    """Counts what became of every write of a run.

    A batch whose one answer was lost is one failure: a single record can make a target lose its head over an array,
    which says nothing about the others.
    """

    def __init__(self) -> None:
        self._writes = 0
        self._failed = 0
        self._row: list[tuple[str, str, str]] = []  # the last refusals, all of one sort

    def after(self, batch: Sequence[Change], outcomes: Sequence[Outcome]) -> Sequence[Held]:
        """The whole run, once too much failed in all, or the same thing failed too often without a break."""
        for outcome in outcomes[:1] if _is_one_lost_answer(outcomes) else outcomes:
            if self._count(batch[0], outcome) >= _IN_A_ROW:
                kind, action = batch[0].kind, batch[0].action
                code = f"[{outcome.code}]" if outcome.code else "without a code"
                return [_held(f"the target refused {_IN_A_ROW} in a row ({action} {kind}) the same way {code}")]
        if self._writes >= _ENOUGH and self._failed > self._writes * _SHARE:
            return [_held(f"{self._failed} of {self._writes} writes were refused or got no clear answer")]
        return ()

    def _count(self, change: Change, outcome: Outcome) -> int:
        self._writes += 1
        self._failed += outcome.result in ("rejected", "unknown")
        sort = (change.kind, change.action, outcome.code)
        if outcome.result != "rejected":
            self._row = []
        else:
            self._row = [*self._row, sort] if sort in self._row else [sort]
        return len(self._row)


def _is_one_lost_answer(outcomes: Sequence[Outcome]) -> bool:
    return all(outcome.result == "unknown" for outcome in outcomes)


def _held(summary: str) -> Held:
    return Held(
        rail="failing",
        scope="run",
        summary=f"{summary}: nothing more is written",
        fix="see why with `crosskey history`; what was refused is tried again after a while, everything else at once",
    )
