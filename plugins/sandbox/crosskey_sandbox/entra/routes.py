"""Every endpoint of Graph: its handler, what it costs, and the permissions of which one is enough."""

from __future__ import annotations

import re
from urllib.parse import unquote

import msgspec

from crosskey_sandbox.entra import objects_api, people_api, registrations_api, subscriptions_api
from crosskey_sandbox.entra.call import Handler
from crosskey_sandbox.entra.permissions import READS, any_of

__all__ = ("BATCH", "SUBSCRIBE", "Operation", "find_operation", "spoken")

BATCH = "/v1.0/$batch"
SUBSCRIBE = "/v1.0/subscriptions"


class Operation(msgspec.Struct, frozen=True):
    """One method of one path template. ``units``: documented or measured resource units. No ``roles``: any caller."""

    method: str
    template: str
    handler: Handler
    units: int = 1
    roles: frozenset[str] | None = None


_USERS, _GROUPS, _APPS, _BIN = "/v1.0/users", "/v1.0/groups", "/v1.0/servicePrincipals", "/v1.0/directory/deletedItems"
_READ_USERS, _READ_GROUPS, _READ_APPS = READS["user"], READS["group"], READS["servicePrincipal"]
_READ_ORGANIZATION = any_of("Organization.Read.All", "Directory.Read.All")
_WRITE_USERS, _WRITE_GROUPS = any_of("User.ReadWrite.All"), any_of("Group.ReadWrite.All")
_REGISTRATIONS = "/v1.0/applications"
_WRITE_APPS = any_of("Application.ReadWrite.All", "Application.ReadWrite.OwnedBy")
_ASSIGN = any_of("AppRoleAssignment.ReadWrite.All")

_OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", "/v1.0/organization", objects_api.organization, 1, _READ_ORGANIZATION),
    Operation("GET", "/v1.0/me", objects_api.me),
    Operation("GET", _USERS, people_api.users, 2, _READ_USERS),
    Operation("GET", f"{_USERS}/$count", people_api.count_users, 1, _READ_USERS),
    Operation("GET", f"{_USERS}/delta", people_api.users_delta, 2, _READ_USERS),
    Operation("GET", f"{_USERS}/{{id}}", people_api.user, 1, _READ_USERS),
    Operation("DELETE", f"{_USERS}/{{id}}", people_api.delete_user, 1, _WRITE_USERS),
    Operation("GET", f"{_USERS}/{{id}}/manager", people_api.manager, 1, _READ_USERS),
    Operation("GET", f"{_USERS}/{{id}}/directReports", people_api.direct_reports, 2, _READ_USERS),
    Operation("GET", f"{_USERS}/{{id}}/memberOf", people_api.member_of, 2, _READ_USERS),
    Operation("GET", f"{_USERS}/{{id}}/memberOf/{{cast}}", people_api.member_of, 2, _READ_USERS),
    Operation("GET", f"{_USERS}/{{id}}/transitiveMemberOf", people_api.transitive_member_of, 2, _READ_USERS),
    Operation("GET", f"{_USERS}/{{id}}/transitiveMemberOf/{{cast}}", people_api.transitive_member_of, 2, _READ_USERS),
    Operation("GET", _GROUPS, people_api.groups, 1, _READ_GROUPS),
    Operation("GET", f"{_GROUPS}/$count", people_api.count_groups, 1, _READ_GROUPS),
    Operation("GET", f"{_GROUPS}/delta", people_api.groups_delta, 1, _READ_GROUPS),
    Operation("GET", f"{_GROUPS}/{{id}}", people_api.group, 1, _READ_GROUPS),
    Operation("DELETE", f"{_GROUPS}/{{id}}", people_api.delete_group, 1, _WRITE_GROUPS),
    Operation("GET", f"{_GROUPS}/{{id}}/members", people_api.members, 3, _READ_GROUPS),
    Operation("GET", f"{_GROUPS}/{{id}}/members/{{cast}}", people_api.members, 3, _READ_GROUPS),
    Operation("GET", f"{_GROUPS}/{{id}}/transitiveMembers", people_api.transitive_members, 5, _READ_GROUPS),
    Operation("GET", f"{_GROUPS}/{{id}}/transitiveMembers/{{cast}}", people_api.transitive_members, 5, _READ_GROUPS),
    Operation("GET", f"{_BIN}/{{type:microsoft\\.graph\\.\\w+}}", objects_api.deleted_list),
    Operation("GET", f"{_BIN}/{{id}}", objects_api.deleted_one),
    Operation("DELETE", f"{_BIN}/{{id}}", objects_api.purge),
    Operation("POST", f"{_BIN}/{{id}}/restore", objects_api.restore),
    Operation("GET", _APPS, objects_api.service_principals, 1, _READ_APPS),
    Operation("GET", f"{_APPS}/{{id}}", objects_api.service_principal, 1, _READ_APPS),
    Operation("GET", f"{_APPS}/{{id}}/appRoleAssignedTo", objects_api.assigned_to, 2, _READ_APPS),
    Operation("GET", f"{_APPS}/{{id}}/appRoleAssignments", objects_api.assignments_of, 2, _READ_APPS),
    Operation("GET", "/v1.0/applications/{id}", objects_api.application, 1, _READ_APPS),
    Operation("GET", _REGISTRATIONS, registrations_api.list_all, 1, _READ_APPS),
    Operation("POST", _REGISTRATIONS, registrations_api.create, 1, _WRITE_APPS),
    Operation("PATCH", f"{_REGISTRATIONS}/{{id}}", registrations_api.change, 1, _WRITE_APPS),
    Operation("POST", f"{_REGISTRATIONS}/{{id}}/addPassword", registrations_api.add_password, 1, _WRITE_APPS),
    Operation("POST", _APPS, registrations_api.make_principal, 1, _WRITE_APPS),
    Operation("PATCH", f"{_APPS}/{{id}}", registrations_api.patch_principal, 1, _WRITE_APPS),
    Operation("POST", f"{_APPS}/{{id}}/appRoleAssignedTo", registrations_api.assign, 1, _ASSIGN),
    Operation("GET", SUBSCRIBE, subscriptions_api.list_all),
    Operation("POST", SUBSCRIBE, subscriptions_api.create),
    Operation("GET", f"{SUBSCRIBE}/{{id}}", subscriptions_api.read),
    Operation("PATCH", f"{SUBSCRIBE}/{{id}}", subscriptions_api.prolong),
    Operation("DELETE", f"{SUBSCRIBE}/{{id}}", subscriptions_api.remove),
    Operation("POST", f"{SUBSCRIBE}/{{id}}/reauthorize", subscriptions_api.reauthorize),
    # documented as 5 (2 with $select), measured 3 over a thousand calls
    Operation("POST", "/v1.0/directoryObjects/getByIds", objects_api.by_ids, 3, _READ_USERS | _READ_GROUPS),
)


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)(?::([^{}]+))?\}", template)
    text = "".join(
        re.escape(literal) + (f"(?P<{name}>{pattern or '[^/]+'})" if name else "")
        for literal, name, pattern in zip(parts[::3], [*parts[1::3], ""], [*parts[2::3], ""], strict=True)
    )
    return re.compile(text, re.IGNORECASE)


_PATTERNS = tuple((operation, _pattern(operation.template)) for operation in _OPERATIONS)
_KEY = re.compile(r"\((?:(appId)=)?'([^']*)'\)")


def find_operation(method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
    """The operation that a path and method name, with its parameters; the first template that fits wins."""
    for operation, pattern in _PATTERNS:
        if operation.method == method and (match := pattern.fullmatch(path)):
            return operation, match.groupdict()
    return None


def spoken(path: str) -> str:
    """A path in its plain form: ``/users('a')`` is ``/users/a``, ``(appId='b')`` is ``/appId=b``; quoting undone."""
    return _KEY.sub(lambda found: f"/{'appId=' if found[1] else ''}{found[2]}", unquote(path))
