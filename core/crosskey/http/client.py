"""The HTTP client that plugins are lent: typed calls and pages over one stack of retries, pacing and deadlines."""

from __future__ import annotations

import urllib.request
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from logging import Logger
from typing import TYPE_CHECKING, TypeVar

import httpx
import msgspec
from opentelemetry.trace import Tracer

from crosskey.clock import Clock, Skews
from crosskey.errors import ContractError, CrosskeyError
from crosskey.http.addresses import CheckedAddresses
from crosskey.http.auth import RefreshingAuth
from crosskey.http.breaker import Breaker, CircuitOpen
from crosskey.http.decoding import decode_body, decoder_of
from crosskey.http.exchange import EXTENSION, Exchange, path_template
from crosskey.http.faults import bad_link, read_fault, unsendable
from crosskey.http.pacing import Budget, Pacer
from crosskey.http.pinning import Origins, base_address, is_loopback
from crosskey.http.ratelimit import read_retry_after, read_window
from crosskey.http.redaction import quieten_transport_loggers
from crosskey.http.reply import Reply, link_next
from crosskey.http.retry import Retries, RetryPolicy
from crosskey.http.spans import Telling
from crosskey.http.status import Explain, error_for, is_transient
from crosskey.http.timing import Timing
from crosskey.http.wire import LARGEST_BODY, Wire
from crosskey.instruments import Instruments

if TYPE_CHECKING:
    from ssl import SSLContext

    from httpx._client import UseClientDefault  # pyright: ignore[reportPrivateUsage]  httpx exports the value only

__all__ = ("Client", "open_client")

T = TypeVar("T")

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})  # RFC 9110 §9.2.1


