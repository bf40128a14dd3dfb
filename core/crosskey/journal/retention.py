"""What is too old goes: whole sealed segments with their operations, plans, reads and the runs nobody refers to.

The heads of segments stay for ever, and so do people's links. Everything goes in small transactions; what a kill
interrupts goes on the next day.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from crosskey.errors import StorageError
from crosskey.journal import events
from crosskey.journal.database import Database, stamp
from crosskey.model import Scalar

__all__ = ("DAILY", "QUIET", "READS", "prune", "return_space")

DAILY: Final = timedelta(days=1)
"""How often it is looked what is too old."""

QUIET: Final = timedelta(days=3)
"""How long plans without a change are kept: the next ones say the same."""
READS: Final = timedelta(days=30)
"""How long it is kept how much a read brought; the last complete one of each stream always is."""

_CHUNK: Final = 2_000
_WORTH: Final = 4 * 1024 * 1024
_SHARE: Final = 4

_HELD_WHOLE = """EXISTS (SELECT 1 FROM json_each(plan.header, '$.held') AS hold
    WHERE json_extract(hold.value, '$.scope') = 'run')"""
# Whether a round did its work is told by what held the whole of it, so such plans stay as long as their runs.
_PLANS = f"""SELECT id FROM plan WHERE created_at < ? OR created_at < ? AND json_extract(header, '$.counts') = '{{}}'
    AND NOT {_HELD_WHOLE} LIMIT {_CHUNK // 10}"""  # noqa: S608 - constants of this module
_READS = """SELECT id FROM snapshot WHERE at < ? AND id NOT IN (SELECT max(id) FROM snapshot
    WHERE complete GROUP BY connection, side, stream, reason)"""
# Operations that keep their segment: open ones, those whose outcome a later event vouches for, and the newest, whose
# number must not be given again.
_KEPT = """SELECT min(event) FROM operation WHERE event <= ? AND (state IN ('intent', 'uncertain') OR told > ?
    OR id = (SELECT max(id) FROM operation))"""


def prune(
    database: Database, now: datetime, *, connection: str, keep: timedelta, keep_plans: timedelta
) -> dict[str, Scalar]:
    """Remove what is older than that, and say in the chain up to which event; how much went, if anything did."""
    through = _through(database, now - keep)
    if through is not None:
        with database.transaction():
            events.append(database, now, connection, "", "journal.pruned", {"through": through})
            database.run("UPDATE meta SET pruned_seq = ?", (through,))
    plans = _drop_plans(database, now - keep_plans, now - QUIET)
    reads = _drop(database, "snapshot", "id", _READS, stamp(now - READS))
    pruned = int(database.value("SELECT pruned_seq FROM meta"))
    operations = _drop(database, "operation", "id", "SELECT id FROM operation WHERE event <= ?", pruned)
    with database.transaction():
        database.run("DELETE FROM approval WHERE event <= ?", (pruned,))
    gone = _drop(database, "event", "seq", "SELECT seq FROM event WHERE seq <= ?", pruned)
    runs = _drop_unreferred(database, "run", "started_at < ? AND ended_at IS NOT NULL", stamp(now - keep))
    _drop_unreferred(database, "config_generation", "first_used_at < ?", stamp(now - keep))
    counts = {"events": gone, "operations": operations, "plans": plans, "reads": reads, "runs": runs}
    return {name: count for name, count in counts.items() if count}


def return_space(database: Database) -> bool:
    """Give the file's empty pages back to the disk where they are a good part of it; whether that was done.

    A kill leaves the file as it was or as it should be: SQLite does it in one transaction. Where somebody reads, or the
    disk has no room for a second copy, it waits for another day.
    """
    size, free, pages = (
        int(database.value(f"PRAGMA {name}")) for name in ("page_size", "freelist_count", "page_count")
    )
    if size * free < _WORTH or free * _SHARE < pages:
        return False
    if shutil.disk_usage(database.path.parent).free < 2 * size * pages:
        return False
    return _vacuum(database.path)


def _vacuum(path: Path) -> bool:
    # On a connection of its own: one that met an error takes nothing more.
    with suppress(StorageError), Database(path, writable=True) as other:
        other.make_durable()
        other.value("VACUUM")
        return True
    return False


def _through(database: Database, before: datetime) -> int | None:
    """The last event that may go, if more may than went already."""
    bound: int | None = 1 << 62
    through: int | None = None
    while bound is not None:
        through = database.value(
            "SELECT max(last_seq) FROM segment WHERE sealed_at < ? AND last_seq < ?", (stamp(before), bound)
        )
        bound = None if through is None else database.value(_KEPT, (through, through))
    return through if through is not None and through > int(database.value("SELECT pruned_seq FROM meta")) else None


def _drop_plans(database: Database, before: datetime, quiet: datetime) -> int:
    count = 0
    while found := database.rows(_PLANS, (stamp(before), stamp(quiet))):
        with database.transaction():
            database.many("DELETE FROM plan_change WHERE plan = ?", found)
            count += database.many("DELETE FROM plan WHERE id = ?", found)
    return count


def _drop(database: Database, table: str, key: str, which: str, bound: str | int) -> int:
    """Remove the rows whose ``key`` a query names, a few at a time; how many."""
    count, gone = 0, 1
    while gone:
        with database.transaction():
            gone = database.run(f"DELETE FROM {table} WHERE {key} IN ({which} LIMIT {_CHUNK})", (bound,))  # noqa: S608 - names of this module
        count += gone
    return count


def _drop_unreferred(database: Database, table: str, condition: str, bound: str) -> int:
    """Remove rows that nothing refers to, whatever tables there are."""
    referring = database.rows(
        'SELECT child.name, "from", "to" FROM sqlite_schema AS child, pragma_foreign_key_list(child.name) AS key'
        " WHERE child.type = 'table' AND key.\"table\" = ?",
        (table,),
    )
    key = "digest" if table == "config_generation" else "id"
    unreferred = " AND ".join(
        f'NOT EXISTS (SELECT 1 FROM "{child}" WHERE "{child}"."{column}" = {table}.{key})'  # noqa: S608 - names of the schema
        for child, column, _ in referring
    )
    return _drop(database, table, "rowid", f"SELECT rowid FROM {table} WHERE {condition} AND {unreferred}", bound)  # noqa: S608 - names of the schema
