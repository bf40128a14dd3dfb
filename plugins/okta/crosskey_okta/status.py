"""What an Okta status says about a person's accounts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from crosskey.errors import Diagnostic
from crosskey_okta.settings import Verdict

__all__ = ("DEFAULT_VERDICTS", "Statuses")

DEFAULT_VERDICTS: Mapping[str, Verdict] = {
    "STAGED": "inactive",  # made, never activated: cannot sign in yet
    "PROVISIONED": "active",
    "ACTIVE": "active",
    "RECOVERY": "active",
    "PASSWORD_EXPIRED": "active",
    "LOCKED_OUT": "active",  # passes by itself; taking accounts away for it would lock people out of the desk too
    "SUSPENDED": "inactive",  # reversible; Okta keeps groups and apps
    "DEPROVISIONED": "inactive",
}
"""The safe defaults. A status that is not here means: change nothing, and warn."""

_ACTIVE: Mapping[Verdict, bool | None] = {"active": True, "inactive": False, "ignore": None}


class Statuses:
    """Verdicts of one read, which counts the rows whose status nobody mapped."""

    def __init__(self, overrides: Mapping[str, Verdict], instance: str) -> None:
        verdicts = dict(DEFAULT_VERDICTS)
        verdicts.update((name.upper(), verdict) for name, verdict in overrides.items())
        self._active = {name: _ACTIVE[verdict] for name, verdict in verdicts.items()}
        self._instance = instance
        self._unknown: Counter[str] = Counter()

    def active(self, status: str) -> bool | None:
        """``True``, ``False``, or ``None`` for "change nothing"."""
        try:
            return self._active[status]
        except KeyError:
            self._unknown[status] += 1
            return None

    def warnings(self) -> tuple[Diagnostic, ...]:
        """One finding that counts the unknown statuses, or none."""
        if not self._unknown:
            return ()
        counts = ", ".join(f"{status or '(none)'} ({count})" for status, count in sorted(self._unknown.items()))
        first = min(self._unknown) or "STATUS"
        return (
            Diagnostic(
                severity="warning",
                code="okta-status-unknown",
                summary=f"people have a status that crosskey does not know: {counts}",
                detail="Nothing is changed for them.",
                path=f"{self._instance}.statuses",
                fix=f'say what it means: [{self._instance}.statuses] {first} = "active", "inactive" or "ignore"',
            ),
        )
