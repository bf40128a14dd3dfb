"""Names that must lead into the open internet: looked up once, every address checked, and the checked one connected to.

Whoever can choose a provider's name, or what the name means, could else have us speak to machines that only we reach.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from types import TracebackType
from typing import Final, Self

import httpx

from crosskey.errors import ContractError

__all__ = ("CheckedAddresses", "Resolve", "is_public", "look_up")

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Gives the addresses of a host and port. Raises :class:`OSError` for a name that means nothing."""

_NAT64: Final = IPv6Network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether an address is one of the open internet (IANA's registries of special-purpose addresses).

    An IPv6 address that stands for an IPv4 address is what that one is.
    """
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        inner = _inner(found)
        if inner is not None:
            return is_public(str(inner))
    return found.is_global and not found.is_multicast


def _inner(address: IPv6Address) -> IPv4Address | None:
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


async def look_up(host: str, port: int) -> list[str]:
    """The addresses that the system knows of a name."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class CheckedAddresses(httpx.AsyncBaseTransport):
    """Sends each request to an address that was checked, under the name that the certificate must be for."""

    def __init__(self, inner: httpx.AsyncBaseTransport, instance: str, resolve: Resolve = look_up) -> None:
        self._inner = inner
        self._instance = instance
        self._resolve = resolve

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Look the name up, check, send. Raises :class:`ContractError` where any of its addresses is not public."""
        host, port = request.url.host, request.url.port or (443 if request.url.scheme == "https" else 80)
        try:
            addresses = await self._resolve(host, port)
        except OSError as error:
            raise httpx.ConnectError("the name could not be looked up", request=request) from error
        if not addresses or not all(map(is_public, addresses)):
            raise ContractError(
                f"{host} leads to an address inside a private or reserved network",
                code="address-refused",
                where=self._instance,
                fix=f"if it is meant to, write private_addresses = true in [{self._instance}]",
            )
        return await self._inner.handle_async_request(
            httpx.Request(
                request.method,
                request.url.copy_with(host=addresses[0]),
                headers=request.headers,
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": host},
            )
        )

    async def aclose(self) -> None:
        """Close what is below."""
        await self._inner.aclose()

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self._inner.__aexit__(exc_type, exc_value, traceback)
