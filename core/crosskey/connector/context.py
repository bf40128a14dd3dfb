"""What the core lends to a plugin that opens a connector."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from logging import Logger

    import httpx
    from opentelemetry.trace import Tracer

    from crosskey.clock import Clock
    from crosskey.http.client import Client
    from crosskey.http.pacing import Budget

__all__ = ("Context",)


class Context(Protocol):
    """The core's services for one configured instance. A plugin never builds its own transport.

    ``instance`` is the section's path (``source.corp``): put it first in every message.
    """

    @property
    def instance(self) -> str:
        """The configuration section this connector was opened for."""
        ...

    @property
    def clock(self) -> Clock:
        """All time and all waiting."""
        ...

    @property
    def logger(self) -> Logger:
        """A logger named after the instance."""
        ...

    @property
    def tracer(self) -> Tracer:
        """An OpenTelemetry tracer; spans are per page or per batch, never per record."""
        ...

    def http(
        self,
        base_url: str,
        *,
        auth: httpx.Auth | None = None,
        headers: Mapping[str, str] | None = None,
        explain: Callable[[httpx.Response], str] | None = None,
        budget: Budget | None = None,
        hosts: Collection[str] = (),
        concurrency: int = 8,
        deadline: float = 30.0,
    ) -> AbstractAsyncContextManager[Client]:
        """An HTTP client on the core's stack (retry, pacing, deadline, spans, redaction, recording).

        ``explain`` turns a vendor's error body into one sentence; ``budget`` is a request budget besides what
        the vendor's headers say; ``hosts`` are further hosts that links may lead to; ``concurrency`` caps
        requests in flight; ``deadline`` is the total time of one exchange in seconds.
        """
        ...
