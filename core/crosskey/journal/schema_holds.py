"""The tables of what waits for a person and of what people let through."""

from __future__ import annotations

__all__ = ("HOLDS",)

HOLDS = (
    # What the newest plan of a connection holds: a row for each rail that holds a run or a class of changes, one for
    # each change of such a class (`change`: what would be written) and one for each person. `since` and `run` are of
    # the first plan that held it.
    """CREATE TABLE held (
        id INTEGER PRIMARY KEY,
        connection TEXT NOT NULL REFERENCES connection,
        rail TEXT NOT NULL,
        scope TEXT NOT NULL,
        kind TEXT NOT NULL,
        action TEXT NOT NULL,
        issuer TEXT NOT NULL,
        subject TEXT NOT NULL,
        since TEXT NOT NULL,
        run TEXT NOT NULL REFERENCES run,
        body TEXT NOT NULL,
        change TEXT
    ) STRICT""",
    "CREATE INDEX held_subject ON held (connection, issuer, subject)",
    # `lets` names exactly whom or what; `run` is the one that used it up, or is about to.
    """CREATE TABLE approval (
        id TEXT PRIMARY KEY,
        connection TEXT NOT NULL REFERENCES connection,
        rail TEXT NOT NULL,
        lets TEXT NOT NULL,
        given_by TEXT NOT NULL,
        reason TEXT NOT NULL,
        given_at TEXT NOT NULL,
        expires_at TEXT NOT NULL,
        withdrawn_at TEXT,
        run TEXT REFERENCES run,
        event INTEGER NOT NULL REFERENCES event
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX approval_run ON approval (run)",
    # What was written since some time: rails count over a day and a week.
    "CREATE INDEX operation_since ON operation (connection, intent_at)",
)
