"""One Okta org in memory."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from crosskey.clock import Clock, SystemClock
from crosskey_sandbox.okta.access import SUPER_ADMIN, Access
from crosskey_sandbox.okta.apps import Apps
from crosskey_sandbox.okta.cell import Cell, time_text
from crosskey_sandbox.okta.dpop import Proofs
from crosskey_sandbox.okta.faults import Faults
from crosskey_sandbox.okta.groups import Groups
from crosskey_sandbox.okta.hooks import EventHooks
from crosskey_sandbox.okta.limits import Limits
from crosskey_sandbox.okta.oauth import TokenEndpoint
from crosskey_sandbox.okta.quirks import OktaQuirks
from crosskey_sandbox.okta.syslog import SystemLog
from crosskey_sandbox.okta.users import Users

__all__ = ("OktaOrg", "Seen")

FOUNDED = datetime(2019, 3, 4, 9, 0, tzinfo=UTC)


class Seen(NamedTuple):
    """One request that the org answered."""

    method: str
    path: str  # the template: /api/v1/groups/{id}/users
    status: int


class OktaOrg:
    """Users, groups, applications and credentials, with the same ids for the same seed and history.

    ``org.users``, ``org.groups`` and ``org.apps`` read and change the directory (safely from any thread), ``org.log``
    is the System Log, ``org.hooks`` who is told of it. ``org.access`` makes credentials, ``org.quirks`` holds the
    switches, ``org.requests`` lists what was asked.
    ``org.api_token`` belongs to a super administrator.
    """

    def __init__(
        self,
        *,
        subdomain: str = "acme",
        company: str = "Acme",
        seed: int = 7,
        clock: Clock | None = None,
        quirks: OktaQuirks | None = None,
    ) -> None:
        self.cell = Cell(clock or SystemClock(), quirks or OktaQuirks(), seed)
        self.subdomain = subdomain
        self.company = company
        self.id = self.cell.new_id("00o")
        self.founded = time_text(FOUNDED)
        self.users = Users(self.cell)
        self.groups = Groups(self.cell, self.users, founded=self.founded)
        self.apps = Apps(self.cell, self.users, self.groups)
        self.hooks = EventHooks(self.cell)
        self.access = Access(self.cell, self.users)
        self.proofs = Proofs(self.cell)
        self.tokens = TokenEndpoint(self.cell, self.access, self.proofs)
        self.limits = Limits(self.cell)
        self.faults = Faults(self.cell)
        self.requests: list[Seen] = []
        self.searches = 0
        self.api_token = self.access.add_token(SUPER_ADMIN)

    @property
    def log(self) -> SystemLog:
        """What happened."""
        return self.cell.log

    @property
    def quirks(self) -> OktaQuirks:
        """The switches in force."""
        return self.cell.quirks

    @quirks.setter
    def quirks(self, quirks: OktaQuirks) -> None:
        self.cell.quirks = quirks
        self.faults = Faults(self.cell)  # faults count from here on

    def counted(self, path: str | None = None, *, method: str | None = None) -> int:
        """How many requests were answered, in all or for one path template and method."""
        return sum(
            (path is None or seen.path == path) and (method is None or seen.method == method) for seen in self.requests
        )
