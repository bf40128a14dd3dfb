"""Whose changes are taken back, by the words of whoever asks."""

from __future__ import annotations

from collections.abc import Sequence

from crosskey.engine.who import several
from crosskey.errors import ConfigError, close_matches
from crosskey.journal import OperationRecord
from crosskey.model import Account, Subject

__all__ = ("Chosen",)

_REMEMBERED = 1_000


class Chosen:
    """Everybody, or only those who are named: by id, by account (``user:12``), by name or by what a field holds."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = {word.casefold(): word for word in words}
        self._found: dict[str, dict[Subject, str]] = {}
        self._labels: list[str] = []

    def takes(self, operation: OperationRecord, account: Account | None) -> bool:
        """Whether a write was asked for."""
        if not self._words:
            return True
        change = operation.change
        place = f"{change.kind}:{operation.key or change.key}"
        names = {change.subject.id, change.label, place}
        names |= {part.after for part in change.fields.values() if isinstance(part.after, str)}
        if account is not None:
            names |= {account.label, *(value for value in account.fields.values() if isinstance(value, str))}
        hits = {name.casefold() for name in names} & self._words.keys()
        for hit in hits:
            self._found.setdefault(hit, {})[change.subject] = place
        if not hits and len(self._labels) < _REMEMBERED:
            self._labels.append(change.label)
        return bool(hits)

    def refuse_unclear(self) -> None:
        """Raise :class:`ConfigError` for a word that named nobody, or more than one person."""
        for word, people in self._found.items():
            if len(people) > 1:
                raise several(self._words[word], list(people.values()))
        for word in self._words.keys() - self._found.keys():
            raise ConfigError(
                f'the run wrote nothing for "{self._words[word]}". {close_matches(word, self._labels)}'.rstrip(),
                code="who-unknown",
                where="--only",
                fix="give an e-mail address, a name, an id of the source, or an account as kind:key (user:123)",
            )
