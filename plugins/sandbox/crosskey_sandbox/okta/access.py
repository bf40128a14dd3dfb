"""Who may call: API tokens, service apps, access tokens, and what each may see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from crosskey_sandbox.okta.cell import Cell
from crosskey_sandbox.okta.errors import ApiError
from crosskey_sandbox.okta.users import Users

__all__ = ("NO_ROLE", "READ_ONLY", "SUPER_ADMIN", "Access", "Grant", "Principal", "Rights", "ServiceApp", "covers")

Jwk = Mapping[str, object]


class Rights(msgspec.Struct, frozen=True):
    """What an administrator's role allows. ``groups`` limits the view to these groups and the people in them."""

    reads: bool = True
    writes: bool = False
    groups: frozenset[str] | None = None


SUPER_ADMIN = Rights(writes=True)
READ_ONLY = Rights()
NO_ROLE = Rights(reads=False)


class ServiceApp(msgspec.Struct, kw_only=True):
    """An API Services integration: its public keys, granted scopes, role, and whether it must prove possession."""

    client_id: str
    keys: list[Jwk]
    scopes: frozenset[str]
    rights: Rights = READ_ONLY
    dpop: bool = True


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """An access token given out. ``thumbprint`` binds it to a DPoP key."""

    client: ServiceApp
    scopes: frozenset[str]
    expires: float
    thumbprint: str | None


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """The caller of one request. ``scopes`` is None for an API token, which has all that its owner's role allows."""

    key: str
    rights: Rights
    user_id: str | None = None
    scopes: frozenset[str] | None = None
    scheme: str = "SSWS"


class Access:
    """The credentials of an org. Revoking one makes the next call fail with 401 E0000011."""

    def __init__(self, cell: Cell, users: Users) -> None:
        self._cell = cell
        self._users = users
        self._tokens: dict[str, Principal] = {}
        self._clients: dict[str, ServiceApp] = {}
        self.grants: dict[str, Grant] = {}

    def add_token(self, rights: Rights = READ_ONLY, *, owner: str | None = None, token: str | None = None) -> str:
        """Make an API token of a user (or of nobody in particular) and return it."""
        user_id = self._users.find(owner).id if owner else None
        token = token or f"00{self._cell.noise(40)}"
        self._tokens[token] = Principal(key=token, rights=rights, user_id=user_id)
        return token

    def set_rights(self, token: str, rights: Rights) -> None:
        """The owner's role changes, and the token's rights with it."""
        self._tokens[token] = msgspec.structs.replace(self._tokens[token], rights=rights)

    def revoke_token(self, token: str) -> None:
        """The token dies."""
        del self._tokens[token]

    def add_service_app(
        self,
        keys: Iterable[Jwk],
        scopes: Iterable[str],
        *,
        rights: Rights = READ_ONLY,
        dpop: bool = True,
        client_id: str | None = None,
    ) -> ServiceApp:
        """Make a service app with these public keys (JWK) and granted scopes. ``dpop`` is Okta's default."""
        app = ServiceApp(
            client_id=client_id or self._cell.new_id("0oa"),
            keys=list(keys),
            scopes=frozenset(scopes),
            rights=rights,
            dpop=dpop,
        )
        self._clients[app.client_id] = app
        return app

    def client(self, client_id: str) -> ServiceApp | None:
        """The service app of this id."""
        return self._clients.get(client_id)

    def api_token(self, token: str) -> Principal:
        """The caller with this API token. A token stops when its owner is deactivated."""
        known = self._tokens.get(token)
        if known is None or (known.user_id and self._users.find(known.user_id).status == "DEPROVISIONED"):
            raise ApiError("E0000011", headers={"www-authenticate": "SSWS"})
        return known

    def grant(self, token: str, scheme: str) -> Grant:
        """The live grant of an access token."""
        grant = self.grants.get(token)
        if grant is None or grant.expires <= self._cell.epoch():
            raise ApiError(
                "E0000011",
                headers={
                    "www-authenticate": f'{scheme} error="invalid_token", error_description="The token is expired"'
                },
            )
        return grant


def covers(scopes: frozenset[str], needed: str) -> bool:
    """Whether a scope is held; ``.manage`` includes its ``.read``."""
    return needed in scopes or (needed.endswith(".read") and f"{needed.removesuffix('.read')}.manage" in scopes)
