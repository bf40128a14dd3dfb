"""Rows as Halo sends them, typed as loosely as instances differ.

Ids come as ints, as doubles (``site_id: 95.0``) and as GUID strings; empty optional members are simply absent; ``0``
and ``-1`` mean "none". Unknown members are ignored.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from msgspec import field

from crosskey.model import Scalar

__all__ = (
    "AgentRow",
    "ApprovalRow",
    "ClientRow",
    "DepartmentRow",
    "Link",
    "Number",
    "Row",
    "SiteRow",
    "TeamRow",
    "TicketRow",
    "UserRow",
    "as_id",
    "as_moment",
    "as_text",
    "ids_of",
)

Number = int | float | None
Id = int | float | str | None


class Link(msgspec.Struct, omit_defaults=True):
    """One membership in a role, team or department; its flags are kept so that a complete list can be sent back whole.

    ``role_id`` tells that a role brings the membership.
    """

    id: Id = None
    agent_id: Number = None
    team_id: Number = None
    department_id: Number = None
    role_id: Id = None
    is_manager: bool | None = None
    in_section: bool | None = None
    no_config_access: bool | None = None
    unassigned_access: bool | None = None
    otheragent_access: bool | None = None
    membershiplevel: Number = None


class Row(msgspec.Struct):
    """What every record has, and the members in which a write's answer says that something was wrong."""

    id: Id = None
    name: Scalar = None
    federated_identity_id: Scalar = None
    third_party_relational_id: Scalar = None
    third_party_guid: Scalar = None
    oktaid: Scalar = None
    okta_id: Scalar = None
    roles: list[Link] | None = None
    departments: list[Link] | None = None
    role_list: str | None = None
    datecreated: str | None = None
    lastlogindate: str | None = None
    warning: str | None = field(name="_warning", default=None)
    error: str | None = None
    message: str | None = field(name="Message", default=None)
    error_message: str | None = field(name="errorMessage", default=None)

    @property
    def key(self) -> str:
        """The id as text, ``""`` when it names nothing."""
        return as_id(self.id)


class ApplicationRow(Row):
    """One application for single sign-on (2.210 and later); numbers of choices are kept as they come."""

    oidc_url: str | None = None
    client_id: str | None = None
    scope: str | None = None
    active: bool | None = None
    allowed_entities: Scalar = None
    user_matching_field: Scalar = None


class UserRow(Row):
    """``/Users``."""

    firstname: Scalar = None
    surname: Scalar = None
    middle_name: Scalar = None
    preferred_name: Scalar = None
    initials: Scalar = None
    title: Scalar = None
    emailaddress: Scalar = None
    email2: Scalar = None
    email3: Scalar = None
    login: Scalar = None
    phonenumber: Scalar = None
    homenumber: Scalar = None
    mobilenumber: Scalar = None
    mobilenumber2: Scalar = None
    fax: Scalar = None
    whatsapp_number: Scalar = None
    department: Scalar = None
    manager_email: Scalar = None
    admanager: Scalar = None
    notes: Scalar = None
    other1: Scalar = None
    other2: Scalar = None
    other3: Scalar = None
    other4: Scalar = None
    other5: Scalar = None
    azureoid: Scalar = None
    samaccountname: Scalar = None
    isserviceaccount: Scalar = None
    isimportantcontact: Scalar = None
    neversendemails: Scalar = None
    dontackemails: Scalar = None
    inactive: bool | None = None
    site_id: Number = None
    site_id_int: Number = None
    role_ids: list[Id] | str | None = None

    @property
    def active(self) -> bool | None:
        """Whether the user may sign in; ``None`` when the row does not say."""
        return None if self.inactive is None else not self.inactive


class AgentRow(Row):
    """``/Agent``. ``team`` is the default team by name."""

    email: Scalar = None
    firstname: Scalar = None
    surname: Scalar = None
    initials: Scalar = None
    jobtitle: Scalar = None
    sms: Scalar = None
    extensionnumber: Scalar = None
    ad: Scalar = None
    signature: Scalar = None
    isdisabled: bool | None = None
    isapiagent: bool | None = None
    is_admin: bool | None = None
    team: Scalar = None
    teams: list[Link] | None = None

    @property
    def active(self) -> bool | None:
        """Whether the agent may sign in; ``None`` when the row does not say."""
        return None if self.isdisabled is None else not self.isdisabled


class ClientRow(Row):
    """``/Client``."""

    main_site_id: Number = None


class SiteRow(Row):
    """``/Site``. ``isinvoicesite`` marks a client's main site."""

    client_id: Number = None
    client_name: Scalar = None
    isinvoicesite: bool | None = None


class TeamRow(Row):
    """``/Team``. ``agents`` holds membership rows (``includeagentsforteams``)."""

    department_name: Scalar = None
    agents: list[Link] | None = None


class DepartmentRow(Row):
    """``/TopLevel``. Members come as membership rows (``agents``) or as agents (``agent_members``)."""

    agent_department: bool | None = None
    agents: list[Link] | None = None
    agent_members: list[Link] | None = None


class TicketRow(Row):
    """``/Tickets``."""

    summary: Scalar = None
    agent_id: Number = None


class ApprovalRow(Row):
    """``/TicketApproval``: one step that somebody is to approve; without a date it is pending."""

    agent_id: Number = None
    dateapproved: str | None = None


def as_id(value: Id) -> str:
    """An id as text; ``""`` for what names nothing (absent, 0, -1)."""
    if isinstance(value, str):
        return value.strip()
    return "" if value is None or value <= 0 else str(int(value))


def ids_of(values: list[Id] | str) -> tuple[str, ...]:
    """Ids out of a list, or out of one string with commas."""
    parts = values.split(",") if isinstance(values, str) else values
    return tuple(id_ for id_ in map(as_id, parts) if id_ not in ("", "0", "-1"))


def as_text(value: Scalar) -> str:
    """A text member as text; numbers (phone numbers come as such) without a trailing ``.0``."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if value == int(value) else str(value)


def as_moment(text: str | None) -> datetime | None:
    """A date, in UTC as Halo stores them; ``None`` for its "not set" (1899 or 1900) and for what is no date."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.year <= 1900:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
