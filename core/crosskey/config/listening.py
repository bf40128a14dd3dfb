"""An address and a port to listen on, as it is written in the configuration."""

from __future__ import annotations

from crosskey.errors import ConfigError

__all__ = ("listen_address",)


def listen_address(text: str) -> tuple[str, int]:
    """Host and port of ``host:port``; IPv6 in brackets. Raises :class:`ConfigError`."""
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise ConfigError(
            "expected an address and a port", where="listen", fix='write "127.0.0.1:8470", or "" for none'
        )
    return host, int(port)
