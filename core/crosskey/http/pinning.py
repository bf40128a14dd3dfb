"""Where requests may go: the base host and the hosts a plugin named, over the same scheme. Tokens go nowhere else."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address

import httpx

from crosskey.errors import ConfigError, ContractError

__all__ = ("Origins", "base_address", "is_loopback")


class Origins:
    """The hosts of one instance."""

    def __init__(self, base: httpx.URL, hosts: Collection[str], instance: str) -> None:
        self._scheme = base.scheme
        self._authorities = {_authority(base), *(host.lower() for host in hosts)}
        self._instance = instance

    def check(self, url: httpx.URL) -> None:
        """Raise :class:`ContractError` for an address outside; names its host only, for a link may carry a token."""
        if url.scheme == self._scheme and _authority(url) in self._authorities and not url.userinfo:
            return
        raise ContractError(
            f"refused to send a request to {url.scheme}://{_authority(url)}, which is not a host of this instance",
            code="foreign-host",
            where=self._instance,
            fix=f"if that host is yours, write it as `url` in [{self._instance}]; known: "
            + ", ".join(sorted(self._authorities)),
        )


def base_address(text: str, instance: str) -> httpx.URL:
    """The base URL of an instance, refused where it cannot be one: no https (but on loopback), user info, a query."""
    fix = f"write `url` in [{instance}] as https://host"
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        raise ConfigError("the address is not a URL", code="url", where=instance, fix=fix) from None
    if not url.host or url.scheme not in {"https", "http"}:
        raise ConfigError("the address needs a scheme and a host", code="url", where=instance, fix=fix)
    if url.userinfo or url.query or url.fragment:
        raise ConfigError(
            "the address holds more than a host and a path (user, query or fragment)",
            code="url",
            where=instance,
            fix=fix,
        )
    if url.scheme == "http" and not is_loopback(url.host):
        raise ConfigError(
            f"http://{url.host} would send credentials in clear text", code="url-insecure", where=instance, fix=fix
        )
    return url


def is_loopback(host: str) -> bool:
    """Whether the host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _authority(url: httpx.URL) -> str:
    return url.netloc.decode("ascii").lower()
