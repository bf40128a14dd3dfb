"""The endpoints under ``/api/v1/apps``."""

from __future__ import annotations

from crosskey_sandbox.okta.attributes import app_filter
from crosskey_sandbox.okta.call import Answer, Call, reply, write_page
from crosskey_sandbox.okta.errors import ApiError
from crosskey_sandbox.okta.org import OktaOrg
from crosskey_sandbox.okta.paging import cut, window
from crosskey_sandbox.okta.records import App, AppUser
from crosskey_sandbox.okta.rows import app_group_row, app_row, app_user_row, user_row
from crosskey_sandbox.okta.views import group_rows

__all__ = (
    "assign_group",
    "assign_user",
    "delete",
    "groups_of",
    "lifecycle",
    "list_apps",
    "read",
    "unassign_group",
    "unassign_user",
    "users_of",
)

_FILTER = app_filter()
_BAD_CURSOR = "E0000029"  # applications have their own code for it


def list_apps(org: OktaOrg, call: Call) -> Answer:
    """``GET /apps``: Okta's own applications are among them; ``q`` is a prefix of label or name."""
    asked = window(call.path, call.query, default=20, most=200, bad_cursor=_BAD_CURSOR)
    query, chosen = (call.asked("q") or "").casefold(), call.asked("filter")
    test = _FILTER.compile(chosen) if chosen is not None else None

    def keep(app: App) -> bool:
        named = app.label.casefold().startswith(query) or app.name.casefold().startswith(query)
        return named and (test is None or test(app))

    page = cut(org.apps.roll.slots, asked, keep)
    return write_page(
        org, call, asked, [app_row(app, call.shown, org.apps.clients.get(app.id)) for app in page.rows], page.next
    )


def read(org: OktaOrg, call: Call) -> Answer:
    """``GET /apps/{id}``."""
    app = org.apps.find(call.params["id"])
    return reply(app_row(app, call.shown, org.apps.clients.get(app.id)))


def users_of(org: OktaOrg, call: Call) -> Answer:
    """``GET /apps/{id}/users``: 50 rows, 500 at most; ``expand=user`` embeds the directory's row."""
    app_id, base = call.params["id"], call.shown.encode()
    asked = window(call.path, call.query, default=50, most=500, bad_cursor=_BAD_CURSOR)
    query = (call.asked("q") or "").casefold()

    def keep(row: AppUser) -> bool:
        profile = org.users.find(row.id).profile
        return any(
            str(profile.get(n) or "").casefold().startswith(query) for n in ("login", "firstName", "lastName", "email")
        )

    page = cut(org.apps.users(app_id).slots, asked, keep if query else None)
    expand = call.asked("expand") == "user"
    rows = [
        app_user_row(row, app_id, call.shown, user=user_row(org.users.find(row.id), base) if expand else None)
        for row in page.rows
    ]
    return write_page(org, call, asked, rows, page.next)


def groups_of(org: OktaOrg, call: Call) -> Answer:
    """``GET /apps/{id}/groups``: ``limit`` 20 to 200; ``expand=group`` embeds the group."""
    app_id = call.params["id"]
    asked = window(call.path, call.query, default=20, most=200, bad_cursor=_BAD_CURSOR)
    if asked.limit < 20:
        raise ApiError.invalid("limit", "The value must be between 20 and 200")
    page = cut(org.apps.groups(app_id).slots, asked)
    groups = [org.groups.find(row.id) for row in page.rows] if call.asked("expand") == "group" else []
    embedded = group_rows(org, call, groups) or [None] * len(page.rows)
    rows = [app_group_row(row, app_id, call.shown, group=group) for row, group in zip(page.rows, embedded, strict=True)]
    return write_page(org, call, asked, rows, page.next)


def assign_user(org: OktaOrg, call: Call) -> Answer:
    """``POST /apps/{id}/users`` with ``{"id": …}``."""
    row = org.apps.assign_user(call.params["id"], str(call.document().get("id") or ""))
    return reply(app_user_row(row, call.params["id"], call.shown))


def unassign_user(org: OktaOrg, call: Call) -> Answer:
    """``DELETE /apps/{id}/users/{user}``."""
    org.apps.unassign_user(call.params["id"], call.params["user"])
    return Answer(status=204)


def assign_group(org: OktaOrg, call: Call) -> Answer:
    """``PUT /apps/{id}/groups/{group}``: an empty body will do, and again is no change."""
    row = org.apps.assign_group(call.params["id"], call.params["group"])
    return reply(app_group_row(row, call.params["id"], call.shown))


def unassign_group(org: OktaOrg, call: Call) -> Answer:
    """``DELETE /apps/{id}/groups/{group}``."""
    org.apps.unassign_group(call.params["id"], call.params["group"])
    return Answer(status=204)


def lifecycle(org: OktaOrg, call: Call) -> Answer:
    """``POST /apps/{id}/lifecycle/activate`` or ``deactivate``."""
    action = call.params["action"]
    if action not in {"activate", "deactivate"}:
        raise ApiError("E0000008")
    org.apps.set_active(call.params["id"], active=action == "activate")
    return reply({})


def delete(org: OktaOrg, call: Call) -> Answer:
    """``DELETE /apps/{id}``: 403 E0000056 while it is active."""
    org.apps.delete(call.params["id"])
    return Answer(status=204)
