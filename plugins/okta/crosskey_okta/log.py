"""The System Log as an accelerator: whom to look at. It is late at times and kept for 90 days, so never the truth."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from crosskey.errors import AuthError, ContractError, CrosskeyError, Diagnostic, RejectedError
from crosskey_okta.cursor import OVERLAP, okta_time
from crosskey_okta.org import Org, Parameters
from crosskey_okta.settings import LOG_SCOPE, OktaSettings

__all__ = ("EVENTS", "LOGS", "LogPoll", "Told", "Touch", "may_read_log")

LOGS = "/api/v1/logs"
_PAGE = 1000
_PAGES = 50
"""Pages of one round. Whoever is further behind lists everything that changed, and goes on from here next time."""

_STEPS = {"group.user_membership.add": 1, "group.user_membership.remove": -1}
_LEFT = ("user.lifecycle.deactivate", "user.lifecycle.suspend")
_DELETED = ("user.lifecycle.delete.initiated", "user.lifecycle.delete.completed")
_GROUPS_GONE = ("group.lifecycle.delete", "system.import.group.delete")
_APP_GONE = "application.lifecycle.delete"
_APPS = (
    "application.user_membership.add",
    "application.user_membership.remove",
    "application.user_membership.update",
    "group.application_assignment.add",
    "group.application_assignment.remove",
    "group.application_assignment.update",
    "application.lifecycle.create",
    "application.lifecycle.update",
    "application.lifecycle.activate",
    "application.lifecycle.deactivate",
    _APP_GONE,
)


class _Outcome(msgspec.Struct, frozen=True):
    result: str = ""


class LogTarget(msgspec.Struct, frozen=True):
    """One thing that an event is about; their order is not promised."""

    type: str = ""
    id: str = ""


class LogEvent(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """One event, as far as it says whom to look at."""

    event_type: str
    published: str = ""
    uuid: str = ""
    outcome: _Outcome | None = None
    target: Sequence[LogTarget] | None = None

    @property
    def succeeded(self) -> bool:
        """Whether what it tells of happened."""
        return self.outcome is not None and self.outcome.result == "SUCCESS"

    def ids(self, type: str) -> list[str]:
        """The ids of its targets of one type."""
        return [target.id for target in self.target or () if target.type == type and target.id]


EVENTS = msgspec.json.Decoder(list[LogEvent])


class Touch(msgspec.Struct, frozen=True):
    """Somebody joined a group (``step`` 1) or left it (-1), at a time as groups tell it."""

    user: str
    step: int
    at: str


class Told(msgspec.Struct):
    """What the log told in one round. ``complete``: to its end, so that what it says nothing of is old, or late."""

    complete: bool = False
    touches: dict[str, list[Touch]] = msgspec.field(default_factory=dict[str, list[Touch]])
    left: set[str] = msgspec.field(default_factory=set[str])
    deleted: set[str] = msgspec.field(default_factory=set[str])
    groups: set[str] = msgspec.field(default_factory=set[str])
    apps: set[str] = msgspec.field(default_factory=set[str])
    assignments: bool = False

    def add(self, event: LogEvent) -> None:
        """Take one event in. What did not succeed did not happen."""
        if not event.succeeded:
            return
        kind, users, groups = event.event_type, event.ids("User"), event.ids("UserGroup")
        step = _STEPS.get(kind)
        if step is not None:
            at = event.published[:19] + ".000Z"  # whole seconds, as groups have them
            for group in groups:
                self.touches.setdefault(group, []).extend(Touch(user, step, at) for user in users)
        elif kind in _LEFT:
            self.left.update(users)
        elif kind in _DELETED:
            self.deleted.update(users)
        elif kind in _GROUPS_GONE:
            self.groups.update(groups)
        elif kind in _APPS:
            self.assignments = True
            if kind == _APP_GONE:
                self.apps.update(event.ids("AppInstance"))


class LogPoll:
    """Polls the log: ordered by the time of storing, so nothing is lost while the next link is kept.

    ``link`` is where the next round goes on ("": from a time), ``refused`` whether the credential may not read it,
    ``trouble`` why this round does without it, ``date`` when Okta answered first.
    """

    def __init__(self, org: Org, *, link: str, since: datetime, apps: bool) -> None:
        self._org = org
        self._since = since
        self._apps = apps
        self.link = link
        self.refused = False
        self.trouble: Diagnostic | None = None
        self.date: datetime | None = None

    async def read(self) -> Told:
        """What was stored since the last round. Any trouble is an incomplete answer, and no error: lists are there."""
        told = Told()
        try:
            try:
                await self._follow(told)
            except RejectedError:
                if not self.link:
                    raise
                self.link = ""  # the link is no longer known: from the last round's time, once
                await self._follow(told)
        except AuthError:
            self.link, self.refused = "", True
        except CrosskeyError as error:
            if isinstance(error, ContractError):
                self.link = ""  # a link to another host, or a page that cannot be read: never the same again
            self.trouble = msgspec.structs.replace(
                error.diagnostic(),
                severity="warning",
                code="okta-log",
                summary=f"the System Log could not be read, so what changed was listed instead: {error.message}",
            )
        return told

    async def _follow(self, told: Told) -> None:
        params: Parameters | None = None
        if not self.link:
            kinds = (*_STEPS, *_LEFT, *_DELETED, *_GROUPS_GONE, *(_APPS if self._apps else ()))
            params = {
                "since": okta_time(self._since - OVERLAP),
                "filter": " or ".join(f'eventType eq "{kind}"' for kind in kinds),
                "limit": _PAGE,
                "sortOrder": "ASCENDING",
            }
        for _ in range(_PAGES):
            reply = await self._org.get(self.link or LOGS, EVENTS, params=params, template=LOGS)
            self.date = self.date or reply.date
            for event in reply.value:
                told.add(event)
            following = reply.links.get("next", "")
            if following:
                self.link, params = following, None
            if not reply.value or not following:
                # The end: an empty page, whose next link is its own.
                told.complete = True
                return


def may_read_log(org: Org, settings: OktaSettings) -> bool:
    """Whether it is worth asking: an API token has its owner's rights, a service app needs the scope."""
    if org.app is None:
        return True
    return LOG_SCOPE in settings.scopes and (not org.app.granted or org.app.holds(LOG_SCOPE))
