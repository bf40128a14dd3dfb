"""The configuration as types: one struct a section, complete and valid once :func:`load_config` returned it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from crosskey.config.doors import DoorSection
from crosskey.config.durations import duration_text
from crosskey.config.hook_address import checked_hook_url, is_loopback
from crosskey.config.listening import listen_address
from crosskey.config.serve import ServeSettings
from crosskey.connector.mapper import MapperSpec
from crosskey.connector.notifier import NotifierSpec
from crosskey.connector.source import SourceSpec
from crosskey.connector.sso import Door
from crosskey.connector.target import TargetSpec
from crosskey.errors import ConfigError
from crosskey.plugins.records import Provided
from crosskey.settings import Secret, Settings

__all__ = (
    "Ceiling",
    "Config",
    "HeartbeatSettings",
    "JournalSettings",
    "Limit",
    "MapSection",
    "NotifySection",
    "RailSettings",
    "SnapshotSettings",
    "SourceSection",
    "SyncSection",
    "TargetSection",
    "WatchSettings",
)

_SHORTEST: Final = timedelta(seconds=10)
# Directories bring back whom they deleted for 30 days; twice that is a margin nobody needs to think about.
_TOMBSTONES: Final = timedelta(days=60)
_EVERY: Final = 'write at least "10s"; "5m" is usual'


class SourceSection(msgspec.Struct, frozen=True, kw_only=True):
    """``[source.<name>]``. ``groups`` and ``apps`` pin logical names to ids, because vendor names are not unique."""

    name: str
    path: str
    provided: Provided[SourceSpec]
    settings: Settings
    groups: dict[str, str] = {}
    apps: dict[str, str] = {}


class TargetSection(msgspec.Struct, frozen=True, kw_only=True):
    """``[target.<name>]``."""

    name: str
    path: str
    provided: Provided[TargetSpec]
    settings: Settings


class MapSection(msgspec.Struct, frozen=True, kw_only=True):
    """``[map.<kind>]``: the rules for one kind of account."""

    kind: str
    path: str
    provided: Provided[MapperSpec]
    settings: Settings


class NotifySection(msgspec.Struct, frozen=True, kw_only=True):
    """``[notify.<name>]``: a way by which notices reach a person."""

    name: str
    path: str
    provided: Provided[NotifierSpec]
    settings: Settings


class SyncSection(Settings, frozen=True, kw_only=True, rename={"sources": "from", "target": "to"}):
    """``[sync]``: which sources feed which target. With one of each the section may be left out."""

    sources: Annotated[
        tuple[str, ...], Meta(description="Names of the source sections to read. Left out: the only one there is.")
    ] = ()
    target: Annotated[str, Meta(description="Name of the target section. Left out: the only one there is.")] = ""
    same: Annotated[
        tuple[str, ...] | None,
        Meta(
            description="Attributes, in order, by which people of several sources are recognised as one person. "
            "Needed with several sources; an empty list keeps everybody apart."
        ),
    ] = None
    apart: Annotated[
        tuple[str, ...],
        Meta(
            description="Ids of people who are nobody else, whatever their keys say: also of those who were taken for "
            "somebody by mistake. `crosskey explain` shows ids."
        ),
    ] = ()
    prefer: Annotated[
        dict[str, tuple[str, ...]],
        Meta(
            description="By attribute, the sources that go first for it. Otherwise the order of `from` counts, and the "
            "first who says anything."
        ),
    ] = msgspec.field(default_factory=dict[str, tuple[str, ...]])
    settle: Annotated[
        timedelta | None,
        Meta(
            description="After a write whose answer was lost: how long until it is surely visible, if it happened. "
            "Left out: what the target says, and at least two minutes."
        ),
    ] = None
    full_every: Annotated[
        timedelta, Meta(description="How often everything is read, however often only changes are.")
    ] = timedelta(hours=24)
    plan_expiry: Annotated[timedelta, Meta(description="How long a saved plan may be applied.")] = timedelta(hours=4)


Ceiling = Literal["observe", "create", "disable", "demote"]


class Limit(Settings, frozen=True, kw_only=True):
    """A number of changes that needs a person when it is passed: as a count, and as a share of the accounts."""

    count: Annotated[int, Meta(ge=0, description="More changes than this need a person.")] = 10
    percent: Annotated[
        float, Meta(ge=0, le=100, description="More than this share of the active accounts needs a person.")
    ] = 5.0


class RailSettings(Settings, frozen=True, kw_only=True):
    """``[rails]``: what stops a plan until a person decides."""

    max_disable: Annotated[Limit, Meta(description="Hold all disables when one plan would disable more than this.")] = (
        Limit()
    )
    disable_per_day: Annotated[
        float, Meta(ge=0, description="Hold disables that add up to more than so many times `max_disable` in a day.")
    ] = 1.0
    disable_per_week: Annotated[
        float, Meta(ge=0, description="Hold disables that add up to more than so many times `max_disable` in a week.")
    ] = 2.0
    max_demote: Annotated[
        Limit, Meta(description="Hold updates that take roles, teams and the like away from more accounts than this.")
    ] = Limit()
    max_change: Annotated[
        Limit, Meta(description="Hold updates that change the same field or reference of more accounts than this.")
    ] = Limit(count=25, percent=20.0)
    max_remap: Annotated[Limit, Meta(description="The same after the rules changed, for updates of any sort.")] = Limit(
        count=25, percent=10.0
    )
    max_create: Annotated[
        Limit, Meta(description="Hold creates when one plan would make more accounts than this; not in the first run.")
    ] = Limit(count=25, percent=20.0)
    keep_seats: Annotated[
        int, Meta(ge=0, description="Paid seats that stay free for accounts that somebody makes by hand.")
    ] = 0
    first_run: Annotated[
        Literal["ask", "go"],
        Meta(
            description="`ask`: `sync` and `watch` hold the first changes of a kind of account until somebody applied "
            "or approved them. `go`: nobody has to look."
        ),
    ] = "ask"
    may: Annotated[
        Ceiling,
        Meta(
            description="How far crosskey goes: `observe` writes nothing; `create` makes, updates and enables "
            "accounts; `disable` disables leavers too; `demote` also takes away what it gave."
        ),
    ] = "demote"
    shrink_percent: Annotated[
        float,
        Meta(
            ge=0, le=100, description="Hold a run whose source shows less than this share of the people of last time."
        ),
    ] = 70.0
    min_people: Annotated[
        int,
        Meta(
            ge=0,
            description="Judge shrinking only where the last complete read had at least this many people or members.",
        ),
    ] = 5
    absent_reads: Annotated[
        int,
        Meta(
            ge=1,
            description="Somebody who is missing from the source leaves after so many confirmations that nobody of "
            "that id exists. Who was deleted or made inactive there leaves at once.",
        ),
    ] = 3
    absent_for: Annotated[timedelta, Meta(description="Those confirmations are spread over at least this long.")] = (
        timedelta(hours=24)
    )
    keep_active: Annotated[
        dict[str, int],
        Meta(
            description="By kind of account, how many that can work are never switched off. Left out: two of kinds "
            "that take paid seats."
        ),
    ] = msgspec.field(default_factory=dict[str, int])
    protect: Annotated[
        tuple[str, ...],
        Meta(
            description='Never touch these: e-mail addresses, keys like "agent:12", or globs ("*@admin.example.com").'
        ),
    ] = ()


class SnapshotSettings(Settings, frozen=True, kw_only=True):
    """``[journal.snapshots]``: for how long what past runs read is kept, and how much of it."""

    keep: Annotated[timedelta, Meta(description="What is older is removed.")] = timedelta(days=30)
    count: Annotated[int, Meta(ge=0, description="No more than this. 0: none, and what is there is removed.")] = 500
    mib: Annotated[
        int,
        Meta(ge=0, description="No more than this many MiB together; what only tells of changes goes first."),
    ] = 1024


class JournalSettings(Settings, frozen=True, kw_only=True):
    """``[journal]``: where crosskey keeps what it did."""

    path: Annotated[
        Path, Meta(description="The SQLite file; relative to the configuration file, created when absent.")
    ] = Path(".crosskey/journal.sqlite")
    keep: Annotated[
        timedelta,
        Meta(description="How long it is kept what was done. Links, and heads of the chain, are kept for ever."),
    ] = timedelta(days=400)
    keep_plans: Annotated[timedelta, Meta(description="How long plans are kept; those without a change, 3 days.")] = (
        timedelta(days=90)
    )
    sign_with: Annotated[
        Secret | None,
        Meta(description="Private key (Ed25519, PEM) that signs heads of the chain of events. Left out: nobody signs."),
    ] = None

    def __post_init__(self) -> None:
        if self.keep < _TOMBSTONES:
            raise ConfigError(
                "people can still be brought back in the identity provider after that time",
                where="keep",
                fix=f'write at least "{duration_text(_TOMBSTONES)}"',
            )
        if self.keep_plans > self.keep:
            raise ConfigError("it is longer than `keep`", where="keep_plans", fix="write a shorter one")

    snapshots: Annotated[
        SnapshotSettings,
        Meta(description="What runs read is kept for `crosskey explain --at` and `crosskey replay`. It names people."),
    ] = SnapshotSettings()


class HeartbeatSettings(Settings, frozen=True, kw_only=True):
    """``[watch.heartbeat]``: a service elsewhere that calls when the pings stay away."""

    url: Annotated[
        Secret | None,
        Meta(description="Address that is asked for (GET) around each round. Whoever knows it can fake a ping."),
    ] = None
    start: Annotated[str, Meta(description="Added to the address when a round begins. Empty: no ping then.")] = "/start"
    success: Annotated[str, Meta(description="Added to the address after a round that did its work.")] = ""
    fail: Annotated[str, Meta(description="Added to the address after a round that failed or was held whole.")] = (
        "/fail"
    )


class WatchSettings(Settings, frozen=True, kw_only=True):
    """``[watch]``: how often ``crosskey watch`` looks, and who hears when it does not."""

    every: Annotated[timedelta, Meta(description="How often to look for changes, and apply them.")] = timedelta(
        minutes=5
    )
    jitter: Annotated[
        timedelta | None,
        Meta(
            description="Each round begins up to this much earlier or later, so that many do not come at once. "
            "Left out: a tenth of `every`."
        ),
    ] = None
    alarm_after: Annotated[
        timedelta | None,
        Meta(
            description="Tell somebody when no round succeeded for this long. More than a full read takes. "
            "Left out: two rounds."
        ),
    ] = None
    listen: Annotated[
        str,
        Meta(description="Address and port of the health and metrics endpoints. Empty: none."),
    ] = "127.0.0.1:8470"
    listen_beyond: Annotated[
        bool,
        Meta(description="Let `listen` be an address that other machines reach. Nothing there asks who is calling."),
    ] = False
    public_url: Annotated[
        str,
        Meta(
            description="Address in front of /hooks/<source> by which vendors reach this machine. Subscriptions are "
            "made there and kept alive. Empty: none are."
        ),
    ] = ""
    heartbeat: Annotated[HeartbeatSettings, Meta(description="Pings for a service that watches the watcher.")] = (
        HeartbeatSettings()
    )

    def __post_init__(self) -> None:
        if self.every < _SHORTEST:
            raise ConfigError("a round every few seconds would spend the vendors' budgets", where="every", fix=_EVERY)
        if self.jitter is not None and self.jitter * 2 > self.every:
            raise ConfigError("it is more than half of `every`", where="jitter", fix="write a shorter one")
        if self.alarm_after is not None and self.alarm_after < self.every:
            raise ConfigError(
                "it is shorter than `every`", where="alarm_after", fix=f'write at least "{duration_text(self.every)}"'
            )
        if self.public_url:
            checked_hook_url(self.public_url, where="public_url")
        if self.listen:
            address = listen_address(self.listen)
            if not self.listen_beyond and not is_loopback(address[0]):
                raise ConfigError(
                    f"{address[0]} can be reached from other machines",
                    where="listen",
                    fix='write "127.0.0.1:8470" and put a proxy before it, or set listen_beyond = true',
                )

    @property
    def spread(self) -> timedelta:
        """How far a round may be from its time, either way."""
        return self.every / 10 if self.jitter is None else self.jitter

    @property
    def patience(self) -> timedelta:
        """After how long without a success somebody hears."""
        return self.every * 2 + self.spread if self.alarm_after is None else self.alarm_after


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """A whole configuration.

    ``digest`` is the SHA-256 of ``canonical``, the parsed file as JSON with sorted keys: neither comments nor the
    order of keys change it, and since secrets are references it holds none. ``journal.path`` is absolute.
    """

    path: Path
    digest: str
    canonical: str
    sources: dict[str, SourceSection]
    targets: dict[str, TargetSection]
    sync: SyncSection
    maps: dict[str, MapSection]
    rails: RailSettings
    journal: JournalSettings
    watch: WatchSettings = WatchSettings()
    notify: dict[str, NotifySection] = {}
    doors: dict[Door, DoorSection] = {}
    serve: ServeSettings = ServeSettings()

    @property
    def feeds(self) -> tuple[SourceSection, ...]:
        """The sources that ``[sync]`` reads, in their order of precedence."""
        return tuple(self.sources[name] for name in self.sync.sources)

    @property
    def pilots(self) -> frozenset[str]:
        """The groups whose members come in by some door before everybody else does."""
        return frozenset(name for door in self.doors.values() for name in door.rules.pilot)

    @property
    def connection(self) -> str:
        """The name under which the journal keeps what concerns the target, whatever sources feed it."""
        return self.sync.target

    @property
    def target(self) -> TargetSection:
        """The target that ``[sync]`` writes."""
        return self.targets[self.sync.target]
