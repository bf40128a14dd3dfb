"""Mappers: rules that turn people into the accounts they should have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec

from crosskey.connector.target import KindSpec
from crosskey.model import Catalogue, Person, Scalar
from crosskey.plan import HandOver
from crosskey.settings import Settings

__all__ = (
    "Candidate",
    "CompiledMapping",
    "Desired",
    "DriftPolicy",
    "JudgesDrift",
    "LeaverPolicy",
    "MapperSpec",
    "MappingContext",
    "MatchKey",
    "Ownership",
    "TellsOrigins",
)

Ownership = Literal["always", "on_create", "if_empty"]
"""When a field is written: whenever it differs, only with the create, or only while the target's is empty."""


DriftPolicy = Literal["reassert", "yield", "alert"]
"""What happens to an owned value that somebody else changed: written again, left to them, or held for a person."""


class MappingContext(msgspec.Struct, frozen=True, kw_only=True):
    """What a mapping is compiled against: its path in the configuration, the kind it makes, what may be referred to."""

    path: str
    kind: KindSpec
    catalogue: Catalogue


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """A person with the logical names of the groups and apps (of those that mappings name) it is in."""

    person: Person
    groups: frozenset[str] = frozenset()
    apps: frozenset[str] = frozenset()


class Desired(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The account one person should have, or why there should be none.

    ``in_scope`` says whether the rules want an account at all; ``why`` explains under ``""`` the scope and under a
    field's or reference's name the rule that won. ``references`` holds catalogue ids. A ``problem`` (no e-mail address,
    an empty required field) keeps the account from being created or changed, and is shown.
    """

    in_scope: bool
    fields: dict[str, Scalar] = {}
    references: dict[str, tuple[str, ...]] = {}
    why: dict[str, str] = {}
    problem: str = ""


class MatchKey(msgspec.Struct, frozen=True):
    """How to recognise an account nobody linked yet: the person's attribute, and the fields that may hold it."""

    attribute: str
    fields: tuple[str, ...]


class LeaverPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to the account of a leaver, after how long a grace, and with what waits for its owner.

    ``duties``: only listed; held while there are any; or open tickets handed over to ``hand_over``.
    """

    do: Literal["disable", "keep"] = "disable"
    after: timedelta = timedelta(0)
    duties: Literal["list", "hold", "reassign"] = "list"
    hand_over: HandOver | None = None


class CompiledMapping(Protocol):
    """Rules ready to run: pure, total and deterministic over a batch of people."""

    @property
    def groups(self) -> frozenset[str]:
        """Logical names of the groups whose members the rules need."""
        ...

    @property
    def apps(self) -> frozenset[str]:
        """Logical names of the apps whose assigned people the rules need."""
        ...

    @property
    def attributes(self) -> frozenset[str]:
        """Names under ``extra`` that the rules read."""
        ...

    @property
    def fields(self) -> Mapping[str, Ownership]:
        """The fields the rules write, and when."""
        ...

    @property
    def managed(self) -> frozenset[str]:
        """The references the rules give."""
        ...

    @property
    def match(self) -> Sequence[MatchKey]:
        """How to adopt accounts that have no link yet, in order."""
        ...

    @property
    def leavers(self) -> LeaverPolicy:
        """What happens to leavers."""
        ...

    def __call__(self, people: Sequence[Candidate]) -> Sequence[Desired]:
        """One answer for each candidate, in order. Raises nothing for any person."""
        ...


@runtime_checkable
class TellsOrigins(Protocol):
    """A mapping that can say what each field is made of, so that a value can be traced to its source."""

    @property
    def origins(self) -> Mapping[str, tuple[str, ...]]:
        """The attributes of a person (``title``, ``extra.badge``) that each field is made of."""
        ...


@runtime_checkable
class JudgesDrift(Protocol):
    """A compiled mapping that says what happens to values that somebody else changed; all others write them again."""

    def drift(self, part: str) -> DriftPolicy:
        """The policy for a field or reference."""
        ...


class MapperSpec(msgspec.Struct, frozen=True, kw_only=True):
    """How to make a mapping: its name in ``[map.<kind>] use = "…"``, its settings, and how to compile them.

    ``compile`` raises :class:`crosskey.errors.ConfigError` with every problem it finds.
    """

    name: str
    summary: str
    settings: type[Settings]
    compile: Callable[[Any, MappingContext], CompiledMapping]
