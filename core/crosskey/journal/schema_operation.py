"""The table of operations, laid out so that a batch, which comes by subject, touches few pages.

A batch's rows are neighbours in the order of numbers and in that of subjects. An index in the order of change ids,
which are hashes, has each row on another page, and each page is written to the disk twice.
"""

from __future__ import annotations

__all__ = ("OPERATION",)

_COLUMNS = """id, run, connection, change_id, kind, issuer, subject, key, change, state, attempts, intent_at,
    settle_until, resolved_at, outcome_code, message, event, link_before, undone_by, lapsed, told"""

OPERATION = (
    # The only way to take a constraint out of a table is to make it anew (https://sqlite.org/lang_altertable.html).
    """CREATE TABLE operation_anew (
        id INTEGER PRIMARY KEY,
        run TEXT NOT NULL REFERENCES run,
        connection TEXT NOT NULL,
        change_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        issuer TEXT NOT NULL,
        subject TEXT NOT NULL,
        key TEXT,
        change TEXT NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        intent_at TEXT NOT NULL,
        settle_until TEXT NOT NULL,
        resolved_at TEXT,
        outcome_code TEXT NOT NULL,
        message TEXT NOT NULL,
        event INTEGER NOT NULL REFERENCES event,
        link_before TEXT,
        undone_by TEXT NOT NULL DEFAULT '',
        lapsed INTEGER NOT NULL DEFAULT 0,
        told INTEGER NOT NULL DEFAULT 0
    ) STRICT""",
    f"INSERT INTO operation_anew ({_COLUMNS}) SELECT {_COLUMNS} FROM operation ORDER BY id",  # noqa: S608 - constants of this module
    "DROP TABLE operation",
    "ALTER TABLE operation_anew RENAME TO operation",
    # A run intends a change of somebody once. It is unique here and not by itself, so that neighbours stay neighbours.
    "CREATE UNIQUE INDEX operation_subject ON operation (connection, issuer, subject, run, change_id)",
    "CREATE INDEX operation_run ON operation (run)",
    # An account that is being made has no key yet, and most outcomes are vouched for by an event of their own.
    "CREATE INDEX operation_key ON operation (connection, kind, key) WHERE key IS NOT NULL",
    "CREATE INDEX operation_told ON operation (told) WHERE event <> told",
    "CREATE INDEX operation_event ON operation (event)",
    "CREATE INDEX operation_since ON operation (connection, intent_at)",
    "CREATE INDEX operation_undone ON operation (connection) WHERE state = 'undone' AND NOT lapsed",
    # The database itself refuses a second write for somebody whose last one is not settled.
    """CREATE UNIQUE INDEX operation_unresolved ON operation (connection, kind, issuer, subject)
        WHERE state IN ('intent', 'uncertain')""",
)
