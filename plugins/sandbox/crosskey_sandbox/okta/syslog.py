"""The System Log: what happened in the org, in the order in which Okta stored it."""

from __future__ import annotations

from bisect import bisect_right, insort_right
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import msgspec

from crosskey.clock import Clock

__all__ = ("HOOKABLE", "LogEvent", "SystemLog", "Target", "milliseconds")

_KEPT = timedelta(days=90)
HOOKABLE = frozenset(
    {
        "user.lifecycle.create",
        "user.lifecycle.activate",
        "user.lifecycle.reactivate",
        "user.lifecycle.deactivate",
        "user.lifecycle.suspend",
        "user.lifecycle.unsuspend",
        "user.lifecycle.delete.initiated",
        "user.account.update_profile",
        "user.account.lock",
        "user.account.unlock",
        "user.account.unlock_by_admin",
        "user.session.clear",
        "user.authentication.universal_logout",
        "user.mfa.factor.deactivate",
        "user.mfa.factor.reset_all",
        "group.user_membership.add",
        "group.user_membership.remove",
        "group.lifecycle.create",
        "group.lifecycle.delete",
        "group.profile.update",
        "group.application_assignment.add",
        "group.application_assignment.remove",
        "group.application_assignment.update",
        "application.user_membership.add",
        "application.user_membership.remove",
        "application.user_membership.update",
        "application.lifecycle.create",
        "application.lifecycle.update",
        "application.lifecycle.activate",
        "application.lifecycle.deactivate",
        "application.lifecycle.delete",
        "group.privilege.grant",
        "group.privilege.revoke",
        "system.import.group.create",
        "system.import.group.delete",
        "system.org.rate_limit.warning",
        "system.org.rate_limit.violation",
    }
)
"""Event types that an event hook may name; ``user.lifecycle.delete.completed`` is not among them."""


def milliseconds(moment: datetime) -> str:
    """The log's time: unlike the directory's, it has milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Target(msgspec.Struct, rename="camel", frozen=True):
    """What an event is about: ``User``, ``UserGroup``, ``AppInstance`` …"""

    type: str
    id: str
    display_name: str = ""
    alternate_id: str | None = None
    detail_entry: None = None


class LogEvent(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """One event, with the members that recorded ones have and a directory's reader may look at."""

    actor: Target
    display_message: str
    event_type: str
    outcome: dict[str, str | None]
    published: str
    severity: str = "INFO"
    transaction: dict[str, object]
    uuid: str
    version: str = "0"
    target: Sequence[Target]


class _Stored(msgspec.Struct, frozen=True):
    at: float
    event: LogEvent


class SystemLog:
    """Everything that happened since the org was opened; what it was seeded with is not told.

    With ``log_late`` an event is stored up to so many seconds after it was published, so that another one, published
    later, may stand before it. The targets of an event come in any order.
    """

    def __init__(self, clock: Clock, seed: int, late: Callable[[], float]) -> None:
        self._clock = clock
        self._late = late
        # Of its own: ids of people and groups stay the same whatever is logged.
        self._random = Random(seed)  # noqa: S311 - made-up data, not a secret
        self._stored: list[_Stored] = []
        self.on_added: list[Callable[[LogEvent], None]] = []

    def add(self, event_type: str, *targets: Target, result: str = "SUCCESS", job: bool = False) -> LogEvent:
        """Write an event about these targets; ``job``: a rule did it, not a person."""
        now = self._clock.now()
        shuffled = list(targets)
        self._random.shuffle(shuffled)
        kind = "JOB" if job else "WEB"
        event = LogEvent(
            actor=Target("SystemPrincipal" if job else "User", "00uadministrator05d7", "Administrator"),
            display_message=event_type,
            event_type=event_type,
            outcome={"result": result, "reason": None},
            published=milliseconds(now),
            transaction={"type": kind, "id": f"tx{self._random.getrandbits(64):016x}", "detail": {}},
            uuid=str(UUID(int=self._random.getrandbits(128), version=4)),
            target=tuple(shuffled),
        )
        late = self._late()
        at = now.timestamp() + (self._random.uniform(0, late) if late > 0 else 0.0)
        insort_right(self._stored, _Stored(at, event), key=lambda stored: stored.at)
        for tell in self.on_added:
            tell(event)
        return event

    def visible(self) -> list[LogEvent | None]:
        """What is stored by now, in the order of storing; what is older than 90 days left a hole."""
        now = self._clock.now()
        end = bisect_right(self._stored, now.timestamp(), key=lambda stored: stored.at)
        oldest = milliseconds(now - _KEPT)
        return [stored.event if stored.event.published >= oldest else None for stored in self._stored[:end]]
