"""The journal: every write intended before it is sent and recorded after, in one SQLite file with one writer."""

from crosskey.journal.approvals import Approval, ApprovalState, Approved
from crosskey.journal.journal import Journal
from crosskey.journal.ladders import Ladder
from crosskey.journal.outbox import Cause, Delivery, Outbox
from crosskey.journal.records import (
    Absence,
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
from crosskey.journal.refusals import UNSENT, Refusal
from crosskey.journal.rounds import Rounds
from crosskey.journal.troubles import Trouble
from crosskey.journal.waiting import Waiting
from crosskey.journal.watchbook import Watchbook
from crosskey.journal.watchers import Ask, WatcherRecord
from crosskey.journal.writer import JournalWriter

__all__ = (
    "UNSENT",
    "Absence",
    "Approval",
    "ApprovalState",
    "Approved",
    "Ask",
    "Cause",
    "Delivery",
    "EstablishedBy",
    "EventRecord",
    "Journal",
    "JournalWriter",
    "Ladder",
    "Link",
    "OperationRecord",
    "OperationState",
    "Outbox",
    "Refusal",
    "Rounds",
    "RunKind",
    "RunRecord",
    "SnapshotRecord",
    "Trouble",
    "Verdict",
    "Verification",
    "Voucher",
    "Waiting",
    "Watchbook",
    "WatcherRecord",
)
