"""The bearer token, on every request and nowhere else."""

from __future__ import annotations

from collections.abc import Generator

import httpx
from crosskey import Secret

__all__ = ("BearerToken",)


class BearerToken(httpx.Auth):
    """``Authorization: Bearer …`` (RFC 6750); nothing to refresh."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send the request with the token."""
        request.headers["Authorization"] = f"Bearer {self._token.reveal()}"
        yield request
