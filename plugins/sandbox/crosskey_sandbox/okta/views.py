"""What a caller may see, and how it wants it written."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from crosskey_sandbox.okta.call import Call
from crosskey_sandbox.okta.errors import ApiError
from crosskey_sandbox.okta.org import OktaOrg
from crosskey_sandbox.okta.records import Group, User
from crosskey_sandbox.okta.rows import Projection, group_row, projection, user_row

__all__ = ("both", "group_rows", "omissions", "one_group", "one_user", "sees_group", "sees_user", "user_writer")

SeesUser = Callable[[User], bool]
SeesGroup = Callable[[Group], bool]


def sees_user(org: OktaOrg, call: Call) -> SeesUser | None:
    """Who is visible to an administrator of some groups: their members. None = everybody."""
    groups = call.principal.rights.groups
    if groups is None:
        return None
    members = [org.groups.members(group_id) for group_id in groups if group_id in org.groups.roll]
    return lambda user: any(user.id in roll for roll in members)


def sees_group(call: Call) -> SeesGroup | None:
    """Which groups are visible; an administrator of some groups never sees Everyone. None = all."""
    groups = call.principal.rights.groups
    return None if groups is None else lambda group: group.id in groups and group.type != "BUILT_IN"


def both(one: Callable[[User], bool] | None, other: Callable[[User], bool]) -> Callable[[User], bool]:
    """A test that passes when both do; None passes always."""
    return other if one is None else lambda user: one(user) and other(user)


def one_user(org: OktaOrg, call: Call, param: str = "id") -> User:
    """The user that the path names by id, login, short login, or ``me``."""
    who = call.params[param]
    if who == "me":
        who = call.principal.user_id or who  # a service app is no user: 404
    user = org.users.find(who)
    sees = sees_user(org, call)
    if sees is not None and not sees(user):
        raise ApiError.missing(who, "User")
    return user


def one_group(org: OktaOrg, call: Call, param: str = "id") -> Group:
    """The group that the path names by id."""
    group = org.groups.find(call.params[param])
    sees = sees_group(call)
    if sees is not None and not sees(group):
        raise ApiError.missing(group.id, "UserGroup")
    return group


def omissions(call: Call) -> set[str]:
    """``Content-Type: application/json; okta-response=omitCredentials,omitCredentialsLinks``."""
    _, _, wanted = call.headers.get("content-type", "").partition("okta-response=")
    return {name.strip(' "') for name in wanted.split(",")}


def user_writer(call: Call) -> Projection:
    """How this call wants its user rows: projected by ``fields``, or without credentials by the request header."""
    fields = call.asked("fields")
    if fields:
        return projection(fields)
    base, credentials = call.shown.encode(), "omitCredentials" not in omissions(call)
    return lambda user: user_row(user, base, credentials=credentials)


def group_rows(org: OktaOrg, call: Call, groups: Iterable[Group], *, stats: bool = False) -> list[bytes]:
    """Groups as rows; ``lastMembershipUpdated`` as the org shows it at this moment."""
    return [
        group_row(
            group,
            call.shown,
            membership_time=org.groups.membership_time(group),
            stats=(len(org.groups.members(group.id)), len(org.apps.of_group(group.id))) if stats else None,
        )
        for group in groups
    ]
