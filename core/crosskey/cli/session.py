"""What the commands share: how configuration, plugins, journal and connectors are opened."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from crosskey.clock import SystemClock
from crosskey.config import Config, load_config
from crosskey.engine.connect import Connect
from crosskey.journal import Journal, JournalWriter
from crosskey.plugins import Plugins, load_plugins
from crosskey.telemetry import instruments

__all__ = ("Session",)


class Session:
    """One command's configuration and everything opened from it."""

    def __init__(self, config_path: Path, *, offline: bool = False) -> None:
        self.plugins: Plugins = load_plugins()
        self.config: Config = load_config(config_path, self.plugins, resolve_secrets=not offline)
        self.clock = SystemClock()
        self.connect = Connect(clock=self.clock)

    @property
    def connection(self) -> str:
        """The name under which the journal keeps what concerns this target, whatever sources feed it."""
        return self.config.connection

    @contextmanager
    def writing(self) -> Generator[JournalWriter]:
        """The journal, ours alone."""
        with JournalWriter.open(self.config.journal.path, clock=self.clock, connection=self.connection) as journal:
            if (told := instruments()).on:
                journal.time_commits(lambda seconds: told.tell("crosskey.journal.commit.duration", seconds, {}))
            yield journal

    @contextmanager
    def reading(self) -> Generator[Journal]:
        """The journal, read-only."""
        with Journal.open(self.config.journal.path, clock=self.clock, connection=self.connection) as journal:
            yield journal
