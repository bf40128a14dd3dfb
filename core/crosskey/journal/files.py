"""The journal as a file: where it may lie, who may read it, and how it comes into being."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Callable
from pathlib import Path

from crosskey.errors import StorageError
from crosskey.journal.failures import RESTORE, os_failure

__all__ = (
    "check_existing",
    "network_file_system",
    "prepare_directory",
    "put_in_place",
    "refuse_network",
    "sync",
    "sync_names",
    "touch_private",
)

# HAZARD: never open() the journal itself here. Closing any descriptor of it drops the POSIX locks that SQLite holds in
# this process (https://sqlite.org/howtocorrupt.html §2.2). Look at it with stat() only.

_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "ceph", "lustre", "glusterfs", "beegfs", "gpfs", "ocfs2"}
    | {"fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.s3fs", "fuse.rclone", "fuse.gcsfuse", "fuse.blobfuse2"}
)
_MOUNTS = Path("/proc/self/mounts")


def prepare_directory(directory: Path) -> None:
    """Make the directory (mode 0700) where it is missing. Raises :class:`StorageError`."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise os_failure(error, directory) from error


def check_existing(path: Path) -> None:
    """Refuse a journal that is missing, no plain file, empty, or open to everybody: it names people.

    The group may read: volumes in clusters come with group permissions that their user did not choose. Raises
    :class:`StorageError`.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        raise StorageError(
            "there is no journal yet",
            code="journal-missing",
            where=str(path),
            fix="make one with the first run: crosskey plan",
        ) from None
    except OSError as error:
        raise os_failure(error, path) from error
    if not stat.S_ISREG(found.st_mode):
        raise StorageError(
            "the journal is not a plain file",
            code="journal-foreign",
            where=str(path),
            fix="name a file, not a directory or device",
        )
    if os.name == "posix" and found.st_mode & 0o007:
        raise StorageError(
            f"everybody on this machine may use the journal (mode {stat.S_IMODE(found.st_mode):04o})",
            code="journal-exposed",
            where=str(path),
            fix=f"chmod 600 '{path}'",
        )
    if found.st_size == 0:
        # A new journal appears complete or not at all (put_in_place), so an empty one has lost its content.
        raise StorageError(
            "the journal is empty: its content was lost",
            code="journal-corrupt",
            where=str(path),
            fix=RESTORE,
        )


def put_in_place(path: Path, build: Callable[[Path], None]) -> None:
    """Let ``build`` fill a private new file and give it the journal's name: complete, or not there at all.

    Call only under the journal's lock. Refuses leftovers of a lost journal, which SQLite would play into the new one.
    """
    for suffix in ("-journal", "-wal"):
        leftover = path.with_name(path.name + suffix)
        if leftover.exists() and leftover.stat().st_size:
            raise StorageError(
                f"the journal is gone, but {leftover.name} is still there",
                code="journal-corrupt",
                where=str(path),
                fix=f"put {path.name} back next to it, or remove '{leftover}' to start afresh",
            )
        leftover.unlink(missing_ok=True)
    fresh = path.with_name(path.name + ".new")
    try:
        for stale in (fresh, fresh.with_name(fresh.name + "-journal")):
            stale.unlink(missing_ok=True)
        touch_private(fresh)
        build(fresh)
        sync(fresh)
        fresh.replace(path)
        sync(path.parent)
    except OSError as error:
        raise os_failure(error, path) from error


def touch_private(path: Path) -> None:
    """Make an empty file that only its owner may use, whatever the umask. Raises :class:`OSError` when it exists."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def sync(path: Path) -> None:
    """Push a file or (where the system can) a directory to the disk."""
    if path.is_dir() and os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_names(directory: Path) -> None:
    """Make it last that the files of a directory are there. Raises :class:`StorageError` where that fails.

    SQLite syncs the directory too when it makes a file, but tells nobody of an error (``unixSync`` in os_unix.c).
    """
    try:
        sync(directory)
    except OSError as error:
        raise os_failure(error, directory) from error


def refuse_network(directory: Path) -> None:
    """Raise :class:`StorageError` when Linux says that the directory lies on a network file system."""
    if not sys.platform.startswith("linux"):
        return
    try:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return
    kind = network_file_system(directory.resolve(), mounts)
    if kind:
        # Locks and syncs of network file systems do not keep SQLite's promises (https://sqlite.org/useovernet.html).
        raise StorageError(
            f"the journal would lie on a network file system ({kind}), where its locks cannot be trusted",
            code="journal-network",
            where=str(directory),
            fix="name a file on a local disk or a block volume",
        )


def network_file_system(directory: Path, mounts: str) -> str:
    """The type of the network file system a directory is on, by a table like ``/proc/mounts``, or ``""``."""
    best, kind = -1, ""
    for line in mounts.splitlines():
        columns = line.split(" ")
        if len(columns) < 3:
            continue
        # Blanks, tabs and backslashes are written as octal escapes (proc_pid_mounts(5), getmntent(3)).
        point = Path(re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), columns[1]))
        depth = len(point.parts)
        if depth >= best and directory.is_relative_to(point):
            best, kind = depth, columns[2]
    return kind if kind in _NETWORK else ""
