"""The operating system's lock beside the journal: freed by the kernel however its holder dies."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from pathlib import Path

import msgspec

from crosskey.errors import UNREADABLE, LockedError, StorageError
from crosskey.journal.failures import os_failure
from crosskey.journal.holder import Holder

__all__ = ("FileLock", "named_in")

# Windows locks are mandatory: lock a byte far behind the holder's name, so that others can read the name.
_LOCKED_BYTE = 1 << 30


class FileLock:
    """An exclusive lock on ``<journal>.lock``, which names its holder while held. Never removed: that would race."""

    def __init__(self, path: Path, holder: Holder) -> None:
        """Take the lock at once. Raises :class:`LockedError` naming the holder, or :class:`StorageError`."""
        self._path = path
        try:
            self._descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            raise os_failure(error, path) from error
        try:
            self._take()
            os.ftruncate(self._descriptor, 0)
            os.write(self._descriptor, msgspec.json.encode(holder))
        except OSError as error:
            os.close(self._descriptor)
            raise os_failure(error, path) from error
        except (LockedError, StorageError):
            os.close(self._descriptor)
            raise

    def _take(self) -> None:
        try:
            _lock(self._descriptor)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
                raise self._refusal() from error
            raise StorageError(
                f"this file system cannot lock files ({error.strerror})",
                code="journal-unlockable",
                where=str(self._path),
                fix="keep the journal on a local disk",
            ) from error

    def _refusal(self) -> LockedError:
        try:
            holder = msgspec.json.decode(os.read(self._descriptor, 4096), type=Holder)
        except UNREADABLE:
            # The holder has the lock but has not written its name yet.
            return LockedError(
                "another run holds the journal", where=str(self._path), fix="wait for it to end, then run again"
            )
        return LockedError(
            f"another run holds the journal: {holder}",
            where=str(self._path),
            fix=f"wait for it to end, or stop it (kill {holder.pid}), then run again",
        )

    def release(self) -> None:
        """Free the lock and forget the holder's name."""
        try:
            os.ftruncate(self._descriptor, 0)
        except OSError:
            pass  # a full or failing disk must not keep the lock
        finally:
            os.close(self._descriptor)


def named_in(path: Path) -> Holder | None:
    """The live process of this machine that a lock names. Only looks: taking the lock could refuse a run."""
    with suppress(OSError, *UNREADABLE):
        holder = msgspec.json.decode(path.read_bytes(), type=Holder)
        return holder if holder.is_here else None
    return None


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        # flock, not lockf: it also keeps two writers of one process apart.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
