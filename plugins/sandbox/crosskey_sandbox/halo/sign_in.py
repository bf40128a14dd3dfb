"""Discovery and tokens: ``/api/authinfo``, ``/auth/.well-known/openid-configuration``, ``POST /auth/token``.

Rules followed: ``authinfo`` needs no token and tells ``auth_url`` and ``tenant_id``; the token request is a form
(``client_credentials``), the tenant a query parameter (a form field is taken too), a wrong tenant is HTTP 500; bad
credentials are 401 ``invalid_client``, a scope that does not exist or is not granted ``invalid_scope``. Tokens are
opaque.
"""

from __future__ import annotations

import hmac
import secrets
from typing import Final
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from crosskey_sandbox.halo.desk import HaloDesk, RequestLog

__all__ = ("SCOPES", "SignIn", "may")

_AREAS: Final = (
    "tickets", "calendar", "customers", "crm", "timesheets", "contracts", "suppliers", "items", "projects", "sales",
    "quotes", "sos", "pos", "invoices", "reporting", "software", "softwarelicensing", "kb", "assets",
    "distributionlists",
)  # fmt: skip
SCOPES: Final = frozenset(
    {"all", "all:standard", "all:teams", "admin", "editMine:timesheets", "access:chat", "access:adpasswordreset"}
    | {f"{verb}:{area}" for verb in ("read", "edit") for area in _AREAS}
)
"""Every scope that exists. There is no ``read:users`` and no ``read:agents``."""

_CUSTOMERS: Final = frozenset({"Users", "Client", "Site"})
_TICKETS: Final = frozenset({"Tickets", "TicketApproval"})
_LOOKUPS: Final = frozenset({"Agent", "Team", "TopLevel", "Organisation", "InstanceInfo"})


def may(scopes: frozenset[str], method: str, resource: str) -> bool:
    """Whether a token may do this.

    Users, clients and sites fall under ``customers``; reading agents and teams needs no scope; agent writes, roles
    and user roles need ``all`` or ``admin`` (the exact split between those two is not public; here both do).
    """
    if "all" in scopes:
        return True
    if resource in _CUSTOMERS:
        enough = {"all:standard", "edit:customers"} | ({"read:customers"} if method == "GET" else set[str]())
        return bool(scopes & enough)
    if resource in _TICKETS:
        enough = {"all:standard", "edit:tickets"} | ({"read:tickets"} if method == "GET" else set[str]())
        return bool(scopes & enough)
    return (resource in _LOOKUPS and method == "GET") or "admin" in scopes


class SignIn:
    """The endpoints that need no token."""

    def __init__(self, desk: HaloDesk) -> None:
        self.desk = desk

    def auth_info(self, request: Request) -> Response:
        """Where tokens are given and for which tenant."""
        if not self.desk.quirks.auth_info:
            return self._answer(request, "/api/authinfo", PlainTextResponse("", 404))
        body = {"auth_url": f"{_origin(request)}/auth", "tenant_id": self.desk.application.tenant}
        return self._answer(request, "/api/authinfo", JSONResponse(body))

    def configuration(self, request: Request) -> Response:
        """The OpenID discovery document of the authorisation server."""
        issuer = f"{_origin(request)}/auth/"
        body = {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}authorize",
            "token_endpoint": f"{issuer}token",
            "jwks_uri": f"{issuer}.well-known/jwks",
            "grant_types_supported": ["client_credentials"],
            "scopes_supported": sorted(SCOPES),
        }
        return self._answer(request, "/auth/.well-known/openid-configuration", JSONResponse(body))

    async def token(self, request: Request) -> Response:
        """``client_credentials`` for the application."""
        form = {name: values[-1] for name, values in parse_qs((await request.body()).decode()).items()}
        return self._answer(request, "/auth/token", self._grant(request, form))

    def _grant(self, request: Request, form: dict[str, str]) -> Response:
        desk, application = self.desk, self.desk.application
        tenant = request.query_params.get("tenant") or form.get("tenant", "")
        if tenant.casefold() != application.tenant.casefold() and (tenant or desk.quirks.tenant_required):
            return PlainTextResponse("An error occurred while processing your request.", 500)
        if form.get("grant_type") != "client_credentials":
            return _refusal(400, "unsupported_grant_type", "The specified 'grant_type' is not supported.")
        known = hmac.compare_digest(form.get("client_id", "").encode(), application.client_id.encode())
        secret = hmac.compare_digest(form.get("client_secret", "").encode(), application.client_secret.encode())
        if not (known and secret):
            return _refusal(401, "invalid_client", "The specified client credentials are invalid.")
        asked = frozenset(form.get("scope", "").split())
        granted = SCOPES if "all" in application.scopes else application.scopes
        if not asked or not asked <= granted:
            return _refusal(400, "invalid_scope", "The specified 'scope' is invalid.")
        value = f"sandbox.{secrets.token_urlsafe(24)}"
        desk.tokens[value] = (desk.clock.monotonic() + desk.quirks.token_life, asked)
        body: dict[str, object] = {"access_token": value, "token_type": "Bearer"}
        if desk.quirks.tells_expiry:
            body["expires_in"] = desk.quirks.token_life
        if desk.quirks.tells_scope:
            body["scope"] = " ".join(sorted(asked))
        return JSONResponse(body)

    def scopes_of(self, request: Request) -> frozenset[str] | None:
        """The scopes of the request's bearer token; ``None``: absent, unknown or expired."""
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        expires, scopes = self.desk.tokens.get(value, (0.0, frozenset[str]()))
        return scopes if scheme.lower() == "bearer" and self.desk.clock.monotonic() < expires else None

    def _answer(self, request: Request, path: str, response: Response) -> Response:
        query = dict(request.query_params)
        self.desk.requests.append(RequestLog(request.method, path, query, response.status_code))
        return response


def _refusal(status: int, error: str, description: str) -> Response:
    return JSONResponse({"error": error, "error_description": description}, status)


def _origin(request: Request) -> str:
    return str(request.base_url).rstrip("/")
