"""What providers said to end sessions, each once, and when each of their channels last spoke."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec

from crosskey.connector.sso import Door, SignalChannel, SignalEvent
from crosskey.journal.database import Database, moment, stamp

__all__ = ("ChannelRecord", "channels", "note", "spoke", "tidy")

_KEPT: Final = timedelta(days=30)
"""Longer than any transmitter is known to try again."""


class ChannelRecord(msgspec.Struct, frozen=True, kw_only=True):
    """When a channel last said anything that could be believed, and last ended a session."""

    door: Door
    channel: SignalChannel
    heard_at: datetime
    ended_at: datetime | None
    count: int


def note(database: Database, connection: str, event: SignalEvent, now: datetime) -> bool:
    """Note a message inside the caller's transaction; ``False`` when it was heard before."""
    fresh = database.run(
        "INSERT INTO sso_heard (issuer, id, connection, channel, kind, at, ended) VALUES (?, ?, ?, ?, ?, ?, 0)"
        " ON CONFLICT DO NOTHING",
        (event.issuer, event.id, connection, event.channel, event.kind, stamp(now)),
    )
    return fresh == 1


def spoke(
    database: Database, connection: str, door: Door, channel: SignalChannel, now: datetime, *, ended: bool
) -> None:
    """Note inside the caller's transaction that a channel works."""
    database.run(
        "INSERT INTO sso_channel (connection, door, channel, heard_at, ended_at, count) VALUES (?, ?, ?, ?, ?, 1)"
        " ON CONFLICT DO UPDATE SET heard_at = excluded.heard_at, count = count + 1,"
        " ended_at = coalesce(excluded.ended_at, ended_at)",
        (connection, door, channel, stamp(now), stamp(now) if ended else None),
    )


def channels(database: Database, connection: str) -> list[ChannelRecord]:
    """Every channel that ever spoke."""
    rows = database.rows(
        "SELECT door, channel, heard_at, ended_at, count FROM sso_channel WHERE connection = ? ORDER BY door, channel",
        (connection,),
    )
    return [
        ChannelRecord(
            door=door,
            channel=channel,
            heard_at=moment(heard_at),
            ended_at=moment(ended_at) if ended_at else None,
            count=count,
        )
        for door, channel, heard_at, ended_at, count in rows
    ]


def tidy(database: Database, now: datetime) -> None:
    """Forget inside the caller's transaction what will not come again."""
    database.run("DELETE FROM sso_heard WHERE at < ?", (stamp(now - _KEPT),))
