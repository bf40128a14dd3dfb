"""Requests that go wrong on purpose: before or after they were carried out, or long after.

Synthetic: real instances have outages of their own; these are the cases a client must survive.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

__all__ = ("Effect", "Fault", "Faults")

Effect = Literal["error_before", "error_after", "lost_before", "lost_after", "late", "unavailable", "html"]
"""``error_before``/``error_after``: 500, nothing done / done. ``lost_before``/``lost_after``: the connection closes
without an answer, nothing done / done. ``late``: the connection closes and the request is carried out ``delay``
seconds later (or at ``desk.settle()``). ``unavailable``: 503, nothing done. ``html``: 200 with a page instead of
JSON, nothing done."""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Which requests go wrong: of ``method``, to ``resource`` (empty: any), ``times`` after ``skip`` good ones."""

    effect: Effect
    method: str = "POST"
    resource: str = ""
    skip: int = 0
    times: int = 1
    delay: float = 60.0


class Faults:
    """Faults that wait for their request, and late requests that wait for their time."""

    def __init__(self) -> None:
        self._waiting: list[list[int]] = []
        self._faults: list[Fault] = []
        self._late: list[tuple[float, Callable[[], object]]] = []

    def add(self, fault: Fault) -> None:
        """Arm one fault."""
        self._faults.append(fault)
        self._waiting.append([fault.skip, fault.times])

    def next(self, method: str, resource: str) -> Fault | None:
        """The fault that hits this request, counted."""
        for fault, left in zip(self._faults, self._waiting, strict=True):
            if fault.method != method or fault.resource not in {"", resource} or left[1] == 0:
                continue
            if left[0] > 0:
                left[0] -= 1
                continue
            left[1] -= 1
            return fault
        return None

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
