"""How late a leaver may be out: for each open door the worst case, and each channel that makes it sooner.

All of it comes from the configuration, the provider's own word and the journal; nobody is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from crosskey.config import Config, DoorSection, duration_text
from crosskey.connector.lateness import Lateness
from crosskey.connector.signal_poll import LONGEST, SLOWEST
from crosskey.connector.sso import Door
from crosskey.journal import ChannelRecord, Rounds, Watchbook
from crosskey.mapping.settings import RulesSettings
from crosskey.watch.inbox import GATHER

__all__ = ("ChannelStatus", "DoorStatus", "Heard", "door_statuses", "heard_in")

WORST: Final = (
    "the time between two rounds of crosskey watch, and the time that the directory itself takes to show the change"
)
"""What holds with every channel silent."""

_ANSWERS: Final = timedelta(minutes=1)
"""So long may a provider take to answer a question of a session's."""


class ChannelStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One way by which a door hears of leavers.

    ``bound`` is how many seconds crosskey itself takes at most, ``most`` how many the provider does by its own word, if
    it gives one; ``says`` is what it says, ``source`` where. ``heard_at``: when the channel last spoke. ``problem``
    where that is longer ago than it can be while all is well.
    """

    channel: str
    bound: float
    most: float | None = None
    says: str = ""
    source: str = ""
    heard_at: datetime | None = None
    ended_at: datetime | None = None
    problem: str = ""
    fix: str = ""


class DoorStatus(msgspec.Struct, frozen=True, kw_only=True):
    """An open door. ``worst`` is how many seconds somebody who left may stay inside with every channel silent.

    ``holds``: a ``round`` ends their session then (``directory`` says what the directory's own time adds), or only the
    session's own ``limit`` does, ``because`` of something.
    """

    door: Door
    provider: str
    source: str
    worst: float
    holds: Literal["round", "limit"]
    because: str
    directory: str
    limit: float
    channels: tuple[ChannelStatus, ...]

    @property
    def sentence(self) -> str:
        """The worst case in words."""
        limit = duration_text(timedelta(seconds=self.limit))
        if self.holds == "limit":
            return f"{limit}, when sessions end in any case: {self.because}"
        worst = duration_text(timedelta(seconds=self.worst))
        return f"{worst}, {WORST} ({self.directory}); sessions end after {limit} in any case"


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What the journal knows of channels. ``asked``: by door, when a provider was last asked about a session."""

    channels: Mapping[tuple[str, str], ChannelRecord] = {}
    asked: Mapping[str, datetime] = {}
    rounds: Rounds = Rounds()
    watching: Literal["yes", "no", "lost", "never"] = "never"
    overdue: bool = False


def heard_in(
    book: Watchbook, rounds: Rounds, watching: Literal["yes", "no", "lost", "never"], *, overdue: bool
) -> Heard:
    """Look it up."""
    return Heard(
        channels={(each.door, each.channel): each for each in book.channels()},
        asked=book.asked_last(),
        rounds=rounds,
        watching=watching,
        overdue=overdue,
    )


def door_statuses(config: Config, heard: Heard, now: datetime) -> list[DoorStatus]:
    """Every door that is open."""
    return [_Door(config, section, heard, now).status() for section in config.doors.values() if section.rules.enabled]


class _Door:
    """One door's turn."""

    def __init__(self, config: Config, section: DoorSection, heard: Heard, now: datetime) -> None:
        self._config = config
        self._section = section
        self._heard = heard
        self._now = now
        self._source = config.sources.get(section.source)

    def status(self) -> DoorStatus:
        """All of it."""
        round_ = self._round
        limit = self._section.lasts
        directory = next((each.says for each in self._of_source if each.channel == "directory"), "it does not say")
        because = self._why_no_round()
        holds = not because and round_ < limit
        return DoorStatus(
            door=self._section.door,
            provider=self._section.provided.value.name,
            source=f"source.{self._section.source}",
            worst=(round_ if holds else limit).total_seconds(),
            holds="round" if holds else "limit",
            because=because or ("" if holds else "rounds are further apart"),
            directory=directory,
            limit=limit.total_seconds(),
            channels=tuple(self._channels()),
        )

    @property
    def _round(self) -> timedelta:
        """The longest from one round's beginning to the next, and the grace that the rules give leavers."""
        watch = self._config.watch
        return watch.every + 2 * watch.spread + self._grace

    @property
    def _grace(self) -> timedelta:
        rules = self._rules
        return rules.leavers.after if rules is not None else timedelta(0)

    @property
    def _rules(self) -> RulesSettings | None:
        section = self._config.maps.get(self._section.kind)
        return section.settings if section is not None and isinstance(section.settings, RulesSettings) else None

    def _why_no_round(self) -> str:
        """Why no round ends a leaver's session, whatever it reads."""
        rules = self._rules
        if self._config.rails.may in ("observe", "create"):
            return f'rails.may is "{self._config.rails.may}", so that nobody is switched off'
        if rules is not None and rules.leavers.do == "keep":
            return f"the rules keep the accounts of leavers ([map.{self._section.kind}.leavers])"
        if self._heard.watching != "yes":
            return "crosskey watch does not run"
        return "no round succeeds" if self._heard.overdue else ""

    @property
    def _of_source(self) -> Sequence[Lateness]:
        spec = self._source.provided.value if self._source is not None else None
        return spec.lateness(self._source.settings) if spec is not None and spec.lateness and self._source else ()

    @property
    def _of_flow(self) -> Sequence[Lateness]:
        find = self._section.provided.value.lateness
        return find(self._section.settings) if find is not None else ()

    def _channels(self) -> Iterable[ChannelStatus]:
        yield self._rounds()
        for told in (*self._of_source, *self._of_flow):
            if told.channel != "directory":
                yield self._channel(told)
        yield ChannelStatus(channel="operator", bound=0.0, says="`crosskey sessions revoke`, at the next click")
        yield ChannelStatus(
            channel="limits",
            bound=self._section.lasts.total_seconds(),
            says=f"and after {duration_text(self._section.idle)} without anything done",
        )

    def _rounds(self) -> ChannelStatus:
        directory = next((each for each in self._of_source if each.channel == "directory"), None)
        problem = self._why_no_round()
        return ChannelStatus(
            channel="rounds",
            bound=self._round.total_seconds(),
            most=directory.most.total_seconds() if directory is not None and directory.most else None,
            says=directory.says if directory is not None else "",
            source=directory.source if directory is not None else "",
            heard_at=self._heard.rounds.success_at,
            problem=problem,
            fix="`crosskey status` says how the watcher is doing" if self._heard.overdue else "",
        )

    def _channel(self, told: Lateness) -> ChannelStatus:
        where = f"source.{self._section.source}" if told.channel == "hook" else self._section.door
        found = self._heard.channels.get((where, told.channel))
        problem, fix = self._problem(told.channel, found)
        return ChannelStatus(
            channel=told.channel,
            bound=self._bound(told.channel).total_seconds(),
            most=told.most.total_seconds() if told.most is not None else None,
            says=told.says,
            source=told.source,
            heard_at=found.heard_at if found is not None else None,
            ended_at=found.ended_at if found is not None else None,
            problem=problem,
            fix=fix,
        )

    def _bound(self, channel: str) -> timedelta:
        """What crosskey itself takes until the next click, once the channel has the word."""
        if channel == "refresh":
            return self._section.rules.heartbeat
        if channel == "hook":
            return GATHER
        return self._every if channel == "poll" else timedelta(0)

    @property
    def _every(self) -> timedelta:
        find = self._section.provided.value.poll
        poll = find(self._section.settings) if find is not None else None
        return poll.every if poll is not None else timedelta(0)

    def _problem(self, channel: str, found: ChannelRecord | None) -> tuple[str, str]:
        """What is wrong with a channel that speaks by itself; others may be silent for as long as nobody leaves."""
        if channel == "poll":
            return self._problem_of_poll(found)
        if channel == "refresh":
            asked = self._heard.asked.get(self._section.door)
            heard_at = found.heard_at if found is not None else None
            answered = asked is None or (heard_at is not None and heard_at >= asked)
            if not answered and asked is not None and self._now - asked > _ANSWERS:
                return (
                    f"the provider was asked at {asked:%Y-%m-%d %H:%M} UTC and did not answer",
                    f"`crosskey sso test {self._section.door}` shows whether it can be reached",
                )
        return "", ""

    def _problem_of_poll(self, found: ChannelRecord | None) -> tuple[str, str]:
        failed = self._heard.channels.get((self._section.door, "poll-failed"))
        last = max((each.heard_at for each in (found, failed) if each is not None), default=None)
        patience = max(timedelta(seconds=SLOWEST), 2 * self._every) if failed is not None else 2 * self._every
        if last is None or self._now - last > patience + timedelta(seconds=LONGEST):
            return "nobody asks the transmitter", "start `crosskey serve`"
        if failed is not None and (found is None or failed.heard_at > found.heard_at):
            since = "it never did" if found is None else f"it last did {found.heard_at:%Y-%m-%d %H:%M} UTC"
            fix = f"check signal_poll and signal_poll_token in [{self._section.path}]; `crosskey serve` logs why"
            return f"the transmitter does not answer; {since}", fix
        return "", ""
