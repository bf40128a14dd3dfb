"""The configuration as types: one struct a section, complete and valid once :func:`load_config` returned it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from crosskey.connector.mapper import MapperSpec
from crosskey.connector.source import SourceSpec
from crosskey.connector.target import TargetSpec
from crosskey.plugins.records import Provided
from crosskey.settings import Settings

__all__ = (
    "Config",
    "JournalSettings",
    "Limit",
    "MapSection",
    "RailSettings",
    "SourceSection",
    "SyncSection",
    "TargetSection",
)


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
    protect: Annotated[
        tuple[str, ...],
        Meta(
            description='Never touch these: e-mail addresses, keys like "agent:12", or globs ("*@admin.example.com").'
        ),
    ] = ()


class JournalSettings(Settings, frozen=True, kw_only=True):
    """``[journal]``: where crosskey keeps what it did."""

    path: Annotated[
        Path, Meta(description="The SQLite file; relative to the configuration file, created when absent.")
    ] = Path(".crosskey/journal.sqlite")


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

    @property
    def feeds(self) -> tuple[SourceSection, ...]:
        """The sources that ``[sync]`` reads, in their order of precedence."""
        return tuple(self.sources[name] for name in self.sync.sources)

    @property
    def target(self) -> TargetSection:
        """The target that ``[sync]`` writes."""
        return self.targets[self.sync.target]
