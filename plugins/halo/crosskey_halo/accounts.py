"""Rows of users and agents as accounts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Generic, TypeVar

from crosskey.connector.target import KindSpec
from crosskey.model import Account, Scalar
from crosskey_halo.desk import Parameters
from crosskey_halo.resources import AGENTS, USERS, Resource
from crosskey_halo.rows import AgentRow, Link, UserRow, as_id, as_moment, as_text, ids_of
from crosskey_halo.schema import AGENT, marker_members
from crosskey_halo.settings import HaloSettings

__all__ = ("AccountKind", "Memberships", "agent_kind", "links_as_ids", "user_kind")

A = TypeVar("A", UserRow, AgentRow)

Memberships = Mapping[str, Mapping[str, Sequence[str]]]
"""By reference and account key: ids that the row itself does not show."""


class AccountKind(Generic[A]):
    """How the records of one kind are listed, read, and told from those nobody may touch.

    ``marker`` are the members that hold the external id, ``off`` is the member that switches a record off.
    """

    def __init__(
        self, spec: KindSpec, resource: Resource[A], list_params: Parameters, *, marker: tuple[str, ...], off: str
    ) -> None:
        self.spec = spec
        self.resource = resource
        self.list_params = list_params
        self.marker = marker
        self.off = off
        self._names = tuple(field.name for field in spec.fields)
        self._flags = frozenset(field.name for field in spec.fields if field.type == "flag")
        self._values: Callable[[A], tuple[Scalar, ...]] = attrgetter(*self._names)

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
        # once for each of many thousand rows: most members are absent, nearly all others are text
        pairs = zip(self._names, self._values(row), strict=True)
        fields = {name: value if type(value) is str else self._clean(name, value) for name, value in pairs if value}
        if row.okta_id and "oktaid" in self._names:
            fields["oktaid"] = as_text(row.oktaid or row.okta_id)
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

    def _clean(self, name: str, value: Scalar) -> Scalar:
        return bool(value) if name in self._flags else as_text(value)


def user_kind(spec: KindSpec, settings: HaloSettings) -> AccountKind[UserRow]:
    """End users. Inactive ones are hidden from lists unless asked for, and a rehire would then be made twice."""
    params = {"includeactive": "true", "includeinactive": "true", "exclude_generaluser": "true"}
    return AccountKind(spec, USERS, params, marker=marker_members(settings.user_marker), off="inactive")


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
    return AccountKind(spec, AGENTS, params, marker=marker_members(settings.agent_marker), off="isdisabled")


def links_as_ids(links: Sequence[Link], member: str) -> tuple[str, ...]:
    """The ids that membership rows point to, each once, in order."""
    return tuple(dict.fromkeys(id_ for link in links if (id_ := as_id(getattr(link, member)))))


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
