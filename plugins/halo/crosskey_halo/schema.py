"""What a Halo desk can hold: the kinds ``user`` and ``agent``, their fields and their references.

Names, types and lengths are those of Halo's published API models and columns; a field without a known length has none
here. Fields that the published list models lack are ``listed=False``.
"""

from __future__ import annotations

from collections.abc import Iterable

from crosskey.connector.target import FieldSpec, KindSpec, ReferenceSpec, TargetSchema
from crosskey_halo.settings import HaloSettings

__all__ = (
    "AGENT",
    "AGENT_ROLE",
    "DEPARTMENT",
    "MARKER_TAKEN",
    "NOT_DONE",
    "SITE",
    "TEAM",
    "USER",
    "USER_ROLE",
    "halo_schema",
    "marker_members",
)

USER, AGENT = "user", "agent"

SITE, USER_ROLE, AGENT_ROLE, TEAM, DEPARTMENT = "site", "user role", "agent role", "team", "department"
"""The catalogue's words: users and agents each have ``roles``, which are not the same roles."""

_SETTLE_SECONDS = 120.0

NOT_DONE = "halo-not-done"
"""Halo took a change and did not do it, as where an instance only ever adds roles."""

MARKER_TAKEN = "halo-marker-taken"
"""A new external id was to be written over what somebody else keeps in its field."""


def halo_schema(settings: HaloSettings) -> TargetSchema:
    """The schema of one instance; the fields that hold crosskey's external ids are not offered to mappings."""
    return TargetSchema(
        kinds=(_user(marker_members(settings.user_marker)), _agent(marker_members(settings.agent_marker))),
        batch=settings.batch,
        concurrency=1,
        settle=_SETTLE_SECONDS,
        final=frozenset({NOT_DONE, MARKER_TAKEN}),
    )


def marker_members(marker: str) -> tuple[str, ...]:
    """The JSON members that hold a marker field: the Okta id has two names, and which one is kept is not documented."""
    return ("oktaid", "okta_id") if marker == "oktaid" else (marker,)


def _user(taken: Iterable[str]) -> KindSpec:
    fields = (
        FieldSpec(name="name", summary="Display name", max_length=255, required=True),
        FieldSpec(name="firstname", summary="Given name", max_length=200),
        FieldSpec(name="surname", summary="Family name", max_length=200),
        FieldSpec(name="middle_name", summary="Middle name (2026 and later)", listed=False),
        FieldSpec(name="preferred_name", summary="Preferred name (2026 and later)", listed=False),
        FieldSpec(name="initials", summary="Initials", max_length=3),
        FieldSpec(name="title", summary="Job title"),
        FieldSpec(name="emailaddress", summary="E-mail address", also_matches=("email2", "email3")),
        FieldSpec(name="email2", summary="Second e-mail address"),
        FieldSpec(name="email3", summary="Third e-mail address"),
        FieldSpec(name="login", summary="Login name of the portal"),
        FieldSpec(name="phonenumber", summary="Work phone"),
        FieldSpec(name="homenumber", summary="Home phone"),
        FieldSpec(name="mobilenumber", summary="Mobile phone"),
        FieldSpec(name="mobilenumber2", summary="Second mobile phone"),
        FieldSpec(name="fax", summary="Fax"),
        FieldSpec(name="whatsapp_number", summary="WhatsApp number"),
        FieldSpec(
            name="department",
            summary="Department as text; see the reference `departments` for memberships",
            listed=False,
        ),
        FieldSpec(name="manager_email", summary="E-mail address of the manager", listed=False),
        FieldSpec(name="admanager", summary="The directory's reference to the manager", max_length=1000, listed=False),
        FieldSpec(name="notes", summary="Notes"),
        *(FieldSpec(name=f"other{n}", summary=f"Free text {n}", max_length=4000) for n in range(1, 6)),
        FieldSpec(name="azureoid", summary="Entra object id", max_length=1000),
        FieldSpec(name="oktaid", summary="Okta id", max_length=250),
        FieldSpec(name="samaccountname", summary="Windows login name", listed=False),
        FieldSpec(name="third_party_guid", summary="Directory object id", listed=False),
        FieldSpec(name="federated_identity_id", summary="Id at the identity provider (2026 and later)", max_length=100),
        FieldSpec(name="third_party_relational_id", summary="External key (2026 and later)", max_length=1000),
        FieldSpec(name="isserviceaccount", summary="Is a service account", type="flag"),
        FieldSpec(name="isimportantcontact", summary="Is an important contact", type="flag"),
        FieldSpec(name="neversendemails", summary="Never gets e-mail", type="flag"),
        FieldSpec(name="dontackemails", summary="Gets no acknowledgements", type="flag", listed=False),
    )
    return KindSpec(
        name=USER,
        summary="End user of the portal (takes no licence)",
        fields=_without(fields, taken),
        references=(
            ReferenceSpec(name="site", summary='Where the user belongs: "Client / Site"', required=True),
            ReferenceSpec(name="roles", summary="User roles", many=True, catalogue=USER_ROLE),
            ReferenceSpec(name="departments", summary="Departments", many=True, catalogue=DEPARTMENT),
        ),
    )


def _agent(taken: Iterable[str]) -> KindSpec:
    fields = (
        FieldSpec(name="name", summary="Display name", max_length=255, required=True),
        FieldSpec(name="email", summary="E-mail address", required=True),
        FieldSpec(name="firstname", summary="Given name"),
        FieldSpec(name="surname", summary="Family name"),
        FieldSpec(name="initials", summary="Initials", max_length=3),
        FieldSpec(name="jobtitle", summary="Job title"),
        FieldSpec(name="sms", summary="Number for text messages"),
        FieldSpec(name="extensionnumber", summary="Phone extension"),
        FieldSpec(name="ad", summary="Windows login name"),
        FieldSpec(name="signature", summary="E-mail signature", listed=False),
        FieldSpec(name="oktaid", summary="Okta id", max_length=250),
        FieldSpec(name="third_party_guid", summary="Directory object id", listed=False),
        FieldSpec(name="federated_identity_id", summary="Id at the identity provider (2026 and later)", max_length=100),
    )
    return KindSpec(
        name=AGENT,
        summary="Agent (technician); an active one takes a licence",
        fields=_without(fields, taken),
        references=(
            ReferenceSpec(name="roles", summary="Agent roles", many=True, catalogue=AGENT_ROLE),
            ReferenceSpec(name="teams", summary="Teams", many=True, catalogue=TEAM),
            ReferenceSpec(name="departments", summary="Departments", many=True, catalogue=DEPARTMENT),
            ReferenceSpec(name="team", summary="Default team", catalogue=TEAM),
        ),
        seats=True,
    )


def _without(fields: Iterable[FieldSpec], taken: Iterable[str]) -> tuple[FieldSpec, ...]:
    names = frozenset(taken)
    return tuple(field for field in fields if field.name not in names)
