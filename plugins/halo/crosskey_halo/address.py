"""The address of an instance, as people paste it, made into the one requests start from."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from crosskey.errors import ConfigError

__all__ = ("instance_address", "is_loopback", "same_or_safer")

_USER = re.compile(r"//[^/]*@")
"""User name and password in an address; they are never shown."""
_HOST = re.compile(r"[^\s%/\\\"'<>]+")
"""What a host may look like, international names included: httpx would send blanks as `%20`."""
_HOSTED = (".haloitsm.com", ".halopsa.com", ".halocrm.io")
_PASTED = ("/auth/token", "/auth", "/api")
"""Ends that Halo's own API page shows behind the address ("Resource Server", "Authorisation Server")."""


def instance_address(url: str, *, where: str) -> str:
    """Scheme, host and (self-hosted only) path of an instance, without a slash at the end.

    ``…/api`` and ``…/auth`` are taken off. Raises :class:`ConfigError` for anything that cannot be an instance.
    """
    shown = _USER.sub("//", url.strip())
    parts = _split(url.strip(), shown, where)
    host = parts.hostname or ""
    if not _HOST.fullmatch(host) or parts.scheme not in ("https", "http"):
        raise _refused(f'"{shown}" is not the address of a Halo instance', where, shown)
    if parts.scheme == "http" and not is_loopback(host):
        raise ConfigError(
            f'"{parts.scheme}://{host}" would send the client secret unencrypted',
            code="halo-url",
            where=where,
            fix=f'write url = "https://{host}"',
        )
    if parts.username or parts.password:
        raise _refused("the address must not hold a user name or password", where, f"{parts.scheme}://{host}")
    path = parts.path.rstrip("/")
    for end in _PASTED:
        if path.casefold().endswith(end):
            path = path[: -len(end)]
            break
    port = f":{parts.port}" if parts.port else ""
    bracketed = f"[{host}]" if ":" in host else host
    origin = f"{parts.scheme}://{bracketed}{port}"
    if parts.query or parts.fragment or (path and host.endswith(_HOSTED)):
        raise ConfigError(
            f'"{shown}" is a page of Halo, not the address of the instance',
            code="halo-url",
            where=where,
            fix=f'write url = "{origin}"',
        )
    return f"{origin}{path}"


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, where plain HTTP harms nobody."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def same_or_safer(url: str) -> bool:
    """Whether a secret may be sent to a URL: it is encrypted, or does not leave this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    host = parts.hostname or ""
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)))


def _split(url: str, shown: str, where: str) -> SplitResult:
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        _ = parts.port
    except ValueError:
        raise _refused(f'"{shown}" is not a URL', where, shown) from None
    return parts


def _refused(message: str, where: str, seen: str) -> ConfigError:
    host = seen.rpartition("://")[2].partition("/")[0]
    example = host if "." in host and "@" not in host else "acme.haloitsm.com"
    return ConfigError(message, code="halo-url", where=where, fix=f'write url = "https://{example}"')
