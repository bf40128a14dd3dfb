"""The configuration: TOML to types, all errors at once."""

from crosskey.config.durations import duration_text, parse_duration
from crosskey.config.loader import load_config
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
    "duration_text",
    "load_config",
    "parse_duration",
)
