"""Conformance tests for plugins: subclass one of these in a test file of your own, and run pytest.

    from crosskey.testing import FakeDirectory, SourceConformance

    class TestAcme(SourceConformance):
        plugin = "crosskey_acme"
        use = "acme"
        settings = 'url = "https://acme.example"'

        def vendor(self, clock):
            return FakeAcme()

pytest is imported when one of these names is first asked for; ``pip install "crosskey[testing]"`` brings it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crosskey.testing.clock import VirtualClock, play
    from crosskey.testing.fakes import FakeDirectory, FakeTarget, FakeVendor
    from crosskey.testing.mapper import MapperConformance
    from crosskey.testing.source import SourceConformance
    from crosskey.testing.sso import FakeProvider, SsoFlowConformance
    from crosskey.testing.target import TargetConformance

__all__ = (
    "FakeDirectory",
    "FakeProvider",
    "FakeTarget",
    "FakeVendor",
    "MapperConformance",
    "SourceConformance",
    "SsoFlowConformance",
    "TargetConformance",
    "VirtualClock",
    "play",
)

_HOMES = {
    "FakeDirectory": "fakes",
    "FakeProvider": "sso",
    "FakeTarget": "fakes",
    "FakeVendor": "fakes",
    "MapperConformance": "mapper",
    "SourceConformance": "source",
    "SsoFlowConformance": "sso",
    "TargetConformance": "target",
    "VirtualClock": "clock",
    "play": "clock",
}


def __getattr__(name: str) -> object:
    """Import the module of a public name when it is first asked for, and keep the name."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
    return value
