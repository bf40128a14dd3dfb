"""Fresh accounts for a run about few people: those they are linked to, and those that could be theirs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from crosskey.connector.mapper import Candidate, CompiledMapping
from crosskey.connector.target import LooksUpAccounts, Lookup
from crosskey.engine.logical import LogicalGroups
from crosskey.engine.marker import marker
from crosskey.engine.read import AccountsRead, identifying_fields
from crosskey.engine.stage import Stage
from crosskey.journal import Journal
from crosskey.model import Subject

__all__ = ("look_up_accounts",)


async def look_up_accounts(
    target: LooksUpAccounts,
    mappings: Mapping[str, CompiledMapping],
    stage: Stage,
    journal: Journal,
    logical: LogicalGroups,
) -> AccountsRead:
    """Put the accounts of everybody who was touched into the stage as they are now; what is gone is taken out."""
    for kind, mapping in mappings.items():
        keys, markers, values = _wanted(kind, mapping, stage, journal, logical)
        if not (keys or markers or values):
            continue
        lookup = Lookup(
            kind=kind,
            keys=tuple(sorted(keys)),
            markers=tuple(sorted(markers)),
            values={field: tuple(sorted(found)) for field, found in sorted(values.items())},
            references=mapping.managed,
        )
        found = [account for account in await target.look_up(lookup) if account.kind == kind]
        stage.accounts.forget(kind, sorted(keys | {account.key for account in found}))
        stage.accounts.add(found, identifying_fields(mapping))
    return AccountsRead(pages=1, accounts={kind: stage.accounts.count(kind) for kind in mappings})


def _wanted(
    kind: str, mapping: CompiledMapping, stage: Stage, journal: Journal, logical: LogicalGroups
) -> tuple[set[str], set[str], dict[str, set[str]]]:
    """Keys of linked accounts; markers and values by which an account of somebody without a link would be found.

    An account that bore such a value when it was last looked at may not any more, so it is looked up as well.
    """
    keys = _unsettled(kind, journal)
    markers: set[str] = set()
    values: dict[str, set[str]] = {}
    keys |= _linked(kind, journal, stage.people.touched_absent())
    for candidates in stage.people.candidates(logical):
        links = journal.links(kind, [candidate.person.subject for candidate in candidates])
        keys |= {link.key for link in links.values()}
        newcomers = [candidate for candidate in candidates if candidate.person.subject not in links]
        for candidate in _in_scope(mapping, newcomers):
            markers.add(own := marker(candidate.person.subject))
            if marked := stage.accounts.by_marker(kind, own):
                keys.add(marked.key)
            for key in mapping.match:
                if value := candidate.person.text(key.attribute):
                    keys.update(stage.accounts.keys_by_identity(kind, key.fields, value))
                    for field in key.fields:
                        values.setdefault(field, set()).add(value)
    markers |= {op.change.marker for op in journal.unresolved() if op.change.kind == kind and op.change.marker}
    return keys, markers, values


def _unsettled(kind: str, journal: Journal) -> set[str]:
    return {op.change.key for op in journal.unresolved() if op.change.kind == kind and op.change.key}


def _linked(kind: str, journal: Journal, subjects: Sequence[Subject]) -> set[str]:
    return {link.key for link in journal.links(kind, subjects).values()}


def _in_scope(mapping: CompiledMapping, candidates: Sequence[Candidate]) -> Iterable[Candidate]:
    for candidate, desired in zip(candidates, mapping(candidates), strict=True):
        if desired.in_scope:
            yield candidate
