"""Users and agents of a HaloITSM or HaloPSA desk as a crosskey target.

Importing this module costs next to nothing: what it declares is imported when it is asked for, HTTP when it is opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from crosskey.hookspecs import hookimpl

if TYPE_CHECKING:
    from crosskey.connector.target import TargetSpec
    from crosskey_halo.settings import HaloSettings

__all__ = ("HaloSettings", "crosskey_targets")


@hookimpl
def crosskey_targets() -> Sequence[TargetSpec]:
    """The target ``halo``: end users and agents of HaloITSM or HaloPSA."""
    from crosskey_halo.spec import SPEC  # noqa: PLC0415 - `crosskey --help` asks for commands only

    return [SPEC]


def __getattr__(name: str) -> object:
    if name != "HaloSettings":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from crosskey_halo.settings import HaloSettings  # noqa: PLC0415 - as above

    return HaloSettings
