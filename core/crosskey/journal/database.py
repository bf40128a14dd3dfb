"""The SQLite connection: pragmas by the linked version, one transaction wrapper, errors in crosskey's words."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import sqlite_utils

from crosskey.errors import ContractError, StorageError
from crosskey.journal.failures import sqlite_failure

__all__ = ("Database", "Row", "durability", "moment", "stamp")

Row = tuple[Any, ...]
"""One row; its columns are typed where it is unpacked, next to the query that names them."""

_BUSY_SECONDS = 10.0


def durability(version: tuple[int, int, int]) -> tuple[Literal["wal", "truncate"], Literal["full", "extra"]]:
    """Journal mode and ``synchronous`` for a linked SQLite version; commits survive power loss with either.

    Two connections can corrupt a WAL database in 3.7.0 to 3.51.2, except in the patched 3.44.6 and 3.50.7
    (https://sqlite.org/wal.html#walresetbug), so those versions get the rollback journal.
    """
    patched = version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51, 0) or (3, 44, 6) <= version < (3, 45, 0)
    return ("wal", "full") if patched else ("truncate", "extra")


@lru_cache(maxsize=256)  # a batch is written at one moment
def stamp(at: datetime) -> str:
    """A time as the journal keeps it: UTC, fixed width, so that text order is time order."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def moment(text: str) -> datetime:
    """The time behind a :func:`stamp`."""
    return datetime.fromisoformat(text)


class Database:
    """One open connection to a journal file. Every ``sqlite3`` error leaves as :class:`StorageError`.

    After such an error the connection counts as dead and refuses everything: SQLite has rolled back by itself, and what
    is on disk must be read afresh before anybody decides anything. One ``in_memory`` begins empty, and only its errors
    name the path.
    """

    def __init__(self, path: Path, *, writable: bool, in_memory: bool = False) -> None:
        self.path = path
        self.writable = writable
        self.journal_mode = ""
        self.upgraded = False
        self.changed: set[str] = set()
        """Tables with rows that this connection wrote or removed, for whoever asked to be told; said by who writes."""
        self._failed: StorageError | None = None
        self._is_left_open = False
        self._fence: Callable[[], None] = _no_fence
        self._told: Callable[[float], None] | None = None
        with self._translated():
            # Readers open "rw" too, then query_only: only so can they roll back what a killed writer left half done.
            self.connection = sqlite3.connect(
                "file::memory:" if in_memory else f"{path.absolute().as_uri()}?mode=rw",
                uri=True,
                isolation_level=None,
                timeout=_BUSY_SECONDS,
            )
        try:
            self._configure()
        except StorageError:
            self.connection.close()
            raise
        self._tables = sqlite_utils.Database(self.connection, recursive_triggers=False, execute_plugins=False)

    def _configure(self) -> None:
        for pragma in (
            "foreign_keys = ON",
            "trusted_schema = OFF",
            "cell_size_check = ON",
            "mmap_size = 0",
            "temp_store = MEMORY",
            "cache_size = -16384",  # in KiB: keys come in no order, so that each batch touches many pages
        ):
            self.value(f"PRAGMA {pragma}")
        if not self.writable:
            self.value("PRAGMA query_only = ON")

    def make_durable(self) -> None:
        """Choose journal mode and syncing by the linked version. Changes the file: identify it as ours first."""
        mode, synchronous = durability(sqlite3.sqlite_version_info)
        self.journal_mode = str(self.value(f"PRAGMA journal_mode = {mode}"))
        if self.journal_mode != mode:
            raise StorageError(
                f"the journal could not be switched to journal mode {mode} (it stays in {self.journal_mode})",
                code="journal-busy",
                where=str(self.path),
                fix="close whatever else has it open, then run the same command again",
            )
        self.value(f"PRAGMA synchronous = {synchronous}")

    def go_on_in_memory(self) -> None:
        """Continue on a private copy in memory, so that a reader can upgrade what it must not change."""
        with self._translated():
            copy = sqlite3.connect(":memory:", isolation_level=None)
            self.connection.backup(copy)
        self.connection.close()
        self.connection, self.upgraded = copy, True
        self._tables = sqlite_utils.Database(copy, recursive_triggers=False, execute_plugins=False)

    def read_only(self) -> None:
        """Refuse to write from now on."""
        self.value("PRAGMA query_only = ON")

    def guard_with(self, fence: Callable[[], None]) -> None:
        """Run ``fence`` at the start of every later transaction; it raises when this writer must not write any more."""
        self._fence = fence

    def time_commits(self, tell: Callable[[float], None]) -> None:
        """Call ``tell`` with the seconds that each later commit takes."""
        self._told = tell

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """All rows of a query; no lock outlives the call."""
        with self._translated():
            return self.connection.execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Sequence[object] = ()) -> Row | None:
        """The first row of a query."""
        with self._translated():
            return self.connection.execute(sql, parameters).fetchone()

    def value(self, sql: str, parameters: Sequence[object] = ()) -> Any:  # noqa: ANN401 - as the one column is declared
        """The first column of the first row, or ``None``."""
        row = self.row(sql, parameters)
        return None if row is None else row[0]

    def run(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """One writing statement inside :meth:`transaction`; how many rows it changed."""
        with self._translated():
            return self.connection.execute(sql, parameters).rowcount

    def many(self, sql: str, parameters: Iterable[Sequence[object]]) -> int:
        """One writing statement for many rows inside :meth:`transaction`; how many rows it changed."""
        with self._translated():
            return self.connection.executemany(sql, parameters).rowcount

    def insert(self, table: str, record: Mapping[str, object]) -> None:
        """One record of a small table, by column name, inside :meth:`transaction`. For bulk see :meth:`many`."""
        with self._translated():
            self._tables.table(table).insert(dict(record))

    @contextmanager
    def transaction(self, *, with_next: bool = False) -> Generator[None]:
        """All or nothing, synced to disk when the block ends. The only way to write.

        ``BEGIN IMMEDIATE`` takes the write lock at once, so that what the block reads cannot change before it writes;
        the fence is checked under that lock. ``with_next``: leave it open, so that the next transaction, or
        :meth:`flush`, brings both to the disk at once; nobody else can write until then.
        """
        joins, self._is_left_open = self._is_left_open, False
        with self._translated():
            self.connection.execute("SAVEPOINT joined" if joins else "BEGIN IMMEDIATE")
            try:
                self._fence()
                yield
            except BaseException:
                self._roll_back("ROLLBACK TO joined" if joins else "ROLLBACK")
                self._is_left_open = joins and self.connection.in_transaction
                raise
            if with_next:
                self._is_left_open = True
                return
            try:
                self._commit()
            except BaseException:
                self._roll_back("ROLLBACK")
                raise

    def _roll_back(self, sql: str) -> None:
        # After a full disk or an I/O error SQLite has rolled back already, and a second ROLLBACK would raise.
        if self.connection.in_transaction:
            self.connection.execute(sql)

    def flush(self) -> None:
        """Bring to the disk what a transaction left open for the next one."""
        if self._is_left_open and self._failed is None:
            with self.transaction():
                pass

    def _commit(self) -> None:
        if self._told is None:
            self.connection.execute("COMMIT")
            return
        started = time.perf_counter()  # how long a disk takes is real time, whatever clock the run goes by
        self.connection.execute("COMMIT")
        self._told(time.perf_counter() - started)

    @contextmanager
    def _translated(self) -> Generator[None]:
        if (first := self._failed) is not None:
            again = f"{first.message}; the journal takes nothing more in this run"
            raise StorageError(again, code=first.code, where=first.where, fix=first.fix)
        try:
            yield
        except (sqlite3.Error, UnicodeDecodeError) as error:
            self._failed = sqlite_failure(error, self.path)
            raise self._failed from error
        except UnicodeEncodeError as error:
            raise ContractError(
                f"a plugin gave text that is not valid Unicode: {error.reason}",
                code="invalid-text",
                where=str(self.path),
                fix="report it to the plugin's authors; the value holds a lone surrogate",
            ) from error

    def close(self) -> None:
        """Close the connection; an open transaction is rolled back."""
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _no_fence() -> None:
    """Before a lease is taken nothing fences: opening and migrating happen under the file lock."""
