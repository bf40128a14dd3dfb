"""What the loader found, and where each thing came from."""

from __future__ import annotations

from typing import Generic, Literal, TypeVar

import msgspec

__all__ = ("PluginRecord", "Provided")

T = TypeVar("T")


class Provided(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A value with its provenance: the plugin that gave it and the distribution that installed the plugin."""

    value: T
    plugin: str
    distribution: str
    version: str

    @property
    def origin(self) -> str:
        """Who gave it, for messages: ``plugin acme (crosskey-acme 1.2)``."""
        return f"plugin {self.plugin} ({self.distribution} {self.version})"


class PluginRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One entry point of the group ``crosskey`` and what became of it.

    Nothing of a ``broken`` plugin is used, nothing of a ``refused`` one was even imported; ``reason`` says why. A
    ``loaded`` plugin may have a ``reason`` too: what of it is left out (a name that another plugin offers as well).
    ``provides`` reads ``source acme``, ``target desk``, ``commands`` …; ``capabilities`` are the optional abilities of
    its connectors, each as ``source acme: find``, where they can be seen without opening one.
    """

    name: str
    distribution: str
    version: str
    module: str
    state: Literal["loaded", "broken", "refused"]
    reason: str = ""
    provides: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()

    @property
    def origin(self) -> str:
        """Which plugin this is, for messages: ``plugin acme (crosskey-acme 1.2)``."""
        return f"plugin {self.name} ({self.distribution} {self.version})"
