"""Declares the built-in mapper through the same hook that a third party uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from crosskey.hookspecs import hookimpl

if TYPE_CHECKING:
    from crosskey.connector.mapper import MapperSpec

__all__ = ("crosskey_mappers",)


@hookimpl
def crosskey_mappers() -> Sequence[MapperSpec]:
    """Declare the mapper ``rules``, the default of every ``[map.<kind>]``."""
    from crosskey.mapping.spec import SPEC  # noqa: PLC0415 - `crosskey --help` asks for commands only

    return [SPEC]
