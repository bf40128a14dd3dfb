"""An open Okta org as an identity source."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import msgspec

from crosskey.connector.context import Context
from crosskey.connector.credential import Credential
from crosskey.connector.sign_in import SetUp, SignInApp, Survey
from crosskey.connector.signal import SignalAnswer, SignalRequest, Subscription
from crosskey.connector.source import ReadPage, ReadRequest
from crosskey.errors import ConfigError, Diagnostic
from crosskey.model import Person, Subject
from crosskey_okta.address import Address
from crosskey_okta.changes import ChangesRead
from crosskey_okta.check import Check
from crosskey_okta.credentials import credentials_of
from crosskey_okta.cursor import Recent, open_cursor, request_digest
from crosskey_okta.hooks import Hooks
from crosskey_okta.lookup import groups_of_person, user_by_id
from crosskey_okta.org import Org
from crosskey_okta.people import People
from crosskey_okta.reading import FullRead
from crosskey_okta.settings import OktaSettings
from crosskey_okta.sign_in_app import SignInApps
from crosskey_okta.signals import receive
from crosskey_okta.status import Statuses

__all__ = ("OktaSource",)


class OktaSource:
    """Reads everyone and follows changes, looks one person up by id, hears event hooks, and says what is missing."""

    def __init__(self, org: Org, *, settings: OktaSettings, address: Address, context: Context) -> None:
        self._org = org
        self._settings = settings
        self._address = address
        self._context = context
        self._lately: dict[str, Recent] = {}
        self._sign_in = SignInApps(org, instance=context.instance)
        self._hooks = Hooks(org, instance=context.instance, secret=settings.hook_secret)

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
            issuer=self.issuer,
            instance=self._context.instance,
            settings=self._settings,
        )
        async with aclosing(read.pages()) as pages:
            async for page in pages:
                yield page

    async def read_changes(self, cursor: str, request: ReadRequest) -> AsyncGenerator[ReadPage]:
        """Who and what changed since ``cursor``; deleted people and groups only where the System Log can be read.

        A round costs one search for each 200 people who changed, one request for each 200 groups, the log's pages (one
        when nothing happened), and the members of the selected groups that changed: the list, or one request for each
        person whom the log names where that is cheaper. Apps: their list and their users' in each round, with the log
        only when something happened. Nothing changed: two requests, three with the log.
        """
        place = open_cursor(cursor, request_digest(request, self._settings, self.issuer), self._context.instance)
        self._lately = place.still_recent(self._lately)
        read = ChangesRead(
            self._org,
            self._people(request.attributes),
            request,
            msgspec.structs.replace(place, recent={**place.recent, **self._lately}),
            instance=self._context.instance,
            settings=self._settings,
            clock=self._context.clock,
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
        row = await user_by_id(self._org, people, subject.id)
        if row is None:
            return None
        person = people.person(row)
        # A round's search may be behind with what this answer says.
        self._lately[row.id] = Recent(row.last_updated or "", person.active)
        return person

    async def groups_of(self, subject: Subject) -> frozenset[str]:
        """Ids of all the person's groups; Okta gives them at once, without pages. Costs one request."""
        return await groups_of_person(self._org, subject.id)

    def receive(self, request: SignalRequest) -> SignalAnswer:
        """What an event hook of Okta pushes: people and groups to look at. Needs ``hook_secret``."""
        return receive(request, self._settings.hook_secret)

    async def subscriptions(self) -> Sequence[Subscription]:
        """The event hooks that bear this instance's name. Costs one request."""
        return await self._hooks.subscriptions()

    async def subscribe(self, url: str) -> Sequence[Subscription]:
        """One event hook that delivers to ``url``, verified; when all is well it costs one request and changes nothing.

        Needs the scope ``okta.eventHooks.manage`` and the role Super Administrator, which nothing else needs: a hook
        made by hand in Okta's console does as well.
        """
        return await self._hooks.subscribe(url)

    async def renew(self, subscription: Subscription) -> Subscription:
        """Write the event hook anew with the present ``hook_secret`` (Okta shows no old one), and verify it."""
        return await self._hooks.renew(subscription)

    async def unsubscribe(self, subscription: Subscription) -> None:
        """Deactivate and delete the event hook."""
        await self._hooks.unsubscribe(subscription)

    async def survey_sign_in(self, app: SignInApp) -> Survey:
        """The app that a door's people sign in to, compared with what it should be. Needs ``okta.apps.read``."""
        return await self._sign_in.survey(app)

    async def set_up_sign_in(self, app: SignInApp) -> SetUp:
        """Make the app, or mend the one that is there, and assign its groups.

        Needs the scope ``okta.apps.manage`` and the role Application Administrator, which nothing else needs.
        """
        return await self._sign_in.set_up(app)

    async def credentials(self) -> Sequence[Credential]:
        """The API token or the app's key. Okta tells the end of neither; a JWK may hold its own (``exp``)."""
        return credentials_of(self._settings, self._context.instance)

    def _people(self, extra: frozenset[str] | None) -> People:
        return People(
            issuer=self.issuer,
            instance=self._context.instance,
            statuses=Statuses(self._settings.statuses, self._context.instance),
            overrides=self._settings.attributes,
            extra=extra,
        )
