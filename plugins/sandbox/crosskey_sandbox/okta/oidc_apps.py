"""OpenID Connect web apps: made and replaced as a whole by API.

Rules followed: labels are not unique; ``PUT`` replaces, so members that are left out are gone; the grant ``implicit``
goes with a response type ``id_token`` or ``token`` only; the client secret is in answers to writes and in no other.
"""

from __future__ import annotations

from typing import Any, cast

import msgspec

from crosskey_sandbox.okta.call import Answer, Call, reply
from crosskey_sandbox.okta.errors import ApiError
from crosskey_sandbox.okta.org import OktaOrg
from crosskey_sandbox.okta.records import App, OidcClient
from crosskey_sandbox.okta.rows import app_row

__all__ = ("create", "replace")

_KIND = "oidc_client"


def create(org: OktaOrg, call: Call) -> Answer:
    """``POST /apps``: active at once unless ``activate=false``; nobody is assigned."""
    document = call.document()
    if document.get("name") != _KIND or document.get("signOnMode") != "OPENID_CONNECT":
        raise ApiError.invalid("name", "This local org makes OpenID Connect apps only")
    with org.cell.lock:
        client = _client(document, f"synthetic-{org.cell.new_id('sec')}")
        app = org.apps.create(_KIND, str(document.get("label") or ""), "OPENID_CONNECT")
        org.apps.clients[app.id] = client
        if not call.flag("activate", default=True):
            org.apps.set_active(app.id, active=False)
        return _written(app, client, call)


def replace(org: OktaOrg, call: Call) -> Answer:
    """``PUT /apps/{id}``: the whole object anew; its secret stays."""
    with org.cell.lock:
        app = org.apps.find(call.params["id"])
        before = org.apps.clients.get(app.id)
        if before is None:
            raise ApiError.invalid("name", "This local org replaces OpenID Connect apps only")
        document = call.document()
        org.apps.rename(app.id, str(document.get("label") or ""))
        client = org.apps.clients[app.id] = _client(document, before.secret)
        return _written(app, client, call)


def _client(document: dict[str, object], secret: str) -> OidcClient:
    if not document.get("label"):
        raise ApiError.invalid("label", "The field cannot be left blank")
    settings = _part(document, "settings")
    credentials = _part(document, "credentials")
    method = credentials.get("token_endpoint_auth_method")
    responses: list[str] = settings.get("response_types") or []
    grants: list[str] = settings.get("grant_types") or []
    if ("implicit" in grants) != bool({"id_token", "token"}.intersection(responses)):
        raise ApiError.invalid("grant_types", "implicit goes with the response type id_token or token")
    if not settings.get("redirect_uris"):
        raise ApiError.invalid("redirect_uris", "The field cannot be left blank")
    return OidcClient(settings=settings, auth_method=str(method or "client_secret_basic"), secret=secret)


def _part(document: dict[str, object], name: str) -> dict[str, Any]:
    """``settings.oauthClient`` or ``credentials.oauthClient``."""
    part = cast("dict[str, Any]", document.get(name) or {})
    return cast("dict[str, Any]", part.get("oauthClient") or {})


def _written(app: App, client: OidcClient, call: Call) -> Answer:
    row = msgspec.json.decode(app_row(app, call.shown, client), type=dict[str, Any])
    if client.auth_method.startswith("client_secret"):
        row["credentials"]["oauthClient"]["client_secret"] = client.secret
    return reply(row)
