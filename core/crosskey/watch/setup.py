"""What rounds run with: one configuration and what is opened from it. A reload makes another one."""

from __future__ import annotations

import msgspec

from crosskey.config import Config
from crosskey.engine.connect import Connect
from crosskey.errors import ConfigError
from crosskey.plugins import Plugins

__all__ = ("Setup",)


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration, the plugins that it names, and the door to both sides."""

    config: Config
    plugins: Plugins
    connect: Connect

    @property
    def connection(self) -> str:
        """The name under which the journal keeps what concerns the target."""
        return self.config.connection

    def refuse_other(self, later: Setup) -> None:
        """Raise :class:`ConfigError` when ``later`` cannot take this one's place without a restart."""
        changed = [
            name
            for name, before, after in (
                ("journal.path", self.config.journal.path, later.config.journal.path),
                ("sync.to", self.connection, later.connection),
                ("watch.listen", self.config.watch.listen, later.config.watch.listen),
            )
            if before != after
        ]
        if changed:
            raise ConfigError(
                f"a running watcher cannot change {' and '.join(changed)}",
                code="reload-restart",
                where=str(later.config.path),
                fix="restart the watcher",
            )
