"""What the last writer left beside the journal: how far it came, so that an older copy put back is noticed."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from pathlib import Path

import msgspec

from crosskey.errors import UNREADABLE
from crosskey.journal.database import Database
from crosskey.journal.failures import os_failure
from crosskey.journal.files import sync, touch_private

__all__ = ("HeadFile", "head_path", "look_for_restore", "read_head", "write_head")


class HeadFile(msgspec.Struct, frozen=True, kw_only=True):
    """The history a writer last saw, and its end. ``closed``: it left in good order.

    ``checked_at``: when every page of the file was looked at last; ``tidied_at``: when what is too old was last
    removed. ``grew`` is by how many bytes the file grew from its opening to its closing.
    """

    lineage: str
    seq: int
    hash: str
    closed: bool = False
    checked_at: datetime | None = None
    tidied_at: datetime | None = None
    grew: int = 0


def head_path(journal: Path) -> Path:
    """Where it lies."""
    return journal.with_name(journal.name + ".head")


def read_head(journal: Path) -> HeadFile | None:
    """What lies beside a journal; ``None`` where nothing does that can be read."""
    try:
        return msgspec.json.decode(head_path(journal).read_bytes(), type=HeadFile)
    except (OSError, *UNREADABLE):
        return None


def write_head(journal: Path, head: HeadFile) -> None:
    """Replace it, whole and synced. Raises :class:`crosskey.errors.StorageError`."""
    path = head_path(journal)
    fresh = path.with_name(path.name + ".new")
    try:
        fresh.unlink(missing_ok=True)
        touch_private(fresh)
        fresh.write_bytes(msgspec.json.encode(head))
        sync(fresh)
        fresh.replace(path)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise os_failure(error, path) from error


def look_for_restore(database: Database, head: HeadFile | None) -> str:
    """Why the journal must be an older copy or another history than the last writer left; ``""``: it is the same."""
    seq, lineage, pruned = database.rows("SELECT head_seq, lineage, pruned_seq FROM meta")[0]
    if head is None and database.row("SELECT 1 FROM run") is None:
        return ""  # its first writer was killed before it did anything
    if head is None:
        return f"nothing beside it says that a writer left it here ({head_path(database.path).name} is missing)"
    if head.lineage != lineage:
        return "another journal's history was here before"
    if head.seq > seq:
        return f"it ends at event {seq}, the last writer came to {head.seq}: this is an older copy"
    if head.seq > pruned and database.value("SELECT hash FROM event WHERE seq = ?", (head.seq,)) != head.hash:
        return f"event {head.seq} is not the one that the last writer left"
    return ""
