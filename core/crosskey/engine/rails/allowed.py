"""What a person lets through a rail: the exact number or name, never a rail as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from crosskey.errors import ConfigError, close_matches

__all__ = ("Allowed",)


_NUMBERED = frozenset({"shrink", "mass-disable", "absence-unconfirmed", "accounts-missing", "swap-differs", "restored"})
_NAMED = frozenset({"empty-group", "voucher-unread"})


class Allowed(msgspec.Struct, frozen=True):
    """What a person let through for one run: reason code → the exact number or name."""

    numbers: Mapping[str, int] = {}
    names: frozenset[tuple[str, str]] = frozenset()

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
                    fix="write --allow mass-disable=N, shrink=N, absence-unconfirmed=N, accounts-missing=N, "
                    "swap-differs=N, restored=N, empty-group=NAME or voucher-unread=ISSUER",
                )
        return cls(numbers, frozenset(names))

    def also(self, other: Allowed) -> Allowed:
        """Both together; for one code the number given here."""
        return Allowed({**other.numbers, **self.numbers}, self.names | other.names)

    def words(self) -> tuple[str, ...]:
        """What :meth:`parse` takes to allow the same again."""
        return (
            *(f"{code}={number}" for code, number in sorted(self.numbers.items())),
            *(f"{code}={name}" for code, name in sorted(self.names)),
        )

    def number(self, code: str) -> int:
        """The number let through for a rail, 0 when none."""
        return self.numbers.get(code, 0)
