"""The journal: every write intended before it is sent and recorded after, in one SQLite file with one writer."""

from crosskey.journal.journal import Journal, JournalWriter
from crosskey.journal.records import (
    EstablishedBy,
    EventRecord,
    Link,
    OperationRecord,
    OperationState,
    RunKind,
    RunRecord,
    SnapshotRecord,
    Verdict,
    Verification,
    Voucher,
)

__all__ = (
    "EstablishedBy",
    "EventRecord",
    "Journal",
    "JournalWriter",
    "Link",
    "OperationRecord",
    "OperationState",
    "RunKind",
    "RunRecord",
    "SnapshotRecord",
    "Verdict",
    "Verification",
    "Voucher",
)
