"""What became of each change of one batch: exactly one outcome each, in the order they came."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from crosskey.errors import CrosskeyError
from crosskey.plan import Change, Outcome

__all__ = ("Turn",)


class Turn:
    """Collects outcomes. ``written`` says that something of the batch was, or may have been, written."""

    def __init__(self, batch: Sequence[Change]) -> None:
        self._batch = batch
        self._outcomes: dict[str, Outcome] = {}
        self.written = False

    def applied(self, change: Change, key: str, message: str = "") -> None:
        """It happened, and this is the record."""
        self.written = True
        self._outcomes[change.id] = Outcome(change=change.id, result="applied", key=key, message=message)

    def already(self, change: Change, key: str) -> None:
        """The record is as wanted, whoever did it."""
        self._outcomes[change.id] = Outcome(change=change.id, result="already", key=key)

    def rejected(self, change: Change, code: str, message: str) -> None:
        """Halo refused it, or did something else; it is not done."""
        self._outcomes[change.id] = Outcome(
            change=change.id, result="rejected", key=change.key, code=code, message=message
        )

    def unknown(self, changes: Iterable[Change], code: str, message: str) -> None:
        """It may have happened; those that have an outcome keep it."""
        for change in changes:
            self._outcomes.setdefault(
                change.id, Outcome(change=change.id, result="unknown", key=change.key, code=code, message=message)
            )

    def stopped(self, error: CrosskeyError) -> None:
        """Something of the batch is written and the rest was not sent: to be looked at like any doubt."""
        self.unknown(self._batch, error.code, f"not sent: {error.message}")

    def open(self, changes: Iterable[Change]) -> list[Change]:
        """Those without an outcome yet."""
        return [change for change in changes if change.id not in self._outcomes]

    def key_of(self, change: Change) -> str:
        """The record of a change that was applied, ``""`` for any other."""
        known = self._outcomes.get(change.id)
        return known.key or "" if known is not None and known.result == "applied" else ""

    def all_applied(self, changes: Iterable[Change]) -> bool:
        """Whether every one of them was applied."""
        return all(self.key_of(change) for change in changes)

    def outcomes(self) -> list[Outcome]:
        """One outcome for each change, in order."""
        return [self._outcomes[change.id] for change in self._batch]
