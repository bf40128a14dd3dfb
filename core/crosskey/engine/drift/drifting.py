"""What a run does about drift: each one noticed once, and what the policy says is left alone or held taken out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Literal

import msgspec

from crosskey.connector.mapper import CompiledMapping, Desired
from crosskey.connector.target import KindSpec
from crosskey.engine.drift.comparing import Drifted, compare
from crosskey.engine.drift.writes import Writes
from crosskey.engine.findings import Findings
from crosskey.engine.timekeeper import Timekeeper
from crosskey.events import Event
from crosskey.journal import Drift, JournalWriter, Link, SnapshotRecord, Value
from crosskey.model import Account, Person, Subject
from crosskey.plan import Change, FieldChange, ReferenceChange

__all__ = ("RAIL", "Drifting", "Handled", "shown")

RAIL = "drift"

Handled = Literal["reassert", "yield", "alert"]

_SWITCH = "active"


class Drifting:
    """Looks for drift in the accounts of one run.

    ``allows`` says whether a person let one change through; ``unsure`` is told whose account may not be as it is shown.
    """

    def __init__(
        self,
        journal: JournalWriter,
        findings: Findings,
        run: str,
        *,
        timekeeper: Timekeeper,
        settle: timedelta,
        looked: Callable[[str], SnapshotRecord | None],
        allows: Callable[[Change], bool],
        told: Callable[[str, Sequence[Event]], None],
        unsure: Callable[[Subject], None],
    ) -> None:
        self._journal = journal
        self._findings = findings
        self._run = run
        self._timekeeper = timekeeper
        self._settle = settle
        self._looked_at = looked
        self._allows = allows
        self._told = told
        self._unsure = unsure
        self._last_look: dict[str, SnapshotRecord | None] = {}
        self._looked: list[Subject] = []
        self._found: list[Drift] = []
        self._known: list[Link] = []
        self._left = 0

    def heed(
        self,
        kind: KindSpec,
        mapping: CompiledMapping,
        person: Person,
        desired: Desired,
        link: Link,
        account: Account,
        change: Change | None,
    ) -> Change | None:
        """The change as the policies want it, for somebody who should have the account."""
        writes = self._writes(kind, account)
        found = compare(kind, mapping, desired, link, account, writes)
        self._looked.append(link.subject)
        if found.known is not None:
            self._known.append(found.known)
        if found.unsure:
            self._unsure(link.subject)
        for drifted in found.drifted:
            self._note(link, drifted.part, drifted.ours, drifted.now, drifted.policy)
        if not account.active and link.active and not link.disabled_by_us and not writes.explains(_SWITCH, now=False):
            self._note(link, _SWITCH, ours=True, now=False, policy="yield")
        if change is None or not (found.kept or found.drifted):
            return change
        return self._heeded(change, found.kept, found.drifted, person, writes)

    def heed_leaver(self, kind: KindSpec, link: Link, account: Account) -> None:
        """Note whether somebody switched on what crosskey had switched off; it is switched off again in any case."""
        if account.active and link.active:
            return  # not switched off yet
        self._looked.append(link.subject)
        if account.active and not self._writes(kind, account).explains(_SWITCH, now=True):
            self._note(link, _SWITCH, ours=False, now=True, policy="reassert")

    def save(self, kind: str) -> None:
        """Note what was found among the accounts of one kind since the last call, each drift once."""
        if self._looked:
            noted = self._journal.drifts(kind, self._looked)
            found = {(one.subject, one.part): one for one in self._found}
            new = [one for place, one in found.items() if place not in noted]
            still = [
                one
                for place, one in found.items()
                if place in noted
                and (noted[place].now, noted[place].policy, noted[place].key) != (one.now, one.policy, one.key)
            ]
            over = [one for place, one in noted.items() if place not in found]
            if new or still or over:
                self._told(kind, self._journal.note_drift(self._run, new=new, still=still, over=over))
        if self._known:
            self._journal.note_known(self._known)
        self._looked, self._found, self._known = [], [], []

    def tell_left(self) -> None:
        """Tell once of everything that is left to whoever changed it."""
        if self._left:
            values = "1 value is" if self._left == 1 else f"{self._left} values are"
            self._findings.notice(
                "drift-left",
                f'{values} left as somebody set them in the target (drift = "yield")',
                fix="`crosskey drift` lists them; crosskey's again once they say what the rules say",
            )

    def _heeded(
        self, change: Change, kept: frozenset[str], drifted: Sequence[Drifted], person: Person, writes: Writes
    ) -> Change | None:
        fields = {name: part for name, part in change.fields.items() if name not in kept}
        references, why = dict(change.references), dict(change.why)
        again: list[str] = []
        held: list[str] = []
        for one in drifted:
            if one.part not in fields and one.part not in references:
                continue  # nothing would be written: not ours to clear
            run = writes.run_of(one.part, one.ours)
            if one.policy == "reassert" or (one.policy == "alert" and self._allows(change)):
                again.append(one.part)
                why[one.part] = f"{shown(one, run)}; {why[one.part]}" if one.part in why else shown(one, run)
                continue
            _leave(one, fields, references)
            if one.policy == "alert":
                held.append(f"{one.part}: {shown(one, run)}")
            else:
                self._left += 1
        if held:
            self._findings.hold(
                RAIL,
                "; ".join(held),
                fix=f"to have it written again: `crosskey approve drift`, or --allow drift={change.kind}:{change.key}; "
                'or set it in the target to what the rules say, or let it go with drift = "yield"',
                kind=change.kind,
                subject=change.subject,
                label=person.label,
                key=change.key,
            )
        if not fields and not references and change.action == "update":
            return None
        return msgspec.structs.replace(
            change,
            fields=fields,
            references=references,
            why={name: text for name, text in why.items() if not name or name in fields or name in references},
            drifted=tuple(again),
        )

    def _note(self, link: Link, part: str, ours: Value, now: Value, policy: Handled) -> None:
        self._found.append(
            Drift(
                kind=link.kind,
                subject=link.subject,
                key=link.key,
                part=part,
                ours=ours,
                now=now,
                policy=policy,
                since=self._timekeeper.now(),
                run=self._run,
            )
        )

    def _writes(self, kind: KindSpec, account: Account) -> Writes:
        if kind.name not in self._last_look:
            self._last_look[kind.name] = self._looked_at(kind.name)
        return Writes(
            lambda: self._journal.operations(key=(kind.name, account.key)),
            now=self._timekeeper.now(),
            settle=self._settle,
            looked=self._last_look[kind.name],
        )


def shown(one: Drifted, run: str) -> str:
    """What happened, in a clause. Ids of references say nothing to a reader, and stay out."""
    applied = f" in run {run}" if run else ""
    if one.taken:
        return f"drift: somebody took away what was given{applied}"
    if isinstance(one.now, tuple):
        return f"drift: somebody chose another than was given{applied}"
    return f"drift: somebody set {_quoted(one.now)}, last applied {_quoted(one.ours)}{applied}"


def _quoted(value: Value) -> str:
    return "nothing" if value is None or value == "" else str(msgspec.json.encode(value).decode())


def _leave(one: Drifted, fields: dict[str, FieldChange], references: dict[str, ReferenceChange]) -> None:
    """Take out of a change what would write over a hand's value."""
    fields.pop(one.part, None)
    reference = references.pop(one.part, None)
    if reference is not None and one.taken:
        after = tuple(id_ for id_ in reference.after if id_ not in one.taken)
        if set(after) != set(reference.before):
            references[one.part] = ReferenceChange(reference.before, after)
