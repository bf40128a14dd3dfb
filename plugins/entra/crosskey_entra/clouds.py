"""Where a tenant's sign-in service and Microsoft Graph are."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from crosskey.errors import ConfigError
from crosskey_entra.settings import CloudName

__all__ = ("CLOUDS", "Cloud", "address")

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Cloud(msgspec.Struct, frozen=True):
    """Addresses without a path: where tokens are issued (``authority``), where people are read (``graph``)."""

    authority: str
    graph: str

    @property
    def scope(self) -> str:
        """All permissions granted to the app on this cloud's Graph."""
        return f"{self.graph}/.default"


# Deployments as Microsoft lists them; Graph addresses of the French, German and Singaporean clouds are not published:
# there `authority` and `graph_url` are written out.
CLOUDS: Mapping[CloudName, Cloud] = {
    "global": Cloud("https://login.microsoftonline.com", "https://graph.microsoft.com"),
    "us-government": Cloud("https://login.microsoftonline.us", "https://graph.microsoft.us"),
    "us-dod": Cloud("https://login.microsoftonline.us", "https://dod-graph.microsoft.us"),
    "china": Cloud("https://login.partner.microsoftonline.cn", "https://microsoftgraph.chinacloudapi.cn"),
}


def address(text: str, default: str, where: str) -> str:
    """The address that a setting overrides, without a slash at its end and without the version of Graph's API.

    Raises :class:`ConfigError` for what would be unsafe or cannot be an address; ``where`` is the setting's path.
    """
    if not text:
        return default
    key = where.rpartition(".")[2]
    try:
        parts = urlsplit(text.strip())
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise _refused("this is not an address", where, key, default) from None
    if not host or parts.scheme not in ("https", "http"):
        raise _refused("this is not an address", where, key, default)
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise _refused("http:// would send the credential unprotected", where, key, f"https://{host}")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise _refused("the address may hold neither a user name nor a query", where, key, f"https://{host}")
    path = parts.path.rstrip("/").removesuffix("/v1.0").rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path}"


def _refused(message: str, where: str, key: str, example: str) -> ConfigError:
    return ConfigError(message, code="entra-address", where=where, fix=f'write {key} = "{example}"')
