"""Single people and groups, asked for by id: strongly consistent, unlike Okta's search."""

from __future__ import annotations

from urllib.parse import quote

from crosskey.errors import RejectedError
from crosskey.model import Group
from crosskey_okta.errors import is_gone
from crosskey_okta.groups import APP, GROUP, MEMBERS
from crosskey_okta.org import LIGHT_USERS, Org
from crosskey_okta.people import People, UserRow

__all__ = ("app_by_id", "group_by_id", "groups_of_person", "user_by_id")


async def user_by_id(org: Org, people: People, id: str) -> UserRow | None:
    """The user's row; ``None`` only when Okta says that this id does not exist (E0000007). Costs one request."""
    try:
        reply = await org.get(_path("users", id), people.one, template="/api/v1/users/{id}", headers=LIGHT_USERS)
    except RejectedError as error:
        if is_gone(error):
            return None
        raise
    return reply.value


async def groups_of_person(org: Org, id: str) -> frozenset[str]:
    """Ids of all the person's groups; Okta gives them at once, without pages. Costs one request."""
    reply = await org.get(f"{_path('users', id)}/groups", MEMBERS, template="/api/v1/users/{id}/groups")
    return frozenset(row.id for row in reply.value)


async def group_by_id(org: Org, id: str) -> Group | None:
    """The group; ``None`` only when Okta says that this id does not exist. Costs one request."""
    try:
        reply = await org.get(_path("groups", id), GROUP, template="/api/v1/groups/{id}")
    except RejectedError as error:
        if is_gone(error):
            return None
        raise
    return reply.value.group()


async def app_by_id(org: Org, id: str) -> Group | None:
    """The app; ``None`` only when Okta says that this id does not exist. Costs one request."""
    try:
        reply = await org.get(_path("apps", id), APP, template="/api/v1/apps/{id}")
    except RejectedError as error:
        if is_gone(error):
            return None
        raise
    return reply.value.group()


def _path(kind: str, id: str) -> str:
    return f"/api/v1/{kind}/{quote(id, safe='')}"
