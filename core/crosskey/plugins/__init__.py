"""Plugins found, isolated, trusted and attributed: the typed façade over pluggy."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crosskey.plugins.abilities import capabilities
    from crosskey.plugins.commands import listed_commands
    from crosskey.plugins.discovery import load_plugins
    from crosskey.plugins.facade import Plugins
    from crosskey.plugins.records import PluginRecord, Provided

__all__ = ("PluginRecord", "Plugins", "Provided", "capabilities", "listed_commands", "load_plugins")

_HOMES = {
    "PluginRecord": "records",
    "Plugins": "facade",
    "Provided": "records",
    "capabilities": "abilities",  # a module of the very name would take its place once it is imported
    "listed_commands": "commands",
    "load_plugins": "discovery",
}


def __getattr__(name: str) -> object:
    """Import a name's module when it is first asked for: ``--help`` lists commands and loads nothing."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
    return value
