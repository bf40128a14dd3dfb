"""Tables for the roll-out of sign-in: each door's steps, who of a pilot came in, and that a local login works."""

from __future__ import annotations

__all__ = ("ROLLOUT",)

ROLLOUT = (
    # Every move of a door; the newest says where it is, and a door without any is at its first step. `event` vouches
    # for the row, and gives the order; it may be pruned, and the row stays.
    """CREATE TABLE sso_step (
        event INTEGER PRIMARY KEY,
        connection TEXT NOT NULL REFERENCES connection,
        door TEXT NOT NULL,
        step TEXT NOT NULL,
        before TEXT NOT NULL,
        at TEXT NOT NULL,
        moved_by TEXT NOT NULL,
        reason TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX sso_step_door ON sso_step (connection, door, event)",
    # Who of the pilot groups came in while the step was `pilot`; `at` is the last time.
    """CREATE TABLE sso_pilot (
        connection TEXT NOT NULL REFERENCES connection,
        door TEXT NOT NULL,
        issuer TEXT NOT NULL,
        subject TEXT NOT NULL,
        at TEXT NOT NULL,
        PRIMARY KEY (connection, door, issuer, subject)
    ) STRICT, WITHOUT ROWID""",
    # Every proof that the desk's own sign-in lets an account in that no sync touches. The newest counts. `pattern`: the
    # entry of `[rails] protect` that protects it, '' where the desk does; `word` is a person's, '' where the desk told.
    """CREATE TABLE sso_break_glass (
        event INTEGER PRIMARY KEY,
        connection TEXT NOT NULL REFERENCES connection,
        door TEXT NOT NULL,
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        pattern TEXT NOT NULL,
        word TEXT NOT NULL,
        proven_at TEXT NOT NULL,
        proven_by TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX sso_break_glass_door ON sso_break_glass (connection, door, event)",
)
