"""An open Entra tenant as an identity source."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from urllib.parse import quote

import msgspec

from crosskey.connector.context import Context
from crosskey.connector.credential import Credential as ConnectorCredential
from crosskey.connector.sign_in import SetUp, SignInApp, Survey
from crosskey.connector.signal import SignalAnswer, SignalRequest, Subscription
from crosskey.connector.source import ReadPage, ReadRequest
from crosskey.errors import ConfigError, Diagnostic, RejectedError
from crosskey.model import Person, Subject
from crosskey_entra.attributes import read_attributes
from crosskey_entra.changes import Changes
from crosskey_entra.check import Check
from crosskey_entra.credentials import Credential
from crosskey_entra.cursor import read_cursor
from crosskey_entra.errors import is_gone
from crosskey_entra.expiry import Expiry
from crosskey_entra.graph import Graph
from crosskey_entra.memberships import groups_of
from crosskey_entra.people import People
from crosskey_entra.reading import FullRead
from crosskey_entra.settings import EntraSettings
from crosskey_entra.sign_in_app import SignInApps
from crosskey_entra.signals import Notifications
from crosskey_entra.subscriptions import Subscriptions

__all__ = ("EntraSource",)

_OBJECT_ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
"""Object ids are GUIDs; another vendor's id would be "not found" for ever, which must not pass for a leaver."""


