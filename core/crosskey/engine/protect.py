"""Protected accounts are never touched: break-glass logins, the integrator itself, whoever the operator names (G9)."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from crosskey.model import Account, Person
from crosskey.plan import Change, Held

__all__ = ("Protection",)

_WILDCARDS = frozenset("*?[")


class Protection:
    """Decides whether an account may be touched, by ``[rails] protect`` and by the target's own word.

    A pattern is an e-mail address, a user name, an account's label, or ``kind:key``; ``*`` and ``?`` are wildcards.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        folded = [pattern.casefold() for pattern in patterns]
        self._exact = frozenset(pattern for pattern in folded if not _WILDCARDS & set(pattern))
        self._globs = tuple(pattern for pattern in folded if _WILDCARDS & set(pattern))

    def holds(self, change: Change, person: Person | None, account: Account | None) -> Held | None:
        """Why this must not be done, or ``None``."""
        if account is not None and account.protected:
            return _held(change, f"the target protects it: {account.protected}", "")
        pattern = self._hit(change, person, account)
        if pattern is None:
            return None
        fix = f'if this is meant, remove "{pattern}" from [rails] protect'
        return _held(change, f'"{pattern}" in [rails] protect', fix)

    def of(self, account: Account) -> str | None:
        """The pattern by which an account is never touched, empty where the target protects it; ``None``: it may be."""
        if account.protected:
            return ""
        return self._named(_words(account)) if self._exact or self._globs else None

    def _hit(self, change: Change, person: Person | None, account: Account | None) -> str | None:
        if not self._exact and not self._globs:
            return None
        words = {change.subject.id}
        if person is not None:
            words |= {person.email, person.user_name}
        if account is not None:
            words |= _words(account)
        return self._named(words)

    def _named(self, words: set[str]) -> str | None:
        folded = {word.casefold() for word in words if word}
        exact = folded & self._exact
        if exact:
            return min(exact)
        return next((glob for glob in self._globs if any(fnmatchcase(word, glob) for word in folded)), None)


def _words(account: Account) -> set[str]:
    values = {value for value in account.fields.values() if isinstance(value, str)}
    return {account.label, f"{account.kind}:{account.key}", *values}


def _held(change: Change, because: str, fix: str) -> Held:
    return Held(
        rail="protected",
        scope="person",
        summary=f"not to be touched ({change.action}): {because}",
        fix=fix,
        action=change.action,
        kind=change.kind,
        subject=change.subject,
        label=change.label,
        key=change.key,
    )
