"""People and groups of First Source: ``use = "first-source"``.

Importing this costs next to nothing: what the hook declares is imported when crosskey asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from crosskey import hookimpl

if TYPE_CHECKING:
    from crosskey import SourceSpec

__all__ = ("crosskey_sources",)


@hookimpl
def crosskey_sources() -> Sequence[SourceSpec]:
    """The one source of this package."""
    from crosskey_first_source.source import SPEC

    return [SPEC]
