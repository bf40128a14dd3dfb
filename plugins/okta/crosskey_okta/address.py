"""The org's address as people write it, and as requests need it."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from crosskey.errors import ConfigError, Diagnostic

__all__ = ("Address", "read_address")

_OKTA_DOMAINS = ("okta.com", "oktapreview.com", "okta-emea.com", "okta-gov.com", "okta.mil")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Address(msgspec.Struct, frozen=True):
    """``base`` is scheme, host and port with nothing behind them; ``notes`` say what was corrected."""

    base: str
    host: str
    notes: tuple[Diagnostic, ...] = ()


def read_address(text: str, where: str) -> Address:
    """The address behind ``url``: the admin host and a trailing path are corrected and noted.

    Raises :class:`ConfigError` for what cannot be corrected safely: no https, no host, a user name, a query.
    """
    parts = urlsplit(text.strip())
    host = (parts.hostname or "").rstrip(".")
    try:
        port = parts.port
    except ValueError:
        host, port = "", None
    example = f"https://{host}" if host else "https://acme.okta.com"
    if not parts.scheme or not host:
        bare = text.strip().strip("/")
        likely = f"https://{bare}" if "." in bare and "/" not in bare and " " not in bare else "https://acme.okta.com"
        raise _refused(f'"{text}" is not the address of an Okta org', where, likely)
    if parts.scheme != "https" and not (parts.scheme == "http" and host in _LOOPBACK):
        raise _refused(f'"{parts.scheme}://" would send the credential unprotected', where, example)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise _refused("the address may hold neither a user name nor a query", where, example)

    plain = _without_admin(host)
    shown = f"[{plain}]" if ":" in plain else plain
    base = f"{parts.scheme}://{shown}" + (f":{port}" if port and (parts.scheme, port) != ("https", 443) else "")
    notes: list[Diagnostic] = []
    if plain != host:
        # Calls to the admin host work, but its links to next pages name the plain host.
        notes.append(_corrected(f"{host} is the host of the admin console", where, base))
    if parts.path.strip("/"):
        notes.append(_corrected(f'"{parts.path}" does not belong to the address', where, base))
    return Address(base=base, host=plain, notes=tuple(notes))


def _without_admin(host: str) -> str:
    label, _, domain = host.partition(".")
    return f"{label.removesuffix('-admin')}.{domain}" if domain in _OKTA_DOMAINS else host


def _refused(message: str, where: str, example: str) -> ConfigError:
    return ConfigError(message, code="okta-url", where=where, fix=f'write url = "{example}"')


def _corrected(summary: str, where: str, base: str) -> Diagnostic:
    return Diagnostic(
        severity="warning",
        code="okta-url-corrected",
        summary=f"{summary}; {base} is used instead",
        path=where,
        fix=f'write url = "{base}"',
    )
