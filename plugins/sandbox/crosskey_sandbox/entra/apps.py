"""Registered applications: their credentials, permissions and access tokens."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from datetime import datetime

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import KeySet, KeySetSerialization, RSAKey

from crosskey_sandbox.entra.cell import Cell
from crosskey_sandbox.entra.directory import Directory
from crosskey_sandbox.entra.errors import GraphError
from crosskey_sandbox.entra.permissions import PERMISSIONS

__all__ = ("READ_EVERYTHING", "Application", "Applications", "Certificate", "Federation", "Grant", "Secret")

READ_EVERYTHING = ("User.Read.All", "GroupMember.Read.All", "Organization.Read.All", "Application.Read.All")
"""What an identity source needs, and no more."""


class Secret(msgspec.Struct, frozen=True):
    """A client secret; ``expires`` in seconds since 1970, None for never."""

    value: str
    expires: float | None = None


class Certificate:
    """A certificate that an application may sign with: its thumbprints, validity and public key."""

    def __init__(self, pem: str | bytes) -> None:
        found = x509.load_pem_x509_certificate(pem.encode() if isinstance(pem, str) else pem)
        der = found.public_bytes(Encoding.DER)
        self.sha1 = _thumbprint(hashlib.sha1(der, usedforsecurity=False).digest())
        self.sha256 = _thumbprint(hashlib.sha256(der).digest())
        self.starts = found.not_valid_before_utc.timestamp()
        self.ends = found.not_valid_after_utc.timestamp()
        spki = found.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self.key = RSAKey.import_key(spki)


class Federation(msgspec.Struct, frozen=True, kw_only=True):
    """A federated credential: an assertion of this issuer for this subject stands in for a secret."""

    issuer: str
    subject: str
    keys: KeySetSerialization
    audience: str = "api://AzureADTokenExchange"

    def key_set(self) -> KeySet:
        """The issuer's public keys."""
        return KeySet.import_key_set(self.keys)


class Application(msgspec.Struct, kw_only=True):
    """One registration. ``principal_id`` is the object id of its service principal in this tenant."""

    client_id: str
    name: str
    principal_id: str
    roles: frozenset[str]
    secrets: list[Secret]
    certificates: list[Certificate]
    federations: list[Federation]

    @property
    def client_secret(self) -> str:
        """The newest secret, or ""."""
        return self.secrets[-1].value if self.secrets else ""


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """An access token given out: the permissions are those of that moment."""

    client_id: str
    roles: frozenset[str]
    expires: float


class Applications:
    """Every registration of a tenant, and the tokens given out to them."""

    def __init__(self, cell: Cell, directory: Directory, tenant_id: str) -> None:
        self._cell = cell
        self._directory = directory
        self._tenant_id = tenant_id
        self.registered: dict[str, Application] = {}
        self.grants: dict[str, Grant] = {}

    def register(
        self,
        name: str,
        roles: Iterable[str] = READ_EVERYTHING,
        *,
        secret: str | None = None,
        secret_expires: datetime | None = None,
        certificates: Iterable[str | bytes] = (),
        federations: Iterable[Federation] = (),
    ) -> Application:
        """Register an application and consent to its permissions. ``certificates`` are PEM texts.

        Raises :class:`KeyError` for a permission that Graph does not have.
        """
        with self._cell.lock:
            client_id = self._cell.guid()
            values = {
                "appId": client_id,
                "displayName": name,
                "appDisplayName": name,
                "accountEnabled": True,
                "appOwnerOrganizationId": self._tenant_id,
                "appRoleAssignmentRequired": False,
                "servicePrincipalNames": [client_id],
                "servicePrincipalType": "Application",
                "signInAudience": "AzureADMyOrg",
            }
            app = Application(
                client_id=client_id,
                name=name,
                principal_id=self._directory.create("servicePrincipal", values).id,
                roles=frozenset(role for role in roles if PERMISSIONS[role]),
                secrets=[],
                certificates=[Certificate(pem) for pem in certificates],
                federations=list(federations),
            )
            if secret is not None:
                self.add_secret(app, secret, expires=secret_expires)
            self.registered[client_id] = app
            return app

    @staticmethod
    def add_secret(app: Application, value: str, *, expires: datetime | None = None) -> None:
        """One more secret; the older ones stay good."""
        app.secrets.append(Secret(value, None if expires is None else expires.timestamp()))

    def consent(self, app: Application, roles: Iterable[str]) -> None:
        """Permissions from now on. Tokens that were given out before keep theirs until they end."""
        with self._cell.lock:
            app.roles = frozenset(role for role in roles if PERMISSIONS[role])

    def remove(self, app: Application) -> None:
        """Take the application out of the tenant; its tokens are no good any more."""
        with self._cell.lock:
            del self.registered[app.client_id]
            self._directory.delete(app.principal_id)

    def issue(self, app: Application) -> tuple[str, int]:
        """An access token and its life in seconds: shaped like a JWT, signed with noise, since no client checks it."""
        life = self._cell.quirks.token_life
        expires = self._cell.epoch() + life
        claims = {
            "aud": "https://graph.microsoft.com",
            "appid": app.client_id,
            "oid": app.principal_id,
            "roles": sorted(app.roles),
            "tid": self._tenant_id,
            "exp": int(expires),
            "uti": self._cell.guid(),
        }
        parts = (msgspec.json.encode({"typ": "JWT", "alg": "RS256"}), msgspec.json.encode(claims))
        noise = self._cell.random.randbytes(256)
        token = ".".join(_thumbprint(part) for part in (*parts, noise))
        self.grants[token] = Grant(client_id=app.client_id, roles=app.roles, expires=expires)
        return token, life

    def grant(self, token: str) -> Grant:
        """The live grant of an access token; 401 for anything else."""
        grant = self.grants.get(token)
        if grant is None:
            message = "IDX14100: JWT is not well formed, there are no dots (.)." if "." not in token else _MALFORMED
            raise _challenge("InvalidAuthenticationToken", message)
        if grant.client_id not in self.registered:
            message = "The identity of the calling application could not be established."
            raise GraphError(401, "Authorization_IdentityNotFound", message)
        if grant.expires <= self._cell.epoch():
            raise _challenge("InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
        return grant

    @staticmethod
    def empty() -> GraphError:
        """401 for a request without a token."""
        return _challenge("InvalidAuthenticationToken", "Access token is empty.")


_MALFORMED = "CompactToken parsing failed with error code: 80049217"


def _challenge(code: str, message: str) -> GraphError:
    challenge = (
        'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", '
        'client_id="00000003-0000-0000-c000-000000000000"'
    )
    return GraphError(401, code, message, {"www-authenticate": challenge})


def _thumbprint(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
