"""One provider as a door sees it: its metadata and keys, kept for a while and never believed when they get weaker."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any, Final

import msgspec

from crosskey.connector.refusal import SsoRefused
from crosskey.connector.sso import Provider, SsoContext
from crosskey.errors import CrosskeyError
from crosskey.http import Client
from crosskey.sso.asking import get_object, refusal_for
from crosskey.sso.discovery import WELL_KNOWN, check_pins, origin_of, pinned_of, read_provider
from crosskey.sso.keys import KeyRing

__all__ = ("OpenProvider",)

FRESH: Final = timedelta(hours=1)
USABLE: Final = timedelta(hours=24)
PAUSE: Final = timedelta(seconds=5)
"""As for keys: asked for anew after an hour, believed for a day where the provider cannot be reached."""


class OpenProvider:
    """``metadata_issuer`` is what the metadata must say, letter for letter; ``metadata_url`` where it is.

    Clients are opened for each of the provider's hosts when it is first needed, and closed with ``stack``.
    """

    def __init__(
        self, context: SsoContext, stack: AsyncExitStack, *, issuer: str, metadata_url: str, hosts: tuple[str, ...]
    ) -> None:
        self._context = context
        self._stack = stack
        self._issuer = issuer
        self._url = metadata_url or issuer.rstrip("/") + WELL_KNOWN
        self._hosts = hosts
        self._clients: dict[str, Client] = {}
        self._rings: dict[str, KeyRing] = {}
        self._found: Provider | None = None
        self._got_at = self._asked_at = -math.inf
        self._lock = asyncio.Lock()

    async def metadata(self) -> Provider:
        """The metadata, checked, as it is known now. Raises :class:`SsoRefused`."""
        async with self._lock:
            found, now = self._found, self._context.clock.monotonic()
            stale = now - self._got_at >= FRESH.total_seconds() and now - self._asked_at >= PAUSE.total_seconds()
            if found is None or stale:
                self._asked_at = now
                try:
                    found = self._found = await self._ask()
                    self._got_at = self._context.clock.monotonic()
                except SsoRefused as refused:
                    old = now - self._got_at >= USABLE.total_seconds()
                    if found is None or old or refused.code != "provider-unreachable":
                        self._found = None
                        raise
            return found

    async def _ask(self) -> Provider:
        document = await self.get(self._url, invalid="metadata-invalid")
        found = read_provider(document, issuer=self._issuer, hosts=self._hosts)
        pinned = self._context.pins.pinned(found.issuer)
        if pinned is None:
            self._context.pins.pin(pinned_of(found, self._context.clock.now()))
            return found
        found = check_pins(found, pinned)
        return msgspec.structs.replace(found, tells_issuer=found.tells_issuer or pinned.tells_issuer)

    async def get(self, url: str, *, invalid: str, token: str = "") -> dict[str, Any]:
        """The object at one of the provider's addresses."""
        headers = {"Authorization": f"Bearer {token}"} if token else None
        return await get_object(await self.client(url), url, invalid=invalid, headers=headers)

    async def client(self, url: str) -> Client:
        """The client for the host of an address."""
        origin = origin_of(url)
        if origin not in self._clients:
            try:
                self._clients[origin] = await self._stack.enter_async_context(self._context.http(origin))
            except CrosskeyError as error:
                raise refusal_for(error, invalid="metadata-invalid") from error
        return self._clients[origin]

    def keys(self, url: str) -> KeyRing:
        """The keys at an address."""
        if url not in self._rings:
            self._rings[url] = KeyRing(self._fetch(url), self._context.clock)
        return self._rings[url]

    def _fetch(self, url: str) -> Callable[[], Any]:
        async def fetch() -> dict[str, Any]:
            return await self.get(url, invalid="keys-invalid")

        return fetch
