"""An open Okta org as an identity source."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from urllib.parse import quote

from crosskey.connector.context import Context
from crosskey.connector.source import ReadPage, ReadRequest
from crosskey.errors import ConfigError, Diagnostic, RejectedError
from crosskey.model import Person, Subject
from crosskey_okta.address import Address
from crosskey_okta.check import Check
from crosskey_okta.errors import is_gone
from crosskey_okta.groups import MEMBERS as MEMBERSHIPS
from crosskey_okta.org import LIGHT_USERS, Org
from crosskey_okta.people import People
from crosskey_okta.reading import FullRead
from crosskey_okta.settings import OktaSettings
from crosskey_okta.status import Statuses

__all__ = ("OktaSource",)


class OktaSource:
    """Reads everyone, looks one person up by id, and says what is missing."""

    def __init__(self, org: Org, *, settings: OktaSettings, address: Address, context: Context) -> None:
        self._org = org
        self._settings = settings
        self._address = address
        self._context = context

    @property
    def issuer(self) -> str:
        """The org's address, or the name that the configuration keeps for it."""
        return self._settings.issuer or self._address.base

    async def check(self) -> Sequence[Diagnostic]:
        """Probe address, credential, scopes, roles and rate limits; costs about six requests."""
        return await Check(self._org, self._settings, self._address, self._context).run()

    async def read(self, request: ReadRequest) -> AsyncGenerator[ReadPage]:
        """Everyone, all groups, and the members of the groups and apps that ``request`` names.

        Costs ceil(users/200) + ceil(deprovisioned/200) + ceil(groups/200) + max(1, ceil(members/page)) for each group
        that is named, and never a request per person.
        """
        read = FullRead(
            self._org,
            self._people(request.attributes),
            request,
            instance=self._context.instance,
            settings=self._settings,
        )
        async with aclosing(read.pages()) as pages:
            async for page in pages:
                yield page

    async def find(self, subject: Subject) -> Person | None:
        """The person with all attributes; ``None`` only when Okta says that this id does not exist (E0000007).

        Strongly consistent, unlike Okta's search. Raises for every other refusal.
        """
        if subject.issuer != self.issuer:
            raise ConfigError(
                f"{subject} does not belong to this org, whose people bear {self.issuer}",
                code="okta-foreign-subject",
                where=f"{self._context.instance}.issuer",
                fix=f'if the org only changed its address, write issuer = "{subject.issuer}"',
            )
        people = self._people(None)
        try:
            reply = await self._org.get(
                f"/api/v1/users/{quote(subject.id, safe='')}",
                people.one,
                template="/api/v1/users/{id}",
                headers=LIGHT_USERS,
            )
        except RejectedError as error:
            if is_gone(error):
                return None
            raise
        return people.person(reply.value)

    async def groups_of(self, subject: Subject) -> frozenset[str]:
        """Ids of all the person's groups; Okta gives them at once, without pages. Costs one request."""
        reply = await self._org.get(
            f"/api/v1/users/{quote(subject.id, safe='')}/groups", MEMBERSHIPS, template="/api/v1/users/{id}/groups"
        )
        return frozenset(row.id for row in reply.value)

    def _people(self, extra: frozenset[str] | None) -> People:
        return People(
            issuer=self.issuer,
            instance=self._context.instance,
            statuses=Statuses(self._settings.statuses, self._context.instance),
            overrides=self._settings.attributes,
            extra=extra,
        )
