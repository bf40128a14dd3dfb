"""Leavers who leave only after some time: the grace that rules give, and the spread of confirmations of an absence.

Time counts only as far as the clock can be trusted: what it alone would decide is held while it is in doubt (G21).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from crosskey.engine.findings import Findings
from crosskey.engine.stage import Stage
from crosskey.engine.timekeeper import Timekeeper
from crosskey.journal import JournalWriter
from crosskey.model import Subject
from crosskey.plan import Change

__all__ = ("Waiting",)


class Waiting:
    """Whose time is over, and who must wait on."""

    def __init__(self, timekeeper: Timekeeper, journal: JournalWriter, stage: Stage, findings: Findings) -> None:
        self._timekeeper = timekeeper
        self._journal = journal
        self._stage = stage
        self._findings = findings
        self._over: set[tuple[str, Subject]] = set()

    def rests_on_time(self, change: Change) -> bool:
        """Whether a change is made now only because time has passed."""
        return change.action == "disable" and (change.kind, change.subject) in self._over

    def leaving_since(self, kind: str, subject: Subject) -> datetime:
        """Since when somebody leaves, noted now if it was not; a moment yet to come was noted by a wrong clock."""
        now = self._timekeeper.now()
        since = self._journal.leaving(kind, [subject]).get(subject)
        if self._timekeeper.doubt:
            return since or now
        if since is None or since > now:
            self._journal.clear_leaving(kind, [subject])
            self._journal.mark_leaving(kind, [subject])
            return now
        return since

    def is_over(self, kind: str, subject: Subject, label: str, key: str, since: datetime, wait: timedelta) -> bool:
        """Whether somebody has waited long enough; who has not is due when the wait is over."""
        if self._timekeeper.has_passed(since, wait):
            self._over.add((kind, subject))
            return True
        over = since + wait
        if over > self._timekeeper.now():
            # by a clock that is ahead the time would come much too late
            self._stage.proposals.make_due([subject], at=None if self._timekeeper.doubt else over)
        else:
            self.hold(kind, subject, label, key)
        return False

    def hold(self, kind: str, subject: Subject, label: str, key: str) -> None:
        """Hold somebody for whom only the clock, which is in doubt, would decide."""
        self._stage.proposals.make_due([subject])
        self._findings.hold(
            "clock",
            f"{self._timekeeper.doubt}: what only time decides waits",
            fix="set the clock right (NTP), then run again",
            kind=kind,
            subject=subject,
            label=label,
            key=key,
        )
