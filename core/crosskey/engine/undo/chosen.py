"""Whose changes are taken back, by the words of whoever asks."""

from __future__ import annotations

from collections.abc import Sequence

from crosskey.errors import ConfigError, close_matches
from crosskey.journal import OperationRecord
from crosskey.model import Account

__all__ = ("Chosen",)

_REMEMBERED = 1_000


class Chosen:
    """Everybody, or only those who are named: by id, by account (``user:12``), by name or by what a field holds."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = {word.casefold(): word for word in words}
        self._found: set[str] = set()
        self._labels: list[str] = []

    def takes(self, operation: OperationRecord, account: Account | None) -> bool:
        """Whether a write was asked for."""
        if not self._words:
            return True
        change = operation.change
        names = {change.subject.id, change.label, f"{change.kind}:{operation.key or change.key}"}
        names |= {part.after for part in change.fields.values() if isinstance(part.after, str)}
        if account is not None:
            names |= {account.label, *(value for value in account.fields.values() if isinstance(value, str))}
        hits = {name.casefold() for name in names} & self._words.keys()
        self._found |= hits
        if not hits and len(self._labels) < _REMEMBERED:
            self._labels.append(change.label)
        return bool(hits)

    def refuse_unknown(self) -> None:
        """Raise :class:`ConfigError` for a word that named nobody."""
        for word in self._words.keys() - self._found:
            raise ConfigError(
                f'the run wrote nothing for "{self._words[word]}". {close_matches(word, self._labels)}'.rstrip(),
                code="who-unknown",
                where="--only",
                fix="give an e-mail address, a name, an id of the source, or an account as kind:key (user:123)",
            )
