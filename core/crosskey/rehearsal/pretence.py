"""A target on which nothing is written: it shows what was there, and what would be there by now."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence

import msgspec

from crosskey.connector.target import (
    AccountsComplete,
    AccountsPage,
    AccountsRequest,
    CountsSeats,
    EndsSessions,
    HasCatalogue,
    Lookup,
    Target,
    TargetSchema,
    TellsDuties,
)
from crosskey.errors import Diagnostic
from crosskey.model import Account
from crosskey.plan import Change, Duty, Outcome

__all__ = ("Pretence", "Written")

Key = tuple[str, str]


class Written:
    """What would have been written so far, from one turn to the next."""

    def __init__(self) -> None:
        self.created: dict[Key, Change] = {}
        self.changed: dict[Key, list[Change]] = {}

    def write(self, change: Change) -> str:
        """Keep a change; the key of its account."""
        if change.key is None:
            key = f"new-{len(self.created) + 1}"
            self.created[change.kind, key] = change
        else:
            key = change.key
            self.changed.setdefault((change.kind, key), []).append(change)
        return key

    def now(self, account: Account) -> Account:
        """The account with everything that was written to it."""
        for change in self.changed.get((account.kind, account.key), ()):
            account = _after(account, change)
        return account

    def made(self) -> list[Account]:
        """Accounts that would have been created."""
        return [
            self.now(_after(Account(kind=kind, key=key, label=change.label), change))
            for (kind, key), change in self.created.items()
        ]


class Pretence:
    """What ``base`` shows, changed by what was ``written``; it can what the base can, and look single accounts up."""

    def __init__(self, base: Target, written: Written) -> None:
        self._base = base
        self._written = written
        self._seen: dict[Key, Account] = {}
        if isinstance(base, HasCatalogue):
            self.catalogue = base.catalogue
        if isinstance(base, CountsSeats):
            self.seats = base.seats
        if isinstance(base, TellsDuties):
            telling = base

            async def duties(kind: str, keys: Sequence[str]) -> Mapping[str, Sequence[Duty]]:
                there = [key for key in keys if (kind, key) not in written.created]
                return await telling.duties(kind, there) if there else {}

            self.duties = duties
        if isinstance(base, EndsSessions):
            self.end_sessions = self._end_sessions

    async def check(self) -> Sequence[Diagnostic]:
        """Nothing to say."""
        return []

    async def schema(self) -> TargetSchema:
        """That of the base."""
        return await self._base.schema()

    async def read(self, request: AccountsRequest) -> AsyncIterator[AccountsPage | AccountsComplete]:
        """All accounts as they would be by now."""
        made = [account for account in self._written.made() if account.kind in request.kinds]
        yield self._shown(made)
        async for page in self._base.read(request):
            if isinstance(page, AccountsComplete):
                more = Counter(account.kind for account in made)
                counts = {kind: count + more[kind] for kind, count in page.counts.items()}
                yield msgspec.structs.replace(page, counts=counts)
            else:
                yield self._shown([self._written.now(account) for account in page.accounts])

    async def apply(self, batch: Sequence[Change]) -> Sequence[Outcome]:
        """Keep what would be written."""
        outcomes = [Outcome(change=change.id, result="applied", key=self._written.write(change)) for change in batch]
        for change, outcome in zip(batch, outcomes, strict=True):
            account = self._seen.get((change.kind, outcome.key or ""))
            self._shown(
                [_after(account or Account(kind=change.kind, key=outcome.key or "", label=change.label), change)]
            )
        return outcomes

    async def find(self, change: Change) -> Account | None:
        """The account of a change, as it would be by now."""
        if change.key is not None:
            return self._seen.get((change.kind, change.key))
        return next((one for one in self._seen.values() if one.marker == change.marker != ""), None)

    async def look_up(self, lookup: Lookup) -> Sequence[Account]:
        """Accounts as they would be by now."""
        values = {(field, value.casefold()) for field, found in lookup.values.items() for value in found}
        return [
            account
            for account in self._seen.values()
            if account.kind == lookup.kind
            and (
                account.key in lookup.keys
                or (account.marker != "" and account.marker in lookup.markers)
                or any((name, str(value).casefold()) in values for name, value in account.fields.items())
            )
        ]

    async def _end_sessions(self, account: Account) -> None:
        """Nobody has a session here."""

    def _shown(self, accounts: list[Account]) -> AccountsPage:
        self._seen.update({(account.kind, account.key): account for account in accounts})
        return AccountsPage(accounts)


def _after(account: Account, change: Change) -> Account:
    """The account once a change is carried out."""
    active = account.active if change.active is None else bool(change.active.after)
    marker = "" if change.action == "release" else change.marker or account.marker
    return msgspec.structs.replace(
        account,
        active=active,
        marker=marker,
        fields={**account.fields, **{name: one.after for name, one in change.fields.items()}},
        references={**account.references, **{name: one.after for name, one in change.references.items()}},
    )
