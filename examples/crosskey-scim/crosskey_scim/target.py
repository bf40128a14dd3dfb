"""An open SCIM service as a crosskey target."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager

from crosskey import (
    Account,
    AccountsComplete,
    AccountsPage,
    AccountsRequest,
    Catalogue,
    Change,
    Context,
    Diagnostic,
    KindSpec,
    Lookup,
    Outcome,
    ReferenceSpec,
    TargetSchema,
)
from crosskey.http import Budget

from crosskey_scim.accounts import GROUP, KIND, MEMBER_OF, account_of, field_of
from crosskey_scim.check import findings
from crosskey_scim.directory import Directory, explain
from crosskey_scim.lookups import Lookups
from crosskey_scim.memberships import Memberships
from crosskey_scim.settings import ScimSettings
from crosskey_scim.token import BearerToken
from crosskey_scim.writer import MARKER_TAKEN, NOT_DONE, Writer

__all__ = ("ScimTarget", "open_service")

_MINUTE = 60.0


@asynccontextmanager
async def open_service(settings: ScimSettings, context: Context) -> AsyncGenerator[ScimTarget]:
    """Open a service; costs no request. Raises :class:`ConfigError` for an address that cannot be one."""
    budget = Budget(settings.requests_per_minute, _MINUTE) if settings.requests_per_minute else None
    async with context.http(
        settings.url,
        auth=BearerToken(settings.token),
        headers={"Accept": "application/scim+json, application/json"},
        explain=explain,
        budget=budget,
        concurrency=settings.concurrency,
    ) as client:
        yield ScimTarget(Directory(client, settings, context.instance), settings)


class ScimTarget:
    """Users of one service, with the groups they are in. Reads, writes, finds and looks up."""

    def __init__(self, directory: Directory, settings: ScimSettings) -> None:
        self._directory = directory
        self._settings = settings
        self._memberships = Memberships(directory)
        self._lookups = Lookups(directory, self._memberships)
        self._writer = Writer(directory, self._lookups, self._memberships)

    async def check(self) -> Sequence[Diagnostic]:
        """Ask the service what it is, try its lists, and say what is missing with its fix."""
        return [finding async for finding in findings(self._directory)]

    async def schema(self) -> TargetSchema:
        """Kinds, fields and limits; costs no request. What a service lacks of it, :meth:`check` says."""
        groups = ReferenceSpec(name=MEMBER_OF, summary="Groups", many=True, catalogue=GROUP)
        user = KindSpec(
            name=KIND,
            summary="User of the service",
            fields=tuple(field_of(place) for place in self._directory.places.values()),
            references=(groups,),
        )
        return TargetSchema(kinds=(user,), batch=self._settings.batch, final=frozenset({NOT_DONE, MARKER_TAKEN}))

    async def catalogue(self) -> Catalogue:
        """All groups by name."""
        return await self._memberships.catalogue()

    async def read(self, request: AccountsRequest) -> AsyncGenerator[AccountsPage | AccountsComplete]:
        """All users, inactive ones included; groups, with all their members, only where the mapping gives any.

        Costs ceil(users/page) + ceil(groups/page) requests. Raises rather than end early.
        """
        keys: set[str] = set()
        if KIND in request.kinds:
            service = await self._directory.service()
            wanted = MEMBER_OF in request.references.get(KIND, frozenset())
            groups = await self._memberships.by_user() if wanted else None
            async with aclosing(self._directory.pages(service.users)) as pages:
                async for page in pages:
                    keys.update(user["id"] for user in page)
                    yield AccountsPage([account_of(user, self._directory.places, groups) for user in page])
        yield AccountsComplete(counts={KIND: len(keys)})

    async def look_up(self, lookup: Lookup) -> Sequence[Account]:
        """Single users by id, marker or what a field holds, inactive ones included."""
        return await self._lookups.look_up(lookup)

    async def find(self, change: Change) -> Account | None:
        """The user that a create made, by its marker; or the user as it is now."""
        return await self._lookups.find(change)

    async def apply(self, batch: Sequence[Change]) -> Sequence[Outcome]:
        """Write users one by one, and each group once for all of them; one outcome each."""
        return await self._writer.apply(batch)
