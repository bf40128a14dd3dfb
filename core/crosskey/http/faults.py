"""What to make of an exchange that broke before a whole answer came: which error, and whether it may be repeated."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import httpx
import msgspec

from crosskey.errors import ConfigError, ContractError, CrosskeyError, RetryableError
from crosskey.http.breaker import CircuitOpen
from crosskey.http.exchange import Exchange
from crosskey.http.status import uncertain
from crosskey.http.wire import BodyTooLarge, DeadlineExceeded, StrangeEncoding

__all__ = ("Fault", "bad_link", "read_fault", "unsendable")

# Raised before the first byte of the request left, so repeating cannot do anything twice.
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


class Fault(msgspec.Struct, frozen=True):
    """The error to raise, and whether trying again may help and cannot harm."""

    error: CrosskeyError
    again: bool


def read_fault(exc: httpx.HTTPError, exchange: Exchange) -> Fault:
    """Class an httpx error. Its own text is never shown: httpx quotes header values, credentials included."""
    where = exchange.instance
    if isinstance(exc, httpx.LocalProtocolError):
        return Fault(unsendable(where), again=False)
    if isinstance(exc, httpx.UnsupportedProtocol):
        error = ConfigError("the address needs https://", code="url", where=where, fix=f"check `url` in [{where}]")
        return Fault(error, again=False)
    if isinstance(exc, _UNSENT):
        return _unreached(exc, exchange)
    what = _what(exc, exchange)
    if not exchange.repeatable:
        return Fault(uncertain(exchange, what), again=False)
    if isinstance(exc, BodyTooLarge | httpx.DecodingError):
        fix = "the address may be wrong, or something between garbles answers: " + f"check `url` in [{where}]"
        return Fault(ContractError(f"{exchange} {what}", code="bad-body", where=where, fix=fix), again=False)
    error = RetryableError(f"{exchange} {what}", code="unreachable", where=where, fix="run again later")
    return Fault(error, again=True)


def unsendable(instance: str) -> ConfigError:
    """The error for a request whose headers cannot be written, which a secret with a line break causes."""
    return ConfigError(
        "nothing could be sent: a header would have a character that HTTP does not allow",
        code="unsendable",
        where=instance,
        fix=f"look for line breaks, spaces or letters with accents in the secrets of [{instance}]",
    )


def bad_link(instance: str, what: str) -> ContractError:
    """The error for an address, usually a link's, that cannot be read as one."""
    return ContractError(
        f"{what} leads to an address that is not a URL",
        code="bad-link",
        where=instance,
        fix=f"check `url` in [{instance}], and report it to the vendor if it stays",
    )


def _unreached(exc: httpx.HTTPError, exchange: Exchange) -> Fault:
    where = exchange.instance
    if isinstance(exc, CircuitOpen):
        error = RetryableError(str(exc), code="circuit-open", where=where, fix="run again later", wait=exc.wait)
        return Fault(error, again=False)
    host = _host(exc)
    for cause in _causes(exc):
        if isinstance(cause, ssl.SSLCertVerificationError):
            error = ConfigError(
                f"the certificate of {host} was refused: {cause.verify_message}",
                code="certificate",
                where=where,
                fix=f"check `url` in [{where}]; for a private authority set SSL_CERT_FILE to its PEM file",
            )
            return Fault(error, again=False)
        if isinstance(cause, socket.gaierror):
            return _unreachable(exchange, f"the name {host} could not be looked up")
    if isinstance(exc, httpx.ProxyError):
        return _unreachable(
            exchange, f"the proxy did not let us through to {host}", fix="check HTTPS_PROXY and NO_PROXY"
        )
    return _unreachable(exchange, _how(exc, host))


def _how(exc: httpx.HTTPError, host: str) -> str:
    if isinstance(exc, httpx.TimeoutException):
        return f"{host} did not take the connection in time"
    if any(isinstance(cause, ssl.SSLError) for cause in _causes(exc)):
        return f"{host} and we could not agree on TLS"
    return f"{host} could not be reached"


def _unreachable(exchange: Exchange, message: str, fix: str = "") -> Fault:
    where = exchange.instance
    fix = fix or f"check `url` in [{where}] and the network, then run again"
    return Fault(RetryableError(message, code="unreachable", where=where, fix=fix), again=True)


def _what(exc: httpx.HTTPError, exchange: Exchange) -> str:
    if isinstance(exc, DeadlineExceeded):
        return str(exc).removeprefix(f"{exchange} ")
    if isinstance(exc, BodyTooLarge):
        return "answered with too large a body"
    if isinstance(exc, StrangeEncoding):
        return "answered with a body in a compression that nobody asked for"
    if isinstance(exc, httpx.DecodingError):
        return "answered with a body whose compression is broken"
    if isinstance(exc, httpx.TimeoutException):
        return "had no answer in time"
    return "was cut off before the whole answer came"


def _host(exc: httpx.HTTPError) -> str:
    try:
        return exc.request.url.host
    except RuntimeError:  # httpx: no request was attached
        return "the server"


def _causes(exc: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = exc
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
