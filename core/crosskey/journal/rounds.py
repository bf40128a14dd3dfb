"""What the runs of a connection say together: when one last did its work, and what they held since all was read."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import msgspec

from crosskey.journal.database import Database, moment

__all__ = ("Rounds", "look_back")

# Runs that were asked for less than everything; all others read everything.
_PARTS = "('watch:changes', 'watch:people', 'command:changes')"
# A run that a rail held whole did not do its work.
_WHOLE = """EXISTS (SELECT 1 FROM plan, json_each(plan.header, '$.held') AS each
    WHERE plan.id = run.id AND json_extract(each.value, '$.scope') = 'run')"""
_DONE = "connection = ? AND kind IN ('sync', 'apply') AND verdict IN ('clean', 'partial', 'held')"
_LAST = f"SELECT id, ended_at FROM run WHERE {_DONE} AND NOT {_WHOLE} ORDER BY rowid DESC LIMIT 1"  # noqa: S608 - constants of this module
_FULL = f"""SELECT id, ended_at, rowid FROM run WHERE {_DONE} AND NOT {_WHOLE}
    AND (trigger NOT IN {_PARTS} OR id = ?) ORDER BY rowid DESC LIMIT 1"""  # noqa: S608 - constants of this module
_SINCE = """SELECT json_extract(plan.header, '$.held_counts') FROM run JOIN plan ON plan.id = run.id
    WHERE run.connection = ? AND run.kind IN ('sync', 'apply') AND run.rowid >= ? AND run.verdict IS NOT NULL
    AND json_extract(plan.header, '$.held_counts') <> '{}'"""
_UNDONE = """SELECT counts FROM run WHERE connection = ? AND kind IN ('sync', 'apply') AND rowid >= ?
    AND verdict = 'partial'"""
_WHOLLY = f"""SELECT {_WHOLE} FROM run WHERE connection = ? AND kind IN ('sync', 'apply')
    AND trigger <> 'watch:people' AND verdict IN ('clean', 'partial', 'held', 'failed') ORDER BY rowid DESC LIMIT 1"""  # noqa: S608 - constants of this module

_counts = msgspec.json.Decoder(dict[str, int])


class Rounds(msgspec.Struct, frozen=True, kw_only=True):
    """What runs that apply came to.

    ``success_at`` and ``full_at``: when the last one (that read everything) ended that did its work. ``held`` is the
    most that each rail held since all was read, ``undone`` the most that a run could not write, by result.
    ``held_whole``: a rail held the last round as a whole.
    """

    success: str = ""
    success_at: datetime | None = None
    full: str = ""
    full_at: datetime | None = None
    held: dict[str, int] = {}
    undone: dict[str, int] = {}
    held_whole: bool = False


def look_back(database: Database, connection: str, full_run: str) -> Rounds:
    """Look; ``full_run`` is a run of a watcher that read everything although only changes were asked for."""
    last = database.row(_LAST, (connection,))
    full = database.row(_FULL, (connection, full_run))
    held: Counter[str] = Counter()
    undone: Counter[str] = Counter()
    since = (connection, full[2] if full else 0)
    for (text,) in database.rows(_SINCE, since):
        held |= Counter(_counts.decode(text))
    for (text,) in database.rows(_UNDONE, since):
        counts = _counts.decode(text)
        undone |= Counter({name: counts.get(f"result.{name}", 0) for name in ("rejected", "unknown")})
    return Rounds(
        success=last[0] if last else "",
        success_at=moment(last[1]) if last else None,
        full=full[0] if full else "",
        full_at=moment(full[1]) if full else None,
        held=dict(held),
        undone=dict(undone),
        held_whole=bool(database.value(_WHOLLY, (connection,))),
    )
