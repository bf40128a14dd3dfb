"""The users of an org and their lifecycle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from crosskey_sandbox.okta.cell import Cell, time_text
from crosskey_sandbox.okta.errors import ApiError
from crosskey_sandbox.okta.records import Profile, ProfileValue, User, UserStatus
from crosskey_sandbox.okta.roll import Roll
from crosskey_sandbox.okta.targets import user_target

__all__ = ("Users",)

_REQUIRED = ("login", "firstName", "lastName")
_ID_LENGTH = 20
_STATUS_EVENTS: Mapping[tuple[UserStatus | None, UserStatus], str] = {
    (None, "DEPROVISIONED"): "user.lifecycle.deactivate",
    (None, "SUSPENDED"): "user.lifecycle.suspend",
    (None, "LOCKED_OUT"): "user.account.lock",
    ("SUSPENDED", "ACTIVE"): "user.lifecycle.unsuspend",
    ("LOCKED_OUT", "ACTIVE"): "user.account.unlock_by_admin",
    ("STAGED", "PROVISIONED"): "user.lifecycle.activate",
    ("STAGED", "ACTIVE"): "user.lifecycle.activate",
    ("DEPROVISIONED", "PROVISIONED"): "user.lifecycle.activate",
    ("DEPROVISIONED", "ACTIVE"): "user.lifecycle.activate",
}
"""What the System Log calls a change of status, from one (None: any) to another."""
_NULLS: Profile = {"mobilePhone": None, "secondEmail": None}  # always written, empty or not


class Users:
    """Every user, DEPROVISIONED ones included. Each change sets the times that Okta's change sets.

    A profile edit moves ``lastUpdated``; a change of status moves ``lastUpdated`` and ``statusChanged``; a
    sign-in moves ``lastLogin`` alone. Ids are never used again.
    """

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self._logins: dict[str, str] = {}
        self._before: dict[str, tuple[float, User | None]] = {}
        self._ghosts: list[User] = []
        self.roll: Roll[User] = Roll()
        self.type_id = cell.new_id("oty")
        self.on_created: list[Callable[[User], None]] = []
        self.on_status: list[Callable[[User], None]] = []
        self.on_deleted: list[Callable[[str], None]] = []

    def __len__(self) -> int:
        return len(self.roll)

    def find(self, who: str) -> User:
        """By id, by login (case does not matter), or by the part of a login before ``@`` when only one has it."""
        user = self.roll.get(who) or self.roll.get(self._logins.get(who.lower(), ""))
        if user is None and "@" not in who and not (len(who) == _ID_LENGTH and who.startswith("00u")):
            short = [key for login, key in self._logins.items() if login.partition("@")[0] == who.lower()]
            user = self.roll.get(short[0]) if len(short) == 1 else None
        if user is None:
            raise ApiError.missing(who, "User")
        return user

    def create(
        self,
        profile: Mapping[str, ProfileValue],
        *,
        activate: bool = True,
        password: bool = False,
        at: str | None = None,
        status: UserStatus | None = None,
    ) -> User:
        """Add a user: STAGED, PROVISIONED when activated without a password, else ACTIVE.

        ``at`` and ``status`` are for seeding: the time of creation, and a status reached long ago.
        """
        with self._cell.lock:
            for name in _REQUIRED:
                if not profile.get(name):
                    raise ApiError.invalid(name, "The field cannot be left blank")
            login = str(profile["login"]).lower()
            if login in self._logins:
                raise ApiError.invalid("login", "An object with this field already exists in the current organization")
            now = at or self._cell.now()
            reached: UserStatus = status or ("STAGED" if not activate else "ACTIVE" if password else "PROVISIONED")
            started = reached != "STAGED"
            user = User(
                id=self._cell.new_id("00u"),
                status=reached,
                created=now,
                activated=now if started else None,
                status_changed=now if started else None,
                last_updated=now,
                password_changed=now if password else None,
                type={"id": self.type_id},
                profile={**_NULLS, **profile},
            )
            if at is None:
                self._remember(user.id, None)
                self._cell.log.add("user.lifecycle.create", user_target(user))
            self.roll.add(user.id, user)
            self._logins[login] = user.id
            for tell in self.on_created:
                tell(user)
            return user

    def update_profile(self, who: str, values: Mapping[str, ProfileValue], *, replace: bool = False) -> User:
        """Change some attributes (None clears one), or all of them; only ``lastUpdated`` moves."""
        with self._cell.lock:
            user = self.find(who)
            profile = {**_NULLS, **values} if replace else {**user.profile, **values}
            for name in _REQUIRED:
                if not profile.get(name):
                    raise ApiError.invalid(name, "The field cannot be left blank")
            old, new = str(user.profile["login"]).lower(), str(profile["login"]).lower()
            if self._logins.get(new, user.id) != user.id:
                raise ApiError.invalid("login", "An object with this field already exists in the current organization")
            self._remember(user.id, user)
            del self._logins[old]
            self._logins[new] = user.id
            user.profile = {k: v for k, v in profile.items() if v is not None or k in _NULLS or k == "email"}
            user.last_updated = self._cell.now()
            self._cell.log.add("user.account.update_profile", user_target(user))
            return user

    def activate(self, who: str) -> User:
        """STAGED or DEPROVISIONED to PROVISIONED (ACTIVE with a password). A re-hire keeps the id."""
        user = self.find(who)
        if user.status not in {"STAGED", "DEPROVISIONED"}:
            raise ApiError("E0000016")
        return self.set_status(user.id, "ACTIVE" if user.password_changed else "PROVISIONED")

    def deactivate(self, who: str) -> User:
        """Any status to DEPROVISIONED: application assignments go, group memberships stay."""
        user = self.find(who)
        if user.status == "DEPROVISIONED":
            raise ApiError.missing(user.id, "User")
        return self.set_status(user.id, "DEPROVISIONED")

    def suspend(self, who: str) -> User:
        """ACTIVE to SUSPENDED: groups and applications are kept."""
        user = self.find(who)
        if user.status != "ACTIVE":
            raise ApiError("E0000001", "suspendUser", causes=("Cannot suspend a user that is not active",))
        return self.set_status(user.id, "SUSPENDED")

    def unsuspend(self, who: str) -> User:
        """SUSPENDED to ACTIVE."""
        user = self.find(who)
        if user.status != "SUSPENDED":
            raise ApiError("E0000001", "unsuspendUser", causes=("Cannot unsuspend a user that is not suspended",))
        return self.set_status(user.id, "ACTIVE")

    def unlock(self, who: str) -> User:
        """LOCKED_OUT to ACTIVE."""
        user = self.find(who)
        if user.status != "LOCKED_OUT":
            raise ApiError("E0000032")
        return self.set_status(user.id, "ACTIVE")

    def set_status(self, who: str, status: UserStatus) -> User:
        """Put a user into any status, as time or the person's own doing would (LOCKED_OUT, RECOVERY …)."""
        with self._cell.lock:
            user = self.find(who)
            self._remember(user.id, user)
            now = self._cell.clock.now()
            told = _STATUS_EVENTS.get((user.status, status)) or _STATUS_EVENTS.get((None, status))
            user.status = status
            user.last_updated = time_text(now)
            late = status == "DEPROVISIONED" and self._cell.quirks.late_status_changed
            user.status_changed = time_text(now + timedelta(seconds=1) if late else now)
            if status not in {"STAGED", "DEPROVISIONED"} and user.activated is None:
                user.activated = user.last_updated
            if told:
                self._cell.log.add(told, user_target(user))
            for tell in self.on_status:
                tell(user)
            return user

    def sign_in(self, who: str, at: datetime | None = None) -> User:
        """The person signs in: ``lastLogin`` moves and nothing else does."""
        with self._cell.lock:
            user = self.find(who)
            user.last_login = time_text(at or self._cell.clock.now())
            return user

    def delete(self, who: str) -> bool:
        """The first call deactivates (False), the second one removes the row everywhere (True)."""
        with self._cell.lock:
            user = self.find(who)
            if user.status != "DEPROVISIONED":
                self.deactivate(user.id)
                return False
            self.roll.remove(user.id)
            del self._logins[str(user.profile["login"]).lower()]
            self._remember(user.id, user)
            if user.id in self._before:
                self._ghosts.append(user)
            self._cell.log.add("user.lifecycle.delete.initiated", user_target(user))
            self._cell.log.add("user.lifecycle.delete.completed", user_target(user))
            for tell in self.on_deleted:
                tell(user.id)
            return True

    def searched(self) -> list[User | None]:
        """All places as ``search`` knows them, and behind them who was deleted and is not yet forgotten."""
        shown = [None if user is None else self._as_searched(user) for user in self.roll.slots]
        return [*shown, *(None if user.id not in self._before else self._as_searched(user) for user in self._ghosts)]

    def _as_searched(self, user: User) -> User | None:
        """The user as ``search`` knows it: with ``search_lag``, the state before a recent change."""
        known = self._before.get(user.id)
        if known is None:
            return user
        seen_from, before = known
        if self._cell.epoch() < seen_from:
            return before
        del self._before[user.id]
        return user if user.id in self.roll else None

    def _remember(self, key: str, user: User | None) -> None:
        lag = self._cell.quirks.search_lag
        known = self._before.get(key)
        if lag <= 0 or (known is not None and self._cell.epoch() < known[0]):
            return
        before = None if user is None else User(**{name: getattr(user, name) for name in User.__struct_fields__})
        self._before[key] = (self._cell.epoch() + lag, before)
