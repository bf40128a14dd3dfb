"""Tables for drift: owned values that somebody else changed, and values that links know without having written them."""

from __future__ import annotations

__all__ = ("DRIFT",)

DRIFT = (
    # One row while the drift stands: the write, or the hand, that brings the value back takes it away.
    """CREATE TABLE drift (
        connection TEXT NOT NULL REFERENCES connection,
        issuer TEXT NOT NULL,
        subject TEXT NOT NULL,
        kind TEXT NOT NULL,
        part TEXT NOT NULL,
        key TEXT NOT NULL,
        ours TEXT NOT NULL,
        now TEXT NOT NULL,
        policy TEXT NOT NULL,
        since TEXT NOT NULL,
        run TEXT NOT NULL REFERENCES run,
        PRIMARY KEY (connection, issuer, subject, kind, part)
    ) STRICT, WITHOUT ROWID""",
    # By field or reference: what the desk showed when it held what the rules say, where that is not what was written.
    "ALTER TABLE link ADD COLUMN seen TEXT NOT NULL DEFAULT '{}'",
)
