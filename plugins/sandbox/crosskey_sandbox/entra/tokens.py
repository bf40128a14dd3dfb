"""The token endpoint: ``client_credentials`` with a secret, a certificate's assertion, or another issuer's."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from urllib.parse import parse_qsl, unquote

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey
from joserfc.jws import JWSRegistry

from crosskey_sandbox.entra.apps import Application, Applications, Certificate, Federation
from crosskey_sandbox.entra.cell import Cell
from crosskey_sandbox.entra.errors import SignInError
from crosskey_sandbox.entra.permissions import GRAPH_APP_ID

__all__ = ("Authority", "TokenEndpoint", "check_tenant")

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_GRAPH = ("https://graph.microsoft.com", GRAPH_APP_ID)
_SKEW = 300.0  # seconds; Entra does not publish its tolerance
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Authority(msgspec.Struct, frozen=True, kw_only=True):
    """Where a sign-in request was sent: the host, the tenant as the path names it, and who that may be."""

    base: str
    tenant: str
    names: frozenset[str]  # the tenant's id and domains
    directory: str

    def audiences(self) -> frozenset[str]:
        """What an assertion may name as its audience: the token endpoint, whichever name of the tenant it uses."""
        return frozenset(f"{self.base}/{name}/oauth2/v2.0/token" for name in (*self.names, self.tenant))


def check_tenant(authority: Authority) -> None:
    """Refuse a tenant that is not this one: AADSTS90002, or 900023 for what can be no tenant at all."""
    tenant = authority.tenant
    if tenant.lower() in authority.names:
        return
    if _GUID.fullmatch(tenant) or "." in tenant:
        raise SignInError(
            90002,
            "invalid_request",
            f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the "
            "correct cloud. Check with your subscription administrator, this may happen if there are no active "
            "subscriptions for the tenant.",
        )
    raise SignInError(
        900023,
        "invalid_request",
        f"Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid external domain.",
    )


class TokenEndpoint:
    """Order of checks: tenant, grant, client, credential, scope. No refresh tokens in this grant."""

    def __init__(self, cell: Cell, applications: Applications) -> None:
        self._cell = cell
        self._applications = applications

    def answer(self, body: bytes, authorization: str, authority: Authority) -> bytes:
        """The token answer. ``authorization`` is the request's header: a secret may come as HTTP Basic."""
        check_tenant(authority)
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)) | _basic(authorization)
        if form.get("grant_type") != "client_credentials":
            raise SignInError(70003, "unsupported_grant_type", "The app requested an unsupported grant type.")
        app = self._client(form.get("client_id", ""), authority)
        self._authenticate(app, form, authority)
        _check_scope(form.get("scope", ""), authority)
        token, life = self._applications.issue(app)
        return msgspec.json.encode(
            {"token_type": "Bearer", "expires_in": life, "ext_expires_in": life, "access_token": token}
        )

    def _client(self, client_id: str, authority: Authority) -> Application:
        if not client_id:
            message = "The request body must contain the following parameter: 'client_id'."
            raise SignInError(900144, "invalid_request", message)
        app = self._applications.registered.get(client_id.lower())
        if app is None:
            raise SignInError(
                700016,
                "unauthorized_client",
                f"Application with identifier '{client_id}' was not found in the directory '{authority.directory}'. "
                "This can happen if the application has not been installed by the administrator of the tenant or "
                "consented to by any user in the tenant. You may have sent your authentication request to the wrong "
                "tenant.",
            )
        return app

    def _authenticate(self, app: Application, form: dict[str, str], authority: Authority) -> None:
        if form.get("client_assertion_type") == _ASSERTION and form.get("client_assertion"):
            self._assertion(app, form["client_assertion"], authority)
        elif "client_secret" in form:
            self._secret(app, form["client_secret"])
        else:
            raise _refused(
                7000216,
                "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
            )

    def _secret(self, app: Application, given: str) -> None:
        now = self._cell.epoch()
        found = [secret for secret in app.secrets if hmac.compare_digest(secret.value.encode(), given.encode())]
        if not found:
            raise _refused(
                7000215,
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret "
                f"value, not the client secret ID, for a secret added to app '{app.client_id}'.",
            )
        if all(secret.expires is not None and secret.expires <= now for secret in found):
            raise _refused(
                7000222,
                f"The provided client secret keys for app '{app.client_id}' are expired. Visit the Azure portal to "
                "create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate "
                "credentials for added security: https://aka.ms/certCreds.",
            )

    def _assertion(self, app: Application, assertion: str, authority: Authority) -> None:
        header, claims = _unverified(assertion)
        if claims.get("iss") == app.client_id:
            self._by_certificate(app, assertion, header, authority)
        else:
            self._by_federation(app, assertion, claims)

    def _by_certificate(
        self, app: Application, assertion: str, header: dict[str, object], authority: Authority
    ) -> None:
        certificate = _signed_with(app, header)
        if certificate is None:
            raise _refused(700027, "Client assertion contains an invalid signature. [Reason - The key was not found.]")
        if not certificate.starts <= self._cell.epoch() < certificate.ends:
            raise _refused(
                700027, "Client assertion contains an invalid signature. [Reason - The key used is expired.]"
            )
        claims = _verified(assertion, certificate.key)
        self._in_time(claims)
        if claims.get("sub") != app.client_id:
            raise _refused(700027, "Client assertion failed validation: 'iss' and 'sub' must be the application id.")
        if claims.get("aud") not in authority.audiences():
            raise _refused(700023, "Client assertion audience claim does not match Realm issuer.")

    def _by_federation(self, app: Application, assertion: str, claims: dict[str, object]) -> None:
        federation = next((found for found in app.federations if _named(found, claims)), None)
        if federation is None:
            raise _refused(
                70021,
                f"No matching federated identity record found for presented assertion subject '{claims.get('sub')}' "
                f"and issuer '{claims.get('iss')}'.",
                error="invalid_request",
                status=400,
            )
        self._in_time(_verified(assertion, federation.key_set()))

    def _in_time(self, claims: dict[str, object]) -> None:
        now, expires, starts = self._cell.epoch(), claims.get("exp"), claims.get("nbf", 0)
        if not isinstance(expires, int | float) or expires <= now - _SKEW:
            raise _refused(700024, "Client assertion is not within its valid time range.")
        if isinstance(starts, int | float) and starts > now + _SKEW:
            raise _refused(700024, "Client assertion is not within its valid time range.")


