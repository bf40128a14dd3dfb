"""How a connection is doing, from its journal alone: for ``crosskey status``, the endpoints and the notices."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from crosskey.config import Config
from crosskey.connector.notifier import Notice
from crosskey.engine.guarding import Stopped, Switch
from crosskey.errors import ExitCode
from crosskey.journal import Outbox, Rounds, RunRecord, Trouble, Watchbook, WatcherRecord
from crosskey.journal.holder import is_alive, this_process
from crosskey.sso.rollout import DoorState, read_state
from crosskey.watch.channels import DoorStatus, door_statuses, heard_in

__all__ = ("BEAT", "Expiry", "Status", "Unsettled", "read_status", "watching_of")

BEAT: Final = timedelta(seconds=60)
"""How often a watcher notes a sign of life."""

_RECENT: Final = 5
_DRIFTS_WITHIN: Final = timedelta(days=1)


class Expiry(msgspec.Struct, frozen=True, kw_only=True):
    """A credential and when it ends."""

    instance: str
    name: str
    expires_at: datetime | None
    fix: str


class Unsettled(msgspec.Struct, frozen=True, kw_only=True):
    """Writes that may or may not have happened."""

    count: int = 0
    since: datetime | None = None


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one connection at one moment.

    ``watching``: ``yes``; ``no`` once it was stopped; ``lost`` when its process died; ``never`` where timers run
    ``crosskey sync``. ``stopped``: somebody stopped all writes. ``overdue``: nothing succeeded within ``patience``
    seconds. ``drifts`` counts values that were found changed by somebody else within a day. ``doors``: those that are
    open, and how late a leaver may be out. ``rollout``: how far sign-in is rolled out at each door, open or not.
    """

    at: datetime
    connection: str
    watching: Literal["yes", "no", "lost", "never"]
    watcher: WatcherRecord | None
    patience: float
    overdue: bool
    rounds: Rounds
    runs: list[RunRecord]
    unsettled: Unsettled
    trouble: Trouble | None
    outbox: Outbox
    notices: list[Notice]
    credentials: list[Expiry]
    stopped: Stopped | None = None
    drifts: int = 0
    doors: list[DoorStatus] = []
    rollout: list[DoorState] = []
    exit_code: int = 0

    @property
    def quarantined(self) -> bool:
        """Whether rounds wait because they failed."""
        return self.trouble is not None and self.trouble.quarantined

    @property
    def given_up(self) -> bool:
        """Whether rounds failed for so long that none begins by itself any more."""
        return self.trouble is not None and self.trouble.given_up


def read_status(book: Watchbook, config: Config, now: datetime) -> Status:
    """Look at the journal; needs neither network nor secrets."""
    watcher, rounds, trouble = book.watcher(), book.rounds(), book.trouble()
    watching = watching_of(watcher, now)
    overdue = _overdue(config, watcher, watching, rounds.success_at, now)
    unresolved = book.unresolved()
    status = Status(
        at=now,
        connection=book.connection,
        watching=watching,
        watcher=watcher,
        patience=config.watch.patience.total_seconds(),
        overdue=overdue,
        rounds=rounds,
        # a note may quote a vendor's words about somebody: `crosskey history` shows it to whoever may read the journal
        runs=[msgspec.structs.replace(run, note="") for run in book.runs(_RECENT)],
        unsettled=Unsettled(count=len(unresolved), since=unresolved[0].intent_at if unresolved else None),
        trouble=trouble,
        outbox=book.outbox(),
        notices=book.told(),
        drifts=book.drifts_noticed(now - _DRIFTS_WITHIN),
        credentials=[
            Expiry(instance=instance, name=each.name, expires_at=each.expires_at, fix=each.fix)
            for instance, each in book.credentials()
        ],
        stopped=Switch(config.journal.path).look(),
        doors=door_statuses(config, heard_in(book, rounds, watching, overdue=overdue), now),
        rollout=[read_state(config, section, book, now) for section in config.doors.values()],
    )
    return msgspec.structs.replace(status, exit_code=int(_exit_code(status)))


def watching_of(watcher: WatcherRecord | None, now: datetime) -> Literal["yes", "no", "lost", "never"]:
    """Whether somebody watches, as far as its last sign of life tells."""
    if watcher is None or watcher.beat_at is None:
        return "never"
    if watcher.holder is None:
        return "no"
    here = this_process(watcher.holder.connection, now)
    if (here.host, here.boot) == (watcher.holder.host, watcher.holder.boot) and here.started:
        return "yes" if is_alive(watcher.holder) else "lost"
    return "yes" if now - watcher.beat_at < BEAT * 3 else "lost"


def _overdue(
    config: Config, watcher: WatcherRecord | None, watching: str, success_at: datetime | None, now: datetime
) -> bool:
    """Whether nothing succeeded for too long. A watcher that has just begun is given its time."""
    since = success_at
    if watching == "yes" and watcher is not None and watcher.holder is not None:
        since = max(watcher.holder.since, success_at or watcher.holder.since)
    if watching == "never" and config.watch.alarm_after is None:
        return False  # a timer of its own runs it, and only that knows how often
    return since is None or now - since > config.watch.patience


def _exit_code(status: Status) -> ExitCode:
    """For monitors: the first of these that holds."""
    if status.quarantined:
        return ExitCode.QUARANTINED
    if status.overdue or status.watching == "lost":
        return ExitCode.OVERDUE
    if status.rounds.undone:
        return ExitCode.REJECTED
    return ExitCode.HELD if status.rounds.held or status.stopped is not None else ExitCode.OK
