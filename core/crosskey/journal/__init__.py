"""The journal: every write intended before it is sent and recorded after, in one SQLite file with one writer."""

from crosskey.journal.approvals import Approval, ApprovalState, Approved
from crosskey.journal.attempts import SIGNED_IN, AttemptRecord
from crosskey.journal.condition import JournalFile
from crosskey.journal.doorbook import Doorbook
from crosskey.journal.heads import Head, read_heads, write_heads
from crosskey.journal.heard import ChannelRecord
from crosskey.journal.journal import Journal
from crosskey.journal.ladders import Ladder
from crosskey.journal.logins import LoginRecord, Purpose
from crosskey.journal.moments import KeptRows
from crosskey.journal.outbox import Cause, Delivery, Outbox
from crosskey.journal.pastjournal import PastJournal
from crosskey.journal.records import (
    Absence,
    Drift,
    EstablishedBy,
    EventRecord,
    Link,
    OperationRecord,
    OperationState,
    RunKind,
    RunRecord,
    SnapshotRecord,
    Value,
    Verdict,
    Verification,
    Voucher,
)
from crosskey.journal.refusals import UNSENT, Refusal
from crosskey.journal.rounds import Rounds
from crosskey.journal.segments import Segment
from crosskey.journal.sessions import SessionRecord, Whom
from crosskey.journal.signing import Signer
from crosskey.journal.standing import Standing
from crosskey.journal.steps import STEPS, BreakGlass, Step, StepRecord
from crosskey.journal.troubles import Trouble
from crosskey.journal.waiting import Waiting
from crosskey.journal.watchbook import Watchbook
from crosskey.journal.watchers import Ask, WatcherRecord
from crosskey.journal.writer import JournalWriter

__all__ = (
    "SIGNED_IN",
    "STEPS",
    "UNSENT",
    "Absence",
    "Approval",
    "ApprovalState",
    "Approved",
    "Ask",
    "AttemptRecord",
    "BreakGlass",
    "Cause",
    "ChannelRecord",
    "Delivery",
    "Doorbook",
    "Drift",
    "EstablishedBy",
    "EventRecord",
    "Head",
    "Journal",
    "JournalFile",
    "JournalWriter",
    "KeptRows",
    "Ladder",
    "Link",
    "LoginRecord",
    "OperationRecord",
    "OperationState",
    "Outbox",
    "PastJournal",
    "Purpose",
    "Refusal",
    "Rounds",
    "RunKind",
    "RunRecord",
    "Segment",
    "SessionRecord",
    "Signer",
    "SnapshotRecord",
    "Standing",
    "Step",
    "StepRecord",
    "Trouble",
    "Value",
    "Verdict",
    "Verification",
    "Voucher",
    "Waiting",
    "Watchbook",
    "WatcherRecord",
    "Whom",
    "read_heads",
    "write_heads",
)
