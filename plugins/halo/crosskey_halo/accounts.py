"""Rows of users and agents as accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

import msgspec

from crosskey.connector.target import FieldSpec, KindSpec
from crosskey.model import Account, Scalar
from crosskey_halo.resources import AGENTS, USERS, Resource
from crosskey_halo.rows import AgentRow, Link, Row, UserRow, as_id, as_moment, as_text, ids_of
from crosskey_halo.schema import AGENT, marker_members
from crosskey_halo.settings import HaloSettings

__all__ = ("AccountKind", "Memberships", "agent_kind", "links_as_ids", "user_kind")

A = TypeVar("A", UserRow, AgentRow)

Memberships = Mapping[str, Mapping[str, Sequence[str]]]
"""By reference and account key: ids that the row itself does not show."""


class AccountKind(msgspec.Struct, Generic[A], frozen=True):
    """How the records of one kind are listed, read, and told from those nobody may touch."""

    spec: KindSpec
    resource: Resource[A]
    list_params: Mapping[str, str | int]
    marker: tuple[str, ...]
    off: str
    """The member that switches a record off."""

    @property
    def name(self) -> str:
        """``user`` or ``agent``."""
        return self.spec.name

    @property
    def mail(self) -> str:
        """The member with the e-mail address: agents have ``email``, users ``emailaddress``."""
        return "email" if self.name == AGENT else "emailaddress"

    def marker_of(self, row: A) -> str:
        """What the marker field holds."""
        return next((text for member in self.marker if (text := as_text(getattr(row, member)))), "")

    def protection(self, row: A, me: str = "") -> str:
        """Why a record must never be touched, ``""`` when it may be."""
        name = as_text(row.name).strip().casefold()
        if isinstance(row, UserRow):
            return "Halo's own General User of a site" if name == "general user" else ""
        if me and row.key == me:
            return "the agent that crosskey itself acts as"
        if row.isapiagent:
            return "an API-only agent"
        return "Halo's own agent for unassigned work" if name == "unassigned" else ""

    def account(self, row: A, *, extra: Memberships | None = None, me: str = "") -> Account:
        """The row as an account: empty fields are left out."""
        fields: dict[str, Scalar] = {}
        for field in self.spec.fields:
            value = _value(field, row)
            if value:
                fields[field.name] = value
        return Account(
            kind=self.name,
            key=row.key,
            label=as_text(row.name),
            active=row.active is not False,
            marker=self.marker_of(row),
            fields=fields,
            references=_references(row, extra or {}),
            protected=self.protection(row, me),
            created_at=as_moment(row.datecreated),
        )


def user_kind(spec: KindSpec, settings: HaloSettings) -> AccountKind[UserRow]:
    """End users. Inactive ones are hidden from lists unless asked for, and a rehire would then be made twice."""
    params = {"includeactive": "true", "includeinactive": "true", "exclude_generaluser": "true"}
    return AccountKind(spec, USERS, params, marker_members(settings.user_marker), "inactive")


def agent_kind(spec: KindSpec, settings: HaloSettings) -> AccountKind[AgentRow]:
    """Agents, disabled and API-only ones included; ``showall`` lists those outside the acting agent's own teams too."""
    params = {
        "includeenabled": "true",
        "includedisabled": "true",
        "includeapiagents": "true",
        "includeroles": "true",
        "include_membership_info": "true",
        "showall": "true",
    }
    return AccountKind(spec, AGENTS, params, marker_members(settings.agent_marker), "isdisabled")


def links_as_ids(links: Sequence[Link], member: str) -> tuple[str, ...]:
    """The ids that membership rows point to, each once, in order."""
    return tuple(dict.fromkeys(id_ for link in links if (id_ := as_id(getattr(link, member)))))


def _value(field: FieldSpec, row: Row) -> Scalar:
    raw: Scalar = getattr(row, field.name)
    if field.name == "oktaid":
        raw = row.oktaid or row.okta_id
    return bool(raw) if field.type == "flag" else as_text(raw)


def _references(row: UserRow | AgentRow, extra: Memberships) -> dict[str, tuple[str, ...]]:
    references: dict[str, tuple[str, ...]] = {}
    roles = links_as_ids(row.roles or (), "id")
    if isinstance(row, UserRow):
        site = as_id(row.site_id_int) or as_id(row.site_id)
        references["site"] = (site,) if site else ()
        roles = roles or ids_of(row.role_ids or [])
    else:
        references["teams"] = links_as_ids(row.teams or (), "team_id")
    references["roles"] = roles
    references["departments"] = links_as_ids(row.departments or (), "department_id")
    for reference, by_key in extra.items():
        more = by_key.get(row.key, ())
        if more:
            references[reference] = tuple(dict.fromkeys((*references.get(reference, ()), *more)))
    return {reference: ids for reference, ids in references.items() if ids}
