"""Answers spoilt on purpose (``OktaQuirks.faults``)."""

from __future__ import annotations

from crosskey_sandbox.okta.cell import Cell
from crosskey_sandbox.okta.quirks import Fault

__all__ = ("GATEWAY_PAGE", "Faults")

GATEWAY_PAGE = b"""<!DOCTYPE html>
<html><head><title>Service unavailable</title></head>
<body><h1>We are sorry</h1><p>The service is not available at the moment. Please try again later.</p></body></html>
"""


class Faults:
    """Counts requests for each fault and says which one hits. The first one that is due wins."""

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self._seen: dict[Fault, int] = {}
        self._hits: dict[Fault, int] = {}

    def due(self, path: str) -> Fault | None:
        """The fault that this request meets, if any."""
        found: Fault | None = None
        for fault in self._cell.quirks.faults:
            if not path.startswith(fault.path):
                continue
            seen = self._seen[fault] = self._seen.get(fault, 0) + 1
            hits = self._hits.get(fault, 0)
            late = seen > fault.skip and (seen - fault.skip) % fault.every == 0
            if found is None and late and (fault.times is None or hits < fault.times):
                self._hits[fault] = hits + 1
                found = fault
        return found
