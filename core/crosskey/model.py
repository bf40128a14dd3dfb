"""The neutral vocabulary: people and groups as any identity source tells them, accounts as any target holds them.

Attribute names are those of SCIM 2.0 (RFC 7643, core and enterprise user) in snake case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from crosskey.errors import ConfigError, close_matches

__all__ = (
    "PERSON_ATTRIBUTES",
    "Account",
    "Catalogue",
    "CatalogueEntry",
    "Group",
    "GroupSelection",
    "Person",
    "Scalar",
    "Subject",
)

Scalar = str | bool | int | float | None
"""A field's value in a target. Text fields use ``""`` for empty."""


class Subject(msgspec.Struct, frozen=True, order=True, gc=False):
    """The immutable identity behind a person. An e-mail address is never one.

    ``issuer`` is the source's own stable name (an org URL, a tenant id), ``id`` its key for the person.
    """

    issuer: str
    id: str

    def __str__(self) -> str:
        """Issuer and id in one word, as the journal keeps it."""
        return f"{self.issuer}#{self.id}"


class Person(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One human as a source tells it. Text that is absent or empty is ``""``.

    ``active`` is the source's verdict in neutral words: ``True`` should have accounts, ``False`` should
    not, ``None`` not known (a status nobody mapped): nothing is changed for that person.
    ``status`` is the source's own word, for people to read. ``manager`` is the manager's subject id, mail or
    name as the source gives it. ``extra`` holds other attributes under the source's names.
    """

    subject: Subject
    active: bool | None
    status: str = ""
    user_name: str = ""
    display_name: str = ""
    given_name: str = ""
    middle_name: str = ""
    family_name: str = ""
    nick_name: str = ""
    email: str = ""
    title: str = ""
    department: str = ""
    organization: str = ""
    division: str = ""
    cost_center: str = ""
    employee_number: str = ""
    user_type: str = ""
    manager: str = ""
    work_phone: str = ""
    mobile_phone: str = ""
    street_address: str = ""
    locality: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""
    locale: str = ""
    timezone: str = ""
    extra: dict[str, Any] = {}

    @property
    def label(self) -> str:
        """How to name this person to a reader: display name, else names, else user name, else id."""
        names = f"{self.given_name} {self.family_name}".strip()
        return self.display_name or names or self.user_name or self.email or self.subject.id

    def text(self, attribute: str) -> str:
        """An attribute (or ``extra.<name>``) as text; ``""`` when it is empty or unknown."""
        if attribute.startswith("extra."):
            value = self.extra.get(attribute.removeprefix("extra."))
        else:
            value = getattr(self, attribute, None)
        return "" if value is None else str(value)


PERSON_ATTRIBUTES: tuple[str, ...] = tuple(
    name for name in Person.__struct_fields__ if name not in ("subject", "active", "extra")
)
"""Names a mapping may use besides ``active``, ``subject`` and ``extra.*``."""


class Group(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A group of the source, or an application people are assigned to (``kind="app"``).

    Names are **not** unique at real vendors; only ``id`` is. ``origin`` tells twins apart for a reader
    (where the group comes from), ``size`` is the member count where the source says it without extra cost.
    """

    id: str
    name: str
    kind: Literal["group", "app"] = "group"
    description: str = ""
    origin: str = ""
    size: int | None = None


class GroupSelection(msgspec.Struct, frozen=True, kw_only=True):
    """The groups (or apps) that mappings name, and the ids that a source section pins names to.

    Those of ``names`` that are ``optional`` may be missing here, because another source may have them.
    """

    names: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    pins: Mapping[str, str] = {}
    kind: Literal["group", "app"] = "group"
    where: str = ""

    def choose(self, found: Iterable[Group]) -> dict[str, Group]:
        """Logical name → the one group it means. Raises :class:`ConfigError` for every misfit.

        A pinned name is looked up by id, any other by exact name.
        """
        of_kind = [group for group in found if group.kind == self.kind]
        by_id = {group.id: group for group in of_kind}
        by_name: dict[str, list[Group]] = {}
        for group in by_id.values():
            by_name.setdefault(group.name, []).append(group)
        chosen: dict[str, Group] = {}
        problems: list[ConfigError] = []
        for name in sorted(self.names):
            pin = self.pins.get(name)
            twins = by_name.get(name, [])
            if pin is not None and pin in by_id:
                chosen[name] = by_id[pin]
            elif pin is None and len(twins) == 1:
                chosen[name] = twins[0]
            elif pin is None and not twins and name in self.optional:
                continue
            else:
                problems.append(self._problem(name, pin, twins, by_name))
        if problems:
            first, rest = problems[0], problems[1:]
            raise ConfigError(
                first.message,
                code=first.code,
                where=first.where,
                fix=first.fix,
                problems=[problem.diagnostic() for problem in rest],
            )
        return chosen

    def _problem(
        self, name: str, pin: str | None, twins: list[Group], by_name: Mapping[str, list[Group]]
    ) -> ConfigError:
        table = f"{self.where}.{self.kind}s"
        if pin is not None:
            return ConfigError(
                f'{self.kind} "{name}" is pinned to id {pin}, which the source does not have',
                code=f"{self.kind}-unknown",
                where=table,
                fix=f'correct or remove "{name}" in [{table}]',
            )
        if twins:
            ids = ", ".join(
                f"{twin.id}" + (f" ({twin.origin})" if twin.origin else "")
                for twin in sorted(twins, key=lambda twin: twin.id)
            )
            return ConfigError(
                f'{len(twins)} {self.kind}s are named "{name}": {ids}',
                code=f"{self.kind}-ambiguous",
                where=table,
                fix=f'say which one: [{table}] "{name}" = "{min(twin.id for twin in twins)}"',
            )
        hint = close_matches(name, by_name)
        return ConfigError(
            f'the source has no {self.kind} named "{name}". {hint}'.rstrip(),
            code=f"{self.kind}-unknown",
            where=table,
            fix=f'correct the name in the mapping, or pin it: [{table}] "{name}" = "<id>"',
        )


class Account(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One record of a target. ``references`` holds ids from the catalogue, ``fields`` values as the schema types them.

    ``marker`` is the external id that crosskey wrote with the record, ``""`` when it bears none.
    ``protected`` is the target's own reason why this record must never be touched, ``""`` when none.
    """

    kind: str
    key: str
    label: str = ""
    active: bool = True
    marker: str = ""
    fields: dict[str, Scalar] = {}
    references: dict[str, tuple[str, ...]] = {}
    protected: str = ""
    created_at: datetime | None = None


class CatalogueEntry(msgspec.Struct, frozen=True):
    """One thing accounts refer to: its ``reference`` (site, role …), id, full name, and shorter names for it."""

    reference: str
    id: str
    name: str
    aliases: tuple[str, ...] = ()


class Catalogue(msgspec.Struct, frozen=True):
    """What a target offers to refer to, found by name."""

    entries: tuple[CatalogueEntry, ...] = ()

    def resolve(self, reference: str, name: str, *, where: str = "") -> str:
        """The id behind a name (full name first, then aliases, case-insensitive).

        Raises :class:`ConfigError` with close matches when nothing, or more than one thing, bears the name.
        """
        wanted = name.strip().casefold()
        of_kind = [entry for entry in self.entries if entry.reference == reference]
        hits = {entry.id for entry in of_kind if entry.name.casefold() == wanted}
        if not hits:
            hits = {entry.id for entry in of_kind if any(alias.casefold() == wanted for alias in entry.aliases)}
        if len(hits) == 1:
            return next(iter(hits))
        if hits:
            names = [f'"{entry.name}" (id {entry.id})' for entry in of_kind if entry.id in hits]
            raise ConfigError(
                f'{len(hits)} {reference}s are named "{name}": {", ".join(names)}',
                code="reference-ambiguous",
                where=where,
                fix="write the full name, or rename one of them in the target",
            )
        hint = close_matches(name, (entry.name for entry in of_kind))
        raise ConfigError(
            f'the target has no {reference} named "{name}". {hint}'.rstrip(),
            code="reference-unknown",
            where=where,
            fix=f"correct the name, or create the {reference} in the target first",
        )

    def name(self, reference: str, id: str) -> str:
        """The full name behind an id, or the id itself when the catalogue does not hold it."""
        for entry in self.entries:
            if entry.reference == reference and entry.id == id:
                return entry.name
        return id
