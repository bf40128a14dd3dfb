"""The configuration: TOML to types, all errors at once."""

from crosskey.config.sections import (
    Config,
    JournalSettings,
    Limit,
    MapSection,
    RailSettings,
    SourceSection,
    SyncSection,
    TargetSection,
)

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
