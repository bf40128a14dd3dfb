"""Schema of the journal as evidence: sealed segments, who vouches for an outcome, what was pruned or restored."""

from __future__ import annotations

__all__ = ("AUDIT",)

AUDIT = (
    # The event that vouches for an operation's outcome, or for its intent while there is none; 0: none ever did.
    "ALTER TABLE operation ADD COLUMN told INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX operation_told ON operation (told)",
    # Sealed pieces of the chain of events. They stay for ever, also where their events were pruned; `mark` covers the
    # row and all rows before it.
    """CREATE TABLE segment (
        number INTEGER PRIMARY KEY,
        lineage TEXT NOT NULL,
        first_seq INTEGER NOT NULL,
        last_seq INTEGER NOT NULL,
        head TEXT NOT NULL,
        sealed_at TEXT NOT NULL,
        key TEXT NOT NULL,
        signature TEXT NOT NULL,
        mark TEXT NOT NULL
    ) STRICT""",
    "ALTER TABLE meta ADD COLUMN pruned_seq INTEGER NOT NULL DEFAULT 0",
    # The event that says that the journal came from a backup, until a run has found its way again; 0: none.
    "ALTER TABLE connection ADD COLUMN restored INTEGER NOT NULL DEFAULT 0",
    "DROP TRIGGER event_remains",
    """CREATE TRIGGER event_remains BEFORE DELETE ON event WHEN OLD.seq > (SELECT pruned_seq FROM meta)
        BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END""",
)
