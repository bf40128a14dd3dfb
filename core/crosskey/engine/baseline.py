"""How much the last complete reads brought: what a suspiciously small read is measured against (G1, G3)."""

from __future__ import annotations

from crosskey.engine.read import AccountsRead, PeopleRead
from crosskey.journal import JournalWriter

__all__ = ("Baseline",)


class Baseline:
    """The last complete and trusted reads, as the journal keeps them."""

    def __init__(self, journal: JournalWriter) -> None:
        self._journal = journal

    def people(self) -> int:
        """People in the last complete read; 0 when there was none."""
        return self._records("people")

    def members(self, name: str) -> int:
        """Members of a logical group in the last complete read; 0 when there was none."""
        return self._records(f"group:{name}")

    def remember(self, run: str, people: PeopleRead, accounts: AccountsRead, *, trusted: bool) -> None:
        """Note what a read brought. One that a rail held is noted, but never becomes what the next is measured by."""
        streams = {("source", "people"): people.people}
        streams |= {("source", f"group:{name}"): count for name, count in people.logical.items()}
        streams |= {("target", kind): count for kind, count in accounts.accounts.items()}
        for (side, stream), records in streams.items():
            self._journal.record_snapshot(
                run,
                side=side,
                stream=stream,
                complete=trusted,
                reason="" if trusted else "held by a rail",
                pages=people.pages if side == "source" else accounts.pages,
                records=records,
            )

    def _records(self, stream: str) -> int:
        last = self._journal.last_complete("source", stream)
        return last.records if last else 0
