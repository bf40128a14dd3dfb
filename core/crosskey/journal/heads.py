"""Heads of the chain for keeping elsewhere: only against them a history that was swapped as a whole can be told.

A line each: the segment, its last event and that event's hash; one more for the end of the open segment (number 0).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from crosskey.errors import UNREADABLE, ConfigError
from crosskey.journal import segments
from crosskey.journal.database import Database
from crosskey.journal.records import Verification
from crosskey.journal.signing import is_signed

__all__ = ("Head", "compare", "export", "read_heads", "write_heads")


class Head(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Event ``seq`` of one history had this ``hash``. ``key`` and ``signature`` where its segment was signed."""

    lineage: str
    segment: int
    first: int
    seq: int
    hash: str
    at: str
    key: str = ""
    signature: str = ""

    @property
    def is_genuine(self) -> bool:
        """Whether the signature, where there is one, is that of the key."""
        signed = ("crosskey-head/1", self.lineage, self.segment, self.first, self.seq, self.hash, self.at)
        return not (self.key or self.signature) or is_signed(signed, key=self.key, signature=self.signature)


def export(database: Database) -> list[Head]:
    """The head of every sealed segment, also of those that were pruned, and of the open one."""
    found = [
        Head(
            lineage=each.lineage,
            segment=each.number,
            first=each.first,
            seq=each.last,
            hash=each.head,
            at=each.sealed_at,
            key=each.key,
            signature=each.signature,
        )
        for each in segments.stream(database)
    ]
    row = database.row(
        "SELECT lineage, head_seq, head_hash, at FROM meta JOIN event ON event.seq = head_seq WHERE head_seq > ?",
        (found[-1].seq if found else 0,),
    )
    if row is not None:
        lineage, seq, mark, at = row
        first = found[-1].seq + 1 if found else 1
        found.append(Head(lineage=lineage, segment=0, first=first, seq=seq, hash=mark, at=at))
    return found


def compare(database: Database, found: Verification, heads: Sequence[Head]) -> Verification:
    """What walking the chain found, and whether it is the history that those heads are of."""
    formers = dict(text.split(":") for text in found.restored)
    known = {found.lineage, *formers, *(each.lineage for each in segments.stream(database))}
    notes = list(found.notes)
    trusted = 0
    for head in sorted(heads, key=lambda each: each.seq):
        if head.lineage not in known:
            reason = f"it is not the journal that event {head.seq} was exported from (history {head.lineage[:8]})"
            return _bad(found, 1, reason, notes)
        if head.seq >= int(formers.get(head.lineage, head.seq + 1)):
            notes.append(f"event {head.seq} of {head.at[:19]} was lost when the journal was restored from a backup")
            continue
        verdict = _verdict(database, head)
        if verdict is None:
            notes.append(f"event {head.seq} was pruned and no segment ended there: nothing is left to compare")
        elif verdict:
            return _bad(found, trusted + 1, verdict, notes)
        else:
            trusted = head.seq
    return msgspec.structs.replace(found, notes=tuple(notes))


def read_heads(path: Path) -> list[Head]:
    """Exported heads. Raises :class:`ConfigError` for what is none, or was edited."""
    try:
        lines = path.read_bytes().splitlines()
        heads = [msgspec.json.decode(line, type=Head) for line in lines if line.strip()]
    except OSError as error:
        raise _unusable(path, f"cannot be read: {error.strerror}") from error
    except UNREADABLE as error:
        raise _unusable(path, f"holds something else than heads: {error}") from error
    for head in heads:
        if not head.is_genuine:
            raise _unusable(path, f"was edited: the signature of segment {head.segment} is not its key's")
    return heads


def write_heads(path: Path, heads: Iterable[Head]) -> int:
    """Append the heads that are not there yet; how many. What was exported before is never replaced."""
    known = set(read_heads(path)) if path.exists() else set[Head]()
    fresh = [head for head in heads if head not in known]
    try:
        with path.open("ab") as file:
            file.writelines(msgspec.json.encode(head) + b"\n" for head in fresh)
    except OSError as error:
        raise ConfigError(
            f"the heads cannot be written: {error.strerror}", code="heads", where=str(path), fix="name another file"
        ) from error
    return len(fresh)


def _verdict(database: Database, head: Head) -> str | None:
    """What is wrong with an event that was exported; ``None``: nobody can tell any more."""
    row = database.row(
        "SELECT coalesce((SELECT hash FROM event WHERE seq = ?1), (SELECT head FROM segment WHERE last_seq = ?1)),"
        " head_seq FROM meta",
        (head.seq,),
    )
    mark, end = row or (None, 0)
    if head.seq > end:
        return f"it ends at event {end}, but event {head.seq} was exported on {head.at[:19]}: this is an older copy"
    if mark is None:
        return None
    return "" if mark == head.hash else f"event {head.seq} is not the one that was exported on {head.at[:19]}"


def _bad(found: Verification, seq: int, reason: str, notes: list[str]) -> Verification:
    if found.first_bad is not None and found.first_bad <= seq:
        return found
    return msgspec.structs.replace(found, events=seq - 1, first_bad=seq, reason=reason, notes=tuple(notes))


def _unusable(path: Path, what: str) -> ConfigError:
    return ConfigError(
        f"the file {what}", code="heads", where=str(path), fix=f"make one: crosskey audit export --out {path}"
    )
