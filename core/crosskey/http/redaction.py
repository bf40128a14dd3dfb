"""The one place that knows what is secret in HTTP traffic and takes it out: for errors, logs and recordings.

Names decide first (headers, query parameters, members of forms and of JSON), shapes second (JSON Web Tokens and
credentials after their scheme's name are recognised anywhere in a text).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from typing import cast
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

from crosskey.errors import UNREADABLE

__all__ = (
    "REDACTED",
    "is_sensitive",
    "quieten_transport_loggers",
    "scrub_body",
    "scrub_headers",
    "scrub_text",
    "scrub_url",
)

REDACTED = "REDACTED"

# Ends of names, so that `token_type`, `passwordChanged` and `errorCode` stay readable.
_NAMES = re.compile(
    r"""(?ix) (?:^|[_\-.]|(?<=[a-z])(?=[A-Z]))?
    (?: secret | secret_?text | password | passwd | passcode | pass_?phrase | token | assertion | api[_\-]?key
      | private[_\-]?key | credential | authorization | cookie | dpop | dpop-nonce | code_verifier | session[_\-]?id
      | jsessionid | recovery[_\-]?answer )$"""
)
# Paging: a replay cannot follow a page whose name was taken out.
_CURSORS = re.compile(r"(?i)(?:next|skip|page|delta|continuation)[_-]?token$")
_QUERY_NAMES = {"code", "state", "nonce", "sid", "sig", "signature", "key"}
_KEY_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "k", "oth"}  # RFC 7518 §6: the private half of a JSON Web Key
_SHAPES = (
    # JWS and JWE in compact form: base64url parts that start with {" once decoded.
    (re.compile(r"eyJ[\w-]{6,}(?:\.[\w-]*){1,4}"), REDACTED),
    (
        re.compile(r"\b(Bearer|SSWS|DPoP|Basic)(\s+)(?!realm\b|error\b|algs\b)[\w.~+/=-]{8,}", re.IGNORECASE),
        rf"\1\2{REDACTED}",
    ),
    # name=value and "name": "value"; name: value only where the name cannot be the subject of a sentence.
    (
        re.compile(
            r"""(?ix) \b (?!(?:next|skip|page|delta|continuation)[_-])
            ( (?:[\w-]*[_-])? (?:secret(?:_?text)?|token|password|assertion|api[_-]?key)
              (?: ["']?\s*=\s* | ["']\s*:\s* )
            | (?:client_secret|client_assertion|access_token|refresh_token|id_token) \s*:\s* )
            (["']?) [^\s"'&,;<>]+"""
        ),
        rf"\1\2{REDACTED}",
    ),
)
_SCHEME = re.compile(r"^(Bearer|SSWS|DPoP|Basic|Digest|Negotiate)\s+\S", re.IGNORECASE)


def is_sensitive(name: str) -> bool:
    """Whether a header, parameter or member of that name holds a secret."""
    return _NAMES.search(name) is not None and _CURSORS.search(name) is None


def scrub_headers(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers with secret values replaced; the scheme of an ``Authorization`` stays, for it explains a lot."""
    return [(name, _scrub_header(name, value)) for name, value in headers]


def _scrub_header(name: str, value: str) -> str:
    if not is_sensitive(name):
        return scrub_text(value)
    scheme = _SCHEME.match(value)
    return f"{scheme[1]} {REDACTED}" if scheme and name.lower().endswith("authorization") else REDACTED


def scrub_url(url: str) -> str:
    """The URL without user info and with secret query parameters replaced; it is otherwise unchanged."""
    parts = urlsplit(url)
    netloc = parts.netloc.rpartition("@")[2]
    query = parts.query
    pairs = parse_qsl(query, keep_blank_values=True)
    clean = [(name, REDACTED if _secret_parameter(name) else scrub_text(value)) for name, value in pairs]
    if clean != pairs:
        query = urlencode(clean)
    return urlunsplit((parts.scheme, netloc, scrub_text(parts.path), query, ""))


def scrub_body(body: bytes, content_type: str = "") -> bytes:
    """A request's or answer's body with secret members replaced, whether it is JSON, a form, or text around them."""
    if not body:
        return body
    text = body.decode("utf-8", errors="surrogateescape")
    if "x-www-form-urlencoded" in content_type:
        pairs = parse_qsl(text, keep_blank_values=True)
        clean_pairs = [(n, REDACTED if _secret_parameter(n) else scrub_text(v)) for n, v in pairs]
        return urlencode(clean_pairs, errors="surrogateescape").encode() if clean_pairs != pairs else body
    try:
        tree: object = msgspec.json.decode(body)
    except UNREADABLE:
        return scrub_text(text).encode("utf-8", errors="surrogateescape")
    clean = _scrub_tree(tree, secret=False)
    return body if clean == tree else msgspec.json.encode(clean)


def scrub_text(text: str) -> str:
    """Text with everything that looks like a credential replaced."""
    for shape, replacement in _SHAPES:
        text = shape.sub(replacement, text)
    return text


def _secret_parameter(name: str) -> bool:
    return is_sensitive(name) or name.lower() in _QUERY_NAMES


def _scrub_tree(tree: object, *, secret: bool) -> object:
    """A copy of decoded JSON: under a secret name every text and number goes, shapes and types stay."""
    if isinstance(tree, Mapping):
        members = cast("Mapping[str, object]", tree)
        hidden = _KEY_MEMBERS if "kty" in members else set[str]()
        if any(isinstance(word := members.get(name), str) and is_sensitive(word) for name in ("key", "name")):
            hidden = {*hidden, "value"}  # a header written as a pair: {"key": "Authorization", "value": …}
        return {
            name: _scrub_tree(member, secret=secret or is_sensitive(name) or name in hidden)
            for name, member in members.items()
        }
    if isinstance(tree, list):
        return [_scrub_tree(item, secret=secret) for item in cast("list[object]", tree)]
    if isinstance(tree, str):
        return REDACTED if secret and tree else scrub_text(tree)
    return 0 if secret and isinstance(tree, int | float) and not isinstance(tree, bool) else tree


def quieten_transport_loggers() -> None:
    """Keep httpx from logging whole URLs (queries hold addresses) and httpcore from logging headers.

    A level that somebody set on purpose stays.
    """
    for name in ("httpx", "httpcore"):
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)
