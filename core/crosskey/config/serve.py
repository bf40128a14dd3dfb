"""``[serve]``: where the doors are served, and which machines before them are believed."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated

from msgspec import Meta

from crosskey.config.hook_address import is_loopback
from crosskey.config.listening import listen_address
from crosskey.errors import ConfigError
from crosskey.settings import Settings

__all__ = ("ServeSettings",)


class ServeSettings(Settings, frozen=True, kw_only=True):
    """``[serve]``: what ``crosskey serve`` needs besides the doors of ``[sso.agents]`` and ``[sso.portal]``."""

    listen: Annotated[str, Meta(description="Address and port that the proxy before the doors asks.")] = (
        "127.0.0.1:8480"
    )
    listen_beyond: Annotated[
        bool,
        Meta(
            description="Let `listen` be an address that other machines reach. It speaks clear text: only behind TLS."
        ),
    ] = False
    proxies: Annotated[
        tuple[str, ...],
        Meta(
            description="Addresses or networks of proxies whose `X-Forwarded-…` headers `/auth/verify` believes. "
            "Nothing else ever reads such a header."
        ),
    ] = ("127.0.0.1", "::1")
    operators: Annotated[
        tuple[str, ...],
        Meta(
            description="Keys of agents' accounts that see and end sessions at `/agents/sessions`, and see attempts to "
            "sign in at `/agents/attempts`, after a fresh sign-in. Empty: there are no such pages."
        ),
    ] = ()

    def __post_init__(self) -> None:
        address = listen_address(self.listen)
        if not self.listen_beyond and not is_loopback(address[0]):
            raise ConfigError(
                f"{address[0]} can be reached from other machines",
                where="listen",
                fix='write "127.0.0.1:8480" and put a proxy before it, or set listen_beyond = true',
            )
        for proxy in self.proxies:
            try:
                ip_network(proxy)
            except ValueError:
                raise ConfigError(
                    f'"{proxy}" is no address or network',
                    where="proxies",
                    fix='write it like "10.0.0.7" or "10.0.0.0/24"',
                ) from None