class EntraSource:
    """Reads everyone, or what changed since; looks one person up by id, and says what is missing."""

    def __init__(
        self, graph: Graph, *, settings: EntraSettings, issuer: str, credential: Credential, context: Context
    ) -> None:
        self._graph = graph
        self._settings = settings
        self._issuer = issuer
        self._credential = credential
        self._context = context
        self._sign_in = SignInApps(graph, clock=context.clock, instance=context.instance)
        self._notifications = Notifications(settings.hook_secret, self._tenant)
        self._subscriptions = Subscriptions(
            graph,
            client_id=settings.client_id.strip().strip("{}").lower(),
            secret=settings.hook_secret,
            clock=context.clock,
            instance=context.instance,
        )

    @property
    def issuer(self) -> str:
        """The issuer of the tenant's sign-in tokens, which holds its id; or the name that the configuration keeps."""
        return self._issuer

    async def check(self) -> Sequence[Diagnostic]:
        """Probe credential, tenant and each permission; costs about seven requests."""
        return await Check(self._graph, self._settings, self._credential, self._context).run()

    async def read(self, request: ReadRequest) -> AsyncGenerator[ReadPage]:
        """Everyone, all groups, and the members of the groups and apps that ``request`` names.

        Costs ceil(users/999) + ceil(groups/999) + ceil(named groups/20) and a request for each further 999 members;
        with apps, ceil(enterprise apps/999) and about two for each that is named. Never a request per person.

        With ``request.changes``, besides: two for people, and for each fifty groups that are named or within one the
        pages of a delta list. The read then ends with a cursor.
        """
        read = FullRead(
            self._graph,
            self._people(request.attributes),
            request,
            instance=self._context.instance,
            settings=self._settings,
            tenant=self._tenant,
            mark=self._mark(request),
        )
        async with aclosing(read.pages()) as pages:
            async for page in pages:
                yield page

    async def read_changes(self, cursor: str, request: ReadRequest) -> AsyncGenerator[ReadPage]:
        """What changed since ``cursor``; see :class:`crosskey_entra.changes.Changes` for cost and limits.

        Raises :class:`crosskey.errors.CursorExpiredError` for a place that Graph does not know any more (after seven
        days at the latest), and for a cursor of another tenant, other settings or another request.
        """
        place = read_cursor(cursor, self._graph, tenant=self._tenant, mark=self._mark(request))
        people = self._people(request.attributes)
        changes = Changes(self._graph, people, place, self._settings, self._context.instance, self._context.clock.now())
        async with aclosing(changes.pages()) as pages:
            async for page in pages:
                yield page

    async def groups_of(self, subject: Subject) -> frozenset[str]:
        """Ids of the person's groups, as ``members`` in the settings counts them; one request.

        Raises for everybody whose groups Graph does not show, and for whoever is not there.
        """
        self._own(subject)
        return await groups_of(self._graph, subject.id, transitive=self._settings.members == "transitive")

    async def find(self, subject: Subject) -> Person | None:
        """The person; ``None`` only when Graph says that this id does not exist (Request_ResourceNotFound).

        That is so for the deleted in the recycle bin too; restored ones come back under the same id. Raises for every
        other refusal.
        """
        self._own(subject)
        people = self._people(None)
        try:
            reply = await self._graph.get(
                f"/users/{quote(subject.id, safe='')}", people.one, params=people.query, template="/users/{id}"
            )
        except RejectedError as error:
            if is_gone(error):
                return None
            raise
        return people.person(reply.value)

    def receive(self, request: SignalRequest) -> SignalAnswer:
        """Verify and read one change notification of Graph: no network, and nothing is raised."""
        return self._notifications.receive(request)

    async def subscriptions(self) -> Sequence[Subscription]:
        """The app's subscriptions to users and groups."""
        return await self._subscriptions.all()

    async def subscribe(self, url: str) -> Sequence[Subscription]:
        """Have changes of users and groups told to ``url`` for 28 days; what is there already stays as it is.

        Needs User.Read.All and Group.Read.All, and Graph must reach ``url`` while it is asked.
        """
        return await self._subscriptions.make(url)

    async def renew(self, subscription: Subscription) -> Subscription:
        """Another 28 days from now."""
        return await self._subscriptions.renew(subscription)

    async def unsubscribe(self, subscription: Subscription) -> None:
        """Remove a subscription; that it is gone already is no error."""
        await self._subscriptions.remove(subscription)

    async def survey_sign_in(self, app: SignInApp) -> Survey:
        """The app registration that a door's people sign in to, compared. Needs Application.Read.All."""
        return await self._sign_in.survey(app)

    async def set_up_sign_in(self, app: SignInApp) -> SetUp:
        """Make the registration and its service principal, or mend those that are there.

        Needs Application.ReadWrite.OwnedBy; to assign groups as well, AppRoleAssignment.ReadWrite.All.
        """
        return await self._sign_in.set_up(app)

    async def credentials(self) -> Sequence[ConnectorCredential]:
        """The credential in use and when it ends; a request where it is a client secret."""
        return await Expiry(self._graph, self._settings, self._credential).credentials()

    def _own(self, subject: Subject) -> None:
        """Refuse whoever is not of this tenant: that they are unknown here says nothing about them."""
        if subject.issuer != self.issuer:
            raise ConfigError(
                f"{subject} does not belong to this tenant, whose people bear {self.issuer}",
                code="entra-foreign-subject",
                where=f"{self._context.instance}.issuer",
                fix="check `tenant` and `cloud`; links of another tenant's people cannot be looked up here",
            )
        if not _OBJECT_ID.fullmatch(subject.id):
            raise ConfigError(
                f'"{subject.id}" is no object id of Entra ID: that it is unknown here says nothing about the person',
                code="entra-foreign-subject",
                where=f"{self._context.instance}.issuer",
                fix="remove `issuer`, or let it name a tenant whose people this source has read before",
            )

    @property
    def _tenant(self) -> str:
        return self._settings.tenant.strip().strip("{}").lower()

    def _mark(self, request: ReadRequest) -> str:
        """Tells apart what a cursor depends on: a place of other properties, groups or rules tells other changes."""
        told = (
            self._people(request.attributes).attributes,
            (request.groups.names, request.groups.pins, request.apps.names, request.apps.pins),
            (self._settings.members, self._settings.guests, self._issuer),
        )
        return hashlib.sha256(msgspec.json.encode(told, order="sorted")).hexdigest()

    def _people(self, extra: frozenset[str] | None) -> People:
        where = self._context.instance
        return People(
            issuer=self.issuer,
            instance=where,
            guests=self._settings.guests,
            attributes=read_attributes(self._settings.attributes, extra, where),
        )
