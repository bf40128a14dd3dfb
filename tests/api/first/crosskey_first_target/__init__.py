"""Accounts of First Target: ``use = "first-target"``.

Importing this costs next to nothing: what the hook declares is imported when crosskey asks for it.
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
    from crosskey_first_target.target import SPEC

    return [SPEC]
