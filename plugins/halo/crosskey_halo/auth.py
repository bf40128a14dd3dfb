"""Signing in to an instance: where its authorisation server is, and a token from it.

Halo describes itself at ``/api/authinfo`` without a sign-in; older or closed instances answer nothing useful there, and
then the hosted default ``/auth/token`` holds. The tenant belongs into the query of the token URL. An application always
acts as the agent that it was given in Halo ("Agent to log in as").
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode, urljoin, urlsplit

import msgspec

from crosskey.errors import AuthError, ContractError, CrosskeyError, RejectedError, RetryableError
from crosskey.http import RefreshingAuth, Token
from crosskey.settings import Secret
from crosskey_halo.address import same_or_safer
from crosskey_halo.settings import HaloSettings

if TYPE_CHECKING:
    from crosskey.http import Client

__all__ = ("HaloAuth",)

_LIFE = 3600.0
"""Seconds a token is taken to live when the answer does not say; what every known client assumes."""


class _AuthInfo(msgspec.Struct, frozen=True):
    auth_url: str | None = None
    tenant_id: str | None = None


class _TokenAnswer(msgspec.Struct, frozen=True):
    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - the scheme's name
    expires_in: int | float | None = None
    scope: str | None = None


class _Server(msgspec.Struct, frozen=True):
    token_url: str
    tenant: str
    told_tenant: str


class HaloAuth(RefreshingAuth):
    """Client credentials (RFC 6749 §4.4).

    ``granted`` are the scopes of the last token, empty when the answer named none.
    """

    def __init__(self, settings: HaloSettings, address: str, *, where: str) -> None:
        super().__init__()
        self._settings = settings
        self._address = address
        self._where = where
        self._server: _Server | None = None
        self.granted: frozenset[str] = frozenset()

    @property
    def hosts(self) -> tuple[str, ...]:
        """Hosts besides the instance's own that tokens may come from: only what the configuration names."""
        authority = urlsplit(self._settings.auth_url).netloc
        return (authority,) if authority else ()

    async def fetch(self, client: Client) -> Token:
        """A new token. Raises :class:`AuthError` with the key to correct when Halo refuses the credential."""
        if self._server is None:
            self._server = await self._discover(client)
        server = self._server
        try:
            reply = await client.call(
                "POST",
                server.token_url,
                decode=_TokenAnswer,
                form={
                    "grant_type": "client_credentials",
                    "client_id": self._settings.client_id,
                    "client_secret": self._settings.client_secret.reveal(),
                    "scope": self._settings.scope,
                },
                template="/auth/token",
                auth=None,
                repeatable=True,
            )
        except CrosskeyError as error:
            raise self._explained(error, server) from error
        answer = reply.value
        self.granted = frozenset((answer.scope or "").split())
        return Token(
            value=Secret(answer.access_token),
            token_type=answer.token_type or "Bearer",
            expires_in=answer.expires_in or _LIFE,
            scope=self.granted,
        )

    async def _discover(self, client: Client) -> _Server:
        """Ask the instance where to sign in; what it does not say is taken from the settings and Halo's own default."""
        info = _AuthInfo()
        try:
            reply = await client.call(
                "GET", f"{self._address}/api/authinfo", decode=_AuthInfo, template="/api/authinfo", auth=None
            )
            info = reply.value
        except (RejectedError, AuthError, ContractError):
            pass  # not there, closed, or not JSON: the default address decides
        token_url = self._token_url(info.auth_url or "")
        tenant = self._settings.tenant or info.tenant_id or ""
        if tenant:
            token_url = f"{token_url}?{urlencode({'tenant': tenant})}"
        return _Server(token_url, tenant, info.tenant_id or "")

    def _token_url(self, told: str) -> str:
        """Where to ask for tokens. Raises :class:`AuthError` rather than send the secret to a host nobody named."""
        base = self._settings.auth_url or told or f"{self._address}/auth"
        url = urljoin(f"{self._address}/", base).rstrip("/")
        url = url if url.endswith("/token") else f"{url}/token"
        known = {urlsplit(self._address).netloc, *self.hosts}
        if same_or_safer(url) and urlsplit(url).netloc in known:
            return url
        parts = urlsplit(url)
        raise AuthError(
            f"the instance signs in at another address, {parts.scheme}://{parts.netloc}; the secret was not sent there",
            code="halo-auth-url",
            where=self._where,
            fix=f'if that is your authorisation server, write auth_url = "https://{parts.netloc}{parts.path}"',
        )

    def _explained(self, error: CrosskeyError, server: _Server) -> CrosskeyError:
        """The error with the key to correct; what Halo said stays in it."""
        said = error.message.casefold()
        if isinstance(error, RejectedError | AuthError):
            if "invalid_scope" in said or "scope" in said:
                return self._refused(
                    f'Halo does not grant the scope "{self._settings.scope}"',
                    "scope",
                    'write scope = "all", and tick the permission "all" at the API application in Halo',
                )
            if isinstance(error, AuthError) or "invalid_client" in said or "client" in said:
                return self._refused(
                    "Halo does not accept this client_id and client_secret",
                    "client_secret",
                    "copy the client id again (Halo may change it when the application is first saved), make a new "
                    'secret, and see that the method is "Client ID and Secret (Services)" and the application active',
                )
            if error.status == 404:
                return self._refused("there is no authorisation server at this address", "url", _URL_FIX)
        if isinstance(error, ContractError):
            return (
                error
                if error.code == "foreign-host"
                else self._refused("this address does not answer like a Halo instance", "url", _URL_FIX)
            )
        if isinstance(error, RetryableError) and error.code == "server-error":
            return self._unavailable(error, server)
        return error

    def _unavailable(self, error: RetryableError, server: _Server) -> CrosskeyError:
        # a wrong tenant (or host) is answered with HTTP 500, like a fault that passes: tell them apart where one can
        if self._settings.tenant and server.told_tenant and self._settings.tenant != server.told_tenant:
            return self._refused(
                f'the tenant "{self._settings.tenant}" is refused; this instance is "{server.told_tenant}"',
                "tenant",
                f'write tenant = "{server.told_tenant}", or leave the key out',
            )
        hint = f'tenant = "{server.tenant}"' if server.tenant else "tenant (none is set, and the instance names none)"
        return RetryableError(
            f"no token could be fetched: {error.message}",
            code="halo-token",
            where=self._where,
            fix=f"try again later; if it stays, check {hint} and url: Halo answers a wrong one with HTTP 500",
            wait=error.wait,
        )

    def _refused(self, message: str, key: str, fix: str) -> AuthError:
        return AuthError(message, code=f"halo-{key.replace('_', '-')}", where=f"{self._where}.{key}", fix=fix)


_URL_FIX = 'write the address of the desk itself, such as url = "https://acme.haloitsm.com"'
