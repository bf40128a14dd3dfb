"""Leave what the target refused alone for a while, longer each time, until something about it changes.

A create or update that was refused would be refused again, round after round. It is sent again after growing pauses,
and at once when it would write something else or the configuration is another one. Leavers are never left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Final

from crosskey.engine.echo import without_echoes
from crosskey.engine.findings import Findings
from crosskey.engine.stage import Stage
from crosskey.engine.timekeeper import Timekeeper
from crosskey.journal import UNSENT, Journal, OperationRecord, Refusal
from crosskey.model import Subject
from crosskey.plan import Change

__all__ = ("PAUSES", "Escrow")

PAUSES: Final = (timedelta(hours=1), timedelta(hours=6), timedelta(days=1))
"""After the first refusal, the second, and every further one."""


class Escrow:
    """Who is left alone in one run. ``final`` are codes of refusals that would come again the same way;
    ``covers`` says whether a person let somebody through.
    """

    def __init__(
        self,
        journal: Journal,
        stage: Stage,
        findings: Findings,
        timekeeper: Timekeeper,
        *,
        config_digest: str,
        final: AbstractSet[str],
        covers: Callable[[str, str, str, Subject], bool],
    ) -> None:
        self._journal = journal
        self._stage = stage
        self._findings = findings
        self._timekeeper = timekeeper
        self._config_digest = config_digest
        self._final = final
        self._covers = covers

    def create(self, change: Change, refused: Sequence[Refusal]) -> Change | None:
        """The create, unless the very same was ``refused`` (newest first) a short while ago: that is held."""
        same = list(takewhile(lambda one: self._is_same(one, change), refused))
        if not same:
            return change
        again = self._again(same[0].at, self._pause(len(same), same[0].code))
        return self._unless_held(change, again, same[0].message)

    def update(self, change: Change, last: Sequence[OperationRecord]) -> Change | None:
        """The update without what its account's ``last`` writes (newest first) were refused; that is held."""
        refused = list(takewhile(lambda one: one.state == "failed" and one.outcome_code != UNSENT, last))
        if not refused:
            return change
        again = self._again(refused[0].intent_at, self._pause(len(refused), refused[0].outcome_code))
        fresh = without_echoes(change, refused[:1])
        if fresh is not None:
            return fresh if self._timekeeper.now() < again else change
        if self._journal.run(refused[0].run).config_digest != self._config_digest:
            return change
        return self._unless_held(change, again, refused[0].message)

    def _is_same(self, refusal: Refusal, change: Change) -> bool:
        return refusal.config_digest == self._config_digest and _image(refusal.change) == _image(change)

    def _pause(self, times: int, code: str) -> timedelta:
        return PAUSES[-1] if code in self._final else PAUSES[min(times, len(PAUSES)) - 1]

    def _again(self, refused: datetime, pause: timedelta) -> datetime:
        """When it is tried again: at once where a clock that was ahead noted the refusal."""
        return refused + pause if refused <= self._timekeeper.now() else self._timekeeper.now()

    def _unless_held(self, change: Change, again: datetime, message: str) -> Change | None:
        if self._timekeeper.now() >= again or self._covers(
            "refused-before", change.kind, change.action, change.subject
        ):
            return change
        self._stage.proposals.make_due([change.subject], at=None if self._timekeeper.doubt else again)
        self._findings.hold(
            "refused-before",
            message,
            fix="do it by hand in the target, or correct what it refuses; "
            f"tried again after {again:%Y-%m-%d %H:%M UTC}",
            kind=change.kind,
            subject=change.subject,
            label=change.label,
            key=change.key,
        )
        return None


def _image(change: Change) -> tuple[object, ...]:
    fields = {name: part.after for name, part in change.fields.items()}
    return fields, {name: frozenset(part.after) for name, part in change.references.items()}
