"""The configuration: TOML to types, all errors at once."""

from crosskey.config.doors import DOORS, DoorSection, DoorSettings
from crosskey.config.durations import duration_text, parse_duration
from crosskey.config.hook_address import hook_addresses
from crosskey.config.lines import line_of
from crosskey.config.listening import listen_address
from crosskey.config.loader import kept_config, load_config
from crosskey.config.sections import (
    Ceiling,
    Config,
    HeartbeatSettings,
    JournalSettings,
    Limit,
    MapSection,
    NotifySection,
    RailSettings,
    SnapshotSettings,
    SourceSection,
    SyncSection,
    TargetSection,
    WatchSettings,
)
from crosskey.config.serve import ServeSettings

__all__ = (
    "DOORS",
    "Ceiling",
    "Config",
    "DoorSection",
    "DoorSettings",
    "HeartbeatSettings",
    "JournalSettings",
    "Limit",
    "MapSection",
    "NotifySection",
    "RailSettings",
    "ServeSettings",
    "SnapshotSettings",
    "SourceSection",
    "SyncSection",
    "TargetSection",
    "WatchSettings",
    "duration_text",
    "hook_addresses",
    "kept_config",
    "line_of",
    "listen_address",
    "load_config",
    "parse_duration",
)
