"""Missing is not gone: how often, and over how long, nobody of an id must be found before somebody has left (G4).

A source that says itself that somebody was deleted is believed at once.
"""

from __future__ import annotations

from datetime import timedelta

import msgspec

from crosskey.engine.kindplan import KindPlan
from crosskey.engine.planner import Planner
from crosskey.journal import Absence, Link

__all__ = ("Absentees",)


class Absentees(msgspec.Struct, frozen=True, kw_only=True):
    """What a run asks of an absence: ``reads`` confirmations over ``spread``."""

    reads: int
    spread: timedelta
    run: str

    def have_left(self, planner: Planner, kind: KindPlan, link: Link, label: str, *, told: bool) -> bool:
        """Whether somebody of whose id nobody exists has left; notes one more confirmation, tells who must wait.

        ``told``: the source itself said that they were deleted.
        """
        if planner.timekeeper.doubt and not told:
            planner.waiting.hold(kind.name, link.subject, label, link.key)
            return False
        found = planner.journal.confirm_absent(kind.name, link.subject, run=self.run, told=told)
        if found.told:
            return True
        if kind.mapping.leavers.after > timedelta(0):
            planner.waiting.leaving_since(kind.name, link.subject)
        if found.confirmations >= self.reads and not self.spread:
            return True
        if found.confirmations >= self.reads:
            key = link.key
            if planner.waiting.is_over(kind.name, link.subject, label, key, found.since, self.spread):
                return True
        else:
            planner.stage.proposals.make_due([link.subject], at=found.since + self._step() * found.confirmations)
        self._tell(planner, kind, label, found)
        return False

    def _step(self) -> timedelta:
        """The pause between confirmations by which the last one falls to the end of the spread."""
        return self.spread / max(1, self.reads - 1)

    def _tell(self, planner: Planner, kind: KindPlan, label: str, found: Absence) -> None:
        until = found.since + self.spread
        planner.findings.notice(
            "absent",
            f"{label} is missing since {found.since:%Y-%m-%d %H:%M} UTC, {found.confirmations} of {self.reads} "
            f"confirmations; {kind.name} stays at least until {until:%Y-%m-%d %H:%M} UTC",
        )
