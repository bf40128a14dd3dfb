"""The applications of an org and who is assigned to them."""

from __future__ import annotations

from crosskey_sandbox.okta.cell import Cell
from crosskey_sandbox.okta.errors import ApiError
from crosskey_sandbox.okta.groups import Groups
from crosskey_sandbox.okta.records import App, AppGroup, AppUser, OidcClient, User
from crosskey_sandbox.okta.roll import Roll
from crosskey_sandbox.okta.syslog import Target
from crosskey_sandbox.okta.targets import app_target, group_target, user_target
from crosskey_sandbox.okta.users import Users

__all__ = ("Apps",)


class Apps:
    """Every application, Okta's own included. Access is a direct assignment or one through a group.

    Deactivating a user takes all assignments away; a re-hire gets those of the kept groups back.
    """

    def __init__(self, cell: Cell, users: Users, groups: Groups) -> None:
        self._cell = cell
        self._directory = users
        self._groups = groups
        self._users: dict[str, Roll[AppUser]] = {}
        self._assigned: dict[str, Roll[AppGroup]] = {}
        self.roll: Roll[App] = Roll()
        self.clients: dict[str, OidcClient] = {}
        users.on_status.append(self._status_changed)
        users.on_deleted.append(self._drop)
        groups.on_joined.append(self._joined)
        groups.on_left.append(self._left)
        groups.on_deleted.append(self._group_deleted)

    def find(self, app_id: str) -> App:
        """By id: labels are not unique."""
        app = self.roll.get(app_id)
        if app is None:
            raise ApiError.missing(app_id, "AppInstance")
        return app

    def users(self, app_id: str) -> Roll[AppUser]:
        """Who has the application, directly or through a group."""
        self.find(app_id)
        return self._users[app_id]

    def groups(self, app_id: str) -> Roll[AppGroup]:
        """The groups assigned to the application."""
        self.find(app_id)
        return self._assigned[app_id]

    def of_group(self, group_id: str) -> list[App]:
        """The applications that a group gives."""
        self._groups.find(group_id)
        return [app for app in self.roll if group_id in self._assigned[app.id]]

    def create(self, name: str, label: str, sign_on_mode: str | None = None, *, at: str | None = None) -> App:
        """Add an application; two may have one label."""
        with self._cell.lock:
            now = at or self._cell.now()
            key = self._cell.new_id("0oa")
            app = App(id=key, name=name, label=label, created=now, last_updated=now, sign_on_mode=sign_on_mode)
            self.roll.add(app.id, app)
            self._users[app.id] = Roll()
            self._assigned[app.id] = Roll()
            if at is None:
                self._cell.log.add("application.lifecycle.create", app_target(app))
            return app

    def set_active(self, app_id: str, *, active: bool) -> App:
        """Activate or deactivate an application."""
        with self._cell.lock:
            app = self.find(app_id)
            app.status = "ACTIVE" if active else "INACTIVE"
            app.last_updated = self._cell.now()
            turn = "activate" if active else "deactivate"
            self._cell.log.add(f"application.lifecycle.{turn}", app_target(app))
            return app

    def rename(self, app_id: str, label: str) -> App:
        """Change the label."""
        with self._cell.lock:
            app = self.find(app_id)
            app.label = label
            app.last_updated = self._cell.now()
            self._cell.log.add("application.lifecycle.update", app_target(app))
            return app

    def delete(self, app_id: str) -> None:
        """Remove an application; it must be deactivated first (403 E0000056)."""
        with self._cell.lock:
            app = self.find(app_id)
            if app.status == "ACTIVE":
                raise ApiError("E0000056", causes=("The application must be deactivated before deletion.",))
            self.roll.remove(app_id)
            del self._users[app_id], self._assigned[app_id]
            self._cell.log.add("application.lifecycle.delete", app_target(app))

    def assign_user(self, app_id: str, who: str) -> AppUser:
        """Assign somebody directly; an assignment through a group becomes a direct one."""
        with self._cell.lock:
            rows, user = self.users(app_id), self._directory.find(who)
            if user.status == "DEPROVISIONED":
                raise ApiError("E0000038")
            row = rows.get(user.id) or self._add(app_id, user)
            row.scope = "USER"
            row.last_updated = self._cell.now()
            return row

    def unassign_user(self, app_id: str, who: str) -> None:
        """Take a direct assignment away; one through a group stays."""
        with self._cell.lock:
            user = self._directory.find(who)
            self.find(app_id)
            if not self._remove(app_id, user):
                raise ApiError.missing(user.id, "AppUser")
            if self._through_group(app_id, user.id):
                self._add(app_id, user)

    def assign_group(self, app_id: str, group_id: str, *, at: str | None = None) -> AppGroup:
        """Assign a group and so its members; again is no change."""
        with self._cell.lock:
            rows = self.groups(app_id)
            members = self._groups.members(group_id)
            known = rows.get(group_id)
            if known is not None:
                return known
            row = AppGroup(id=group_id, last_updated=at or self._cell.now(), priority=len(rows), profile={})
            rows.add(group_id, row)
            if at is None:
                self._tell_group("add", app_id, group_id)
            for user in members:
                self._give(app_id, user, at)
            return row

    def unassign_group(self, app_id: str, group_id: str) -> None:
        """Take a group away: members without another reason lose the application."""
        with self._cell.lock:
            if not self.groups(app_id).remove(group_id):
                raise ApiError.missing(group_id, "ApplicationGroupAssignment")
            self._tell_group("remove", app_id, group_id)
            for user in self._groups.members(group_id):
                self._take(app_id, user)

    def _add(self, app_id: str, user: User, at: str | None = None) -> AppUser:
        now = at or self._cell.now()
        row = AppUser(
            id=user.id,
            created=now,
            last_updated=now,
            scope="GROUP",
            status_changed=now,
            credentials={"userName": str(user.profile["login"])},
            profile={},
        )
        self._users[app_id].add(user.id, row)
        if at is None:
            self._tell_user("add", app_id, user)
        return row

    def _remove(self, app_id: str, user: User) -> bool:
        if not self._users[app_id].remove(user.id):
            return False
        self._tell_user("remove", app_id, user)
        return True

    def _tell_user(self, verb: str, app_id: str, user: User) -> None:
        row = Target("AppUser", f"0ua{user.id[3:]}", "", str(user.profile["login"]))
        event = f"application.user_membership.{verb}"
        self._cell.log.add(event, row, app_target(self.find(app_id)), user_target(user))

    def _tell_group(self, verb: str, app_id: str, group_id: str) -> None:
        targets = group_target(self._groups.find(group_id)), app_target(self.find(app_id))
        self._cell.log.add(f"group.application_assignment.{verb}", *targets)

    def _give(self, app_id: str, user: User, at: str | None = None) -> None:
        if user.status != "DEPROVISIONED" and user.id not in self._users[app_id]:
            self._add(app_id, user, at)

    def _take(self, app_id: str, user: User) -> None:
        row = self._users[app_id].get(user.id)
        if row is not None and row.scope == "GROUP" and not self._through_group(app_id, user.id):
            self._remove(app_id, user)

    def _through_group(self, app_id: str, user_id: str) -> bool:
        return any(user_id in self._groups.members(group_id) for group_id in self._assigned[app_id].ids())

    def _status_changed(self, user: User) -> None:
        if user.status == "DEPROVISIONED":
            for app_id in self._users:
                self._remove(app_id, user)
            return
        for group in self._groups.of(user.id):
            self._joined(group.id, user)

    def _drop(self, user_id: str) -> None:
        for rows in self._users.values():
            rows.remove(user_id)

    def _joined(self, group_id: str, user: User) -> None:
        for app_id, rows in self._assigned.items():
            if group_id in rows:
                self._give(app_id, user)

    def _left(self, group_id: str, user_id: str) -> None:
        for app_id, rows in self._assigned.items():
            if group_id in rows:
                self._take(app_id, self._directory.find(user_id))

    def _group_deleted(self, group_id: str) -> None:
        for app_id, rows in self._assigned.items():
            if group_id in rows:
                self.unassign_group(app_id, group_id)
