"""Where a vendor is to deliver: an address that it can reach, and the source at its end."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from crosskey.errors import ConfigError

__all__ = ("checked_hook_url", "hook_addresses", "is_loopback")

_PATH: Final = "/hooks"
_FIX: Final = "write it like https://sync.acme.example"


def hook_addresses(url: str, sources: Collection[str], *, where: str) -> dict[str, str]:
    """By source, where its vendor is to deliver: ``url`` stands before ``/hooks/<source>``, or is all of one.

    Raises :class:`ConfigError` for what no vendor can reach and for the address of a source that is not among them.
    """
    base = checked_hook_url(url, where=where)
    path = urlsplit(base).path
    for name in sources:
        if path.endswith(f"{_PATH}/{name}"):
            return {name: base}
    if path.rpartition("/")[0].endswith(_PATH):
        message = f'the address ends in the name of a source that [sync] does not read: "{base}"'
        raise _refused(message, where, f"use: {', '.join(sources)}")
    return {name: f"{base.removesuffix(_PATH)}{_PATH}/{name}" for name in sources}


def checked_hook_url(url: str, *, where: str) -> str:
    """The address without a slash at its end. Raises :class:`ConfigError` for what no vendor delivers to."""
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise _refused("this is no address", where) from None
    if parts.username or parts.password:
        raise _refused("the address must not hold a user name or password", where)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise _refused(f'identity providers deliver to https only, not to "{url.strip()}"', where)
    if not host or parts.query or parts.fragment:
        raise _refused(f'"{url.strip()}" is not an address to deliver to', where)
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def is_loopback(host: str) -> bool:
    """Whether a host is this machine and no other."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refused(message: str, where: str, fix: str = _FIX) -> ConfigError:
    return ConfigError(message, code="hooks-url", where=where, fix=fix)
