"""A provider's metadata: of exactly the configured issuer, from no redirect, and no weaker than it was at set-up."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final, cast
from urllib.parse import urlsplit

from crosskey.config.hook_address import is_loopback
from crosskey.connector.refusal import SsoRefused
from crosskey.connector.sso import Pinned, Provider

__all__ = ("WELL_KNOWN", "check_pins", "origin_of", "pinned_of", "read_provider")

WELL_KNOWN: Final = "/.well-known/openid-configuration"

_REQUIRED: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_OPTIONAL: Final = ("userinfo_endpoint", "end_session_endpoint", "revocation_endpoint")


def read_provider(document: dict[str, Any], *, issuer: str, hosts: Collection[str] = ()) -> Provider:
    """The metadata, each address looked at. Raises :class:`SsoRefused`.

    ``issuer`` is compared letter by letter: a slash more is another issuer. ``hosts`` are further hosts on which its
    addresses may be. Which algorithms the provider says it signs with is not even read.
    """
    said = document.get("issuer")
    if said != issuer:
        raise SsoRefused("issuer-mismatch", f"the metadata is of {str(said)[:200]}, not of {issuer}")
    found = {name: _endpoint(document, name, required=True) for name in _REQUIRED}
    found |= {name: _endpoint(document, name, required=False) for name in _OPTIONAL}
    methods = _texts(document, "code_challenge_methods_supported")
    if methods and "S256" not in methods:
        raise SsoRefused("pkce-dropped", "the metadata names PKCE methods, and S256 is not among them")
    near = {origin_of(issuer), *(f"https://{host.lower()}" for host in hosts)}
    return Provider(
        issuer=issuer,
        authorization_endpoint=found["authorization_endpoint"],
        token_endpoint=found["token_endpoint"],
        jwks_uri=found["jwks_uri"],
        userinfo_endpoint=found["userinfo_endpoint"],
        end_session_endpoint=found["end_session_endpoint"],
        revocation_endpoint=found["revocation_endpoint"],
        tells_issuer=document.get("authorization_response_iss_parameter_supported") is True,
        supports_s256="S256" in methods,
        back_channel_logout=document.get("backchannel_logout_supported") is True,
        front_channel_logout=document.get("frontchannel_logout_supported") is True,
        auth_methods=_texts(document, "token_endpoint_auth_methods_supported"),
        response_types=_texts(document, "response_types_supported"),
        response_modes=_texts(document, "response_modes_supported"),
        scopes=_texts(document, "scopes_supported"),
        foreign=tuple(sorted({url for url in found.values() if url and origin_of(url) not in near})),
    )


def _endpoint(document: dict[str, Any], name: str, *, required: bool) -> str:
    url = document.get(name, "")
    if not isinstance(url, str) or (required and not url):
        raise SsoRefused("metadata-invalid", f"{name} is missing, or no text")
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        raise SsoRefused("metadata-invalid", f"{name} is no address") from None
    if not host or parts.username or parts.fragment or not url.isascii():
        raise SsoRefused("metadata-invalid", f"{name} is no address to send anything to")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise SsoRefused("endpoint-insecure", f"{name} is at {parts.scheme}://{host}")
    return url


def origin_of(url: str) -> str:
    """Scheme, host and port of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _texts(document: dict[str, Any], name: str) -> tuple[str, ...]:
    value = document.get(name, [])
    if not isinstance(value, list):
        raise SsoRefused("metadata-invalid", f"{name} is no list")
    return tuple(each for each in cast("list[object]", value) if isinstance(each, str))


def pinned_of(provider: Provider, now: datetime) -> Pinned:
    """What must stay as it is."""
    names = (*_REQUIRED, *_OPTIONAL)
    return Pinned(
        issuer=provider.issuer,
        endpoints={name: getattr(provider, name) for name in names if getattr(provider, name)},
        tells_issuer=provider.tells_issuer,
        supports_s256=provider.supports_s256,
        since=now,
    )


def check_pins(provider: Provider, pinned: Pinned) -> Provider:
    """The metadata, if nothing in it went elsewhere or became weaker since it was pinned. Raises :class:`SsoRefused`.

    An address may move within the issuer's own origin and the allowed hosts; one that is foreign may not move at all.
    A provider that once said its name in every answer is held to that.
    """
    moved = [url for url in provider.foreign if url not in pinned.endpoints.values()]
    if moved:
        raise SsoRefused("endpoint-moved", f"an address is now at {origin_of(moved[0])}, which nobody has allowed")
    if pinned.supports_s256 and not provider.supports_s256:
        raise SsoRefused("pkce-dropped")
    if pinned.tells_issuer and not provider.tells_issuer:
        raise SsoRefused("endpoint-moved", "the provider no longer says its name in answers, as it did")
    return provider
