"""Protected accounts are never touched: break-glass logins, the integrator itself, whoever the operator names (G9)."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from crosskey.model import Account, Person
from crosskey.plan import Action, Held

__all__ = ("Protection",)


class Protection:
    """Decides whether an account may be touched, by ``[rails] protect`` and by the target's own word.

    A pattern is an e-mail address, a user name, an account's label, or ``kind:key``; ``*`` and ``?`` are wildcards.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        folded = [pattern.casefold() for pattern in patterns]
        self._exact = frozenset(pattern for pattern in folded if not set(pattern) & set("*?["))
        self._globs = tuple(pattern for pattern in folded if set(pattern) & set("*?["))

    def holds(self, action: Action, person: Person | None, account: Account | None, kind: str) -> Held | None:
        """Why this must not be done, or ``None``."""
        if account is not None and account.protected:
            return self._held(action, person, account, kind, f"the target protects it: {account.protected}", "")
        pattern = self._hit(person, account, kind)
        if pattern is None:
            return None
        fix = f'if this is meant, remove "{pattern}" from [rails] protect'
        return self._held(action, person, account, kind, f'"{pattern}" in [rails] protect', fix)

    def _hit(self, person: Person | None, account: Account | None, kind: str) -> str | None:
        if not self._exact and not self._globs:
            return None
        words: set[str] = set()
        if person is not None:
            words |= {person.email, person.user_name, person.subject.id}
        if account is not None:
            words |= {account.label, f"{kind}:{account.key}"}
            words |= {value for value in account.fields.values() if isinstance(value, str)}
        folded = {word.casefold() for word in words if word}
        exact = folded & self._exact
        if exact:
            return min(exact)
        return next((glob for glob in self._globs if any(fnmatchcase(word, glob) for word in folded)), None)

    @staticmethod
    def _held(
        action: Action, person: Person | None, account: Account | None, kind: str, because: str, fix: str
    ) -> Held:
        label = person.label if person else account.label if account else ""
        return Held(
            rail="protected",
            scope="person",
            summary=f"not to be touched ({action}): {because}",
            fix=fix,
            action=action,
            kind=kind,
            subject=person.subject if person else None,
            label=label,
            key=account.key if account else None,
        )
