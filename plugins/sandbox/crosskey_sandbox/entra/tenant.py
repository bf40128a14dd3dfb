"""One Entra ID tenant in memory."""

from __future__ import annotations

from typing import NamedTuple

from crosskey.clock import Clock, SystemClock
from crosskey_sandbox.entra.apps import Applications
from crosskey_sandbox.entra.assignments import Assignments
from crosskey_sandbox.entra.cell import Cell
from crosskey_sandbox.entra.courier import Courier
from crosskey_sandbox.entra.directory import Directory
from crosskey_sandbox.entra.faults import Faults
from crosskey_sandbox.entra.limits import Limits
from crosskey_sandbox.entra.paging import Seals
from crosskey_sandbox.entra.permissions import GRAPH_APP_ID, PERMISSIONS
from crosskey_sandbox.entra.quirks import EntraQuirks
from crosskey_sandbox.entra.registrations import Registrations
from crosskey_sandbox.entra.rows import Rows
from crosskey_sandbox.entra.subscriptions import Subscriptions
from crosskey_sandbox.entra.tokens import TokenEndpoint
from crosskey_sandbox.entra.view import View, seen_by

__all__ = ("EntraTenant", "Seen")


class Seen(NamedTuple):
    """One request that the tenant answered, or one item of a batch."""

    method: str
    path: str  # the template: /v1.0/groups/{id}/members
    status: int
    batched: bool = False


class EntraTenant:
    """Users, groups, applications and credentials, with the same ids for the same seed and history.

    ``tenant.directory`` reads and changes objects (safely from any thread), ``tenant.applications`` registers apps,
    ``tenant.assignments`` says who may use them, ``tenant.quirks`` holds the switches, ``tenant.requests`` lists what
    was asked, ``tenant.courier`` delivers notifications of changes. ``tenant.application`` may read everything that an
    identity source needs.
    """

    def __init__(
        self,
        *,
        name: str = "Acme",
        domain: str = "acme.example",
        seed: int = 7,
        clock: Clock | None = None,
        quirks: EntraQuirks | None = None,
    ) -> None:
        self.cell = Cell(clock or SystemClock(), quirks or EntraQuirks(), seed)
        self.id = self.cell.guid()
        self.name = name
        self.domain = domain
        self.initial_domain = f"{domain.partition('.')[0]}.onmicrosoft.example"
        self.directory = Directory(self.cell)
        self.applications = Applications(self.cell, self.directory, self.id)
        self.registrations = Registrations(self.cell, self.directory)
        self.assignments = Assignments(self.cell, self.directory, self.applications)
        self.tokens = TokenEndpoint(self.cell, self.applications)
        self.seals = Seals(self.cell, self.id)
        self.limits = Limits(self.cell, self.id)
        self.faults = Faults(self.cell, self.limits)
        self.subscriptions = Subscriptions(self.cell, self.directory)
        self.courier = Courier(self.cell, self.subscriptions, self.id)
        self.rows = Rows()
        self.requests: list[Seen] = []
        self._reads = 0
        self._within: tuple[tuple[str, int, int], list[str]] = (("", 0, 0), [])
        self._reports: tuple[tuple[int, int], dict[str, list[str]]] = ((-1, -1), {})
        self.graph = self.directory.create("servicePrincipal", _GRAPH)
        self.application = self.applications.register("crosskey", secret=f"sandbox-entra-secret-{self.cell.guid()}")

    @property
    def quirks(self) -> EntraQuirks:
        """The switches in force."""
        return self.cell.quirks

    @quirks.setter
    def quirks(self, quirks: EntraQuirks) -> None:
        self.cell.quirks = quirks
        self.faults = Faults(self.cell, self.limits)  # faults count from here on

    @property
    def names(self) -> frozenset[str]:
        """What the tenant may be called in a sign-in address: its id and its domains."""
        return frozenset({self.id, self.domain, self.initial_domain})

    def expire_deltas(self) -> None:
        """No delta token given out so far is good any more, as after a move of the tenant."""
        with self.cell.lock:
            self.seals.era += 1

    def view(self) -> View:
        """What the next read sees."""
        self._reads += 1
        return seen_by(self.directory, self.cell, self._reads)

    def within(self, view: View, group_id: str) -> list[str]:
        """:meth:`View.within`, kept for the next page of the same group."""
        key = (group_id, view.upto, len(self.directory.log))
        if self._within[0] != key:
            self._within = (key, view.within(group_id))
        return self._within[1]

    def reports(self, view: View, manager: str) -> list[str]:
        """Who has this manager, oldest first; found once for all managers, until something changes."""
        key = (view.upto, len(self.directory.log))
        if self._reports[0] != key:
            found: dict[str, list[str]] = {}
            for who in view.order("user"):
                record = view.live(who)
                if record is not None and record.manager:
                    found.setdefault(record.manager, []).append(who)
            self._reports = (key, found)
        return self._reports[1].get(manager, [])

    def counted(self, path: str | None = None, *, method: str | None = None, batched: bool | None = None) -> int:
        """How many requests were answered, in all or for one path template, method, or (not) within batches."""
        return sum(
            (path is None or seen.path == path)
            and (method is None or seen.method == method)
            and (batched is None or seen.batched is batched)
            for seen in self.requests
        )


_GRAPH: dict[str, object] = {
    "appId": GRAPH_APP_ID,
    "displayName": "Microsoft Graph",
    "appDisplayName": "Microsoft Graph",
    "accountEnabled": True,
    "appRoleAssignmentRequired": False,
    "servicePrincipalNames": [GRAPH_APP_ID, "https://graph.microsoft.com"],
    "servicePrincipalType": "Application",
    "signInAudience": "AzureADMultipleOrgs",
    "appRoles": [
        {
            "allowedMemberTypes": ["Application"],
            "description": "",
            "displayName": name,
            "id": key,
            "isEnabled": True,
            "origin": "Application",
            "value": name,
        }
        for name, key in PERMISSIONS.items()
    ],
}
