"""Where a round of changes goes on: an opaque text for the core, which keeps it. It holds no secret.

Times are Okta's own, never this machine's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec

from crosskey.connector.source import ReadRequest
from crosskey.errors import CursorExpiredError
from crosskey.model import GroupSelection
from crosskey_okta.settings import OktaSettings

__all__ = (
    "OVERLAP",
    "SETTLE",
    "Cursor",
    "Recent",
    "Stand",
    "check_age",
    "expired",
    "okta_time",
    "open_cursor",
    "request_digest",
)

_VERSION = 1
OVERLAP = timedelta(seconds=120)
"""How far each round looks back behind the last one. ``lastMembershipUpdated`` and search were seen up to 6 s late."""
SETTLE = timedelta(seconds=10)
"""What a list of members surely holds: changes so much older than it (times are whole seconds; the rest is safety)."""
_KEPT = timedelta(days=90)
"""The System Log is kept so long: nobody can tell who was deleted before."""


_OLDEST = datetime(2009, 1, 1, tzinfo=UTC)  # the year in which Okta began
_Time = Annotated[datetime, msgspec.Meta(tz=True)]
_Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class Stand(msgspec.Struct, frozen=True, array_like=True):
    """What is known of one group: all changes up to ``known``, and the count of members that Okta then told.

    ``by_log``: known because the log's events explained it, not from a list of all members.
    """

    known: str
    count: int | None = None
    by_log: bool = False


class Recent(msgspec.Struct, frozen=True, array_like=True):
    """How somebody was told who changed lately: the row's time, and whether active."""

    updated: str
    active: bool | None


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """One place. ``witness`` is somebody whom every search must show; ``chosen`` maps logical names to groups.

    ``log`` is the System Log's own next link, ``log_refused`` when the credential was last told that it may not read
    it, ``apps_listed`` when the apps were. ``recent`` and ``gone`` are who was told to have changed, or to be deleted,
    so lately that a search which is behind might still say otherwise.
    """

    version: int = _VERSION
    request: str
    since: _Time
    witness: _Id
    chosen: dict[str, _Id]
    stands: dict[str, Stand]
    apps_listed: _Time
    log: str = ""
    log_refused: _Time | None = None
    recent: dict[_Id, Recent] = {}
    gone: dict[_Id, str] = {}

    def still_recent(self, told: Mapping[str, Recent]) -> dict[str, Recent]:
        """Those that a search from here may be behind with, and of whom nothing younger was told."""
        horizon = okta_time(self.since - OVERLAP)
        return {
            key: word
            for key, word in told.items()
            if word.updated >= horizon and (key not in self.recent or word.updated >= self.recent[key].updated)
        }

    def text(self) -> str:
        """As the core keeps it."""
        return msgspec.json.encode(self).decode()


class _Version(msgspec.Struct):
    version: int


def open_cursor(text: str, request: str, instance: str) -> Cursor:
    """The place that a text names. Raises :class:`CursorExpiredError` when it is not one of ours, for this request."""
    try:
        if msgspec.json.decode(text, type=_Version).version != _VERSION:
            raise expired("the cursor is of another version", instance)
        cursor = msgspec.json.decode(text, type=Cursor)
    except (msgspec.DecodeError, UnicodeEncodeError):
        raise expired("the cursor cannot be read", instance) from None
    if cursor.since < _OLDEST:
        raise expired("the cursor cannot be read", instance)
    if cursor.request != request:
        raise expired("the cursor belongs to other settings, another org or other mappings", instance)
    return cursor


def check_age(cursor: Cursor, now: datetime, instance: str) -> None:
    """Raise :class:`CursorExpiredError` when Okta's clock says that the place is too old, or not there yet."""
    if now - cursor.since > _KEPT:
        raise expired(f"the last round was more than {_KEPT.days} days ago", instance)
    if cursor.since - now > OVERLAP:
        raise expired("the cursor is from the future", instance)


def expired(sentence: str, instance: str) -> CursorExpiredError:
    """The error that has everything read again."""
    return CursorExpiredError(
        f"changes cannot be told from there: {sentence}", where=instance, fix="nothing: everything is read again"
    )


def okta_time(moment: datetime) -> str:
    """A time as Okta writes it, one second exact. Texts sort as times do."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def request_digest(request: ReadRequest, settings: OktaSettings, issuer: str) -> str:
    """What a place depends on, in short: the same people read by other rules are others."""
    parts = (
        issuer,
        _selection(request.groups),
        _selection(request.apps),
        None if request.attributes is None else sorted(request.attributes),
        _pairs(settings.statuses),
        _pairs(settings.attributes),
    )
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:20]


def _selection(selection: GroupSelection) -> object:
    return sorted(selection.names), _pairs(selection.pins)


def _pairs(mapping: Mapping[str, str]) -> object:
    return sorted(mapping.items())
