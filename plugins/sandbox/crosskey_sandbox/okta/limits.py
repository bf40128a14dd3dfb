"""Rate limits: a bucket for each path pattern and principal, and the cap on requests at once.

Totals a minute are those of the last table that Okta published; it shows its callers half of each by default
(``OktaQuirks.share``). A window starts with its first request and lasts a minute; it does not follow the wall clock's
minutes. Application assignments share the bucket of ``/apps``, as recorded.
"""

from __future__ import annotations

import math

import msgspec

from crosskey_sandbox.okta.cell import Cell
from crosskey_sandbox.okta.errors import ApiError
from crosskey_sandbox.okta.quirks import Plan

__all__ = ("BUCKETS", "Limits")

_PLANS: tuple[Plan, ...] = ("integrator", "one_app", "enterprise", "workforce")
# bucket -> requests a minute for each plan
BUCKETS: dict[str, tuple[int, int, int, int]] = {
    "users": (100, 600, 600, 600),
    "user": (100, 1000, 1000, 2000),
    "user-write": (100, 600, 600, 600),
    "groups": (100, 600, 600, 500),
    "group": (100, 600, 600, 1000),
    "apps": (20, 100, 100, 100),
    "app": (100, 600, 600, 500),
    "logs": (20, 50, 50, 120),
    "other": (100, 600, 600, 1200),
    "token": (300, 300, 300, 300),
}
_WINDOW = 60.0


class _Window(msgspec.Struct):
    start: float
    used: int = 0


class Limits:
    """Counts requests. ``spend`` gives the headers of an answer, or refuses with 429 E0000047."""

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self._windows: dict[tuple[str, str], _Window] = {}
        self.running = 0

    def limit(self, bucket: str) -> int:
        """The limit as shown: never below 1."""
        quirks = self._cell.quirks
        total = BUCKETS[bucket][_PLANS.index(quirks.plan)]
        return quirks.limits.get(bucket) or max(1, math.floor(total * quirks.share))

    def spend(self, principal: str, bucket: str) -> dict[str, str]:
        """One request of this principal. A success may already say that nothing remains."""
        if not self._cell.quirks.rates:
            return {}
        now, limit = self._cell.epoch(), self.limit(bucket)
        window = self._windows.get((principal, bucket))
        if window is None or now >= window.start + _WINDOW:
            window = self._windows[principal, bucket] = _Window(now)
        reset = window.start + _WINDOW
        if window.used >= limit:
            raise ApiError("E0000047", headers=self.headers(limit, 0, reset))
        window.used += 1
        return self.headers(limit, limit - window.used, reset)

    def enter(self) -> None:
        """A request begins; 429 with Limit 0 when too many run. ``Reset`` is then a mere hint, 110 to 140 s ahead."""
        self.running += 1
        if self._cell.quirks.rates and self.running > self._cell.quirks.concurrency:
            raise self.crowded(self._cell.random.uniform(110, 140))

    def leave(self) -> None:
        """A request has ended."""
        self.running -= 1

    def crowded(self, wait: float) -> ApiError:
        """The concurrency kind of 429."""
        return ApiError("E0000047", headers=self.headers(0, 0, self._cell.epoch() + wait))

    def exceeded(self, bucket: str, wait: float) -> ApiError:
        """The minute kind of 429, whatever was spent."""
        return ApiError("E0000047", headers=self.headers(self.limit(bucket), 0, self._cell.epoch() + wait))

    @staticmethod
    def headers(limit: int, remaining: int, reset: float) -> dict[str, str]:
        """The three headers; Reset in epoch seconds. There is no Retry-After in any recorded 429."""
        return {
            "x-rate-limit-limit": str(limit),
            "x-rate-limit-remaining": str(remaining),
            "x-rate-limit-reset": str(math.ceil(reset)),
        }
