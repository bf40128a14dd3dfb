"""Answers spoilt on purpose (``EntraQuirks.faults``)."""

from __future__ import annotations

from crosskey_sandbox.entra.cell import Cell
from crosskey_sandbox.entra.errors import EntraError, GraphError
from crosskey_sandbox.entra.limits import Limits
from crosskey_sandbox.entra.paging import expired_page
from crosskey_sandbox.entra.quirks import Fault

__all__ = ("GATEWAY_PAGE", "Faults", "GatewayPage")

GATEWAY_PAGE = b"""<!DOCTYPE html>
<html><head><title>Service unavailable</title></head>
<body><h2>Our services aren't available right now</h2><p>We're working to restore all services.</p></body></html>
"""
_CODES = {500: "UnknownError", 502: "UnknownError", 503: "serviceNotAvailable", 504: "serviceNotAvailable"}


class GatewayPage(EntraError):  # noqa: N818 - an answer, not an error of ours
    """A page of the gateway in front, in place of JSON."""


class Faults:
    """Counts requests for each fault and says which one hits. The first one that is due wins."""

    def __init__(self, cell: Cell, limits: Limits) -> None:
        self._cell = cell
        self._limits = limits
        self._seen: dict[Fault, int] = {}
        self._hits: dict[Fault, int] = {}

    def due(self, path: str, *, following: bool) -> Fault | None:
        """The fault that this request meets, if any; ``following`` says that it came from a next link."""
        found: Fault | None = None
        for fault in self._cell.quirks.faults:
            if not path.startswith(fault.path) or (fault.kind == "expired_page" and not following):
                continue
            seen = self._seen[fault] = self._seen.get(fault, 0) + 1
            hits = self._hits.get(fault, 0)
            late = seen > fault.skip and (seen - fault.skip) % fault.every == 0
            if found is None and late and (fault.times is None or hits < fault.times):
                self._hits[fault] = hits + 1
                found = fault
        return found

    def strike(self, fault: Fault | None, client_id: str) -> None:
        """Raise what the fault answers; a truncated answer is cut later."""
        if fault is None or fault.kind == "truncated":
            return
        if fault.kind == "html":
            raise GatewayPage(fault.status or 503, "a page")
        if fault.kind == "throttled":
            raise self._limits.exceeded(client_id, fault.wait)
        if fault.kind == "expired_page":
            raise expired_page()
        status = fault.status or 500
        raise GraphError(status, _CODES.get(status, "generalException"), "The service had a problem.")
