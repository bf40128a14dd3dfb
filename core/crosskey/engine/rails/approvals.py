"""What people let through in the journal, as the rails and planners of one run ask for it.

An approval ends by the clock, so while the clock is in doubt none counts, and none ends: what it lets through is held
until the clock is right (G21).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from crosskey.engine.rails.codes import COUNTED
from crosskey.engine.timekeeper import Timekeeper
from crosskey.errors import StaleError
from crosskey.journal import Approval, JournalWriter
from crosskey.model import Subject
from crosskey.plan import Change

__all__ = ("Approvals",)


class Approvals:
    """Approvals that a run may use, as far as its ``timekeeper`` knows; remembers which of them it needed."""

    def __init__(self, given: Sequence[Approval] = (), timekeeper: Timekeeper | None = None) -> None:
        self._timekeeper = timekeeper
        self._given = {approval.id: approval for approval in given}
        self._items: dict[tuple[str, Subject], list[tuple[str, str, str]]] = {}
        for approval in given:
            for item in approval.items:
                self._items.setdefault((item.kind, item.subject), []).append((approval.rail, item.action, approval.id))
        self.needed: set[str] = set()

    def covers(self, rail: str, kind: str, action: str, subject: Subject) -> bool:
        """Whether a person let exactly this through that rail, or through another that asks for the same word."""
        family = COUNTED if rail in COUNTED else {rail}
        for given_rail, given_action, id_ in self._items.get((kind, subject), ()):
            if given_rail in family and given_action in ("", action) and self._is_open(self._given[id_]):
                self.needed.add(id_)
                return True
        return False

    def words(self) -> dict[str, str]:
        """The numbers and names that were let through, each with its approval."""
        given = [approval for approval in self._given.values() if approval.words and self._is_open(approval)]
        return {word: approval.id for approval in given for word in approval.words}

    def told(self) -> list[Approval]:
        """Those that were needed."""
        return [approval for id_, approval in self._given.items() if id_ in self.needed]

    def used_for(self, changes: Iterable[Change]) -> set[str]:
        """Those that were needed and of which these changes, about to be written, make use."""
        used = {approval.id for approval in self.told() if approval.words}
        rest = self.needed - used
        if not rest:
            return used
        for change in changes:
            for _, action, id_ in self._items.get((change.kind, change.subject), ()):
                if id_ in rest and action in ("", change.action):
                    used.add(id_)
        return used

    def bind(self, journal: JournalWriter, run: str, changes: Iterable[Change]) -> None:
        """Use up what these changes, about to be written, make use of: no other run can.

        Raises :class:`StaleError` when one of them is not open any more, or nobody can tell.
        """
        used = self.used_for(changes)
        doubt = self._timekeeper.doubt if self._timekeeper is not None else ""
        if doubt and used:
            raise StaleError(
                f"{doubt}, so nobody can tell whether what was approved still is; nothing was written",
                code="approval-clock",
                where=f"approval {', '.join(sorted(used))}",
                fix="set the clock right (NTP), then run again",
            )
        if not doubt:
            journal.bind_approvals(run, used)

    def _is_open(self, approval: Approval) -> bool:
        return self._timekeeper is None or self._timekeeper.is_between(approval.at, approval.expires_at)
