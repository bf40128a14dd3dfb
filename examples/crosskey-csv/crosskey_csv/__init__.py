"""An HR file (CSV) as an identity source of crosskey: ``use = "csv"``.

Importing this module costs next to nothing: what it declares is imported when it is asked for.
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
    from crosskey_csv.spec import SPEC  # noqa: PLC0415 - `crosskey --help` asks for commands only

    return [SPEC]
