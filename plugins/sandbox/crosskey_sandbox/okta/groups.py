"""The groups of an org and who is in them."""

from __future__ import annotations

from collections.abc import Callable

from crosskey_sandbox.okta.cell import Cell
from crosskey_sandbox.okta.errors import ApiError
from crosskey_sandbox.okta.records import Group, Profile, User
from crosskey_sandbox.okta.roll import Roll
from crosskey_sandbox.okta.targets import group_target, user_target
from crosskey_sandbox.okta.users import Users

__all__ = ("Groups",)


class Groups:
    """Every group. Lists are flat, names need not be unique, and members keep their place in any status.

    Joining or leaving moves ``lastMembershipUpdated`` alone, and that one late (``membership_lag``); no field
    of the user moves. When somebody is deleted the lists just shrink, and the log tells of the user, not of the groups.
    *Everyone* holds every user, deactivated ones included; nothing is logged for it.
    """

    def __init__(self, cell: Cell, users: Users, *, founded: str) -> None:
        self._cell = cell
        self._users = users
        self._members: dict[str, Roll[User]] = {}
        self._of: dict[str, dict[str, None]] = {}
        self._late: dict[str, tuple[float, str]] = {}
        self.roll: Roll[Group] = Roll()
        self.on_joined: list[Callable[[str, User], None]] = []
        self.on_left: list[Callable[[str, str], None]] = []
        self.on_deleted: list[Callable[[str], None]] = []
        self.everyone = self.create("Everyone", "All users in your organization", at=founded)
        self.everyone.type = "BUILT_IN"
        users.on_created.append(self._welcome)
        users.on_deleted.append(self._forget)

    def __len__(self) -> int:
        return len(self.roll)

    def find(self, group_id: str) -> Group:
        """By id only: names are not unique."""
        group = self.roll.get(group_id)
        if group is None:
            raise ApiError.missing(group_id, "UserGroup")
        return group

    def named(self, name: str) -> list[Group]:
        """All groups of this name, for tests and demos."""
        return [group for group in self.roll if group.profile["name"] == name]

    def create(self, name: str, description: str | None = None, *, at: str | None = None) -> Group:
        """Add a group. Two may have one name, as imported ones have."""
        if not name:
            raise ApiError.invalid("name", "The field cannot be left blank")
        with self._cell.lock:
            now = at or self._cell.now()
            group = Group(
                id=self._cell.new_id("00g"),
                created=now,
                last_updated=now,
                last_membership_updated=now,
                profile={"name": name, "description": description},
            )
            self.roll.add(group.id, group)
            self._members[group.id] = Roll()
            if at is None:
                self._cell.log.add("group.lifecycle.create", group_target(group))
            return group

    def rename(self, group_id: str, profile: Profile) -> Group:
        """Replace the profile: ``lastUpdated`` moves."""
        with self._cell.lock:
            group = self._own(group_id)
            if not profile.get("name"):
                raise ApiError.invalid("name", "The field cannot be left blank")
            group.profile = profile
            group.last_updated = self._cell.now()
            self._cell.log.add("group.profile.update", group_target(group))
            return group

    def delete(self, group_id: str) -> None:
        """Remove a group; its members stay."""
        with self._cell.lock:
            group = self._own(group_id)
            self._cell.log.add("group.lifecycle.delete", group_target(group))
            for tell in self.on_deleted:
                tell(group_id)
            for key in self._members.pop(group_id).ids():
                del self._of[key][group_id]
            self.roll.remove(group_id)

    def members(self, group_id: str) -> Roll[User]:
        """Who is in the group, in any status."""
        self.find(group_id)
        return self._members[group_id]

    def of(self, user_id: str) -> list[Group]:
        """The groups of one user."""
        return [self.find(key) for key in self._of.get(user_id, ())]

    def add_member(self, group_id: str, who: str, *, at: str | None = None) -> None:
        """Put somebody into a group; again is no change."""
        with self._cell.lock:
            group = self._own(group_id)
            user = self._users.find(who)
            if user.id not in self._members[group_id]:
                self._join(group_id, user, at)
                if at is None:
                    self._cell.log.add("group.user_membership.add", user_target(user), group_target(group))

    def remove_member(self, group_id: str, who: str) -> None:
        """Take somebody out of a group; again is no change."""
        with self._cell.lock:
            group = self._own(group_id)
            user = self._users.find(who)
            if self._members[group_id].remove(user.id):
                del self._of[user.id][group_id]
                self._touch(group_id, None)
                self._cell.log.add("group.user_membership.remove", user_target(user), group_target(group))
                for tell in self.on_left:
                    tell(group_id, user.id)

    def membership_time(self, group: Group) -> str:
        """``lastMembershipUpdated`` as an answer shows it: behind the truth for up to ``membership_lag`` seconds."""
        late = self._late.get(group.id)
        if late is None:
            return group.last_membership_updated
        if self._cell.epoch() < late[0]:
            return late[1]
        del self._late[group.id]
        return group.last_membership_updated

    def _own(self, group_id: str) -> Group:
        group = self.find(group_id)
        if group.type == "BUILT_IN":
            raise ApiError("E0000006")
        return group

    def _join(self, group_id: str, user: User, at: str | None) -> None:
        self._members[group_id].add(user.id, user)
        self._of.setdefault(user.id, {})[group_id] = None
        self._touch(group_id, at)
        for tell in self.on_joined:
            tell(group_id, user)

    def _touch(self, group_id: str, at: str | None) -> None:
        group = self.find(group_id)
        if at is None and self._cell.quirks.membership_lag > 0:
            shown = self.membership_time(group)
            until = self._cell.epoch() + self._cell.random.uniform(0, self._cell.quirks.membership_lag)
            self._late[group_id] = (until, shown)
        group.last_membership_updated = at or self._cell.now()

    def _welcome(self, user: User) -> None:
        self._join(self.everyone.id, user, user.created)

    def _forget(self, user_id: str) -> None:
        for group_id in self._of.pop(user_id, {}):
            self._members[group_id].remove(user_id)
            if self._cell.quirks.delete_moves_membership:
                self._touch(group_id, None)
