"""The core's services for one door, lent to the flow that opens for it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Final

from crosskey.clock import Clock
from crosskey.config import DoorSection
from crosskey.connector.sso import Door, Pins
from crosskey.context import InstanceContext, TransportFactory

if TYPE_CHECKING:
    import httpx

    from crosskey.http import Budget, Client

__all__ = ("DoorContext",)

_LARGEST: Final = 1024 * 1024
"""Bytes of anything that a provider answers a door with: metadata and key sets are a hundredth of that."""
_SECONDS: Final = 10.0
"""Somebody sits before a browser and waits."""


class DoorContext(InstanceContext):
    """A :class:`crosskey.SsoContext`. Its clients keep to public addresses unless the door's section says otherwise."""

    def __init__(
        self,
        section: DoorSection,
        pins: Pins,
        *,
        clock: Clock | None = None,
        transport: TransportFactory | None = None,
    ) -> None:
        super().__init__(section.path, clock=clock, transport=transport)
        self._public_only = not section.rules.private_addresses
        self.door: Door = section.door
        self.pins = pins

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
        deadline: float = _SECONDS,
    ) -> AbstractAsyncContextManager[Client]:
        """An HTTP client on the core's stack, for short answers that somebody waits for."""
        from crosskey.http import RetryPolicy, open_client  # noqa: PLC0415 - httpx is imported when a flow is opened
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
            deadline=min(deadline, _SECONDS),
            transport=self._transport(self.instance) if self._transport else None,
            retry=RetryPolicy(attempts=2, patience=2.0, throttle_patience=3.0),
            instruments=instruments(),
            public_only=self._public_only,
            largest=_LARGEST,
        )
