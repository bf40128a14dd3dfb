"""What the journal tells: frozen records of runs, writes, links, reads and events."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from crosskey.model import Scalar, Subject
from crosskey.plan import Change

__all__ = (
    "Absence",
    "Drift",
    "EstablishedBy",
    "EventRecord",
    "Link",
    "OperationRecord",
    "OperationState",
    "RunKind",
    "RunRecord",
    "SnapshotRecord",
    "Value",
    "Verdict",
    "Verification",
    "Voucher",
)

RunKind = Literal["plan", "apply", "sync", "swap", "undo"]

Verdict = Literal["clean", "partial", "held", "aborted", "failed", "crashed"]
"""How a run ended. ``crashed`` is never said by the run itself: the next writer finds it unfinished."""

EstablishedBy = Literal["created", "adopted", "manual"]

OperationState = Literal[
    "intent", "done", "failed", "uncertain", "resolved_present", "resolved_absent", "superseded", "undone"
]
"""``intent`` and ``uncertain`` are unresolved: the write may have happened, so look before writing again. ``undone``
happened, and a later run took it back."""


Value = Scalar | tuple[str, ...]
"""A field's value, or the ids of a reference."""


class Link(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One person's account of one kind, and what crosskey knows to be its own in it.

    ``active`` is the account's state as crosskey left it, ``disabled_by_us`` says that crosskey switched it off.
    ``given`` holds, by reference, the ids that crosskey added and still owns; ``fields`` the values it last applied.
    ``seen`` holds, by field or reference, what was there when it was as the rules say, where crosskey did not write it
    so: a value that was found, or one that the target keeps in its own way (trimmed, in other letters).
    ``since`` and ``run`` tell when and in which run the link was established.
    """

    kind: str
    subject: Subject
    key: str
    marker: str
    active: bool
    established_by: EstablishedBy
    since: datetime
    given: dict[str, tuple[str, ...]]
    fields: dict[str, Scalar]
    disabled_by_us: bool
    run: str
    seen: dict[str, Value] = {}


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """An owned value that somebody else changed, while it stands.

    ``part`` is the field, the reference, or ``active``. ``ours`` is what crosskey last applied (or found to be as the
    rules said), ``now`` what was there when it was last looked at; ``since`` and ``run`` tell when it was noticed.
    """

    kind: str
    subject: Subject
    key: str
    part: str
    ours: Value
    now: Value
    policy: str
    since: datetime
    run: str


class Absence(msgspec.Struct, frozen=True):
    """That somebody is missing from the source: since when, and in how many runs "nobody of that id" was confirmed.

    ``told``: the source itself said that they were deleted.
    """

    since: datetime
    confirmations: int
    told: bool = False


class Voucher(msgspec.Struct, frozen=True, gc=False):
    """A subject in one source and the lead in another under which the same person is linked, and what told so.

    ``since`` and ``run`` are known of those that are noted.
    """

    subject: Subject
    lead: Subject
    because: str
    since: datetime | None = None
    run: str = ""


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One run. ``ended_at`` and ``verdict`` are ``None`` while it is at work, or until its crash is noticed.

    ``trace`` is the id of the OpenTelemetry trace that it was recorded in, empty when none was; ``parent`` the run that
    it takes back, empty for all others.
    """

    id: str
    connection: str
    kind: RunKind
    trigger: str
    started_at: datetime
    ended_at: datetime | None
    verdict: Verdict | None
    counts: dict[str, int]
    config_digest: str
    plugins: dict[str, str]
    note: str
    epoch: int
    sqlite_version: str
    journal_mode: str
    trace: str = ""
    parent: str = ""


class OperationRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One write: the change as it was intended (before and after values included) and what became of it.

    ``key`` is the account's id, as far as it is known; ``attempts`` counts how often the write was intended.
    ``undone_by`` is the run that took it back.
    """

    id: str
    run: str
    change: Change
    state: OperationState
    intent_at: datetime
    settle_until: datetime
    resolved_at: datetime | None
    outcome_code: str
    message: str
    key: str | None
    attempts: int = 1
    undone_by: str = ""

    @property
    def holds(self) -> bool:
        """Whether it is known to have happened, and nobody took it back."""
        return self.state in ("done", "resolved_present")


class SnapshotRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One read of one stream of one side (``source.corp``, ``people``). ``reason`` says why it is not complete."""

    run: str
    side: str
    stream: str
    at: datetime
    pages: int
    records: int
    complete: bool
    reason: str


class EventRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One link of the hash chain. ``run`` is ``""`` for what belongs to no run."""

    seq: int
    at: datetime
    connection: str
    run: str
    kind: str
    facts: dict[str, Scalar]
    hash: str


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """What walking the chain found. Events ``first`` to ``events`` can be trusted, ``head`` is the hash of the last.

    ``first_bad`` is the first event that cannot, and ``reason`` says why. ``lineage`` names the history, ``keys`` are
    the public keys that signed segments, ``restored`` says where the journal came from a backup (former lineage and
    event). ``notes`` tell what is worth knowing and not wrong, ``damage`` what SQLite found in the file.
    """

    events: int
    head: str
    first_bad: int | None = None
    reason: str = ""
    first: int = 1
    lineage: str = ""
    segments: int = 0
    operations: int = 0
    keys: tuple[str, ...] = ()
    restored: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    damage: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing was edited, removed, inserted or put in another order, and the file is sound."""
        return self.first_bad is None and not self.damage

    @property
    def trustworthy(self) -> str:
        """What can be relied on, in words."""
        if self.events < self.first:
            return "nothing"
        return f"events {self.first} to {self.events}, and what they say of changes and their outcomes"
