"""Read both sides into the stage, and prove that nothing is missing.

A read that raises, or ends without its explicit end, is incomplete: the run stops before anything is planned, because
whatever did not come would look like somebody who left (G2).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from crosskey.connector.mapper import CompiledMapping
from crosskey.connector.source import (
    GonePage,
    GroupsPage,
    MembersLeftPage,
    MembersPage,
    PeoplePage,
    ReadComplete,
    ReadRequest,
    Source,
)
from crosskey.connector.target import AccountsComplete, AccountsPage, AccountsRequest, Target
from crosskey.engine.logical import LogicalGroups
from crosskey.engine.stage import Stage
from crosskey.errors import ContractError, Diagnostic
from crosskey.model import Group, GroupSelection, Person

__all__ = ("AccountsRead", "PeopleRead", "read_accounts", "read_people", "read_request")

Advance = Callable[[int], None]


class PeopleRead(msgspec.Struct, frozen=True, kw_only=True):
    """What a complete read of the source brought."""

    pages: int
    people: int
    logical: dict[str, int]
    warnings: tuple[Diagnostic, ...]


class AccountsRead(msgspec.Struct, frozen=True, kw_only=True):
    """What a complete read of the target brought, accounts by kind."""

    pages: int
    accounts: dict[str, int]
    warnings: tuple[Diagnostic, ...]


def read_request(
    mappings: Iterable[CompiledMapping], *, groups: Mapping[str, str], apps: Mapping[str, str], where: str
) -> ReadRequest:
    """What the mappings need from a source whose section (``where``) pins these names to ids."""
    compiled = list(mappings)
    return ReadRequest(
        groups=GroupSelection(names=_union(mapping.groups for mapping in compiled), pins=dict(groups), where=where),
        apps=GroupSelection(
            names=_union(mapping.apps for mapping in compiled),
            pins=dict(apps),
            kind="app",
            where=where,
        ),
        attributes=_union(mapping.attributes for mapping in compiled),
    )


async def read_people(
    source: Source, request: ReadRequest, stage: Stage, *, where: str, advance: Advance
) -> tuple[PeopleRead, LogicalGroups]:
    """Stage everyone the source has. Raises :class:`ContractError` when the read was not complete."""
    pages = 0
    end: ReadComplete | None = None
    async for page in source.read(request):
        if end is not None:
            raise ContractError(
                "the source went on after it said that the read was complete", code="read-after-end", where=where
            )
        pages += 1
        match page:
            case PeoplePage(people):
                _refuse_strangers(people, source.issuer, where=where)
                stage.add_people(people)
                advance(len(people))
            case GroupsPage(groups):
                stage.add_groups(groups)
            case MembersPage(group, members):
                stage.add_members(group, members)
            case MembersLeftPage() | GonePage():
                raise ContractError("a full read brought changes; nothing was planned", code="read-mixed", where=where)
            case ReadComplete():
                end = page
        await asyncio.sleep(0)
    if end is None:
        raise ContractError(
            "the read of people ended without saying that it was complete; nothing was planned",
            code="read-incomplete",
            where=where,
            fix="run again; if it stays, report it to the plugin's author",
        )
    known = stage.groups()
    groups, apps = request.groups.choose(known), request.apps.choose(known)
    members = stage.member_counts()
    logical = {name: members.get(group.id, 0) for name, group in {**apps, **groups}.items()}
    read = PeopleRead(pages=pages, people=stage.people_count(), logical=logical, warnings=end.warnings)
    return read, LogicalGroups(_ids(groups), _ids(apps))


async def read_accounts(
    target: Target, mappings: Mapping[str, CompiledMapping], stage: Stage, *, where: str, advance: Advance
) -> AccountsRead:
    """Stage every account of the mapped kinds. Raises :class:`ContractError` when the read was not complete.

    The count that the target itself reports must be reached: silently cut pages are real (a page of 1,000 asked, 100
    given), and a missing account would be created a second time.
    """
    identifying = {
        kind: sorted({field for key in mapping.match for field in key.fields}) for kind, mapping in mappings.items()
    }
    request = AccountsRequest(
        kinds=frozenset(mappings), references={kind: mapping.managed for kind, mapping in mappings.items()}
    )
    pages = 0
    end: AccountsComplete | None = None
    async for page in target.read(request):
        if end is not None:
            raise ContractError(
                "the target went on after it said that the read was complete", code="read-after-end", where=where
            )
        pages += 1
        match page:
            case AccountsPage(accounts):
                for kind, fields in identifying.items():
                    stage.add_accounts([account for account in accounts if account.kind == kind], fields)
                advance(len(accounts))
            case AccountsComplete():
                end = page
        await asyncio.sleep(0)
    counts = {kind: stage.account_count(kind) for kind in mappings}
    if end is None or any(counts.get(kind, 0) < told for kind, told in end.counts.items()):
        told = dict(end.counts) if end else "no end"
        raise ContractError(
            f"the read of accounts was not complete (got {counts}, the target told {told}); nothing was planned",
            code="read-incomplete",
            where=where,
            fix="run again; if it stays, report it to the plugin's author",
        )
    return AccountsRead(pages=pages, accounts=counts, warnings=end.warnings)


def _refuse_strangers(people: Sequence[Person], issuer: str, *, where: str) -> None:
    for person in people:
        subject = person.subject
        if not subject.id or "\0" in subject.id or subject.issuer != issuer:  # SQLite's JSON ends text at a NUL
            fault = f"of another issuer ({subject.issuer}, not {issuer})" if subject.id else "without an id"
            if "\0" in subject.id:
                fault = "whose id holds a NUL"
            raise ContractError(
                f"the source gave a person {fault}; nothing was planned",
                code="subject-foreign",
                where=where,
                fix="report it to the plugin's author",
            )


def _ids(chosen: Mapping[str, Group]) -> dict[str, str]:
    return {name: group.id for name, group in chosen.items()}


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset(name for names in sets for name in names)
