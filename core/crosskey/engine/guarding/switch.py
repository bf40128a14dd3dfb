"""The kill switch: a file beside the journal, or an environment variable, that a person reaches in any state of things.

While it is on nothing is written; reading and planning go on. It needs neither the journal nor its lock, so it works
while a run is at work and while the disk takes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from crosskey.engine.guarding.guard import Guard
from crosskey.errors import UNREADABLE, StorageError
from crosskey.plan import Change, Held

__all__ = ("ENVIRONMENT", "KillSwitch", "Stopped", "Switch")

ENVIRONMENT: Final = "CROSSKEY_STOP"
"""While this is set to anything, nothing is written."""


class Stopped(msgspec.Struct, frozen=True, kw_only=True):
    """That somebody stopped all writes: why and since when, as far as they said so, and what ends it."""

    because: str = ""
    since: datetime | None = None
    fix: str = ""


class Switch:
    """The switch of one journal."""

    def __init__(self, journal: Path) -> None:
        self.file = journal.with_name(journal.name + ".stop")

    def look(self) -> Stopped | None:
        """Who stopped it, or ``None`` while it is on its way. What cannot be read counts as stopped."""
        if word := os.environ.get(ENVIRONMENT):
            return Stopped(because=word, fix=f"unset {ENVIRONMENT} and begin again")
        try:
            text = self.file.read_bytes()
        except FileNotFoundError:
            return None
        except OSError:
            text = b""
        try:
            told = msgspec.json.decode(text, type=Stopped)
        except UNREADABLE:  # made by hand: that it is there is enough
            told = Stopped(because=text.decode(errors="replace").strip()[:200])
        return msgspec.structs.replace(told, fix="crosskey go")

    def stop(self, because: str, now: datetime) -> None:
        """Stop all writes from the next one on. Raises :class:`StorageError`."""
        try:
            self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            number = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(number, "wb") as file:
                file.write(msgspec.json.encode(Stopped(because=because, since=now)))
        except OSError as error:
            raise _failed(error, self.file, f"make a file of that name by hand, or set {ENVIRONMENT}") from error

    def go(self) -> bool:
        """Let writes go on; whether the file was there. Raises :class:`StorageError`."""
        try:
            self.file.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise _failed(error, self.file, "remove it by hand") from error
        return True


class KillSwitch(Guard):
    """Ends a run before its next batch once the switch is thrown (G22)."""

    def __init__(self, switch: Switch) -> None:
        self._switch = switch

    async def before(self, batch: Sequence[Change]) -> Sequence[Held]:  # noqa: ARG002 - whatever it is
        """The whole run, while the switch is on."""
        stopped = self._switch.look()
        if stopped is None:
            return ()
        because = f": {stopped.because}" if stopped.because else ""
        summary = f"somebody stopped all writes{because}"
        return [Held(rail="stopped", scope="run", summary=summary, fix=stopped.fix)]


def _failed(error: OSError, file: Path, fix: str) -> StorageError:
    return StorageError(f"the switch cannot be set: {error.strerror}", code="switch", where=str(file), fix=fix)
