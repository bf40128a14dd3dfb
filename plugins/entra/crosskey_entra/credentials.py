"""What an app proves itself with: a secret, or a token that somebody else signed. Certificates are a module apart."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Protocol

from crosskey.errors import AuthError
from crosskey.settings import Secret

__all__ = ("ASSERTION_TYPE", "ClientSecret", "Credential", "FederatedToken")

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+")
_LONGEST = 65_536


class Credential(Protocol):
    """One way to authenticate an app at the token endpoint."""

    @property
    def expires(self) -> datetime | None:
        """When it ends, where it says so itself."""
        ...

    def form(self, client_id: str, audience: str, now: datetime) -> dict[str, str]:
        """The members of the token request that prove the app; asked for anew for every request."""
        ...


class ClientSecret:
    """A client secret, sent as it is (client_secret_post)."""

    expires: datetime | None = None

    def __init__(self, secret: Secret) -> None:
        self._secret = secret

    def form(self, client_id: str, audience: str, now: datetime) -> dict[str, str]:  # noqa: ARG002 - nothing is signed
        """The secret."""
        return {"client_secret": self._secret.reveal()}


class FederatedToken:
    """A token of another issuer that the app registration trusts (workload identity federation).

    The platform writes it anew every hour or so, hence it is read for every request.
    """

    expires: datetime | None = None

    def __init__(self, path: str, where: str) -> None:
        self._path = path
        self._where = where

    def form(self, client_id: str, audience: str, now: datetime) -> dict[str, str]:  # noqa: ARG002 - signed already
        """The token as the file holds it now. Raises :class:`AuthError` when it holds none."""
        try:
            with Path(self._path).expanduser().open("rb") as file:
                text = file.read(_LONGEST).decode("ascii").strip()
        except OSError as error:
            raise self._refused(f"{self._path} cannot be read: {error.strerror or type(error).__name__}") from None
        except UnicodeDecodeError:
            text = ""
        if not _JWT.fullmatch(text):
            raise self._refused(f"{self._path} holds no token (a JWT)")
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": text}

    def _refused(self, message: str) -> AuthError:
        return AuthError(
            message,
            code="entra-federated-token",
            where=f"{self._where}.federated_token_file",
            fix="let federated_token_file name the file in which the platform keeps the workload's token "
            "(AZURE_FEDERATED_TOKEN_FILE shows it)",
        )
