"""A circuit breaker for each host: one that only fails is left alone for a while, by everybody (G23)."""

from __future__ import annotations

from typing import Final

import httpx

from crosskey.clock import Clock

__all__ = ("Breaker", "CircuitOpen")

_FAULTS: Final = 10
"""So many faults in a row open a circuit: twice what one call tries, so that one alone never does."""
_FIRST: Final = 30.0
_LONGEST: Final = 300.0


class CircuitOpen(httpx.ConnectError):
    """Nothing was sent: the host has only failed of late. ``wait`` is in how many seconds it is tried again."""

    def __init__(self, message: str, *, wait: float, request: httpx.Request) -> None:
        super().__init__(message, request=request)
        self.wait = wait


class Breaker:
    """The circuits of one client, by host.

    While a circuit is open nothing is sent. Then one request probes: an answer closes it, a fault opens it for twice as
    long, up to five minutes.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._circuits: dict[str, _Circuit] = {}

    def enter(self, request: httpx.Request) -> None:
        """See that a request may be sent. Raises :class:`CircuitOpen`; else tell :meth:`ended` what it came to."""
        circuit = self._circuits.get(request.url.host)
        if circuit is None or circuit.faults < _FAULTS:
            return
        wait = circuit.opens_at - self._clock.monotonic()
        if wait <= 0 and not circuit.probing:
            circuit.probing = True
            return
        wait = max(wait, 1.0)
        message = f"{request.url.host} failed {circuit.faults} times in a row and is left alone for {wait:.0f} s"
        raise CircuitOpen(message, wait=wait, request=request)

    def ended(self, host: str, status: int | None) -> None:
        """An exchange ended with this status; ``None``: no whole answer came."""
        circuit = self._circuits.setdefault(host, _Circuit())
        if status is not None and status < 500:
            self._circuits[host] = _Circuit()
            return
        circuit.faults += 1
        if circuit.faults >= _FAULTS and (circuit.probing or circuit.faults == _FAULTS):
            circuit.rest = min(circuit.rest * 2, _LONGEST) if circuit.rest else _FIRST
            circuit.opens_at = self._clock.monotonic() + circuit.rest
        circuit.probing = False

    def abandoned(self, host: str) -> None:
        """An exchange was given up by its caller: that says nothing about the host."""
        if (circuit := self._circuits.get(host)) is not None:
            circuit.probing = False


class _Circuit:
    """One host: faults in a row, and from when on it may be tried again."""

    __slots__ = ("faults", "opens_at", "probing", "rest")

    def __init__(self) -> None:
        self.faults = 0
        self.opens_at = 0.0
        self.rest = 0.0
        self.probing = False
