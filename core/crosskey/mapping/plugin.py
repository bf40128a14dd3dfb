"""Declares the built-in mapper through the same hook that a third party uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from crosskey.connector.mapper import MapperSpec, MappingContext
from crosskey.hookspecs import hookimpl
from crosskey.mapping.settings import RulesSettings

if TYPE_CHECKING:
    from crosskey.mapping.rules import Rules

__all__ = ("crosskey_mappers",)


def _compile(settings: RulesSettings, context: MappingContext) -> Rules:
    # Jinja2 takes longer to import than `crosskey --help` may take.
    from crosskey.mapping.compiler import compile_rules  # noqa: PLC0415 - see above

    return compile_rules(settings, context)


@hookimpl
def crosskey_mappers() -> Sequence[MapperSpec]:
    """Declare the mapper ``rules``, the default of every ``[map.<kind>]``."""
    return [
        MapperSpec(
            name="rules",
            summary="Attribute copies, templates and group rules written in the configuration",
            settings=RulesSettings,
            compile=_compile,
        )
    ]
