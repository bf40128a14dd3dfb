"""Read both sides into the stage, and prove that nothing is missing.

A read that raises, or ends without its explicit end, is incomplete: the run stops before anything is planned, because
whatever did not come would look like somebody who left (G2).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import msgspec

from crosskey.connector.mapper import CompiledMapping
from crosskey.connector.source import (
    GonePage,
    GroupsPage,
    MembersLeftPage,
    MembersPage,
    PeoplePage,
    ReadComplete,
    ReadPage,
    ReadRequest,
)
from crosskey.connector.target import AccountsComplete, AccountsPage, AccountsRequest, Target
from crosskey.engine.sources import OpenSource
from crosskey.engine.stage import Stage
from crosskey.errors import ContractError, Diagnostic
from crosskey.model import Person, Subject

__all__ = (
    "AccountsRead",
    "PeopleRead",
    "SourceRead",
    "identifying_fields",
    "read_accounts",
    "read_changes",
    "read_people",
    "refuse_strangers",
    "stage_accounts",
)

Advance = Callable[[int], None]
_Part = PeoplePage | GroupsPage | MembersPage | MembersLeftPage | GonePage  # every page but the end


class SourceRead(msgspec.Struct, frozen=True, kw_only=True):
    """What a complete read of one source brought: the section's path, how much, and where changes may go on from.

    ``people`` and ``logical`` (members by group or app that mappings name) count everybody the source has.
    """

    path: str
    pages: int
    people: int = 0
    logical: dict[str, int] = {}
    cursor: str = ""
    warnings: tuple[Diagnostic, ...] = ()


class PeopleRead(msgspec.Struct, frozen=True, kw_only=True):
    """What complete reads of all sources brought. ``people`` are all rows; one human may be several."""

    sources: tuple[SourceRead, ...]
    people: int

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """What the sources want to be told."""
        return tuple(warning for read in self.sources for warning in read.warnings)


class AccountsRead(msgspec.Struct, frozen=True, kw_only=True):
    """What a complete read of the target brought, accounts by kind."""

    pages: int
    accounts: dict[str, int]
    warnings: tuple[Diagnostic, ...] = ()


async def read_people(one: OpenSource, request: ReadRequest, stage: Stage, *, advance: Advance) -> SourceRead:
    """Stage everyone the source has. Raises :class:`ContractError` when the read was not complete."""
    issuer, where = one.issuer, one.section.path

    def keep(page: _Part) -> None:
        match page:
            case PeoplePage(people):
                refuse_strangers(people, issuer, where=where)
                stage.people.add(people)
                advance(len(people))
            case GroupsPage(groups):
                stage.groups.add(issuer, groups)
            case MembersPage(group, members):
                stage.groups.add_members(issuer, group, members)
            case MembersLeftPage() | GonePage():
                raise ContractError("a full read brought changes; nothing was planned", code="read-mixed", where=where)

    return await _through(one.source.read(request), keep, where=where)


async def read_changes(
    one: OpenSource, changes: AsyncIterator[ReadPage], stage: Stage, *, advance: Advance
) -> SourceRead:
    """Bring a partial stage up to date, and touch whoever changed. Raises as a full read does."""
    issuer, where = one.issuer, one.section.path
    anew: dict[str, set[str]] = {}

    def keep(page: _Part) -> None:
        match page:
            case PeoplePage(people):
                refuse_strangers(people, issuer, where=where)
                stage.people.add(people)
                advance(len(people))
            case GroupsPage(groups):
                stage.groups.add(issuer, groups)
            case MembersPage(group, members, whole):
                if whole:
                    anew[group] = set()
                if group in anew:
                    anew[group].update(members)
                stage.groups.add_members(issuer, group, members)
            case MembersLeftPage(group, members):
                stage.groups.remove_members(issuer, group, members)
            case GonePage():
                gone = [Subject(issuer, id_) for id_ in page.people]
                stage.people.remove(gone)
                stage.people.buried.update(gone)
                stage.groups.remove(issuer, page.groups)

    read = await _through(changes, keep, where=where)
    for group, members in anew.items():  # who is on none of the pages of a list that was read anew has left
        stage.groups.keep_members(issuer, group, members)
    return read


async def _through(pages: AsyncIterator[ReadPage], keep: Callable[[_Part], object], *, where: str) -> SourceRead:
    count = 0
    end: ReadComplete | None = None
    async with _closed_after(pages):
        async for page in pages:
            if end is not None:
                raise ContractError(
                    "the source went on after it said that the read was complete", code="read-after-end", where=where
                )
            count += 1
            if isinstance(page, ReadComplete):
                end = page
            elif isinstance(page, _Part):  # pyright: ignore[reportUnnecessaryIsInstance] - plugins need not be typed
                keep(page)
            else:
                raise _no_page(page, "source", where)
            await asyncio.sleep(0)
    if end is None:
        raise ContractError(
            "the read of people ended without saying that it was complete; nothing was planned",
            code="read-incomplete",
            where=where,
            fix="run again; if it stays, report it to the plugin's author",
        )
    return SourceRead(path=where, pages=count, cursor=end.cursor, warnings=end.warnings)


def _no_page(page: object, who: str, where: str) -> ContractError:
    return ContractError(
        f"the {who} gave a {type(page).__name__} where a page was due; nothing was planned",
        code="page-unknown",
        where=where,
        fix="report it to the plugin's author",
    )


@asynccontextmanager
async def _closed_after(pages: AsyncIterator[object]) -> AsyncGenerator[None]:
    """Close a connector's generator where it stands, however the loop over it ends: its requests end with it."""
    try:
        yield
    finally:
        if isinstance(pages, AsyncGenerator):
            await pages.aclose()