class Client(httpx.AsyncClient):
    """One instance's HTTP client. Only :func:`open_client` makes one.

    :meth:`call` and :meth:`pages` are all a plugin needs. Plain httpx methods work too and are paced, pinned, traced
    and bounded alike, but neither retried nor turned into our errors.
    """

    def __init__(
        self,
        wire: Wire,
        *,
        base_url: httpx.URL,
        instance: str,
        clock: Clock,
        logger: Logger,
        retry: RetryPolicy,
        metered: bool,
        explain: Explain | None,
        auth: httpx.Auth | None,
        headers: Mapping[str, str],
        timeout: httpx.Timeout,
        waited: Callable[[float], None],
    ) -> None:
        super().__init__(
            base_url=base_url,
            transport=wire,
            auth=auth,
            headers=headers,
            timeout=timeout,
            follow_redirects=False,
            trust_env=False,
        )
        self.instance = instance
        self.clock = clock
        self._logger = logger
        self._retry = retry
        self._metered = metered
        self._explain = explain
        self._waited = waited
        if isinstance(auth, RefreshingAuth):
            auth.bind(self)

    @property
    def cookies(self) -> httpx.Cookies:  # pyright: ignore[reportIncompatibleMethodOverride]  nothing to set
        """None, ever: calls stand alone, and a jar costs as much as the rest of a call."""
        return _NO_COOKIES

    async def call(
        self,
        method: str,
        url: str,
        *,
        decode: type[T] | msgspec.json.Decoder[T],
        params: Mapping[str, str | int] | None = None,
        json: object = msgspec.UNSET,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        template: str = "",
        repeatable: bool | None = None,
        auth: httpx.Auth | UseClientDefault | None = httpx.USE_CLIENT_DEFAULT,
    ) -> Reply[T]:
        """Send a request until it has a clear answer, and give the decoded answer.

        ``url`` is a path under the base address, or a whole URL on a known host; ``json`` is anything msgspec encodes;
        ``template`` is the low-cardinality path for spans, messages and rate-limit buckets (``/users/{id}``);
        ``repeatable`` says whether sending twice does no harm (by default for GET, HEAD and OPTIONS only).

        A 429 and a connection that never opened are repeated for every method, other faults only when repeatable.
        Raises :class:`AuthError` (401, 403), :class:`RejectedError` (other 4xx), :class:`RetryableError` (still
        failing after the retries), :class:`UncertainError` (a request that must not be repeated left us and no clear
        answer came), :class:`ContractError` (redirects, undecodable answers, foreign hosts).
        """
        decoder = decoder_of(decode)
        exchange = Exchange(
            instance=self.instance,
            method=method,
            template=template or path_template(url),
            repeatable=method in _SAFE if repeatable is None else repeatable,
        )
        content, extra = (None, {}) if json is msgspec.UNSET else (msgspec.json.encode(json), _JSON)

        def build() -> httpx.Request:
            return self.build_request(
                method,
                url,
                params=params,
                content=content,
                data=form,
                headers={**extra, **headers} if headers else extra,
                extensions={EXTENSION: exchange},
            )

        response = await self._settle(build, exchange, auth)
        value = decode_body(response, decoder, exchange)
        return Reply(value=value, status=response.status_code, headers=response.headers, url=response.url)

    async def _settle(
        self,
        build: Callable[[], httpx.Request],
        exchange: Exchange,
        auth: httpx.Auth | UseClientDefault | None,
    ) -> httpx.Response:
        """Try until there is a 2xx answer; raise what the last try came to when there is none."""
        retries = Retries(self._retry, metered=self._metered)
        error: CrosskeyError | None = None
        while True:
            try:
                response = await self.send(build(), auth=auth)
            except httpx.HTTPError as exc:
                fault = read_fault(exc, exchange)
                if error is not None and isinstance(exc, CircuitOpen):
                    raise error from None  # what this call met itself says more
                error = fault.error
                wait = retries.after_fault() if fault.again else None
            except UnicodeEncodeError:
                raise unsendable(self.instance) from None
            except httpx.InvalidURL:
                raise bad_link(self.instance, str(exchange)) from None
            else:
                if response.is_success:
                    return response
                wait = self._wait_after(response, retries, exchange)
                error = error_for(response, exchange, self._explain)
            if wait is None:
                raise error from None  # httpx's own error may quote headers
            self._logger.info("%s: trying again in %.1f s", error.message, wait)
            await self.clock.sleep(wait)
            if error.code == "rate-limited":
                self._waited(wait)

    def _wait_after(self, response: httpx.Response, retries: Retries, exchange: Exchange) -> float | None:
        """Seconds until an answer other than 2xx is worth another try; ``None`` when it is final."""
        status = response.status_code
        told = read_retry_after(response.headers, self.clock.now())
        if status == 429:
            window = read_window(response.headers, self.clock.now())
            crowded = window is not None and window.limit == 0
            if window is not None and told is None and not crowded:
                told = window.wait
            return retries.after_throttle(told, crowded=crowded)
        if is_transient(status) and exchange.repeatable:
            return retries.after_fault(told)
        return None

    async def pages(
        self,
        url: str,
        *,
        decode: type[T] | msgspec.json.Decoder[T],
        params: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        template: str = "",
        next_url: Callable[[Reply[T]], str | None] = link_next,
    ) -> AsyncGenerator[Reply[T]]:
        """The pages of a list, each followed by the one that it names, exactly as named.

        Raises :class:`ContractError` when a page names one that was read already, or one on a host that is not ours.
        """
        decoder = decoder_of(decode)
        template = template or path_template(url)
        seen: set[str] = set()
        while True:
            reply = await self.call("GET", url, decode=decoder, params=params, headers=headers, template=template)
            seen.update((url, str(reply.url)))  # as written and as sent: httpx may write it in another way
            yield reply
            try:
                following = next_url(reply)
                if following is None:
                    return
                url, params = reply.resolve(following), None
            except httpx.InvalidURL:
                raise bad_link(self.instance, f"GET {template}") from None
            if url in seen:
                raise ContractError(
                    f"GET {template} names a next page that was read already",
                    code="repeated-page",
                    where=self.instance,
                    fix="the list would never end: run again, and report it to the vendor if it stays",
                )


class _NoCookies(httpx.Cookies):
    def extract_cookies(self, response: httpx.Response) -> None:
        """Keep nothing."""


_NO_COOKIES = _NoCookies()
_JSON = {"Content-Type": "application/json"}


