"""The core's services for one door, lent to the flow that opens for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crosskey.clock import Clock
from crosskey.config import DoorSection
from crosskey.connector.sso import Door, Pins
from crosskey.context import InstanceContext, TransportFactory

if TYPE_CHECKING:
    from crosskey.http import RetryPolicy

__all__ = ("DoorContext",)

_LARGEST: Final = 1024 * 1024
"""Bytes of anything that a provider answers a door with: metadata and key sets are a hundredth of that."""
_SECONDS: Final = 10.0
"""Somebody sits before a browser and waits."""


class DoorContext(InstanceContext):
    """A :class:`crosskey.SsoContext`. Its clients keep to public addresses unless the door's section says otherwise.

    No exchange takes longer than ``seconds``.
    """

    def __init__(
        self,
        section: DoorSection,
        pins: Pins,
        *,
        clock: Clock | None = None,
        transport: TransportFactory | None = None,
        seconds: float = _SECONDS,
    ) -> None:
        super().__init__(section.path, clock=clock, transport=transport)
        self._public_only = not section.rules.private_addresses
        self._longest, self._largest = seconds, _LARGEST
        self.door: Door = section.door
        self.pins = pins

    def _retry(self) -> RetryPolicy:
        from crosskey.http import RetryPolicy  # noqa: PLC0415 - httpx is imported when a flow is opened

        return RetryPolicy(attempts=2, patience=2.0, throttle_patience=3.0)
