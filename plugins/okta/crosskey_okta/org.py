"""Requests to one org: lists page by page, single objects, refusals with their fix."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, TypeVar

import msgspec

from crosskey.errors import AuthError, ContractError, RejectedError
from crosskey.http import Client, Reply
from crosskey_okta.advice import Advice, scope_for
from crosskey_okta.errors import is_bad_cursor

if TYPE_CHECKING:
    from crosskey_okta.service_app import ServiceApp

__all__ = ("LIGHT_USERS", "Org", "OrgFacts", "Parameters")

T = TypeVar("T")
Parameters = Mapping[str, str | int]

_FACTS = "/.well-known/okta-organization"

LIGHT_USERS: Mapping[str, str] = {
    "Content-Type": "application/json; okta-response=omitCredentials,omitCredentialsLinks,omitTransitioningToStatus"
}
"""Makes Okta leave out what nobody reads here: answers get smaller and come faster."""


class OrgFacts(msgspec.Struct):
    """What an org tells anybody: its id, and ``pipeline`` ``idx`` (Identity Engine) or ``v1`` (Classic)."""

    id: str
    pipeline: str = ""


class Org:
    """The client of one org, with advice for every refusal; ``app`` when a service app is its credential."""

    def __init__(self, client: Client, advice: Advice, app: ServiceApp | None) -> None:
        self._client = client
        self.advice = advice
        self.app = app

    async def facts(self) -> Reply[OrgFacts]:
        """Who the host is, asked without any credential: a mistyped host must never see one."""
        return await self._client.call("GET", _FACTS, decode=OrgFacts, template=_FACTS, auth=None)

    async def get(
        self,
        path: str,
        decode: msgspec.json.Decoder[T],
        *,
        params: Parameters | None = None,
        template: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Reply[T]:
        """One object or one page. Raises what the HTTP client raises."""
        try:
            return await self._client.call(
                "GET", path, decode=decode, params=params, headers=headers, template=template or path
            )
        except AuthError as error:
            raise self._advised(error, template or path) from None
        except ContractError as error:
            raise self.advice.pinned(error) from None

    async def send(
        self,
        method: str,
        path: str,
        decode: msgspec.json.Decoder[T],
        *,
        template: str,
        scope: str,
        json: object = msgspec.UNSET,
    ) -> Reply[T]:
        """One request that may be repeated without harm, unless it makes something (a POST with ``json``).

        ``scope`` is what it needs. Raises what the HTTP client raises.
        """
        repeatable = method != "POST" or json is msgspec.UNSET
        try:
            return await self._client.call(
                method, path, decode=decode, json=json, template=template, repeatable=repeatable
            )
        except AuthError as error:
            raise self.advice.improve(error, self._missing(scope), of=scope) from None

    async def listing(
        self,
        path: str,
        decode: msgspec.json.Decoder[T],
        params: Parameters,
        *,
        template: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[Reply[T]]:
        """Every page of a list, until Okta gives no next link.

        A list whose cursor Okta forgot on the way starts again, once: rows may come twice, none is lost.
        """
        for last_try in (False, True):
            moved = False
            try:
                pages = self._client.pages(  # pyright: ignore[reportArgumentType]  the default next_url reads no value
                    path, decode=decode, params=params, headers=headers, template=template or path
                )
                async for reply in pages:
                    moved = True
                    yield reply
            except AuthError as error:
                raise self._advised(error, path) from None
            except ContractError as error:
                raise self.advice.pinned(error) from None
            except RejectedError as error:
                if last_try or not moved or not is_bad_cursor(error):
                    raise
            else:
                return

    def _advised(self, error: AuthError, path: str) -> AuthError:
        return self.advice.improve(error, self._missing(scope_for(path)))

    def _missing(self, scope: str) -> str:
        return "" if self.app is None or self.app.holds(scope) else scope
