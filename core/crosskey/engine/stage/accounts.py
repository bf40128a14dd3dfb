"""The target's accounts as they were read, findable by key, by marker and by what they hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from crosskey.engine.stage.lookalikes import alike, shape, shapes
from crosskey.engine.stage.scratch import CHUNK, Scratch, decoder
from crosskey.model import Account, Scalar

__all__ = ("ACCOUNTS_SCHEMA", "StagedAccounts")

ACCOUNTS_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS account(kind TEXT NOT NULL, key TEXT NOT NULL, marker TEXT NOT NULL, body BLOB NOT NULL,
                                   PRIMARY KEY(kind, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS looked_up(kind TEXT NOT NULL, key TEXT NOT NULL, mark INTEGER NOT NULL,
                                     PRIMARY KEY(kind, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS identity(kind TEXT NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL, key TEXT NOT NULL);
"""
_INDEXES = (
    "CREATE INDEX IF NOT EXISTS account_marker ON account(kind, marker) WHERE marker <> ''",
    "CREATE INDEX IF NOT EXISTS identity_value ON identity(kind, field, value)",
)

_encode = msgspec.msgpack.Encoder().encode
_decode = decoder(Account)


class StagedAccounts:
    """Accounts by kind."""

    def __init__(self, scratch: Scratch) -> None:
        self._db = scratch

    def add(self, accounts: Sequence[Account], identifying: Iterable[str]) -> None:
        """Stage accounts, and under the ``identifying`` fields their values for matching."""
        self._db.many(
            "INSERT OR REPLACE INTO account VALUES (?, ?, ?, ?)",
            [(a.kind, a.key, a.marker, _encode(a)) for a in accounts],
        )
        names = tuple(identifying)
        self._note_identities((account.kind, account.key, account.fields, names) for account in accounts)

    def note_identity(self, kind: str, key: str, fields: Mapping[str, Scalar], identifying: Iterable[str]) -> None:
        """Make an account findable by what it is known to hold, although the target may not list it so yet."""
        self._note_identities([(kind, key, fields, identifying)])

    def _note_identities(self, accounts: Iterable[tuple[str, str, Mapping[str, Scalar], Iterable[str]]]) -> None:
        self._db.many(
            "INSERT INTO identity VALUES (?, ?, ?, ?)",
            [
                (kind, kept, shown, key)
                for kind, key, fields, names in accounts
                for name in names
                if isinstance(value := fields.get(name), str) and value
                for kept, shown in shapes(name, value)
            ],
        )

    def forget(self, kind: str, keys: Sequence[str], *, mark: int) -> None:
        """Forget accounts, so that what a look-up brings stands in their place.

        ``mark`` is the last write of the journal before that look-up.
        """
        self._db.many("INSERT OR REPLACE INTO looked_up VALUES (?, ?, ?)", [(kind, key, mark) for key in keys])
        self._db.execute("CREATE INDEX IF NOT EXISTS identity_key ON identity(kind, key)")
        for table in ("account", "identity"):
            self._db.many(f"DELETE FROM {table} WHERE kind = ? AND key = ?", [(kind, key) for key in keys])  # noqa: S608 - a constant

    def looked_up_after(self, kind: str, key: str) -> int | None:
        """The last write of the journal before an account was looked up; ``None``: it was only read with all others."""
        if not self._db.count("SELECT count(*) FROM sqlite_master WHERE name = 'looked_up'"):
            return None  # kept by a version that did not note it
        row = self._db.execute("SELECT mark FROM looked_up WHERE kind = ? AND key = ?", (kind, key)).fetchone()
        return None if row is None else int(row[0])

    def index(self) -> None:
        """Make what was staged so far findable by marker and identity. Call once, after the reads."""
        for index in _INDEXES:
            self._db.execute(index)

    def remark(self, markers: Mapping[str, str]) -> None:
        """Take accounts that bear the one marker for accounts that bear the other."""
        kinds = self._db.execute("SELECT DISTINCT kind FROM account").fetchall() if markers else []
        sql = "SELECT body FROM account INDEXED BY account_marker WHERE kind = ? AND marker = ? AND marker <> ''"
        for before, after in markers.items():
            rows = [row for (kind,) in kinds for row in self._db.execute(sql, (kind, before)).fetchall()]
            accounts = [msgspec.structs.replace(_decode(body), marker=after) for (body,) in rows]
            self.add(accounts, ())

    def count(self, kind: str) -> int:
        """How many accounts of a kind were read."""
        return self._db.count("SELECT count(*) FROM account WHERE kind = ?", (kind,))

    def all(self, kind: str) -> Iterator[Account]:
        """Every account of a kind, in the order of keys."""
        for (body,) in self._db.execute("SELECT body FROM account WHERE kind = ? ORDER BY key", (kind,)):
            yield _decode(body)

    def by_key(self, kind: str, keys: Sequence[str]) -> dict[str, Account]:
        """Accounts by key, as far as they were read."""
        rows = self._db.among("SELECT key, body FROM account WHERE kind = ? AND key IN ({})", (kind,), keys)
        return {key: _decode(body) for key, body in rows}

    def by_marker(self, kind: str, marker: str) -> Account | None:
        """The account that bears this marker; the lowest key when a fault left two."""
        # left alone, SQLite walks all accounts of the kind in the order of their keys
        row = self._db.one(
            "SELECT body FROM account INDEXED BY account_marker"
            " WHERE kind = ? AND marker = ? AND marker <> '' ORDER BY key LIMIT 1",
            (kind, marker),
        )
        return None if row is None else _decode(row[0])

    def marked(self, kind: str, prefix: str) -> Iterator[Account]:
        """Every account of a kind whose marker begins so, ordered by marker and key."""
        after = (prefix, "")
        sql = (
            "SELECT marker, key, body FROM account INDEXED BY account_marker"
            " WHERE kind = ? AND marker <> '' AND (marker, key) > (?, ?) ORDER BY marker, key LIMIT ?"
        )
        while rows := self._db.execute(sql, (kind, *after, CHUNK)).fetchall():
            for found, _, body in rows:
                if not found.startswith(prefix):
                    return
                yield _decode(body)
            after = (rows[-1][0], rows[-1][1])

    def keys_by_identity(self, kind: str, fields: Sequence[str], value: str) -> list[str]:
        """Keys of the accounts that hold ``value`` (case-insensitive) in one of the fields."""
        return self._keys(kind, fields, value.casefold())

    def keys_by_shape(self, kind: str, fields: Sequence[str], value: str) -> list[str]:
        """Keys of the accounts that hold what looks like ``value`` in one of the fields."""
        return self._keys(kind, (*fields, *map(alike, fields)), shape(value))

    def _keys(self, kind: str, fields: Sequence[str], value: str) -> list[str]:
        marks = ",".join("?" * len(fields))
        return [
            key
            for (key,) in self._db.execute(
                f"SELECT DISTINCT key FROM identity WHERE kind = ? AND field IN ({marks}) AND value = ? ORDER BY key",  # noqa: S608 - only question marks
                (kind, *fields, value),
            )
        ]
