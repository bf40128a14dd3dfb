"""How much the last complete reads brought: what a suspiciously small read is measured against (G1, G3)."""

from __future__ import annotations

from crosskey.engine.read import AccountsRead, PeopleRead
from crosskey.journal import JournalWriter

__all__ = ("Baseline",)


class Baseline:
    """The last complete and trusted reads, as the journal keeps them."""

    def __init__(self, journal: JournalWriter) -> None:
        self._journal = journal

    def people(self, source: str) -> int:
        """People in the last complete read of a source; 0 when there was none."""
        return self._records(source, "people")

    def members(self, source: str, name: str) -> int:
        """Members of a group or app in the last complete read; 0 when there was none."""
        return self._records(source, f"group:{name}")

    def remember(
        self, run: str, people: PeopleRead, accounts: AccountsRead, *, target: str, trusted: bool, reach: str
    ) -> None:
        """Note what a read brought. One that a rail held is noted, but never becomes what the next is measured by."""
        streams: dict[tuple[str, str], tuple[int, int]] = {}
        for source in people.sources:
            streams[source.path, "people"] = (source.pages, source.people)
            streams |= {(source.path, f"group:{name}"): (source.pages, n) for name, n in source.logical.items()}
        streams |= {(target, kind): (accounts.pages, count) for kind, count in accounts.accounts.items()}
        for (side, stream), (pages, records) in streams.items():
            last = None if reach == "everything" else self._journal.last_complete(side, stream)
            if trusted and last is not None and last.records == records:
                continue  # a round of changes every few minutes has nothing new to tell of most groups
            self._journal.record_snapshot(
                run,
                side=side,
                stream=stream,
                complete=trusted,
                reason=("" if reach == "everything" else reach) if trusted else "held by a rail",
                pages=pages,
                records=records,
            )

    def _records(self, side: str, stream: str) -> int:
        last = self._journal.last_complete(side, stream)
        return last.records if last else 0
