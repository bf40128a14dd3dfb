"""The endpoints under ``/api/v1/users``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crosskey_sandbox.okta.attributes import user_filter, user_search
from crosskey_sandbox.okta.call import Answer, Call, listing, reply, write_page
from crosskey_sandbox.okta.errors import ApiError
from crosskey_sandbox.okta.org import OktaOrg
from crosskey_sandbox.okta.paging import Window, cut, window
from crosskey_sandbox.okta.records import User
from crosskey_sandbox.okta.rows import user_detail
from crosskey_sandbox.okta.views import both, group_rows, omissions, one_user, sees_user, user_writer

__all__ = ("create", "delete", "groups_of", "lifecycle", "list_users", "read", "update")

_FILTER = user_filter()
_SEARCH = user_search()
_MOST = 200
_PICKER = 10  # rows of `q` when no limit is asked


def list_users(org: OktaOrg, call: Call) -> Answer:
    """``GET /users``: without DEPROVISIONED users unless ``search`` or ``filter`` asks; ``q`` has no next page."""
    query, search, chosen = call.asked("q"), call.asked("search"), call.asked("filter")
    if search is not None and chosen is not None:
        raise ApiError("E0000033")
    picking = query is not None and search is None and chosen is None
    most = _PICKER if picking else _MOST
    asked = window(call.path, call.query, default=most, most=_MOST, bad_cursor="E0000031")
    if search is not None:
        return _search(org, call, search, asked)
    keep = _FILTER.compile(chosen) if chosen is not None else _started(query) if query is not None else _present
    if not call.principal.rights.reads:
        return listing([])  # scopes without an administrator's role: an empty success, not a 403
    page = cut(org.users.roll.slots, asked, both(sees_user(org, call), keep))
    write = user_writer(call)
    rows = [write(user) for user in page.rows]
    return listing(rows) if picking else write_page(org, call, asked, rows, page.next)


def _search(org: OktaOrg, call: Call, expression: str, asked: Window) -> Answer:
    test, write = _SEARCH.compile(expression), user_writer(call)
    if not call.principal.rights.reads:
        return listing([])
    org.searches += 1
    if org.quirks.search_flap and org.searches % org.quirks.search_flap == 0:
        return listing([])
    slots = org.users.roll.slots
    if org.quirks.search_lag > 0:
        slots = org.users.searched()
    order = call.asked("sortBy")
    if order is not None:
        slots = _sorted(slots, order, descending=(call.asked("sortOrder") or "").lower() == "desc")
    page = cut(slots, asked, both(sees_user(org, call), test))
    return write_page(org, call, asked, [write(user) for user in page.rows], page.next)


def _sorted(slots: Sequence[User | None], order: str, *, descending: bool) -> list[User]:
    read = _SEARCH.attribute(order).read
    users = [user for user in slots if user is not None]
    return sorted(users, key=lambda user: str(read(user) or "").casefold(), reverse=descending)


def _present(user: User) -> bool:
    return user.status != "DEPROVISIONED"


def _started(prefix: str) -> Callable[[User], bool]:
    start = prefix.casefold()

    def keep(user: User) -> bool:
        names = (user.profile.get(name) for name in ("firstName", "lastName", "email"))
        return _present(user) and any(str(name or "").casefold().startswith(start) for name in names)

    return keep


def _detail(call: Call, user: User) -> Answer:
    omit = omissions(call)
    links, credentials = "omitCredentialsLinks" not in omit, "omitCredentials" not in omit
    return reply(user_detail(user, call.shown.encode(), links=links, credentials=credentials))


def read(org: OktaOrg, call: Call) -> Answer:
    """``GET /users/{id}``: id, login, short login, or ``me``."""
    return _detail(call, one_user(org, call))


def groups_of(org: OktaOrg, call: Call) -> Answer:
    """``GET /users/{id}/groups``: all at once, there are no pages."""
    return listing(group_rows(org, call, org.groups.of(one_user(org, call).id)))


def create(org: OktaOrg, call: Call) -> Answer:
    """``POST /users?activate=``."""
    credentials = call.document().get("credentials")
    password = isinstance(credentials, dict) and "password" in credentials
    activate = call.flag("activate", default=True)
    return _detail(call, org.users.create(call.profile(), activate=activate, password=password))


def update(org: OktaOrg, call: Call) -> Answer:
    """``POST /users/{id}`` changes the attributes given, ``PUT`` replaces the profile."""
    user = one_user(org, call)
    return _detail(call, org.users.update_profile(user.id, call.profile(), replace=call.method == "PUT"))


def delete(org: OktaOrg, call: Call) -> Answer:
    """``DELETE /users/{id}``: once deactivates, twice deletes."""
    org.users.delete(one_user(org, call).id)
    return Answer(status=204)


def lifecycle(org: OktaOrg, call: Call) -> Answer:
    """``POST /users/{id}/lifecycle/{action}``."""
    user = one_user(org, call)
    actions: dict[str, Callable[[str], User]] = {
        "activate": org.users.activate,
        "deactivate": org.users.deactivate,
        "suspend": org.users.suspend,
        "unsuspend": org.users.unsuspend,
        "unlock": org.users.unlock,
    }
    act = actions.get(call.params["action"])
    if act is None:
        raise ApiError("E0000008")
    act(user.id)
    return reply({})
