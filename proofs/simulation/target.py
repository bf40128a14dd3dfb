"""The desk as a connector: lists, look-ups and writes, with everything that goes wrong on their way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

from crosskey.connector.target import (
    AccountsComplete,
    AccountsPage,
    AccountsRequest,
    Lookup,
    Seats,
    TargetSchema,
)
from crosskey.errors import AuthError, Diagnostic, RetryableError, UncertainError
from crosskey.model import Account, Catalogue
from crosskey.plan import Change, Outcome
from proofs.simulation.desk import ENTRIES, KINDS, LATEST, TARGET_LAG, Key
from proofs.simulation.life import KilledError, Life

__all__ = ("SimTarget",)

_PAGE: Final = 4
_BATCH: Final = 3
_FOREVER: Final = 36_000.0
_FRESH: Final = 180.0
_WHERE: Final = "target.desk"


class SimTarget:
    """An open desk."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self._faults = life.faults
        self._desk = life.desk
        self._lag = 0.0
        if self._faults.strikes("target.stale-list", 0.25):
            self._lag = self._faults.seconds(1, TARGET_LAG)
        self._full = self._faults.strikes("target.seats-exhausted", 0.1)

    async def check(self) -> Sequence[Diagnostic]:
        """Nothing to say."""
        return ()

    async def schema(self) -> TargetSchema:
        """Users and agents."""
        return TargetSchema(kinds=KINDS, batch=_BATCH, settle=60.0)

    async def catalogue(self) -> Catalogue:
        """Sites, roles and teams."""
        await self._life.wait(0.2)
        if self._faults.strikes("target.catalogue-fails", 0.05):
            raise RetryableError("the desk is down", where=_WHERE)
        return Catalogue(ENTRIES)

    async def seats(self) -> Mapping[str, Seats]:
        """Seats of agents."""
        used = sum(account.active for (kind, _), account in self._desk.accounts.items() if kind == "agent")
        return {"agent": Seats(used if self._full else 50, used)}

    # -- reading ------------------------------------------------------------------------------------------------------

    def _accounts(self, lag: float) -> dict[Key, Account]:
        self._desk.tick()
        return self._desk.accounts if lag == 0 else self._desk.as_of(self._life.sim.elapsed - lag)

    async def read(self, request: AccountsRequest) -> AsyncIterator[AccountsPage | AccountsComplete]:
        """All accounts of the kinds asked for."""
        faults = self._faults
        await self._life.wait(0.2)
        accounts = [one for _, one in sorted(self._accounts(self._lag).items()) if one.kind in request.kinds]
        if accounts and faults.strikes("target.list-misses", 0.15):
            accounts.remove(faults.choose(accounts))
        counts = {kind: sum(one.kind == kind for one in accounts) for kind in request.kinds}
        if accounts and faults.strikes("target.list-short", 0.05):
            accounts.pop()
        for start in range(0, len(accounts), _PAGE):
            await self._life.wait(faults.seconds(0.1, 1.0))
            if faults.strikes("target.list-fails", 0.03):
                raise RetryableError("the desk is down", where=_WHERE)
            yield AccountsPage(accounts[start : start + _PAGE])
        if not faults.strikes("target.list-ends-early", 0.05):
            yield AccountsComplete(counts=counts)

    async def find(self, change: Change) -> Account | None:
        """The account of a change as it is."""
        accounts = await self._looked()
        if change.key is not None:
            return accounts.get((change.kind, change.key))
        return next((one for one in accounts.values() if one.kind == change.kind and one.marker == change.marker), None)

    async def look_up(self, lookup: Lookup) -> Sequence[Account]:
        """Accounts by key, marker or value."""
        values = {(field, value.casefold()) for field, found in lookup.values.items() for value in found}
        return [
            one
            for one in (await self._looked()).values()
            if one.kind == lookup.kind
            and (
                one.key in lookup.keys
                or one.marker in lookup.markers
                or any((name, str(value).casefold()) in values for name, value in one.fields.items())
            )
        ]

    async def _looked(self) -> dict[Key, Account]:
        await self._life.wait(0.2)
        if self._faults.strikes("target.find-fails", 0.08):
            raise RetryableError("the desk is down", where=_WHERE)
        stale = self._faults.strikes("target.stale-find", 0.2)
        return self._accounts(self._faults.seconds(1, TARGET_LAG) if stale else 0.0)

    # -- writing ------------------------------------------------------------------------------------------------------

    async def apply(self, batch: Sequence[Change]) -> Sequence[Outcome]:
        """Carry a batch out, as far as nothing comes between."""
        life, faults = self._life, self._faults
        if life.dead:
            raise KilledError
        life.oracle.sending(life, batch)
        await life.wait_sending(faults.seconds(0.1, 1.0))
        self._desk.tick()
        self._refuse()
        if faults.strikes("target.hangs-before", 0.03):
            await life.wait_sending(_FOREVER)
        if faults.strikes("target.request-lost", 0.04):
            raise UncertainError("no answer", where=_WHERE)
        if faults.strikes("target.late-apply", 0.06):
            for change in batch:
                self._desk.send_late(change, faults.seconds(1, LATEST))
            raise UncertainError("no answer", where=_WHERE)
        outcomes = [self._one(change) for change in batch]
        for change, outcome in zip(batch, outcomes, strict=True):
            life.oracle.tell(
                f"    {change.action} {change.kind} {outcome.key or change.key} {change.subject.id}: {outcome.result}"
            )
        await life.wait(faults.seconds(0.1, 1.0))
        if faults.strikes("target.hangs-after", 0.03):
            await life.wait(_FOREVER)
        if faults.strikes("target.answer-lost", 0.05):
            raise UncertainError("no answer", where=_WHERE)
        if faults.strikes("target.raises-after", 0.03):
            raise KeyError("oops")
        if faults.strikes("target.outcome-missing", 0.03):
            outcomes.pop()
        return outcomes

    def _refuse(self) -> None:
        """Whatever ends a batch before any of it was written."""
        faults = self._faults
        if faults.strikes("target.rate-limited", 0.03):
            raise RetryableError("too many requests", where=_WHERE, wait=60)
        if faults.strikes("target.refused", 0.03):
            raise AuthError("the credential was withdrawn", where=_WHERE)
        if faults.strikes("target.raises-before", 0.03):
            raise ValueError("oops")

    def _one(self, change: Change) -> Outcome:
        faults, place = self._faults, (change.kind, change.key or "")
        if change.key is not None and place not in self._desk.accounts:
            return Outcome(change=change.id, result="rejected", code="gone", message="there is no such account")
        born = self._desk.born.get(place)
        if born is not None and self._life.sim.elapsed - born < _FRESH and faults.strikes("target.fresh-404", 1.0):
            return Outcome(change=change.id, result="rejected", code="gone", message="there is no such account")
        if faults.strikes("target.rejected", 0.04):
            return Outcome(change=change.id, result="rejected", code="no", message="the desk says no")
        if faults.strikes("target.error-before", 0.03):
            return _unclear(change)
        if faults.strikes("target.late-single", 0.03):
            self._desk.send_late(change, faults.seconds(1, LATEST))
            return _unclear(change)
        key = self._write(change)
        if faults.strikes("target.error-after", 0.03):
            return _unclear(change)
        if change.key is None:
            return self._created(change, key)
        result = "already" if faults.strikes("target.already", 0.05) else "applied"
        return Outcome(change=change.id, result=result, key=key)

    def _write(self, change: Change) -> str:
        faults = self._faults
        cut = bool(change.fields) and faults.strikes("target.truncates", 0.05)
        without = ""
        if change.action == "update" and change.fields and faults.strikes("target.ignores-field", 0.4):
            without = min(change.fields)
        return self._desk.write(change, cut=cut, without=without)

    def _created(self, change: Change, key: str) -> Outcome:
        made = sorted(other for kind, other in self._desk.made if kind == change.kind and other != key)
        others = sorted(self._life.journal.links_by_key(change.kind, made))
        told: str | None = key
        if self._faults.strikes("target.no-key", 0.05):
            told = None
        elif others and self._faults.strikes("target.wrong-key", 0.1):
            told = others[0]
        return Outcome(change=change.id, result="applied", key=told)


def _unclear(change: Change) -> Outcome:
    return Outcome(change=change.id, result="unknown", code="unclear", message="HTTP 500")
