"""What a token proves about a second factor. Each provider has its own proof, and a missing claim proves nothing."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal, cast

from crosskey.connector.sso import MfaEvidence

__all__ = ("acr_evidence", "acrs_evidence", "amr_evidence", "no_evidence")


def no_evidence(claims: dict[str, Any]) -> MfaEvidence:
    """What the token says where nobody asked for a second factor."""
    return _evidence(claims, "unasked", "nobody asked")


def acr_evidence(claims: dict[str, Any], accepted: Collection[str]) -> MfaEvidence:
    """Proven when ``acr`` is one of those that were asked for or that are more."""
    acr = claims.get("acr")
    if isinstance(acr, str) and acr in accepted:
        return _evidence(claims, "proven", f"acr is {acr}")
    return _evidence(claims, "missing", f"acr is {str(acr)[:80]}" if acr else "there is no acr")


def amr_evidence(claims: dict[str, Any], accepted: Collection[str]) -> MfaEvidence:
    """Proven when ``amr``, which must be a list, holds one of those. Its order means nothing, and it may hold more."""
    amr = claims.get("amr")
    if not isinstance(amr, list):
        return _evidence(claims, "missing", "amr is no list" if amr else "there is no amr")
    found = _texts(cast("list[object]", amr)) & set(accepted)
    because = f"amr holds {', '.join(sorted(found))}" if found else "amr holds none of those that count"
    return _evidence(claims, "proven" if found else "missing", because)


def acrs_evidence(claims: dict[str, Any], wanted: str) -> MfaEvidence:
    """Proven when ``acrs`` is, or holds, the context that was asked for.

    It proves a second factor only where a policy of the provider guards that context: a test sign-in by somebody
    without one must have failed.
    """
    acrs = claims.get("acrs")
    held = _texts(cast("list[object]", acrs) if isinstance(acrs, list) else [acrs])
    if wanted and wanted in held:
        return _evidence(claims, "proven", f"acrs holds {wanted}")
    return _evidence(claims, "missing", "acrs holds another context" if acrs else "there is no acrs")


def _evidence(claims: dict[str, Any], verdict: Literal["proven", "missing", "unasked"], because: str) -> MfaEvidence:
    acr = claims.get("acr")
    return MfaEvidence(
        verdict=verdict,
        code="" if verdict != "missing" else "mfa-missing",
        because=because,
        acr=acr[:200] if isinstance(acr, str) else "",
        amr=_listed(claims.get("amr")),
        acrs=_listed(claims.get("acrs")),
    )


def _listed(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value[:80],)
    found = _texts(cast("list[object]", value)) if isinstance(value, list) else set[str]()
    return tuple(sorted(each[:80] for each in found))[:20]


def _texts(values: list[object]) -> set[str]:
    return {value for value in values if isinstance(value, str)}
