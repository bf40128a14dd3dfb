"""What providers said to end sessions, each once, and when each of their channels last spoke."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from crosskey.connector.sso import SignalChannel, SignalEvent
from crosskey.journal.database import Database, moment, stamp

__all__ = ("Channel", "ChannelRecord", "channels", "note", "polled", "spoke", "tidy")

Channel = SignalChannel | Literal["poll", "poll-failed", "refresh", "hook"]
"""Besides what providers send: a transmitter that we ask, and when it last did not answer; the provider that is asked
whether it stands by a session; and what a source's vendor pushes to the watcher."""

_KEPT: Final = timedelta(days=30)
"""Longer than any transmitter is known to try again."""


class ChannelRecord(msgspec.Struct, frozen=True, kw_only=True):
    """When a channel last said anything that could be believed, and last ended a session.

    ``door``: the door that it is for, or the path of the source's section (``source.corp``).
    """

    door: str
    channel: Channel
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
    database: Database, connection: str, door: str, channel: Channel, now: datetime, *, ended: bool = False
) -> None:
    """Note inside the caller's transaction that a channel works."""
    database.run(
        "INSERT INTO sso_channel (connection, door, channel, heard_at, ended_at, count) VALUES (?, ?, ?, ?, ?, 1)"
        " ON CONFLICT DO UPDATE SET heard_at = excluded.heard_at, count = count + 1,"
        " ended_at = coalesce(excluded.ended_at, ended_at)",
        (connection, door, channel, stamp(now), stamp(now) if ended else None),
    )


def polled(database: Database, connection: str, door: str, now: datetime, *, answered: bool) -> bool:
    """Note inside the caller's transaction that a transmitter was asked; whether it answers now as it did not before.

    ``True`` also when it ceases to answer.
    """
    at = dict(
        database.rows(
            "SELECT channel, heard_at FROM sso_channel WHERE connection = ? AND door = ?"
            " AND channel IN ('poll', 'poll-failed')",
            (connection, door),
        )
    )
    answered_before = at.get("poll-failed", "") <= at.get("poll", "")
    spoke(database, connection, door, "poll" if answered else "poll-failed", now)
    return answered != answered_before


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
