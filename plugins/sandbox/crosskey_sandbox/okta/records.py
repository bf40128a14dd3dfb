"""The objects of an org, as Okta writes them: field order and names are those of recorded rows."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

__all__ = ("App", "AppGroup", "AppUser", "Group", "OidcClient", "Profile", "ProfileValue", "User", "UserStatus")

ProfileValue = str | bool | int | float | list[str] | None
Profile = dict[str, ProfileValue]
UserStatus = Literal[
    "STAGED",
    "PROVISIONED",
    "ACTIVE",
    "RECOVERY",
    "PASSWORD_EXPIRED",
    "LOCKED_OUT",
    "SUSPENDED",
    "DEPROVISIONED",
]


class User(msgspec.Struct, rename="camel", kw_only=True):
    """One user. Credentials and links are added when the row is written, since they depend on the request."""

    id: str
    status: UserStatus
    created: str
    activated: str | None = None
    status_changed: str | None = None
    last_login: str | None = None
    last_updated: str
    password_changed: str | None = None
    type: dict[str, str]
    profile: Profile


class Group(msgspec.Struct, rename="camel", kw_only=True):
    """One group, without its members."""

    id: str
    created: str
    last_updated: str
    last_membership_updated: str
    object_class: tuple[str, ...] = ("okta:user_group",)
    type: Literal["OKTA_GROUP", "APP_GROUP", "BUILT_IN"] = "OKTA_GROUP"
    profile: Profile


class OidcClient(msgspec.Struct, kw_only=True):
    """What an OpenID Connect app is as a client: ``settings.oauthClient`` as written, and a synthetic secret."""

    settings: dict[str, Any]
    auth_method: str
    secret: str


class App(msgspec.Struct, rename="camel", kw_only=True):
    """One application. ``sign_on_mode`` is null for some of Okta's own."""

    id: str
    name: str
    label: str
    status: Literal["ACTIVE", "INACTIVE"] = "ACTIVE"
    last_updated: str
    created: str
    sign_on_mode: str | None = None


class AppUser(msgspec.Struct, rename="camel", kw_only=True):
    """Who may use an application: assigned directly (``USER``) or through a group (``GROUP``)."""

    id: str
    external_id: str | None = None
    created: str
    last_updated: str
    scope: Literal["USER", "GROUP"]
    status: str = "ACTIVE"
    status_changed: str
    password_changed: str | None = None
    sync_state: str = "DISABLED"
    credentials: dict[str, str | None]
    profile: Profile


class AppGroup(msgspec.Struct, rename="camel", kw_only=True):
    """A group assigned to an application."""

    id: str
    last_updated: str
    priority: int
    profile: Profile
