"""Every endpoint: its handler, the bucket it spends, and the scope that an access token needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from crosskey_sandbox.okta import apps_api, groups_api, hooks_api, logs_api, oidc_apps, org_api, users_api
from crosskey_sandbox.okta.call import Call, Handler
from crosskey_sandbox.okta.org import OktaOrg

__all__ = ("OPERATIONS", "Operation")


class Operation(msgspec.Struct, frozen=True):
    """One method of one path template. Without a ``bucket`` it is not limited, without a ``scope`` it is open.

    ``admin``: even reading needs a super administrator's role. ``prepare`` runs before the answer, for what must be
    waited for.
    """

    method: str
    template: str
    handler: Handler
    bucket: str | None = None
    scope: str | None = None
    admin: bool = False
    prepare: Callable[[OktaOrg, Call], Awaitable[None]] | None = None

    @property
    def writes(self) -> bool:
        """Whether a read-only role may not do it: whatever changes something, and a few readings."""
        return self.admin or self.method != "GET"


_USERS, _GROUPS, _APPS = "/api/v1/users", "/api/v1/groups", "/api/v1/apps"
_HOOKS, _HOOKS_READ, _HOOKS_MANAGE = "/api/v1/eventHooks", "okta.eventHooks.read", "okta.eventHooks.manage"

OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", "/.well-known/okta-organization", org_api.organization),
    Operation("GET", "/.well-known/openid-configuration", org_api.discovery),
    Operation("GET", "/oauth2/v1/keys", org_api.keys),
    Operation("POST", "/oauth2/v1/token", org_api.token, "token"),
    Operation("GET", "/api/v1/org", org_api.org, "other", "okta.orgs.read"),
    Operation("GET", "/api/v1/meta/schemas/user/default", org_api.schema, "other", "okta.schemas.read"),
    Operation("GET", _USERS, users_api.list_users, "users", "okta.users.read"),
    Operation("POST", _USERS, users_api.create, "users", "okta.users.manage"),
    Operation("GET", f"{_USERS}/{{id}}", users_api.read, "user", "okta.users.read"),
    Operation("POST", f"{_USERS}/{{id}}", users_api.update, "user-write", "okta.users.manage"),
    Operation("PUT", f"{_USERS}/{{id}}", users_api.update, "user-write", "okta.users.manage"),
    Operation("DELETE", f"{_USERS}/{{id}}", users_api.delete, "user-write", "okta.users.manage"),
    Operation("GET", f"{_USERS}/{{id}}/groups", users_api.groups_of, "other", "okta.users.read"),
    Operation("POST", f"{_USERS}/{{id}}/lifecycle/{{action}}", users_api.lifecycle, "other", "okta.users.manage"),
    Operation("GET", _GROUPS, groups_api.list_groups, "groups", "okta.groups.read"),
    Operation("POST", _GROUPS, groups_api.create, "groups", "okta.groups.manage"),
    Operation("GET", f"{_GROUPS}/{{id}}", groups_api.read, "group", "okta.groups.read"),
    Operation("PUT", f"{_GROUPS}/{{id}}", groups_api.update, "group", "okta.groups.manage"),
    Operation("DELETE", f"{_GROUPS}/{{id}}", groups_api.delete, "group", "okta.groups.manage"),
    Operation("GET", f"{_GROUPS}/{{id}}/users", groups_api.members, "group", "okta.groups.read"),
    Operation("PUT", f"{_GROUPS}/{{id}}/users/{{user}}", groups_api.add_member, "group", "okta.groups.manage"),
    Operation("DELETE", f"{_GROUPS}/{{id}}/users/{{user}}", groups_api.remove_member, "group", "okta.groups.manage"),
    Operation("GET", f"{_GROUPS}/{{id}}/apps", groups_api.apps_of, "group", "okta.groups.read"),
    Operation("GET", _APPS, apps_api.list_apps, "apps", "okta.apps.read"),
    Operation("GET", f"{_APPS}/{{id}}", apps_api.read, "app", "okta.apps.read"),
    Operation("POST", _APPS, oidc_apps.create, "apps", "okta.apps.manage"),
    Operation("PUT", f"{_APPS}/{{id}}", oidc_apps.replace, "app", "okta.apps.manage"),
    Operation("DELETE", f"{_APPS}/{{id}}", apps_api.delete, "app", "okta.apps.manage"),
    Operation("GET", f"{_APPS}/{{id}}/users", apps_api.users_of, "apps", "okta.apps.read"),
    Operation("POST", f"{_APPS}/{{id}}/users", apps_api.assign_user, "apps", "okta.apps.manage"),
    Operation("DELETE", f"{_APPS}/{{id}}/users/{{user}}", apps_api.unassign_user, "apps", "okta.apps.manage"),
    Operation("GET", f"{_APPS}/{{id}}/groups", apps_api.groups_of, "apps", "okta.apps.read"),
    Operation("PUT", f"{_APPS}/{{id}}/groups/{{group}}", apps_api.assign_group, "apps", "okta.apps.manage"),
    Operation("DELETE", f"{_APPS}/{{id}}/groups/{{group}}", apps_api.unassign_group, "apps", "okta.apps.manage"),
    Operation("POST", f"{_APPS}/{{id}}/lifecycle/{{action}}", apps_api.lifecycle, "app", "okta.apps.manage"),
    Operation("GET", "/api/v1/logs", logs_api.list_logs, "logs", "okta.logs.read"),
    Operation("GET", _HOOKS, hooks_api.list_hooks, "other", _HOOKS_READ, admin=True),
    Operation("POST", _HOOKS, hooks_api.create, "other", _HOOKS_MANAGE),
    Operation("GET", f"{_HOOKS}/{{id}}", hooks_api.read, "other", _HOOKS_READ, admin=True),
    Operation("PUT", f"{_HOOKS}/{{id}}", hooks_api.replace, "other", _HOOKS_MANAGE),
    Operation("DELETE", f"{_HOOKS}/{{id}}", hooks_api.delete, "other", _HOOKS_MANAGE),
    Operation(
        "POST",
        f"{_HOOKS}/{{id}}/lifecycle/{{action}}",
        hooks_api.lifecycle,
        "other",
        _HOOKS_MANAGE,
        prepare=hooks_api.challenge,
    ),
)
