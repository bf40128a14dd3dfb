"""When the credentials of an app registration end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from crosskey.connector.credential import Credential
from crosskey.errors import CrosskeyError
from crosskey_entra.credentials import Credential as Proof
from crosskey_entra.graph import Graph
from crosskey_entra.settings import EntraSettings

__all__ = ("Expiry",)

_RENEW = "make a new one in time (Entra admin center > App registrations > the app > Certificates & secrets)"


class _Secret(msgspec.Struct, rename="camel"):
    end_date_time: datetime | None = None


class _App(msgspec.Struct, rename="camel"):
    password_credentials: list[_Secret] = []


_APP = msgspec.json.Decoder(_App)


class Expiry:
    """Of the one credential that this instance proves itself with: a certificate says it itself, a secret's end is
    known to its app registration, and a federated token is made anew by the platform.
    """

    def __init__(self, graph: Graph, settings: EntraSettings, proof: Proof) -> None:
        self._graph = graph
        self._settings = settings
        self._proof = proof

    async def credentials(self) -> Sequence[Credential]:
        """The credential, with its end where that can be told; at most one request, and no error."""
        if self._settings.certificate is not None:
            return [Credential(name="certificate", expires_at=self._proof.expires, fix=_RENEW)]
        if self._settings.client_secret is not None:
            return [Credential(name="newest client secret", expires_at=await self._newest_secret(), fix=_RENEW)]
        return [
            Credential(name="federated token", fix="the platform that writes federated_token_file renews it by itself")
        ]

    async def _newest_secret(self) -> datetime | None:
        """The latest end: which of the secrets is ours nobody can see. Nothing without Application.Read.All."""
        path = f"/applications(appId='{self._settings.client_id.strip().strip('{}').lower()}')"
        try:
            reply = await self._graph.get(
                path,
                _APP,
                params={"$select": "passwordCredentials,keyCredentials"},
                template="/applications(appId={id})",
            )
        except CrosskeyError:
            return None
        return max((one.end_date_time for one in reply.value.password_credentials if one.end_date_time), default=None)
