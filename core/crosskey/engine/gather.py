"""Gather what a plan rests on: everything from both sides, or what changed since the last run and the accounts of that.

Changes are only a faster way to learn whom to look at: the stage holds everybody either way, and whatever cannot be
told for certain ends in a full read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime

import msgspec

from crosskey.clock import Clock
from crosskey.config import TargetSection
from crosskey.connector.mapper import CompiledMapping
from crosskey.connector.source import ConfirmsMembership, FindsPeople, ReadsChanges
from crosskey.connector.target import LooksUpAccounts, Target
from crosskey.engine.blame import blaming
from crosskey.engine.demand import Demand
from crosskey.engine.logical import LogicalGroups
from crosskey.engine.lookups import look_up_accounts
from crosskey.engine.order import Reach
from crosskey.engine.read import (
    AccountsRead,
    Advance,
    PeopleRead,
    SourceRead,
    read_accounts,
    read_changes,
    read_people,
    refuse_strangers,
)
from crosskey.engine.snapshot import DoubtError, Origin
from crosskey.engine.sources import OpenSource, Sources
from crosskey.engine.spans import RunTelling
from crosskey.engine.stage import Stage
from crosskey.errors import ContractError, CrosskeyError, CursorExpiredError
from crosskey.journal import JournalWriter
from crosskey.model import Subject

__all__ = ("Gathered", "Gatherer")


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """What was read, how much of it, what group names mean, and from where changes go on by section path."""

    reach: Reach
    people: PeopleRead
    accounts: AccountsRead
    logical: LogicalGroups
    cursors: dict[str, str]
    full_at: datetime


class Gatherer:
    """Reads for one run. Whatever read is not complete is noted in the journal with its reason.

    ``united`` is called once all people are staged, before anybody is looked up in the target. ``keys`` are attributes
    by which people of several sources are recognised. ``also`` are further groups to read.
    """

    def __init__(
        self,
        sources: Sources,
        target: Target,
        section: TargetSection,
        mappings: Mapping[str, CompiledMapping],
        *,
        journal: JournalWriter,
        run: str,
        clock: Clock,
        advance: Advance,
        telling: RunTelling,
        united: Callable[[Stage], None],
        keys: Iterable[str] = (),
        also: frozenset[str] = frozenset(),
    ) -> None:
        self._sources = sources
        self._target = target
        self._section = section
        self._mappings = mappings
        self._keys = {key.attribute for mapping in mappings.values() for key in mapping.match} | set(keys)
        self._demand = Demand(mappings.values(), [one.section for one in sources], also=also)
        self._issuers = {one.section.name: one.issuer for one in sources}
        self._journal = journal
        self._run = run
        self._clock = clock
        self._advance = advance
        self._telling = telling
        self._united = united

    async def everything(self, stage: Stage, *, changes: bool) -> Gathered:
        """Both sides at once; whichever fails stops the others and the run. ``changes``: a cursor is wanted too."""
        began = self._clock.now()
        try:
            async with asyncio.TaskGroup() as tasks:
                people = [tasks.create_task(self._read(one, stage, changes=changes)) for one in self._sources]
                accounts = tasks.create_task(self._read_accounts(stage))
        except ExceptionGroup as group:
            raise group.exceptions[0] from None
        stage.accounts.index()
        self._united(stage)
        return self._gathered(stage, "everything", [task.result() for task in people], accounts.result(), began)

    async def changed(self, stage: Stage, origin: Origin) -> Gathered:
        """What changed since ``origin``. Raises :class:`DoubtError` where a source cannot tell."""
        looks_up = self._needs_look_up()
        reads = [await self._read_changes(one, stage, origin) for one in self._sources]
        return await self._completed(stage, origin, "changes", reads, looks_up)

    async def single(self, stage: Stage, origin: Origin, people: Sequence[Subject]) -> Gathered:
        """Single people by id, with their groups. Raises :class:`DoubtError` where a source cannot tell.

        Nothing is decided about anybody else: the stage knows of them what the last run read, which may no longer hold.
        """
        looks_up = self._needs_look_up()
        named = self._demand.logical(stage, self._issuers).refs
        known: set[Subject] = set()
        while wanted := set(people).union(stage.people.touched()) - known:
            for subject in sorted(wanted):
                await self._read_one(stage, subject, named)
            known |= wanted
            stage.people.touch_related()
        reads = [SourceRead(path=one.section.path, pages=0) for one in self._sources]
        return await self._completed(stage, origin, "people", reads, looks_up)

    # -- the steps ----------------------------------------------------------------------------------------------------

    def _needs_look_up(self) -> LooksUpAccounts:
        if not isinstance(self._target, LooksUpAccounts):
            raise DoubtError(f"{self._section.path} cannot look single accounts up")
        return self._target

    async def _read(self, one: OpenSource, stage: Stage, *, changes: bool) -> SourceRead:
        request = self._demand.request(one.section, changes=changes and isinstance(one.source, ReadsChanges))
        try:
            with self._telling.side("source", one.section, self._advance) as advance, blaming(one.section):
                return await read_people(one, request, stage, advance=advance)
        except CrosskeyError as error:
            self._incomplete(one.section.path, error)
            raise

    async def _read_changes(self, one: OpenSource, stage: Stage, origin: Origin) -> SourceRead:
        cursor = origin.cursors.get(one.section.path, "")
        if not isinstance(one.source, ReadsChanges):
            raise DoubtError(f"{one.section.path} cannot tell what changed")
        if not cursor:
            raise DoubtError(f"the last run kept no place in {one.section.path} from which changes could go on")
        request = self._demand.request(one.section, changes=True)
        try:
            with self._telling.side("source", one.section, self._advance) as advance, blaming(one.section):
                return await read_changes(one, one.source.read_changes(cursor, request), stage, advance=advance)
        except CursorExpiredError as error:
            raise DoubtError(f"{one.section.path}: {error.message}") from error
        except CrosskeyError as error:
            self._incomplete(one.section.path, error)
            raise

    async def _read_one(self, stage: Stage, subject: Subject, named: AbstractSet[str]) -> None:
        one = self._sources.of(subject.issuer)
        if one is None:
            raise DoubtError(f"nobody reads {subject.issuer}")
        if not isinstance(one.source, FindsPeople) or not isinstance(one.source, ConfirmsMembership):
            raise DoubtError(f"{one.section.path} cannot tell single people and their groups")
        person = await self._sources.find(subject)
        if person is None:
            stage.people.remove([subject])
            return
        refuse_strangers([person], one.issuer, where=one.section.path)
        held = await self._sources.groups_of(subject)
        refs = {stage.groups.ref(subject.issuer, group) for group in held or ()}
        if person.active and (stage.groups.of(subject) & named) - refs:
            # Whoever may no longer see a group is told that nobody is in it; only its whole list shows that (G3).
            raise DoubtError("somebody is missing from a group that mappings name; whoever else is must be known")
        groups = [group.id for group in stage.groups.all(one.issuer) if group.kind == "group"]
        stage.people.add([person])
        stage.groups.set_groups_of(subject, held or (), groups)
        self._advance(1)

    async def _read_accounts(self, stage: Stage) -> AccountsRead:
        try:
            with self._telling.side("target", self._section, self._advance) as advance, blaming(self._section):
                return await read_accounts(
                    self._target, self._mappings, stage, where=self._section.path, advance=advance
                )
        except CrosskeyError as error:
            self._incomplete(self._section.path, error)
            raise

    async def _completed(
        self, stage: Stage, origin: Origin, reach: Reach, reads: list[SourceRead], target: LooksUpAccounts
    ) -> Gathered:
        """Touch who is due besides, and bring the accounts of all of them."""
        logical = self._demand.logical(stage, self._issuers)
        unsettled = [op.change.subject for op in self._journal.unresolved()]
        if reach == "people":
            stage.proposals.make_due(unsettled)
        else:
            stage.people.touch([*stage.proposals.due(self._clock.now()), *unsettled])
            stage.people.touch_related()
            waiting = [held.subject for held in stage.proposals.standing() if held.subject is not None]
            stage.people.touch_mistakable(waiting, self._keys)
            stage.proposals.touch_waiting()
            stage.people.touch_related()
        stage.proposals.forget_held()
        self._united(stage)
        if reach == "changes":
            self._doubt_returned(stage)
        before = [stage.read_note(sort, dict[str, list[str]]) for sort in ("groups", "apps")]
        if before != [logical.groups, logical.apps]:  # its members were not read, and who left it was not touched
            raise DoubtError("a group that mappings name is another one than before")
        try:
            with self._telling.side("target", self._section, self._advance), blaming(self._section):
                accounts = await look_up_accounts(target, self._mappings, stage, self._journal, logical)
        except ContractError as error:  # lists can still tell what single look-ups cannot
            raise DoubtError(f"{self._section.path}: {error.message}") from error
        stage.accounts.index()
        gathered = self._gathered(stage, reach, reads, accounts, origin.full_at)
        return msgspec.structs.replace(gathered, cursors={**origin.cursors, **gathered.cursors})

    def _doubt_returned(self, stage: Stage) -> None:
        """Whoever was deleted and is back may be in groups of which changes say nothing, because nobody touched them.

        Entra restores a person's memberships with the person or later; a tombstone may also have been wrong.
        """
        appeared = stage.people.appeared
        leads = sorted({one for subject in appeared for one in stage.people.together(subject)})
        known = {one for vouching in self._journal.vouchers(leads).values() for one in vouching}
        for kind in self._mappings:
            known |= self._journal.links(kind, sorted(appeared)).keys()
        if appeared & known:
            raise DoubtError("somebody is back who was gone, and changes do not tell in which groups they still are")

    def _gathered(
        self, stage: Stage, reach: Reach, reads: Sequence[SourceRead], accounts: AccountsRead, full_at: datetime
    ) -> Gathered:
        logical = self._demand.logical(stage, self._issuers)
        told = tuple(
            msgspec.structs.replace(
                read,
                people=stage.people.count(one.issuer),
                logical=self._demand.sizes(one.section, one.issuer, stage),
            )
            for one, read in zip(self._sources, reads, strict=True)
        )
        return Gathered(
            reach=reach,
            people=PeopleRead(sources=told, people=stage.people.count()),
            accounts=accounts,
            logical=logical,
            cursors={read.path: read.cursor for read in told if read.cursor},
            full_at=full_at,
        )

    def _incomplete(self, side: str, error: CrosskeyError) -> None:
        self._journal.record_snapshot(
            self._run, side=side, stream="all", complete=False, reason=error.code, pages=0, records=0
        )
