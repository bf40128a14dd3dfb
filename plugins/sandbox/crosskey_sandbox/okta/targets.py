"""How the System Log names what an event is about."""

from __future__ import annotations

from crosskey_sandbox.okta.records import App, Group, User
from crosskey_sandbox.okta.syslog import Target

__all__ = ("app_target", "group_target", "user_target")


def user_target(user: User) -> Target:
    """A user: ``alternateId`` is the login."""
    profile = user.profile
    return Target("User", user.id, f"{profile['firstName']} {profile['lastName']}", str(profile["login"]))


def group_target(group: Group) -> Target:
    """A group."""
    return Target("UserGroup", group.id, str(group.profile["name"]), "unknown")


def app_target(app: App) -> Target:
    """An application's instance in this org."""
    return Target("AppInstance", app.id, app.label, app.label)
