"""The one mapping from a status code to an error."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import msgspec

from crosskey.errors import (
    UNREADABLE,
    AuthError,
    ContractError,
    CrosskeyError,
    RejectedError,
    RetryableError,
    UncertainError,
)
from crosskey.http.exchange import Exchange
from crosskey.http.redaction import scrub_text

__all__ = ("Explain", "error_for", "is_transient", "uncertain")

Explain = Callable[[httpx.Response], str]
"""Turns a vendor's error body into one sentence; empty when it cannot."""

_LONGEST_SENTENCE = 300


def is_transient(status: int) -> bool:
    """Whether the same request may succeed later by itself (429 is not meant: it was not even tried)."""
    return status >= 500 or status == 408


def error_for(
    response: httpx.Response, exchange: Exchange, explain: Explain | None, *, wait: float = 0.0
) -> CrosskeyError:
    """The error that a final answer other than 2xx stands for."""
    status = response.status_code
    where = exchange.instance
    said = _sentence(response, explain)
    message = f"{exchange} answered {status}{': ' + said if said else ''}"
    if status == 401:
        return AuthError(
            message,
            code="credential-refused",
            where=where,
            fix=f"check the credential in [{where}], then run `crosskey check`",
        )
    if status == 403:
        return AuthError(
            message,
            code="permission-denied",
            where=where,
            fix=f"grant the credential of [{where}] the missing scope or role: `crosskey check` names it",
        )
    if status == 429:
        return RetryableError(
            f"{message}; it stayed so however long we waited",
            code="rate-limited",
            where=where,
            fix="run again later, or ask for a larger share of the rate limit",
            wait=wait,
        )
    if is_transient(status) and exchange.repeatable:
        return RetryableError(message, code="server-error", where=where, fix="run again later", wait=wait)
    if is_transient(status):
        return uncertain(exchange, message.removeprefix(f"{exchange} "))
    return _redirected(response, exchange) if status < 400 else _rejected(message, exchange, status)


def uncertain(exchange: Exchange, what: str) -> UncertainError:
    """The error for a write that left us and got no clear answer."""
    return UncertainError(
        f"{exchange} {what}; whether it took effect is not known",
        where=exchange.instance,
        fix="run again: what became of it is looked up before anything is written",
    )


def _rejected(message: str, exchange: Exchange, status: int) -> RejectedError:
    return RejectedError(message, code=f"http-{status}", where=exchange.instance, status=status)


def _redirected(response: httpx.Response, exchange: Exchange) -> ContractError:
    try:
        host = response.request.url.join(response.headers.get("location", "")).host
    except (httpx.InvalidURL, ValueError):
        host = ""
    return ContractError(
        f"{exchange} was redirected ({response.status_code}) to {host or 'nowhere'}; redirects are not followed, "
        "for they would carry the credential along",
        code="redirected",
        where=exchange.instance,
        fix=f"write the final address as `url` in [{exchange.instance}]",
    )


def _sentence(response: httpx.Response, explain: Explain | None) -> str:
    """What the vendor said, scrubbed and cut; never fails, whatever came back."""
    said = ""
    if explain is not None:
        try:
            said = explain(response)
        except Exception:  # noqa: BLE001 - an error body may be anything; the status alone must still be reported
            said = ""
    said = " ".join(scrub_text(said or _standard(response)).split())
    return said if len(said) <= _LONGEST_SENTENCE else said[: _LONGEST_SENTENCE - 1] + "…"


class _Problem(msgspec.Struct):
    """Error bodies of standards: OAuth (RFC 6749 §5.2), problem details (RFC 9457), SCIM (RFC 7644 §3.12)."""

    error: str = ""
    error_description: str = ""
    title: str = ""
    detail: str = ""


_PROBLEM = msgspec.json.Decoder(_Problem)


def _standard(response: httpx.Response) -> str:
    try:
        problem = _PROBLEM.decode(response.content)
    except UNREADABLE:
        return ""
    said = (problem.error, problem.error_description, problem.title, problem.detail)
    return ": ".join(part for part in said if part)
