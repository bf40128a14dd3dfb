"""Users and groups of any SCIM 2.0 service as a target of crosskey: ``use = "scim"``.

Importing this module costs next to nothing: what it declares is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from crosskey import hookimpl

if TYPE_CHECKING:
    from crosskey import TargetSpec

__all__ = ("crosskey_targets",)


@hookimpl
def crosskey_targets() -> Sequence[TargetSpec]:
    """The one target of this package."""
    from crosskey_scim.spec import SPEC  # noqa: PLC0415 - `crosskey --help` asks for commands only

    return [SPEC]
