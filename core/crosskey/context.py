"""The core's services for one configured instance, lent to the plugin that opens its connector."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from math import inf
from typing import TYPE_CHECKING

from crosskey.clock import Clock, Skews, SystemClock

if TYPE_CHECKING:
    import httpx
    from opentelemetry.trace import Tracer

    from crosskey.http import Budget, Client, RetryPolicy

__all__ = ("InstanceContext", "TransportFactory")

TransportFactory = Callable[[str], "httpx.AsyncBaseTransport | None"]
"""Gives the transport for an instance (``source.corp``), or ``None`` for the real one."""


class InstanceContext:
    """A :class:`crosskey.connector.context.Context`.

    ``transport`` replaces the innermost HTTP transport, below retries, pacing and spans: recordings, tests and fault
    injection go in there. ``skews`` hears the time that servers tell.
    """

    def __init__(
        self,
        instance: str,
        *,
        clock: Clock | None = None,
        transport: TransportFactory | None = None,
        skews: Skews | None = None,
    ) -> None:
        self.instance = instance
        self.clock: Clock = clock or SystemClock()
        self._transport = transport
        self._skews = skews
        self._longest = inf
        """No exchange may take longer, whatever a connector asks for."""
        self._largest: int | None = None
        self._public_only = False

    def _retry(self) -> RetryPolicy | None:
        """How often clients try again; ``None``: as usual."""
        return None

    @property
    def logger(self) -> logging.Logger:
        """The logger ``crosskey.source.corp``."""
        return logging.getLogger(f"crosskey.{self.instance}")

    @property
    def tracer(self) -> Tracer:
        """The tracer of this instance; it does nothing unless the command line set the SDK up."""
        from crosskey.telemetry import tracer  # noqa: PLC0415 - the OpenTelemetry API is imported when first needed

        return tracer(f"crosskey.{self.instance}")

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
        """An HTTP client on the core's stack."""
        from crosskey.http import open_client  # noqa: PLC0415 - httpx is imported when a connector is opened
        from crosskey.http.wire import LARGEST_BODY  # noqa: PLC0415 - as above
        from crosskey.telemetry import instruments  # noqa: PLC0415 - as above

        return open_client(
            base_url,
            instance=self.instance,
            clock=self.clock,
            tracer=self.tracer,
            logger=self.logger,
            auth=auth,
            headers=headers,
            explain=explain,
            budget=budget,
            hosts=hosts,
            concurrency=concurrency,
            deadline=min(deadline, self._longest),
            transport=self._transport(self.instance) if self._transport else None,
            retry=self._retry(),
            instruments=instruments(),
            skews=self._skews,
            public_only=self._public_only,
            largest=self._largest or LARGEST_BODY,
        )
