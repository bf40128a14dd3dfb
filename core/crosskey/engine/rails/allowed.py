"""What a person lets through a rail: the exact number, name or people, never a rail as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from crosskey.engine.rails.approvals import Approvals
from crosskey.engine.timekeeper import Timekeeper
from crosskey.errors import ConfigError, close_matches
from crosskey.journal import Approval
from crosskey.model import Subject
from crosskey.plan import Change

__all__ = ("Allowed",)


_NUMBERED = frozenset(
    {
        "first-run",
        "shrink",
        "mass-disable",
        "restored",
        "rolling-disable",
        "mass-demote",
        "mass-change",
        "create-flood",
        "absence-unconfirmed",
        "accounts-missing",
        "swap-differs",
    }
)
_NAMED = frozenset({"drift", "duties-open", "empty-group", "last-active", "new-identity", "undone", "voucher-unread"})
_NOTHING = Approvals()


class Allowed(msgspec.Struct, frozen=True):
    """What a person let through for one run: reason code → the exact number or name; and what the journal approves."""

    numbers: Mapping[str, int] = {}
    names: frozenset[tuple[str, str]] = frozenset()
    approvals: Approvals = _NOTHING

    @classmethod
    def parse(cls, words: Sequence[str]) -> Allowed:
        """From ``--allow mass-disable=37`` and the like. Raises :class:`ConfigError` for what cannot be allowed."""
        numbers: dict[str, int] = {}
        names: set[tuple[str, str]] = set()
        for word in words:
            code, _, value = word.partition("=")
            if code in _NAMED and value:
                names.add((code, value))
            elif code in _NUMBERED and value.isdecimal():
                numbers[code] = int(value)
            else:
                hint = close_matches(code, _NUMBERED | _NAMED) if code not in _NUMBERED | _NAMED else ""
                raise ConfigError(
                    f'"{word}" cannot be allowed. {hint}'.rstrip(),
                    code="allow",
                    where="--allow",
                    fix=f"write --allow {'=N, '.join(sorted(_NUMBERED))}=N, empty-group=NAME, last-active=KIND, "
                    "new-identity=ID, drift=KIND:KEY, duties-open=KIND:KEY, undone=RUN or voucher-unread=ISSUER",
                )
        return cls(numbers, frozenset(names))

    def also(self, other: Allowed) -> Allowed:
        """Both together; for one code the number given here."""
        return Allowed({**other.numbers, **self.numbers}, self.names | other.names, self.approvals)

    def approved(self, given: Sequence[Approval], timekeeper: Timekeeper | None = None) -> Allowed:
        """The same, and what these approvals let through while ``timekeeper`` says that they do."""
        return msgspec.structs.replace(self, approvals=Approvals(given, timekeeper))

    def words(self) -> tuple[str, ...]:
        """What :meth:`parse` takes to allow the same again; approvals are asked for in the journal instead."""
        return (
            *(f"{code}={number}" for code, number in sorted(self.numbers.items())),
            *(f"{code}={name}" for code, name in sorted(self.names)),
        )

    # -- what rails ask -----------------------------------------------------------------------------------------------

    def covers(self, rail: str, kind: str, action: str, subject: Subject) -> bool:
        """Whether a person let exactly this change through: ``kind`` and ``action`` of this person's account."""
        return self.approvals.covers(rail, kind, action, subject)

    def exactly(self, code: str, count: int) -> bool:
        """Whether this number, and no other, was let through."""
        return self.numbers.get(code) == count or self._approved(f"{code}={count}")

    def named(self, code: str, name: str) -> bool:
        """Whether this name was let through."""
        return (code, name) in self.names or self._approved(f"{code}={name}")

    def upto(self, code: str, count: int, limit: int) -> bool:
        """Whether so many may go: not above the limit, or not above a number that was let through."""
        if count <= max(limit, self.numbers.get(code, 0)):
            return True
        return any(count <= number and self._approved(word) for word, number in self._numbers(code).items())

    def lets_again(self, run: str) -> bool:
        """Whether what a run did, and a person took back, may be done again (a run's id, or its beginning)."""
        return any(code == "undone" and run.startswith(name) for code, name in self.names)

    def number(self, code: str) -> int:
        """The largest number let through for a rail, 0 when none."""
        return max([self.numbers.get(code, 0), *self._numbers(code).values()])

    @property
    def concerns_everybody(self) -> bool:
        """Whether something was let through that only a read of everybody can tell the truth of."""
        return bool(self.names or self.approvals.words())

    def _numbers(self, code: str) -> dict[str, int]:
        """The numbers that the journal approves for a rail, by their words."""
        start = f"{code}="
        return {word: int(word.removeprefix(start)) for word in self.approvals.words() if word.startswith(start)}

    def _approved(self, word: str) -> bool:
        approval = self.approvals.words().get(word)
        if approval is None:
            return False
        self.approvals.needed.add(approval)
        return True

    def lets(self, rail: str, change: Change) -> bool:
        """Whether a person let one change through: by an approval, or by naming its account (``kind:key``)."""
        named = (rail, f"{change.kind}:{change.key}") in self.names
        return named or self.covers(rail, change.kind, change.action, change.subject)
