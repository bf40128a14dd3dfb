"""Fresh accounts for a run about few people: those they are linked to, and those that could be theirs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from crosskey.connector.mapper import Candidate, CompiledMapping
from crosskey.connector.target import LooksUpAccounts, Lookup
from crosskey.engine.batching import batched
from crosskey.engine.logical import LogicalGroups
from crosskey.engine.marker import marker
from crosskey.engine.read import AccountsRead, identifying_fields
from crosskey.engine.stage import Stage
from crosskey.journal import Journal
from crosskey.model import Subject

__all__ = ("look_up_accounts",)

_BATCH: Final = 500


async def look_up_accounts(
    target: LooksUpAccounts,
    mappings: Mapping[str, CompiledMapping],
    stage: Stage,
    journal: Journal,
    logical: LogicalGroups,
) -> AccountsRead:
    """Put the accounts of everybody who was touched into the stage as they are now; what is gone is taken out.

    Whose account is gone may have another one by now, made by hand: that is looked for like a newcomer's.
    """
    for kind, mapping in mappings.items():
        wanted = _Wanted(_unsettled(kind, journal) | _linked(kind, journal, stage.people.touched_absent()))
        wanted.markers |= {op.change.marker for op in journal.unresolved() if op.change.kind == kind}
        vanishable: list[Candidate] = []
        for candidates in stage.people.candidates(logical):
            links = journal.links(kind, [candidate.person.subject for candidate in candidates])
            wanted.keys |= {link.key for link in links.values()}
            wanted.seek(mapping, [candidate for candidate in candidates if candidate.person.subject not in links])
            vanishable += [candidate for candidate in candidates if candidate.person.subject in links]
        await _bring(target, kind, mapping, stage, journal, wanted)
        again = _Wanted()
        for candidates in batched(vanishable, _BATCH):
            links = journal.links(kind, [candidate.person.subject for candidate in candidates])
            there = stage.accounts.by_key(kind, [link.key for link in links.values()])
            again.seek(mapping, [each for each in candidates if links[each.person.subject].key not in there])
        await _bring(target, kind, mapping, stage, journal, again)
    return AccountsRead(pages=1, accounts={kind: stage.accounts.count(kind) for kind in mappings})


class _Wanted:
    """Keys of linked accounts; markers and values by which an account of somebody without one would be found."""

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self.keys = set(keys)
        self.markers: set[str] = set()
        self.values: dict[str, set[str]] = {}

    def seek(self, mapping: CompiledMapping, candidates: Sequence[Candidate]) -> None:
        """Look for accounts that could be these people's."""
        for candidate in _in_scope(mapping, candidates):
            self.markers.add(marker(candidate.person.subject))
            for key in mapping.match:
                if value := candidate.person.text(key.attribute):
                    for field in key.fields:
                        self.values.setdefault(field, set()).add(value)


async def _bring(
    target: LooksUpAccounts, kind: str, mapping: CompiledMapping, stage: Stage, journal: Journal, wanted: _Wanted
) -> None:
    markers = wanted.markers - {""}
    keys = wanted.keys | _supposed(stage, kind, markers, wanted.values)
    if not (keys or markers or wanted.values):
        return
    lookup = Lookup(
        kind=kind,
        keys=tuple(sorted(keys)),
        markers=tuple(sorted(markers)),
        values={field: tuple(sorted(found)) for field, found in sorted(wanted.values.items())},
        references=mapping.managed,
    )
    found = [account for account in await target.look_up(lookup) if account.kind == kind]
    mark = journal.marks()["operation"]
    stage.accounts.forget(kind, sorted(keys | {account.key for account in found}), mark=mark)
    stage.accounts.add(found, identifying_fields(mapping))


def _supposed(stage: Stage, kind: str, markers: Iterable[str], values: Mapping[str, Iterable[str]]) -> set[str]:
    """Keys of accounts that bore these when they were last read: they may have been given to somebody else since."""
    marked = {account.key for each in markers if (account := stage.accounts.by_marker(kind, each)) is not None}
    return marked.union(
        *(stage.accounts.keys_by_identity(kind, [field], value) for field, found in values.items() for value in found)
    )


def _unsettled(kind: str, journal: Journal) -> set[str]:
    return {op.change.key for op in journal.unresolved() if op.change.kind == kind and op.change.key}


def _linked(kind: str, journal: Journal, subjects: Sequence[Subject]) -> set[str]:
    return {link.key for link in journal.links(kind, subjects).values()}


def _in_scope(mapping: CompiledMapping, candidates: Sequence[Candidate]) -> Iterable[Candidate]:
    for candidate, desired in zip(candidates, mapping(candidates), strict=True):
        if desired.in_scope:
            yield candidate
