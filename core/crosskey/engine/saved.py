"""A plan in a file: what a person looked at, to be applied exactly, or refused as stale (G17)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from crosskey.errors import UNREADABLE, ConfigError, StaleError
from crosskey.plan import Change, Plan, PlanHeader

__all__ = ("SavedPlan", "changes_digest", "load_plan", "refuse_expired", "save_plan")

_encode = msgspec.json.Encoder().encode


class SavedPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a plan file holds."""

    format: Literal["crosskey-plan/1"]
    header: PlanHeader
    changes: tuple[Change, ...]

    def refuse_stale(self, *, lineage: str, serial: int, config_digest: str, now: datetime) -> None:
        """Raise :class:`StaleError` unless the plan was made for this journal, this configuration and this hour."""
        header = self.header
        if header.lineage != lineage:
            reason = "it was made with another journal"
        elif header.config_digest != config_digest:
            reason = "the configuration changed since"
        elif header.serial != serial:
            reason = "another run changed accounts since"
        else:
            refuse_expired(header, now)
            return
        raise _stale(header, reason)

    def refuse_other(self, header: PlanHeader) -> None:
        """Raise :class:`StaleError` unless a fresh plan comes to exactly the same changes."""
        if header.digest != self.header.digest:
            then, now = sum(self.header.counts.values()), sum(header.counts.values())
            raise _stale(self.header, f"people or accounts changed since: {then} changes then, {now} now, not the same")


def refuse_expired(header: PlanHeader, now: datetime) -> None:
    """Raise :class:`StaleError` when a plan was looked at for so long that the world has surely moved on."""
    if now >= header.expires_at:
        raise _stale(header, f"it expired at {header.expires_at:%Y-%m-%d %H:%M UTC}")


def changes_digest(changes: Iterable[Change]) -> str:
    """SHA-256 over the changes in order; what is only told for a reader (tickets come and go) does not count."""
    digest = hashlib.sha256()
    for change in changes:
        digest.update(_encode(msgspec.structs.replace(change, duties=()) if change.duties else change))
    return digest.hexdigest()


def save_plan(plan: Plan, path: Path) -> None:
    """Write the plan to a file that only its owner can read. Raises :class:`ConfigError` when it cannot.

    An older plan there is replaced once the new one is complete; anything but a plain file is left alone.
    """
    fresh = path.with_name(f".{path.name}.new")
    try:
        if path.exists() and not path.is_file():
            raise ConfigError(
                "the plan cannot be written: this is not a plain file",
                code="plan-file",
                where=str(path),
                fix="name another file",
            )
        fresh.unlink(missing_ok=True)
        fresh.touch(mode=0o600)
        with fresh.open("wb") as file:
            file.writelines(_lines(plan))
        fresh.replace(path)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise ConfigError(
            f"the plan cannot be written: {error.strerror}", code="plan-file", where=str(path), fix="name another file"
        ) from error


def _lines(plan: Plan) -> Iterator[bytes]:
    yield b'{"format":"crosskey-plan/1","header":' + _encode(plan.header) + b',"changes":['
    for number, change in enumerate(plan.changes()):
        yield (b",\n" if number else b"\n") + _encode(change)
    yield b"\n]}\n"


def load_plan(path: Path) -> SavedPlan:
    """Read a plan file. Raises :class:`ConfigError` when it is none, :class:`StaleError` when it was edited."""
    try:
        saved = msgspec.json.decode(path.read_bytes(), type=SavedPlan)
    except OSError as error:
        raise ConfigError(
            f"the plan cannot be read: {error.strerror}",
            code="plan-file",
            where=str(path),
            fix=f"make one: crosskey plan --save {path}",
        ) from error
    except UNREADABLE as error:
        raise ConfigError(
            f"this is not a plan: {error}", code="plan-file", where=str(path), fix=f"crosskey plan --save {path}"
        ) from error
    if changes_digest(saved.changes) != saved.header.digest:
        raise _stale(saved.header, "the file was edited: its changes do not fit its digest")
    return saved


def _stale(header: PlanHeader, reason: str) -> StaleError:
    return StaleError(
        f"the plan {header.id} cannot be applied: {reason}",
        where="apply",
        fix="look at a new one: `crosskey plan --save FILE`, or of an undo `crosskey undo RUN --save FILE`",
    )
