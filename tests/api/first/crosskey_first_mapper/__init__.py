"""Rules of First Mapper: ``use = "first-mapper"``.

Importing this costs next to nothing: what the hook declares is imported when crosskey asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from crosskey import hookimpl

if TYPE_CHECKING:
    from crosskey import MapperSpec

__all__ = ("crosskey_mappers",)


@hookimpl
def crosskey_mappers() -> Sequence[MapperSpec]:
    """The one mapper of this package."""
    from crosskey_first_mapper.compiler import SPEC

    return [SPEC]
