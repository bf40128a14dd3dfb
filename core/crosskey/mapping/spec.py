"""The mapper ``rules``: its settings, and how to compile them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crosskey.connector.mapper import MapperSpec, MappingContext
from crosskey.mapping.settings import RulesSettings

if TYPE_CHECKING:
    from crosskey.mapping.rules import Rules

__all__ = ("SPEC",)


def _compile(settings: RulesSettings, context: MappingContext) -> Rules:
    from crosskey.mapping.compiler import compile_rules  # noqa: PLC0415 - Jinja2 is for commands that map

    return compile_rules(settings, context)


SPEC = MapperSpec(
    name="rules",
    summary="Attribute copies, templates and group rules written in the configuration",
    settings=RulesSettings,
    compile=_compile,
)
