"""Requests that go wrong on purpose: before or after they were carried out, or long after.

Synthetic: real instances have outages of their own; these are the cases a client must survive.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

__all__ = ("Effect", "Fault", "Faults")

Effect = Literal[
    "error_before",
    "error_after",
    "lost_before",
    "lost_after",
    "late",
    "unavailable",
    "throttled",
    "html",
    "truncated",
]
"""What goes wrong.

``error_before``/``error_after``: 500, nothing done / done. ``lost_before``/``lost_after``: the connection closes
without an answer, nothing done / done. ``late``: the connection closes and the request is carried out ``delay`` seconds
later (or at ``desk.settle()``). ``unavailable``: 503, nothing done. ``throttled``: 429, nothing done. ``html``: 200
with a page instead of JSON, nothing done. ``truncated``: done, and half of the answer's JSON.
"""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Which requests go wrong: those of ``method`` to ``resource`` (empty: any).

    After ``skip`` good ones every ``every``-th is hit, ``times`` times in all (``None``: without end).
    """

    effect: Effect
    method: str = "POST"
    resource: str = ""
    skip: int = 0
    every: int = 1
    times: int | None = 1
    delay: float = 60.0


class _Armed(msgspec.Struct):
    """A fault, how many requests it has met and how many it has hit."""

    fault: Fault
    met: int = 0
    hit: int = 0

    def strikes(self, method: str, resource: str) -> bool:
        """Count this request; whether it goes wrong."""
        fault = self.fault
        if fault.method != method or fault.resource not in {"", resource} or self.hit == fault.times:
            return False
        self.met += 1
        if self.met <= fault.skip or (self.met - fault.skip) % fault.every:
            return False
        self.hit += 1
        return True


class Faults:
    """Faults that wait for their request, and late requests that wait for their time."""

    def __init__(self) -> None:
        self._armed: list[_Armed] = []
        self._late: list[tuple[float, Callable[[], object]]] = []

    def add(self, fault: Fault) -> None:
        """Arm one fault."""
        self._armed.append(_Armed(fault))

    def next(self, method: str, resource: str) -> Fault | None:
        """The first fault that hits this request, counted."""
        return next((armed.fault for armed in self._armed if armed.strikes(method, resource)), None)

    def postpone(self, when: float, work: Callable[[], object]) -> None:
        """Carry ``work`` out once the clock shows ``when``."""
        self._late.append((when, work))

    def due(self, now: float) -> None:
        """Carry out what has become due."""
        ready = [work for when, work in self._late if when <= now]
        self._late = [entry for entry in self._late if entry[0] > now]
        for work in ready:
            work()

    def settle(self) -> None:
        """Carry out everything that is late, now."""
        self.due(float("inf"))
