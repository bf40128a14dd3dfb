"""The journal: every write intended before it is sent and recorded after, in one SQLite file with one writer."""

from crosskey.journal.condition import JournalFile
from crosskey.journal.heads import Head, read_heads, write_heads
from crosskey.journal.journal import Journal
from crosskey.journal.outbox import Cause, Delivery, Outbox
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
from crosskey.journal.rounds import Rounds
from crosskey.journal.segments import Segment
from crosskey.journal.signing import Signer
from crosskey.journal.troubles import Trouble
from crosskey.journal.watchbook import Watchbook
from crosskey.journal.watchers import Ask, WatcherRecord
from crosskey.journal.writer import JournalWriter

__all__ = (
    "Ask",
    "Cause",
    "Delivery",
    "EstablishedBy",
    "EventRecord",
    "Head",
    "Journal",
    "JournalFile",
    "JournalWriter",
    "Link",
    "OperationRecord",
    "OperationState",
    "Outbox",
    "Rounds",
    "RunKind",
    "RunRecord",
    "Segment",
    "Signer",
    "SnapshotRecord",
    "Trouble",
    "Verdict",
    "Verification",
    "Voucher",
    "Watchbook",
    "WatcherRecord",
    "read_heads",
    "write_heads",
)
