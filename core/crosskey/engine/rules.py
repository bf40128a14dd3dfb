"""The configured rules, compiled against what the target can hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from crosskey.config import Config
from crosskey.connector.mapper import (
    Candidate,
    CompiledMapping,
    Desired,
    LeaverPolicy,
    MappingContext,
    MatchKey,
    Ownership,
)
from crosskey.connector.target import TargetSchema
from crosskey.errors import ConfigError, Diagnostic, close_matches
from crosskey.model import Catalogue

__all__ = ("NoRules", "attributes_of", "compile_mappings")


def attributes_of(mappings: Iterable[CompiledMapping]) -> frozenset[str]:
    """The names under ``extra`` that any of the mappings reads."""
    return frozenset(name for mapping in mappings for name in mapping.attributes)


def compile_mappings(config: Config, schema: TargetSchema, catalogue: Catalogue) -> dict[str, CompiledMapping]:
    """The rules of every kind, ready to run. Raises one :class:`ConfigError` with every problem of all of them."""
    compiled: dict[str, CompiledMapping] = {}
    problems: list[Diagnostic] = []
    for name, section in config.maps.items():
        kind = schema.kind(name)
        if kind is None:
            hint = close_matches(name, (kind.name for kind in schema.kinds))
            problems.append(
                ConfigError(
                    f"{config.target.path} has no accounts of kind {name}. {hint}".rstrip(),
                    code="kind-unknown",
                    where=section.path,
                    fix=f"rename [{section.path}] to a kind that the target has",
                ).diagnostic()
            )
            continue
        context = MappingContext(path=section.path, kind=kind, catalogue=catalogue)
        try:
            compiled[name] = section.provided.value.compile(section.settings, context)
        except ConfigError as error:
            problems += error.problems or [error.diagnostic()]
    if problems:
        raise ConfigError(
            f"the mappings do not fit {config.target.path}",
            code="mapping",
            where=str(config.path),
            problems=problems,
        )
    return compiled


class NoRules:
    """Rules by which nobody wants an account and nothing is written: for runs that ask no rules."""

    groups: frozenset[str] = frozenset()
    apps: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()
    fields: Mapping[str, Ownership] = {}
    managed: frozenset[str] = frozenset()
    match: Sequence[MatchKey] = ()
    leavers = LeaverPolicy(do="keep")

    def __call__(self, people: Sequence[Candidate]) -> Sequence[Desired]:
        """Nobody is in scope."""
        return [Desired(in_scope=False) for _ in people]
