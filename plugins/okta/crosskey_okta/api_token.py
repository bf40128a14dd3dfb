"""An API token of an admin, as Okta's management API takes it."""

from __future__ import annotations

from collections.abc import Generator

import httpx

from crosskey.settings import Secret

__all__ = ("ApiToken",)


class ApiToken(httpx.Auth):
    """An API token: ``Authorization: SSWS …`` on every request, nothing to refresh."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send the request with the token."""
        request.headers["Authorization"] = f"SSWS {self._token.reveal()}"
        yield request
