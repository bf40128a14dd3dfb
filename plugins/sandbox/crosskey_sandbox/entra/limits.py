"""Throttling by resource units: what each request costs, and the ten seconds in which an application may spend.

Limits for an application in one tenant are those that Microsoft publishes for small, medium and large tenants. Writes
have a limit of their own that is not kept here. The window starts with its first request.
"""

from __future__ import annotations

import math

import msgspec

from crosskey_sandbox.entra.cell import Cell
from crosskey_sandbox.entra.errors import GraphError
from crosskey_sandbox.entra.odata import Options

__all__ = ("Limits", "cost_of")

_WINDOW = 10.0
_SIZES = ((50, 3500), (500, 5000))  # tenants below so many users: small, medium
_LARGE = 8000
_FEW = 20  # a page asked with a smaller $top is cheaper
_WARN = 0.8
_WORST = 1.8


def cost_of(base: int, asked: Options) -> int:
    """``$select`` saves a unit, ``$expand`` costs one, ``$top`` below 20 saves one; never under 1."""
    cost = base - (asked.select is not None) + (asked.expand is not None)
    cost -= asked.top is not None and asked.top < _FEW
    return max(1, cost)


class _Window(msgspec.Struct):
    start: float
    used: int = 0


class Limits:
    """Counts resource units for each application."""

    def __init__(self, cell: Cell, tenant_id: str) -> None:
        self._cell = cell
        self._tenant_id = tenant_id
        self._windows: dict[str, _Window] = {}

    def spend(self, client_id: str, cost: int, users: int) -> dict[str, str]:
        """The headers of an answer that costs this much, or a 429. Refused requests count too."""
        quirks, now = self._cell.quirks, self._cell.epoch()
        headers = {"x-ms-resource-unit": str(cost)}
        if not quirks.throttling:
            return headers
        limit = quirks.units or next((units for size, units in _SIZES if users < size), _LARGE)
        window = self._windows.get(client_id)
        if window is None or now >= window.start + _WINDOW:
            window = self._windows[client_id] = _Window(now)
        window.used += cost
        left = window.start + _WINDOW - now
        if quirks.rate_limit_headers:
            headers["ratelimit-limit"] = str(limit)
            headers["ratelimit-remaining"] = str(max(0, limit - window.used))
            headers["ratelimit-reset"] = str(math.ceil(left))
        if window.used >= limit * _WARN:
            headers["x-ms-throttle-limit-percentage"] = f"{min(_WORST, window.used / limit):.2f}"
        if window.used > limit:
            raise self.exceeded(client_id, left, headers)
        return headers

    def exceeded(self, client_id: str, wait: float, headers: dict[str, str] | None = None) -> GraphError:
        """429 for an application, whatever was spent."""
        after = f"{wait:.3f}" if self._cell.quirks.decimal_retry_after else str(math.ceil(wait))
        return GraphError(
            429,
            "TooManyRequests",
            "Too many requests.",
            {
                **(headers or {}),
                "retry-after": after,
                "x-ms-throttle-scope": f"Tenant_Application/ReadWrite/{client_id}/{self._tenant_id}",
                "x-ms-throttle-information": "ResourceUnitLimitExceeded",
            },
        )
