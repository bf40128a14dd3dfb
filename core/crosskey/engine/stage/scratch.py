"""The scratch database under the stage: fast, private, never durable. The journal is the truth, this is a pad.

Plain ``executemany`` on the standard library's connection: sqlite-utils' inserts are three times slower, and this is
the one place where rows come by the hundred thousand.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from crosskey.errors import LockedError, StorageError

__all__ = ("CHUNK", "Scratch", "decoder")

T = TypeVar("T")

CHUNK: Final = 500
"""People or keys a query; within SQLite's limit on bound values, large enough to amortise the call."""

_PRAGMAS = (
    "page_size=16384",  # a person takes half a kilobyte
    "cache_size=-16000",  # ids come in no order, so the trees over them need room
    "journal_mode=OFF",
    "synchronous=OFF",
    "temp_store=MEMORY",
    "locking_mode=EXCLUSIVE",  # nobody else looks before the stage is kept; for the same reason it is one transaction
)


def decoder(type: type[T]) -> Callable[[bytes], T]:
    """What reads one kind of body. A damaged row may hold none at all, whatever its column says: unreadable as well."""
    decode = msgspec.msgpack.Decoder(type).decode

    def checked(body: bytes) -> T:
        try:
            return decode(body)
        except TypeError as error:
            raise msgspec.DecodeError("a row holds no body") from error

    return checked


class _Rows(sqlite3.Cursor):
    """Rows are read after the statement began, so a damaged file may show only now."""

    path: Path | None = None

    def fetchone(self) -> Any:  # noqa: ANN401 - as sqlite3 says
        try:
            return super().fetchone()
        except sqlite3.Error as error:
            raise _storage(error, self.path) from error

    def fetchall(self) -> list[Any]:
        try:
            return super().fetchall()
        except sqlite3.Error as error:
            raise _storage(error, self.path) from error

    def __next__(self) -> Any:  # noqa: ANN401 - as sqlite3 says
        try:
            return super().__next__()
        except sqlite3.Error as error:
            raise _storage(error, self.path) from error


class Scratch:
    """One database file, or the bytes of one (its ``image``) in memory, which leave the file alone.

    Every method raises :class:`StorageError` in place of SQLite's own errors.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        schema: str = "",
        seed: Path | None = None,
        kept: bool = False,
        image: bytes | None = None,
    ) -> None:
        self.path = path
        self._kept = kept or image is not None
        self._file = 0
        try:
            if kept:
                self._db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
                return
            if image is not None:
                self._db = sqlite3.connect(":memory:", isolation_level=None)
                self._db.deserialize(image)
                self._db.executescript(schema)
                return
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                path.unlink(missing_ok=True)
                path.touch(mode=0o600)
                if seed is not None:
                    shutil.copyfile(seed, path)
                self._file = path.stat().st_ino
            self._db = sqlite3.connect(":memory:" if path is None else path, isolation_level=None)
            for pragma in _PRAGMAS:
                self._db.execute(f"PRAGMA {pragma}")
            self._db.executescript(schema)
            self._db.execute("BEGIN")
        except (OSError, sqlite3.Error) as error:
            if path is not None and not self._kept:  # a copy that broke off holds everybody's data too
                with suppress(OSError):
                    path.unlink(missing_ok=True)
            raise _storage(error, path) from error

    @property
    def is_kept(self) -> bool:
        """Whether an earlier run kept it, and it is only read."""
        return self._kept

    def close(self) -> None:
        """Close the file, and remove it unless it was kept: it holds everybody's data and must not lie around."""
        ours = self._is_ours()
        self._db.close()
        if self.path is not None and not self._kept and ours:
            with suppress(OSError):
                self.path.unlink(missing_ok=True)

    def keep(self, as_path: Path) -> None:
        """Commit, close, and let the file stand at ``as_path`` from one moment to the next."""
        if self.path is None:
            return
        self.execute("COMMIT")
        self._db.close()
        ours = self._is_ours()
        try:
            if ours:
                self.path.replace(as_path)
        except FileNotFoundError:
            ours = False
        except OSError as error:
            raise _storage(error, as_path) from error
        if not ours:
            raise LockedError(
                "another run took over while this one was silent; what this one read is not kept",
                code="fenced",
                where=str(self.path),
                fix="let that run end, then run again",
            )

    def _is_ours(self) -> bool:
        """Whether the file of that name is the one we made: a run that took over made one of its own in its place."""
        try:
            return self.path is not None and self.path.stat().st_ino == self._file
        except OSError:
            return False

    def execute(self, sql: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        """Run one statement."""
        cursor = self._db.cursor(_Rows)
        cursor.path = self.path
        try:
            return cursor.execute(sql, values)
        except sqlite3.Error as error:
            raise _storage(error, self.path) from error

    def many(self, sql: str, rows: Sequence[tuple[object, ...]]) -> None:
        """Run one statement for each row."""
        try:
            self._db.executemany(sql, rows)
        except sqlite3.Error as error:
            raise _storage(error, self.path) from error

    def one(self, sql: str, values: Sequence[object] = ()) -> tuple[bytes] | None:
        """The first row, ``None`` when there is none."""
        return self.execute(sql, values).fetchone()

    def count(self, sql: str, values: Sequence[object] = ()) -> int:
        """The number that a query comes to."""
        return int(self.execute(sql, values).fetchone()[0])

    def among(self, sql: str, values: tuple[object, ...], keys: Sequence[str]) -> list[tuple[str, bytes]]:
        """The rows of a query whose ``{}`` stands for any number of keys."""
        rows: list[tuple[str, bytes]] = []
        for start in range(0, len(keys), CHUNK):
            chunk = keys[start : start + CHUNK]
            rows += self.execute(sql.format(",".join("?" * len(chunk))), (*values, *chunk)).fetchall()
        return rows


def _storage(error: Exception, path: Path | None) -> StorageError:
    return StorageError(
        f"the scratch database failed: {error}",
        code="stage",
        where=str(path or "memory"),
        fix="free disk space or set `[journal] path` to a writable place; what was written is in the journal",
    )
