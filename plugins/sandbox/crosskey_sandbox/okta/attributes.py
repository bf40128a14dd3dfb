"""Which attributes and operators each list's ``search`` and ``filter`` take, by the API reference."""

from __future__ import annotations

from collections.abc import Callable

from crosskey_sandbox.okta.expressions import Attribute, Language
from crosskey_sandbox.okta.groups import Groups
from crosskey_sandbox.okta.records import App, Group, ProfileValue, User
from crosskey_sandbox.okta.schema import ATTRIBUTES
from crosskey_sandbox.okta.syslog import LogEvent

__all__ = ("app_filter", "group_filter", "group_search", "log_filter", "user_filter", "user_search")

_EQ = frozenset({"eq"})
_TIMES = frozenset({"eq", "gt", "ge", "lt", "le"})
_SEARCH = frozenset({"eq", "gt", "ge", "lt", "le", "sw", "pr"})
_CONTAINS = _SEARCH | {"co"}
_WITH_CONTAINS = {"profile.login", "profile.email", "profile.firstName", "profile.lastName"}


def _profile(name: str, operators: frozenset[str]) -> Attribute[User]:
    key = name.removeprefix("profile.")
    return Attribute(lambda user: user.profile.get(key), operators)


def _user_times(
    operators: frozenset[str], names: dict[str, Callable[[User], str | None]]
) -> dict[str, Attribute[User]]:
    return {name: Attribute(read, operators, "time") for name, read in names.items()}


def user_filter() -> Language[User]:
    """``filter`` of users: a handful of attributes, ``eq`` only but for times, and the case of values counts."""
    names = ("login", "email", "firstName", "lastName")
    return Language(
        {
            "status": Attribute(lambda user: user.status, _EQ),
            "id": Attribute(lambda user: user.id, _EQ),
            **{f"profile.{name}": _profile(name, _EQ) for name in names},
            **_user_times(_TIMES, {"lastUpdated": lambda user: user.last_updated}),
        }
    )


def user_search() -> Language[User]:
    """``search`` of users: any attribute of the schema; names count their case, values do not."""
    times: dict[str, Callable[[User], str | None]] = {
        "created": lambda user: user.created,
        "activated": lambda user: user.activated,
        "statusChanged": lambda user: user.status_changed,
        "lastUpdated": lambda user: user.last_updated,
    }

    def profile(name: str) -> Attribute[User] | None:
        if not name.startswith("profile.") or name.removeprefix("profile.") not in ATTRIBUTES:
            return None
        return _profile(name, _CONTAINS if name in _WITH_CONTAINS else _SEARCH)

    return Language(
        {
            "id": Attribute(lambda user: user.id, _SEARCH),
            "status": Attribute(lambda user: user.status, _SEARCH),
            "type.id": Attribute(lambda user: user.type["id"], _SEARCH),
            **_user_times(_TIMES | {"pr"}, times),
        },
        fold=True,
        unknown=profile,
    )


def group_filter(groups: Groups) -> Language[Group]:
    """``filter`` of groups; ``lastMembershipUpdated`` is compared as it is shown, late or not."""
    return Language(
        {
            "id": Attribute(lambda group: group.id, _EQ),
            "type": Attribute(lambda group: group.type, _EQ),
            "lastUpdated": Attribute(lambda group: group.last_updated, _TIMES, "time"),
            "lastMembershipUpdated": Attribute(groups.membership_time, _TIMES, "time"),
        }
    )


def group_search(groups: Groups) -> Language[Group]:
    """``search`` of groups: ``co`` on name and description only."""

    def profile(key: str) -> Callable[[Group], ProfileValue]:
        return lambda group: group.profile.get(key)

    text = frozenset({"eq", "sw"})
    return Language(
        {
            "id": Attribute(lambda group: group.id, text),
            "type": Attribute(lambda group: group.type, text),
            "created": Attribute(lambda group: group.created, _TIMES, "time"),
            "lastUpdated": Attribute(lambda group: group.last_updated, _TIMES, "time"),
            "lastMembershipUpdated": Attribute(groups.membership_time, _TIMES, "time"),
            "profile.name": Attribute(profile("name"), text | {"co"}),
            "profile.description": Attribute(profile("description"), text | {"co"}),
        },
        fold=True,
    )


def app_filter() -> Language[App]:
    """``filter`` of applications: the attributes that need no other object."""
    return Language(
        {
            "id": Attribute(lambda app: app.id, _EQ),
            "status": Attribute(lambda app: app.status, _EQ),
            "name": Attribute(lambda app: app.name, _EQ),
        }
    )


def log_filter() -> Language[LogEvent]:
    """``filter`` of the System Log, as far as a directory's reader needs it; a bad one is E0000053."""
    text = _CONTAINS | {"ne", "ew"}
    return Language(
        {
            "eventType": Attribute(lambda event: event.event_type, text),
            "uuid": Attribute(lambda event: event.uuid, text),
            "severity": Attribute(lambda event: event.severity, text),
            "published": Attribute(lambda event: event.published, text),
            "outcome.result": Attribute(lambda event: event.outcome["result"], text),
            "actor.id": Attribute(lambda event: event.actor.id, text),
            "target.id": Attribute(lambda event: [target.id for target in event.target], text),
            "target.type": Attribute(lambda event: [target.type for target in event.target], text),
        },
        negation=True,
        refusal="E0000053",
    )
