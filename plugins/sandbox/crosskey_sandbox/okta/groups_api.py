"""The endpoints under ``/api/v1/groups``."""

from __future__ import annotations

from collections.abc import Callable

from crosskey_sandbox.okta.attributes import group_filter, group_search
from crosskey_sandbox.okta.call import Answer, Call, listing, reply, write_page
from crosskey_sandbox.okta.org import OktaOrg
from crosskey_sandbox.okta.paging import cut, window
from crosskey_sandbox.okta.records import Group
from crosskey_sandbox.okta.rows import app_row
from crosskey_sandbox.okta.views import group_rows, one_group, one_user, sees_group, sees_user, user_writer

__all__ = ("add_member", "apps_of", "create", "delete", "list_groups", "members", "read", "remove_member", "update")

_MOST = 10_000
_PICKER = 300  # most rows of `q`, which has no next page
_APPS = 20


def list_groups(org: OktaOrg, call: Call) -> Answer:
    """``GET /groups``: ``q`` is a prefix of the name, not pageable; ``expand=stats`` embeds the counts."""
    query, search, chosen = call.asked("q"), call.asked("search"), call.asked("filter")
    default = _PICKER if query is not None else org.quirks.groups_default_limit
    asked = window(call.path, call.query, default=default, most=_MOST, bad_cursor="E0000031")
    wanted = [test for test in (sees_group(call), _named(query)) if test is not None]
    if search is not None:
        wanted.append(group_search(org.groups).compile(search))
    if chosen is not None:
        wanted.append(group_filter(org.groups).compile(chosen))
    page = cut(org.groups.roll.slots, asked, lambda group: all(test(group) for test in wanted))
    rows = group_rows(org, call, page.rows, stats=call.asked("expand") == "stats")
    if query is not None:
        return listing(rows[:_PICKER])
    return write_page(org, call, asked, rows, page.next)


def _named(prefix: str | None) -> Callable[[Group], bool] | None:
    if prefix is None:
        return None
    start = prefix.casefold()

    def test(group: Group) -> bool:
        return str(group.profile["name"]).casefold().startswith(start)

    return test


def read(org: OktaOrg, call: Call) -> Answer:
    """``GET /groups/{id}``; its ``lastMembershipUpdated`` is as late as the list's."""
    stats = call.asked("expand") == "stats"
    return reply(group_rows(org, call, [one_group(org, call)], stats=stats)[0])


def members(org: OktaOrg, call: Call) -> Answer:
    """``GET /groups/{id}/users``: whole user rows, in every status."""
    most = org.quirks.members_limit
    asked = window(call.path, call.query, default=most, most=most, bad_cursor="E0000031")
    page = cut(org.groups.members(one_group(org, call).id).slots, asked, sees_user(org, call))
    write = user_writer(call)
    return write_page(org, call, asked, [write(user) for user in page.rows], page.next)


def apps_of(org: OktaOrg, call: Call) -> Answer:
    """``GET /groups/{id}/apps``."""
    asked = window(call.path, call.query, default=_APPS, most=200, bad_cursor="E0000031")
    page = cut(org.apps.of_group(one_group(org, call).id), asked)
    return write_page(org, call, asked, [app_row(app, call.shown) for app in page.rows], page.next)


def create(org: OktaOrg, call: Call) -> Answer:
    """``POST /groups``."""
    profile = call.profile()
    group = org.groups.create(str(profile.get("name") or ""), description=_text(profile.get("description")))
    return reply(group_rows(org, call, [group])[0])


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def update(org: OktaOrg, call: Call) -> Answer:
    """``PUT /groups/{id}``."""
    group = org.groups.rename(one_group(org, call).id, call.profile())
    return reply(group_rows(org, call, [group])[0])


def delete(org: OktaOrg, call: Call) -> Answer:
    """``DELETE /groups/{id}``."""
    org.groups.delete(one_group(org, call).id)
    return Answer(status=204)


def add_member(org: OktaOrg, call: Call) -> Answer:
    """``PUT /groups/{id}/users/{user}``."""
    org.groups.add_member(one_group(org, call).id, one_user(org, call, "user").id)
    return Answer(status=204)


def remove_member(org: OktaOrg, call: Call) -> Answer:
    """``DELETE /groups/{id}/users/{user}``."""
    org.groups.remove_member(one_group(org, call).id, one_user(org, call, "user").id)
    return Answer(status=204)
