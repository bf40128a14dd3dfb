"""Which plugins a configuration puts to work."""

from __future__ import annotations

from crosskey.config import Config

__all__ = ("plugins_of",)


def plugins_of(config: Config) -> dict[str, str]:
    """Each plugin in use and the distribution and version it comes from."""
    sections = (*config.feeds, config.target, *config.maps.values())
    return {one.provided.plugin: f"{one.provided.distribution} {one.provided.version}" for one in sections}
