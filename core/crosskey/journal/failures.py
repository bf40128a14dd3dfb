"""SQLite's and the operating system's errors in crosskey's words: what failed, which file, what to do."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

from crosskey.errors import StorageError

__all__ = ("RESTORE", "os_failure", "sqlite_failure")

RESTORE = "restore the file from a backup, or move it away to start afresh: existing accounts are then adopted again"

_KNOWN: dict[int, tuple[str, str, str]] = {
    sqlite3.SQLITE_FULL: (
        "journal-full",
        "the disk is full",
        "free space on its file system, then run the same command again",
    ),
    sqlite3.SQLITE_READONLY: (
        "journal-read-only",
        "the journal cannot be written",
        "make the file and its directory writable for the user that runs crosskey",
    ),
    sqlite3.SQLITE_BUSY: (
        "journal-busy",
        "another program holds the journal",
        "close whatever has it open (a database browser, a backup), then run the same command again",
    ),
    sqlite3.SQLITE_CORRUPT: ("journal-corrupt", "the journal is damaged", RESTORE),
    sqlite3.SQLITE_NOTADB: (
        "journal-foreign",
        "the file is not a crosskey journal",
        "name another file, or " + RESTORE,
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "journal-unreadable",
        "the journal cannot be opened",
        "check that the path exists and that the user that runs crosskey may read and write it",
    ),
    sqlite3.SQLITE_IOERR: (
        "journal-io",
        "the disk reported an error",
        "check the disk and the system log, then run the same command again",
    ),
}
_KNOWN[sqlite3.SQLITE_PERM] = _KNOWN[sqlite3.SQLITE_AUTH] = _KNOWN[sqlite3.SQLITE_READONLY]
_KNOWN[sqlite3.SQLITE_LOCKED] = _KNOWN[sqlite3.SQLITE_PROTOCOL] = _KNOWN[sqlite3.SQLITE_BUSY]

# One cause has one code, whoever met it first.
_AS_SQLITE = {
    errno.ENOSPC: sqlite3.SQLITE_FULL,
    errno.EDQUOT: sqlite3.SQLITE_FULL,
    errno.EFBIG: sqlite3.SQLITE_FULL,
    errno.EROFS: sqlite3.SQLITE_READONLY,
    errno.EIO: sqlite3.SQLITE_IOERR,
}

_UNKNOWN = ("journal", "the journal failed", "check the disk and the file, then run the same command again")


def sqlite_failure(error: sqlite3.Error | UnicodeDecodeError, path: Path) -> StorageError:
    """The :class:`StorageError` that says what an ``sqlite3`` error means for the journal at ``path``.

    Text that cannot be decoded is damage too: the module tells of it in an error of its own where a name is broken.
    """
    broken = isinstance(error, UnicodeDecodeError)
    extended = sqlite3.SQLITE_CORRUPT if broken else getattr(error, "sqlite_errorcode", None)
    # The low byte is the primary code (https://sqlite.org/rescode.html#primary_result_codes_versus_extended_result_codes).
    code, sentence, fix = _UNKNOWN if extended is None else _KNOWN.get(extended & 0xFF, _UNKNOWN)
    return StorageError(f"{sentence} ({error})", code=code, where=str(path), fix=fix)


def os_failure(error: OSError, path: Path) -> StorageError:
    """The :class:`StorageError` for a file or directory that the operating system did not let us use."""
    reason = error.strerror or type(error).__name__
    if error.errno in _AS_SQLITE:
        code, sentence, fix = _KNOWN[_AS_SQLITE[error.errno]]
        return StorageError(f"{sentence} ({reason})", code=code, where=str(path), fix=fix)
    return StorageError(
        f"the journal cannot be kept here ({reason})",
        code="journal-unreadable",
        where=str(path),
        fix="name a file in a directory that the user that runs crosskey may write",
    )
