"""Entra groups and enterprise apps as neutral groups, and who is in them."""

from __future__ import annotations

import msgspec

from crosskey.model import Group
from crosskey_entra.graph import Page

__all__ = (
    "APPS",
    "APP_PROPERTIES",
    "ASSIGNED",
    "GROUPS",
    "GROUP_PROPERTIES",
    "MEMBERS",
    "AssignedRow",
    "GroupRow",
    "MemberRow",
)

GROUP_PROPERTIES = (
    "id,displayName,description,mail,groupTypes,securityEnabled,mailEnabled,visibility,onPremisesSyncEnabled,"
    "createdDateTime"
)
APP_PROPERTIES = "id,displayName,appId,servicePrincipalType,accountEnabled"

_USER = "#microsoft.graph.user"
_GROUP = "#microsoft.graph.group"


class GroupRow(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """A group. All properties but the id are null where the app may not read them."""

    id: str
    display_name: str | None = None
    description: str | None = None
    mail: str | None = None
    group_types: list[str] | None = None
    security_enabled: bool | None = None
    mail_enabled: bool | None = None
    visibility: str | None = None
    on_premises_sync_enabled: bool | None = None
    created_date_time: str | None = None

    @property
    def hidden(self) -> bool:
        """Whether its members are shown only to an app with a permission of its own (Member.Read.Hidden)."""
        return self.visibility == "HiddenMembership"

    def group(self) -> Group:
        """The same in neutral words."""
        return Group(
            id=self.id, name=self.display_name or "", description=self.description or "", origin=self._origin()
        )

    def _origin(self) -> str:
        """What tells twins apart: five groups of one name have been seen in one tenant."""
        types = self.group_types or ()
        if "Unified" in types:
            kind = "Microsoft 365 group"
        elif self.mail_enabled:
            kind = "mail-enabled security group" if self.security_enabled else "distribution list"
        else:
            kind = "security group"
        words = [kind]
        if "DynamicMembership" in types:
            words.append("dynamic")
        if self.on_premises_sync_enabled:
            words.append("synced from on-premises")
        if self.mail:
            words.append(self.mail)
        if self.created_date_time:
            words.append(f"made {self.created_date_time[:10]}")
        return ", ".join(words)


class AppRow(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """An enterprise app (service principal)."""

    id: str
    display_name: str | None = None
    app_id: str | None = None
    service_principal_type: str | None = None
    account_enabled: bool | None = None

    def group(self) -> Group:
        """The same in neutral words."""
        words = [self.service_principal_type or "", f"app id {self.app_id}" if self.app_id else ""]
        if self.account_enabled is False:
            words.append("disabled")
        return Group(id=self.id, name=self.display_name or "", kind="app", origin=", ".join(filter(None, words)))


class MemberRow(msgspec.Struct, frozen=True, gc=False):
    """A member of any type: of whole users, devices and groups that come over the wire only this is decoded."""

    id: str
    type: str | None = msgspec.field(name="@odata.type", default=None)

    @property
    def is_person(self) -> bool:
        """Whether it is a user; Graph leaves the type out where a list can hold nothing else."""
        return self.type is None or self.type == _USER

    @property
    def is_group(self) -> bool:
        """Whether it is a group within the group."""
        return self.type == _GROUP


class AssignedRow(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """An app role assignment: who may use the app. A group stands for its direct members only."""

    principal_id: str
    principal_type: str = ""

    @property
    def is_person(self) -> bool:
        """Whether a user is assigned, not a group or another app."""
        return self.principal_type == "User"

    @property
    def is_group(self) -> bool:
        """Whether a group is assigned."""
        return self.principal_type == "Group"


# Reused for every page: building a decoder costs more than decoding a page.
GROUPS = msgspec.json.Decoder(Page[GroupRow])
APPS = msgspec.json.Decoder(Page[AppRow])
MEMBERS = msgspec.json.Decoder(Page[MemberRow])
ASSIGNED = msgspec.json.Decoder(Page[AssignedRow])
