"""Trying everything a run needs, and naming what is missing with its fix."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from crosskey import CrosskeyError, Diagnostic
from crosskey.errors import Severity

from crosskey_scim.directory import Directory
from crosskey_scim.service import Service

__all__ = ("findings",)


async def findings(directory: Directory) -> AsyncGenerator[Diagnostic]:
    """Every finding, the first one first. Writes nothing."""
    try:
        service = await directory.service()
        yield await _listed(directory, service.users, "users")
    except CrosskeyError as error:
        yield error.diagnostic()
        return
    for finding in _said(service, directory.where):
        yield finding
    if not service.groups:
        yield _finding(directory.where, "info", "scim-no-groups", "the service has no groups")
        return
    try:
        yield await _listed(directory, service.groups, "groups")
    except CrosskeyError as error:
        yield error.diagnostic()


async def _listed(directory: Directory, endpoint: str, what: str) -> Diagnostic:
    count = await directory.count(endpoint)
    return _finding(directory.where, "ok", f"scim-{what}", f"{count} {what}")


def _said(service: Service, where: str) -> list[Diagnostic]:
    """What the service can, and what it does not say of itself."""
    how = "PATCH" if service.patch else "PUT"
    guard = ", guarded by ETags" if service.etag else ""
    found = [_finding(where, "ok", "scim-writes", f"users are changed by {how}{guard}")]
    silent = sorted({"ServiceProviderConfig", "ResourceTypes", "Schemas"} - service.said)
    if silent:
        found.append(
            _finding(
                where,
                "warning",
                "scim-silent",
                f"the service does not tell its {', '.join(silent)}",
                detail="What RFC 7643 and RFC 7644 require of every service is assumed.",
                fix="let the token read them; if the service takes PATCH all the same, write patch = true",
            )
        )
    if service.lacking:
        found.append(
            _finding(
                where,
                "warning",
                "scim-fields",
                f"users of this service have no {', '.join(service.lacking)}, or nobody may write it",
                fix="do not map these fields",
            )
        )
    if not service.filter:
        found.append(
            _finding(
                where,
                "warning",
                "scim-no-filter",
                "the service cannot filter: looking anybody up reads all users",
                fix="nothing, if there are few users; else ask the vendor for filters on externalId and userName",
            )
        )
    return found


def _finding(where: str, severity: Severity, code: str, summary: str, *, detail: str = "", fix: str = "") -> Diagnostic:
    return Diagnostic(severity=severity, code=code, summary=summary, detail=detail, path=where, fix=fix)