def _refused(number: int, message: str, *, error: str = "invalid_client", status: int = 401) -> SignInError:
    return SignInError(number, error, message, status=status)


def _check_scope(scope: str, authority: Authority) -> None:
    """Exactly one resource with ``/.default``, and that resource is this Graph."""
    asked = scope.split()
    if not asked or not all(word.endswith("/.default") for word in asked):
        message = f"The provided value for the input parameter 'scope' is not valid. The scope '{scope}' is not valid."
        raise SignInError(70011, "invalid_scope", message)
    if len(asked) > 1:
        message = f"Provided value for the input parameter scope '{scope}' is not valid: it names several resources."
        raise SignInError(28002, "invalid_scope", message)
    resource = asked[0].removesuffix("/.default").rstrip("/")
    if resource not in {*_GRAPH, authority.base}:
        raise SignInError(
            500011,
            "invalid_resource",
            f"The resource principal named {resource} was not found in the tenant named {authority.directory}. This "
            "can happen if the application has not been installed by the administrator of the tenant or consented to "
            "by any user in the tenant.",
        )


def _basic(authorization: str) -> dict[str, str]:
    scheme, _, word = authorization.partition(" ")
    if scheme.lower() != "basic":
        return {}
    try:
        client_id, _, secret = base64.b64decode(word, validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        return {}
    return {"client_id": unquote(client_id), "client_secret": unquote(secret)}


def _signed_with(app: Application, header: dict[str, object]) -> Certificate | None:
    """PS256 with ``x5t#S256``, or the older RS256 with ``x5t``."""
    for certificate in app.certificates:
        if header.get("x5t#S256") == certificate.sha256 or header.get("x5t") == certificate.sha1:
            return certificate
    return None


def _named(federation: Federation, claims: dict[str, object]) -> bool:
    audience = claims.get("aud")
    return (federation.issuer, federation.subject) == (claims.get("iss"), claims.get("sub")) and (
        audience in (federation.audience, [federation.audience])
    )


def _unverified(assertion: str) -> tuple[dict[str, object], dict[str, object]]:
    """Header and claims before the signature is checked: they say whose key to check with."""
    try:
        header, claims = (
            msgspec.json.decode(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)), type=dict[str, object])
            for part in assertion.split(".")[:2]
        )
    except (ValueError, msgspec.DecodeError):
        raise _refused(50027, "JWT token is invalid or malformed.", error="invalid_request", status=400) from None
    return header, claims


def _verified(assertion: str, key: RSAKey | KeySet) -> dict[str, object]:
    try:
        return jwt.decode(assertion, key, registry=JWSRegistry(algorithms=["PS256", "RS256", "ES256"])).claims
    except (JoseError, ValueError) as error:
        raise _refused(
            700027,
            "Client assertion contains an invalid signature. [Reason - The key was found, but use of the key "
            "to verify the signature failed.]",
        ) from error