async def read_accounts(
    target: Target, mappings: Mapping[str, CompiledMapping], stage: Stage, *, where: str, advance: Advance
) -> AccountsRead:
    """Stage every account of the mapped kinds. Raises :class:`ContractError` when the read was not complete.

    The count that the target itself reports must be reached: silently cut pages are real (a page of 1,000 asked, 100
    given), and a missing account would be created a second time.
    """
    identifying = {kind: identifying_fields(mapping) for kind, mapping in mappings.items()}
    request = AccountsRequest(
        kinds=frozenset(mappings), references={kind: mapping.managed for kind, mapping in mappings.items()}
    )
    return await stage_accounts(target, request, identifying, stage, where=where, advance=advance)


async def stage_accounts(
    target: Target,
    request: AccountsRequest,
    identifying: Mapping[str, Sequence[str]],
    stage: Stage,
    *,
    where: str,
    advance: Advance,
) -> AccountsRead:
    """Stage every account of the kinds that are asked for. Raises as :func:`read_accounts` does."""
    pages = 0
    end: AccountsComplete | None = None
    listing = target.read(request)
    async with _closed_after(listing):
        async for page in listing:
            if end is not None:
                raise ContractError(
                    "the target went on after it said that the read was complete", code="read-after-end", where=where
                )
            pages += 1
            match page:
                case AccountsPage(accounts):
                    for kind in request.references:
                        of_kind = [account for account in accounts if account.kind == kind]
                        stage.accounts.add(of_kind, identifying.get(kind, ()))
                    advance(len(accounts))
                case AccountsComplete():
                    end = page
                case _:  # pyright: ignore[reportUnnecessaryComparison] - plugins need not be typed
                    raise _no_page(page, "target", where)
            await asyncio.sleep(0)
    counts = {kind: stage.accounts.count(kind) for kind in request.references}
    if end is None or any(counts.get(kind, 0) < told for kind, told in end.counts.items()):
        told = dict(end.counts) if end else "no end"
        raise ContractError(
            f"the read of accounts was not complete (got {counts}, the target told {told}); nothing was planned",
            code="read-incomplete",
            where=where,
            fix="run again; if it stays, report it to the plugin's author",
        )
    return AccountsRead(pages=pages, accounts=counts, warnings=end.warnings)


def identifying_fields(mapping: CompiledMapping) -> list[str]:
    """The fields by which accounts of a kind are recognised."""
    return sorted({field for key in mapping.match for field in key.fields})


def refuse_strangers(people: Sequence[Person], issuer: str, *, where: str) -> None:
    """Raise :class:`ContractError` for a person who cannot be one of this source's."""
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
