"""What may go wrong, by stable id, and the seed's decision when it does."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeVar

__all__ = ("KINDS", "Faults")

T = TypeVar("T")

KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "source.page-fails": "a page ends in an error that may pass",
        "source.raises": "the plugin raises something of its own",
        "source.refused": "the credential is refused half-way",
        "source.hangs": "a page never comes; a deadline ends the run",
        "source.page-missing": "a page of people is silently left out",
        "source.members-missing": "a page of members is silently left out",
        "source.empty": "nobody at all, and called complete",
        "source.ends-early": "the read ends without its end",
        "source.goes-on": "pages come after the end",
        "source.duplicate-page": "a page comes twice",
        "source.reordered": "pages come in another order",
        "source.stranger": "somebody of another issuer is among them",
        "source.stale-list": "lists show the state of some seconds ago",
        "source.stale-find": "a look-up by id shows the state of some seconds ago",
        "source.find-fails": "a look-up by id fails",
        "source.group-gone": "a group that mappings name is not there",
        "source.group-hidden": "permission for a group was removed: it looks empty, by id too",
        "source.cursor-expired": "changes cannot be told from that cursor any more",
        "source.cursor-old": "changes begin at an older place than asked for",
        "source.schema-drift": "an attribute is empty for everybody",
        "source.status-unknown": "somebody has a status that nobody knows",
        "source.false-tombstone": "somebody who is there is told to be deleted",
        "source.moves-while-read": "people change while pages are read",
        "target.list-fails": "the list of accounts ends in an error",
        "target.list-ends-early": "the list of accounts ends without its end",
        "target.list-short": "the list is shorter than the count told with it",
        "target.list-misses": "the list leaves an account out, and so does its count",
        "target.stale-list": "lists show the state of some seconds ago",
        "target.stale-find": "a look-up by id or marker shows the state of some seconds ago",
        "target.find-fails": "a look-up by id fails",
        "target.catalogue-fails": "sites and roles cannot be read",
        "target.rate-limited": "others spent the budget: nothing of the batch is written",
        "target.refused": "the credential is refused: nothing of the batch is written",
        "target.request-lost": "no answer, and nothing was written",
        "target.answer-lost": "no answer, and everything was written",
        "target.late-apply": "no answer; everything is written after the client gave up",
        "target.error-before": "one record of the batch ends in a 500 and is not written",
        "target.error-after": "one record of the batch ends in a 500 and is written",
        "target.late-single": "one record of the batch ends in a 500 and is written later",
        "target.raises-before": "the plugin raises something of its own, nothing was written",
        "target.raises-after": "the plugin raises something of its own, everything was written",
        "target.hangs-before": "the write hangs and is never carried out",
        "target.hangs-after": "the write hangs after it was carried out",
        "target.outcome-missing": "one record of the batch has no outcome",
        "target.rejected": "one record of the batch is refused",
        "target.fresh-404": "an account made a moment ago is said not to exist",
        "target.no-key": "a create is confirmed without its key",
        "target.wrong-key": "a create is confirmed with the key of another account",
        "target.already": "a write is said to have been so already",
        "target.truncates": "text is cut without a word",
        "target.ignores-field": "a field is not written, and called written",
        "target.seats-exhausted": "no seat is free",
        "human.edits-field": "somebody edits a field that rules write",
        "human.switches-off": "somebody switches an account off",
        "human.switches-on": "somebody switches on what crosskey switched off",
        "human.deletes": "somebody deletes an account",
        "human.makes-account": "somebody makes an account for a newcomer by hand",
        "human.gives-role": "somebody gives a role by hand",
        "process.crash-at-await": "the process dies where it waits",
        "process.crash-before-write": "the process dies before a transaction of the journal",
        "process.crash-after-write": "the process dies right after a transaction of the journal",
        "process.cancelled": "a signal cancels the run where it waits",
        "process.stopped": "a signal stops the run between two batches",
        "process.second-runner": "a second run starts while the first holds the journal",
        "process.paused": "the process is paused past its lease, another takes over, it wakes up",
        "process.saved-plan": "a saved plan is applied after the world moved on",
        "process.config-changed": "the rules change between two runs",
        "process.clock-forward": "the wall clock jumps an hour ahead",
        "process.clock-back": "the wall clock jumps an hour back",
        "process.clock-far": "the wall clock jumps forty days ahead",
        "process.clock-leap": "the wall clock repeats a second",
        "process.scratch-left": "a dead run's scratch file lies around",
        "process.snapshot-lost": "the snapshot of the last run is gone",
        "process.snapshot-damaged": "the snapshot of the last run is damaged",
        "journal.disk-full": "the disk is full at a write of the journal",
        "journal.locked": "another program locks the journal",
        "journal.read-only": "the journal cannot be written any more",
        "journal.corrupt": "a page of the journal is damaged; a copy is put back",
        "journal.old-backup": "a backup of some rounds ago is put back",
        "journal.tail-lost": "what the last round committed is lost",
    }
)
"""Faults that the first family of worlds strikes with: vendors are connectors."""


class Faults:
    """Decides by the seed which faults a world knows at all, and when each strikes; counts what struck."""

    def __init__(
        self,
        seed: int,
        known: Mapping[str, str],
        tell: Callable[[str], None],
        *,
        share: float = 0.4,
        without: tuple[str, ...] = (),
    ) -> None:
        self._random = random.Random(f"faults {seed}")
        self._tell = tell
        self.known = known
        self.active = {fault for fault in known if self._random.random() < share}
        self.active = {fault for fault in self.active if not fault.startswith(without)}
        self.hits: Counter[str] = Counter()
        self.on = True

    def may(self, fault: str) -> bool:
        """Whether a world knows this fault and it is the time of faults."""
        if fault not in self.known:
            raise KeyError(fault)
        return self.on and fault in self.active

    def strikes(self, fault: str, chance: float) -> bool:
        """Whether a fault strikes now; if so it is counted."""
        if not self.may(fault) or self._random.random() >= chance:
            return False
        self.hit(fault)
        return True

    def hit(self, fault: str) -> None:
        """Count a fault that took place."""
        self.hits[fault] += 1
        self._tell(f"! {fault}")

    def chance(self, chance: float) -> bool:
        """A decision that is not a fault."""
        return self._random.random() < chance

    def choose(self, among: Sequence[T]) -> T:
        """One of several."""
        return self._random.choice(among)

    def seconds(self, least: float, most: float) -> float:
        """A length of time."""
        return self._random.uniform(least, most)
