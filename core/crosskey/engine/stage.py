"""What one run read, staged in SQLite so that memory stays flat however large the directory is.

Not durable on purpose: the journal is the truth, this is a scratch pad. The stage of the last complete run is kept as a
snapshot beside the journal, for ``crosskey explain``. Plain ``executemany`` on the standard library's connection:
sqlite-utils' inserts are three times slower and this is the one place where rows come by the hundred thousand.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import msgspec

from crosskey.connector.mapper import Candidate
from crosskey.engine.logical import LogicalGroups
from crosskey.errors import StorageError
from crosskey.model import Account, Group, Person
from crosskey.plan import Change, Held

__all__ = ("Stage",)

T = TypeVar("T")

_SCHEMA = """
CREATE TABLE note(name TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE person(id TEXT PRIMARY KEY, email TEXT NOT NULL, user_name TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE grp(id TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE member(person TEXT NOT NULL, grp TEXT NOT NULL, PRIMARY KEY(person, grp)) WITHOUT ROWID;
CREATE TABLE account(kind TEXT NOT NULL, key TEXT NOT NULL, marker TEXT NOT NULL, body BLOB NOT NULL,
                     PRIMARY KEY(kind, key)) WITHOUT ROWID;
CREATE TABLE identity(kind TEXT NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL, key TEXT NOT NULL);
CREATE TABLE newcomer(kind TEXT NOT NULL, id TEXT NOT NULL, wanted INTEGER NOT NULL, body BLOB NOT NULL,
                      PRIMARY KEY(kind, id)) WITHOUT ROWID;
CREATE TABLE claim(kind TEXT NOT NULL, attribute TEXT NOT NULL, value TEXT NOT NULL, id TEXT NOT NULL);
CREATE TABLE claimed(kind TEXT NOT NULL, key TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY(kind, key)) WITHOUT ROWID;
CREATE TABLE held(id TEXT NOT NULL, kind TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE change(rank INTEGER NOT NULL, kind TEXT NOT NULL, label TEXT NOT NULL, id TEXT NOT NULL,
                    action TEXT NOT NULL, body BLOB NOT NULL);
"""
_INDEXES = (
    "CREATE INDEX account_marker ON account(kind, marker) WHERE marker <> ''",
    "CREATE INDEX identity_value ON identity(kind, field, value)",
)

_SCRATCH = (
    "page_size=16384",  # a person takes half a kilobyte
    "cache_size=-16000",  # ids come in no order, so the trees over them need room
    "journal_mode=OFF",
    "synchronous=OFF",
    "temp_store=MEMORY",
    "locking_mode=EXCLUSIVE",  # nobody else looks before the stage is kept; for the same reason it is one transaction
)

_CHUNK = 500
"""People or keys a query; within SQLite's limit on bound values, large enough to amortise the call."""

_encode = msgspec.msgpack.Encoder().encode
_decode_person = msgspec.msgpack.Decoder(Person).decode
_decode_account = msgspec.msgpack.Decoder(Account).decode
_decode_group = msgspec.msgpack.Decoder(Group).decode
_decode_held = msgspec.msgpack.Decoder(Held).decode
_decode_change = msgspec.msgpack.Decoder(Change).decode


class Stage:
    """People, groups, members and accounts of one run, and the changes worked out so far."""

    def __init__(self, path: Path | None, *, kept: bool = False) -> None:
        self.path = path
        self._kept = kept
        try:
            if kept:
                self._db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
                return
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                path.unlink(missing_ok=True)
                path.touch(mode=0o600)
            self._db = sqlite3.connect(":memory:" if path is None else path, isolation_level=None)
            for pragma in _SCRATCH:
                self._db.execute(f"PRAGMA {pragma}")
            self._db.executescript(_SCHEMA)
            self._db.execute("BEGIN")
        except (OSError, sqlite3.Error) as error:
            raise _storage(error, path) from error

    @classmethod
    def kept(cls, path: Path) -> Stage:
        """The snapshot that an earlier run kept, read-only. Raises :class:`StorageError` when there is none."""
        if not path.exists():
            raise StorageError(
                "nothing was read yet", code="no-snapshot", where=str(path), fix="run `crosskey plan` once"
            )
        return cls(path, kept=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()
        if self.path is not None and not self._kept:
            self.path.unlink(missing_ok=True)  # it holds everybody's data: what is not kept does not lie around

    def keep(self, as_path: Path) -> None:
        """Keep what was staged as the snapshot at ``as_path``, without the scratch tables."""
        if self.path is None:
            return
        for table in ("newcomer", "claim", "claimed", "change"):
            self._execute(f"DROP TABLE {table}")
        self._execute("CREATE INDEX held_id ON held(id)")
        self._execute("COMMIT")
        self._db.close()
        try:
            self.path.replace(as_path)
        except OSError as error:
            raise _storage(error, as_path) from error

    # -- writing ------------------------------------------------------------------------------------------------------

    def add_people(self, people: Sequence[Person]) -> None:
        """Stage people; one that came before is replaced (vendors page over moving data)."""
        self._many(
            "INSERT OR REPLACE INTO person VALUES (?, ?, ?, ?)",
            [(p.subject.id, p.email.casefold(), p.user_name.casefold(), _encode(p)) for p in people],
        )

    def add_groups(self, groups: Iterable[Group]) -> None:
        """Stage groups and apps."""
        self._many("INSERT OR REPLACE INTO grp VALUES (?, ?)", [(group.id, _encode(group)) for group in groups])

    def add_members(self, group: str, members: Iterable[str]) -> None:
        """Stage who is in a group."""
        self._many("INSERT OR IGNORE INTO member VALUES (?, ?)", [(member, group) for member in members])

    def add_accounts(self, accounts: Sequence[Account], identifying: Iterable[str]) -> None:
        """Stage accounts, and under the ``identifying`` fields their values for matching."""
        self._many(
            "INSERT OR REPLACE INTO account VALUES (?, ?, ?, ?)",
            [(a.kind, a.key, a.marker, _encode(a)) for a in accounts],
        )
        names = tuple(identifying)
        self._many(
            "INSERT INTO identity VALUES (?, ?, ?, ?)",
            [
                (a.kind, name, value.casefold(), a.key)
                for a in accounts
                for name in names
                if isinstance(value := a.fields.get(name), str) and value
            ],
        )

    def add_change(self, rank: int, changes: Sequence[Change]) -> None:
        """Stage changes; a lower ``rank`` is applied earlier."""
        self._many(
            "INSERT INTO change VALUES (?, ?, ?, ?, ?, ?)",
            [(rank, change.kind, change.label, change.id, change.action, _encode(change)) for change in changes],
        )

    def drop_changes(self, kind: str, action: str, *, ids: Sequence[str] | None = None) -> None:
        """Forget the changes of one kind and action, all or those with these ids."""
        chosen = None if ids is None else msgspec.json.encode(ids).decode()
        self._execute(
            "DELETE FROM change WHERE kind = ? AND action = ?"
            " AND (? IS NULL OR id IN (SELECT value FROM json_each(?)))",
            (kind, action, chosen, chosen),
        )

    def claim_account(self, kind: str, key: str, person: str) -> str:
        """Note that an account looks like this person's; the id of whoever came first."""
        self._execute("INSERT OR IGNORE INTO claimed VALUES (?, ?, ?)", (kind, key, person))
        return str(self._execute("SELECT id FROM claimed WHERE kind = ? AND key = ?", (kind, key)).fetchone()[0])

    def withdraw_adoption(self, kind: str, key: str) -> Change | None:
        """Take back the adoption of an account; the change as it was, ``None`` when there is none."""
        for change in self.changes(kind, "adopt"):
            if change.key == key:
                self.drop_changes(kind, "adopt", ids=[change.id])
                return change
        return None

    def add_held(self, held: Iterable[Held]) -> None:
        """Keep who is held and why, for ``crosskey explain``."""
        rows = [(each.subject.id, each.kind, _encode(each)) for each in held if each.subject is not None]
        self._many("INSERT INTO held VALUES (?, ?, ?)", rows)

    def add_newcomer(
        self, kind: str, person: str, *, wanted: bool, body: bytes, values: Iterable[tuple[str, str]]
    ) -> None:
        """Remember somebody without a link, and the values (attribute, value) by which an account may be theirs."""
        self._execute("INSERT OR REPLACE INTO newcomer VALUES (?, ?, ?, ?)", (kind, person, int(wanted), body))
        self._many(
            "INSERT INTO claim VALUES (?, ?, ?, ?)",
            [(kind, attribute, value.casefold(), person) for attribute, value in values if value],
        )

    def note(self, name: str, value: object) -> None:
        """Keep a small value (schema, catalogue, time) with the snapshot."""
        self._execute("INSERT OR REPLACE INTO note VALUES (?, ?)", (name, _encode(value)))

    def index(self) -> None:
        """Make what was staged so far findable by marker and identity. Call once, after the reads."""
        for index in _INDEXES:
            self._execute(index)

    def index_claims(self) -> None:
        """Make claims findable by value. Call once, after the newcomers are in."""
        self._execute("CREATE INDEX IF NOT EXISTS claim_value ON claim(kind, attribute, value)")

    # -- reading ------------------------------------------------------------------------------------------------------

    def read_note(self, name: str, type: type[T]) -> T:
        """A value kept with :meth:`note`. Raises :class:`StorageError` when it is absent."""
        row = self._one("SELECT body FROM note WHERE name = ?", (name,))
        if row is None:
            raise StorageError(
                f"the snapshot holds no {name}",
                code="no-snapshot",
                where=str(self.path),
                fix="run `crosskey plan` again",
            )
        return msgspec.msgpack.decode(row[0], type=type)

    def people_count(self) -> int:
        """How many people were read."""
        return self._count("SELECT count(*) FROM person")

    def account_count(self, kind: str) -> int:
        """How many accounts of a kind were read."""
        return self._count("SELECT count(*) FROM account WHERE kind = ?", (kind,))

    def member_counts(self) -> dict[str, int]:
        """How many members of each group were read; a group without any is not in it."""
        return dict(self._execute("SELECT grp, count(*) FROM member GROUP BY grp").fetchall())

    def groups(self) -> list[Group]:
        """Every group and app that was read."""
        return [_decode_group(body) for (body,) in self._execute("SELECT body FROM grp ORDER BY id")]

    def candidates(self, logical: LogicalGroups) -> Iterator[list[Candidate]]:
        """Everyone, in order of id and in batches, with the logical names of the groups and apps each is in."""
        after = ""
        while True:
            rows = self._execute(
                "SELECT id, body FROM person WHERE id > ? ORDER BY id LIMIT ?", (after, _CHUNK)
            ).fetchall()
            if not rows:
                return
            yield self._join(rows, logical)
            after = rows[-1][0]

    def candidates_of(self, ids: Sequence[str], logical: LogicalGroups) -> list[Candidate]:
        """The people with these ids, as far as they were read."""
        rows = self._in("SELECT id, body FROM person WHERE id IN ({}) ORDER BY id", (), ids)
        return self._join(rows, logical)

    def _join(self, rows: Sequence[tuple[str, bytes]], logical: LogicalGroups) -> list[Candidate]:
        memberships: dict[str, list[str]] = {}
        if logical and rows:
            for person, group in self._execute(
                "SELECT person, grp FROM member WHERE person >= ? AND person <= ?", (rows[0][0], rows[-1][0])
            ):
                memberships.setdefault(person, []).append(group)
        return [Candidate(_decode_person(body), *logical.names(memberships.get(person, ()))) for person, body in rows]

    def present(self, ids: Sequence[str]) -> set[str]:
        """Which of these people were read."""
        return {row[0] for row in self._in("SELECT id, '' FROM person WHERE id IN ({})", (), ids)}

    def search(self, word: str) -> list[str]:
        """Ids of people whose id, e-mail address or user name is ``word`` (case-insensitive)."""
        folded = word.casefold()
        return [
            row[0]
            for row in self._execute(
                "SELECT id FROM person WHERE id = ? OR email = ? OR user_name = ? ORDER BY id", (word, folded, folded)
            )
        ]

    def accounts(self, kind: str, keys: Sequence[str]) -> dict[str, Account]:
        """Accounts by key, as far as they were read."""
        rows = self._in("SELECT key, body FROM account WHERE kind = ? AND key IN ({})", (kind,), keys)
        return {key: _decode_account(body) for key, body in rows}

    def account_by_marker(self, kind: str, marker: str) -> Account | None:
        """The account that bears this marker; the lowest key when a fault left two."""
        # left alone, SQLite walks all accounts of the kind in the order of their keys
        row = self._one(
            "SELECT body FROM account INDEXED BY account_marker"
            " WHERE kind = ? AND marker = ? AND marker <> '' ORDER BY key LIMIT 1",
            (kind, marker),
        )
        return None if row is None else _decode_account(row[0])

    def keys_by_identity(self, kind: str, fields: Sequence[str], value: str) -> list[str]:
        """Keys of the accounts that hold ``value`` (case-insensitive) in one of the fields."""
        marks = ",".join("?" * len(fields))
        return [
            key
            for (key,) in self._execute(
                f"SELECT DISTINCT key FROM identity WHERE kind = ? AND field IN ({marks}) AND value = ? ORDER BY key",  # noqa: S608 - only question marks
                (kind, *fields, value.casefold()),
            )
        ]

    def newcomers(self, kind: str) -> Iterator[tuple[str, bool, bytes]]:
        """People of a kind without a link, in order of id: id, whether they want an account, the encoded desire."""
        after = ""
        while True:
            rows = self._execute(
                "SELECT id, wanted, body FROM newcomer WHERE kind = ? AND id > ? ORDER BY id LIMIT ?",
                (kind, after, _CHUNK),
            ).fetchall()
            if not rows:
                return
            for person, wanted, body in rows:
                yield person, bool(wanted), body
            after = rows[-1][0]

    def claimants(self, kind: str, attribute: str, value: str) -> list[str]:
        """Ids of the newcomers who bear this value of an attribute."""
        return [
            row[0]
            for row in self._execute(
                "SELECT DISTINCT id FROM claim WHERE kind = ? AND attribute = ? AND value = ? ORDER BY id",
                (kind, attribute, value.casefold()),
            )
        ]

    def held(self, kind: str, person: str) -> list[Held]:
        """Why that person's account of a kind was held back in the last run."""
        rows = self._execute("SELECT body FROM held WHERE id = ? AND kind = ?", (person, kind))
        return [_decode_held(body) for (body,) in rows]

    def change_counts(self) -> dict[tuple[str, str], int]:
        """How many changes there are by kind and action."""
        rows = self._execute("SELECT kind, action, count(*) FROM change GROUP BY kind, action")
        return {(kind, action): count for kind, action, count in rows}

    def changes(self, kind: str = "", action: str = "", limit: int = -1) -> Iterator[Change]:
        """Changes in the order in which they are applied, all or of one kind and action."""
        # The cross join keeps bodies out of the sort: only its short keys have to fit into memory.
        cursor = self._execute(
            "SELECT body FROM (SELECT rowid AS place FROM change WHERE (? = '' OR kind = ?) AND (? = '' OR action = ?)"
            " ORDER BY rank, kind, action, label, id LIMIT ?) CROSS JOIN change ON change.rowid = place",
            (kind, kind, action, action, limit),
        )
        for (body,) in cursor:
            yield _decode_change(body)

    # -- the connection -----------------------------------------------------------------------------------------------

    def _execute(self, sql: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        try:
            return self._db.execute(sql, values)
        except sqlite3.Error as error:
            raise _storage(error, self.path) from error

    def _many(self, sql: str, rows: Sequence[tuple[object, ...]]) -> None:
        try:
            self._db.executemany(sql, rows)
        except sqlite3.Error as error:
            raise _storage(error, self.path) from error

    def _one(self, sql: str, values: Sequence[object]) -> tuple[bytes] | None:
        return self._execute(sql, values).fetchone()

    def _count(self, sql: str, values: Sequence[object] = ()) -> int:
        return int(self._execute(sql, values).fetchone()[0])

    def _in(self, sql: str, values: tuple[object, ...], keys: Sequence[str]) -> list[tuple[str, bytes]]:
        rows: list[tuple[str, bytes]] = []
        for start in range(0, len(keys), _CHUNK):
            chunk = keys[start : start + _CHUNK]
            rows += self._execute(sql.format(",".join("?" * len(chunk))), (*values, *chunk)).fetchall()
        return rows


def _storage(error: Exception, path: Path | None) -> StorageError:
    return StorageError(
        f"the scratch database failed: {error}",
        code="stage",
        where=str(path or "memory"),
        fix="free disk space or set `[journal] path` to a writable place; nothing was changed",
    )