@asynccontextmanager
async def open_client(
    base_url: str,
    *,
    instance: str,
    clock: Clock,
    tracer: Tracer,
    logger: Logger,
    auth: httpx.Auth | None = None,
    headers: Mapping[str, str] | None = None,
    explain: Explain | None = None,
    budget: Budget | None = None,
    hosts: Collection[str] = (),
    concurrency: int = 8,
    deadline: float = 30.0,
    transport: httpx.AsyncBaseTransport | None = None,
    retry: RetryPolicy | None = None,
    instruments: Instruments | None = None,
    skews: Skews | None = None,
    public_only: bool = False,
    largest: int = LARGEST_BODY,
) -> AsyncGenerator[Client]:
    """Open a client for one instance and close its pool in the end.

    ``deadline`` is the total time of one exchange in seconds, body included; ``hosts`` are authorities (``host`` or
    ``host:port``) besides the base's where links may lead; ``skews`` hears the time that servers tell; ``public_only``
    refuses names that lead into private networks, ``largest`` bodies of more bytes. Raises :class:`ConfigError` for an
    address that cannot be.
    """
    base = base_address(base_url, instance)
    quieten_transport_loggers()
    telling = Telling(tracer, instruments or Instruments(), clock, host=base.host)
    wire = Wire(
        transport or _pool(base, concurrency, instance, public_only=public_only),
        pacer=Pacer(clock, logger, concurrency=concurrency, budget=budget, waited=telling.waited),
        origins=Origins(base, hosts, instance),
        telling=telling,
        instance=instance,
        deadline=deadline,
        breaker=Breaker(clock),
        timing=Timing(clock, skews),
        largest=largest,
    )
    try:
        client = Client(
            wire,
            base_url=base,
            instance=instance,
            clock=clock,
            logger=logger,
            retry=retry or RetryPolicy(),
            metered=budget is not None,
            explain=explain,
            auth=auth,
            headers={**_standard_headers(), **(headers or {})},
            timeout=_timeout(deadline),
            waited=telling.waited,
        )
    except UnicodeEncodeError:
        raise unsendable(instance) from None
    async with client:
        yield client


def _standard_headers() -> dict[str, str]:
    return {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": _user_agent()}


def _timeout(deadline: float) -> httpx.Timeout:
    # The pool never holds a request back: the pacer's slots do, where waiting costs no deadline.
    # Connecting gives up before the deadline cuts it off: httpcore closes only what it gave up by itself.
    return httpx.Timeout(deadline, connect=min(10.0, deadline / 3), pool=None)


def _pool(base: httpx.URL, concurrency: int, instance: str, *, public_only: bool) -> httpx.AsyncBaseTransport:
    pool = httpx.AsyncHTTPTransport(
        verify=_tls() if base.scheme == "https" else _no_tls(),
        proxy=_proxy(base),
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=max(1, concurrency), keepalive_expiry=30.0),
    )
    # Behind a proxy it is the proxy that looks names up; this machine itself is meant where it is written.
    if not public_only or is_loopback(base.host) or _proxy(base):
        return pool
    return CheckedAddresses(pool, instance)


@lru_cache(maxsize=1)
def _tls() -> SSLContext:
    """One context for every client: loading the authorities takes tens of milliseconds. Heeds SSL_CERT_FILE."""
    return httpx.create_ssl_context()


def _no_tls() -> SSLContext:
    """Trusts nobody, at no cost: clear text is for loopback only and links may not change the scheme."""
    import ssl  # noqa: PLC0415 - only here

    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _proxy(base: httpx.URL) -> str | None:
    """The proxy that the environment names (HTTPS_PROXY, NO_PROXY …); never for this machine itself."""
    if is_loopback(base.host) or urllib.request.proxy_bypass(base.host):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(base.scheme) or proxies.get("all")


@lru_cache(maxsize=1)
def _user_agent() -> str:
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - costs milliseconds, needed here only

    try:
        return f"crosskey/{version('crosskey')}"
    except PackageNotFoundError:
        return "crosskey"
