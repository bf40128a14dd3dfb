"""Okta groups and apps as neutral groups, and who is in them."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from crosskey.model import Group

__all__ = ("APP", "APPS", "GROUP", "GROUPS", "MEMBERS", "AppRow", "GroupProfile", "GroupRow", "MemberRow", "Row")


class GroupProfile(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """Name and description, and what Active Directory adds to tell twins apart."""

    name: str
    description: str | None = None
    windows_domain_qualified_name: str | None = None
    google_external_id: str | None = None


class _Stats(msgspec.Struct, frozen=True, rename="camel", gc=False):
    users_count: int | None = None


class _Embedded(msgspec.Struct, frozen=True, gc=False):
    stats: _Stats | None = None


_NAMES = {"last_membership_updated": "lastMembershipUpdated", "embedded": "_embedded"}


class GroupRow(msgspec.Struct, frozen=True, rename=_NAMES, gc=False):
    """A group. ``type`` is ``OKTA_GROUP``, ``APP_GROUP`` (imported) or ``BUILT_IN``."""

    id: str
    profile: GroupProfile
    type: str = ""
    last_membership_updated: str | None = None
    embedded: _Embedded | None = None

    @property
    def count(self) -> int | None:
        """How many members Okta counts, where it was asked (``expand=stats``)."""
        return self.embedded.stats.users_count if self.embedded and self.embedded.stats else None

    def group(self) -> Group:
        """The same in neutral words."""
        return Group(
            id=self.id, name=self.profile.name, description=self.profile.description or "", origin=self._origin()
        )

    def _origin(self) -> str:
        if self.profile.windows_domain_qualified_name:
            return f"imported as {self.profile.windows_domain_qualified_name}"
        if self.profile.google_external_id:
            return "imported from Google"
        return {"OKTA_GROUP": "made in Okta", "APP_GROUP": "imported", "BUILT_IN": "built in"}.get(self.type, self.type)


class AppRow(msgspec.Struct, frozen=True, gc=False):
    """An app: ``label`` is what people call it, ``name`` its kind in Okta's catalogue."""

    id: str
    label: str
    name: str | None = None
    status: str = ""

    def group(self) -> Group:
        """The same in neutral words."""
        return Group(
            id=self.id,
            name=self.label,
            kind="app",
            origin=", ".join(word for word in (self.name, self.status.lower()) if word),
        )


Row = TypeVar("Row", GroupRow, AppRow)


class MemberRow(msgspec.Struct, frozen=True, gc=False):
    """A member: whole users come over the wire, only the id is decoded."""

    id: str


# Reused for every page: building a decoder costs more than decoding a page.
GROUPS = msgspec.json.Decoder(list[GroupRow])
APPS = msgspec.json.Decoder(list[AppRow])
GROUP = msgspec.json.Decoder(GroupRow)
APP = msgspec.json.Decoder(AppRow)
MEMBERS = msgspec.json.Decoder(list[MemberRow])
