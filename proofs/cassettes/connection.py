"""A directory and a desk in memory, on the real engine: everybody of an intact cassette is linked and active.

Nothing but look-ups stands between a shorter list and a switched-off account here: every rail that counts is open, one
confirmation makes an absence, and a look-up by id answers as the intact cassette does.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Final

import msgspec

from crosskey.clock import Clock
from crosskey.config import load_config
from crosskey.connector.context import Context
from crosskey.connector.source import (
    GroupsPage,
    MembersPage,
    PeoplePage,
    ReadComplete,
    ReadPage,
    ReadRequest,
    SourceSpec,
)
from crosskey.connector.target import (
    AccountsComplete,
    AccountsPage,
    AccountsRequest,
    FieldSpec,
    KindSpec,
    TargetSchema,
    TargetSpec,
)
from crosskey.engine.connect import Connect
from crosskey.engine.run import RunOptions, execute
from crosskey.errors import CrosskeyError, Diagnostic
from crosskey.hookspecs import hookimpl
from crosskey.journal import JournalWriter
from crosskey.model import Account, Catalogue, Group, Person, Subject
from crosskey.plan import Change, Outcome
from crosskey.plugins import load_plugins
from crosskey.settings import Settings

__all__ = ("Company", "Known")

_OPEN: Final = "{ count = 100000, percent = 100 }"
_CONFIG: Final = f"""
[source.corp]
use = "told"
[target.desk]
use = "kept"
[rails]
first_run = "go"
absent_reads = 1
absent_for = "0s"
shrink_percent = 0
max_disable = {_OPEN}
disable_per_day = 1000
disable_per_week = 1000
max_demote = {_OPEN}
max_change = {_OPEN}
max_create = {_OPEN}
keep_active = {{ user = 0 }}
[map.user]
match = ["email"]
SCOPE
[map.user.fields]
name = "{{{{ display_name }}}}"
mail = "email"
"""


class Known(msgspec.Struct):
    """What a read, and the rounds after it, told."""

    people: dict[str, Person] = {}
    groups: dict[str, Group] = {}
    members: dict[str, set[str]] = {}

    def active(self) -> set[str]:
        """Ids of whoever is active."""
        return {who for who, person in self.people.items() if person.active}


class _World:
    """What both sides hold: the connectors are opened by the core, which hands them nothing of ours."""

    told = Known()
    truth = Known()
    accounts: Mapping[str, Account] = {}


class _Settings(Settings, frozen=True):
    pass


class _Source:
    @property
    def issuer(self) -> str:
        return next((person.subject.issuer for person in _World.truth.people.values()), "")

    async def check(self) -> Sequence[Diagnostic]:
        return ()

    async def read(self, request: ReadRequest) -> AsyncIterator[ReadPage]:
        told = _World.told
        yield GroupsPage(list(told.groups.values()))
        yield PeoplePage(list(told.people.values()))
        for selection in (request.groups, request.apps):
            for group in selection.choose(told.groups.values()).values():
                yield MembersPage(group.id, sorted(told.members.get(group.id, ())))
        yield ReadComplete()

    async def find(self, subject: Subject) -> Person | None:
        return _World.truth.people.get(subject.id)

    async def groups_of(self, subject: Subject) -> frozenset[str]:
        return frozenset(group for group, members in _World.truth.members.items() if subject.id in members)


class _Target:
    async def check(self) -> Sequence[Diagnostic]:
        return ()

    async def schema(self) -> TargetSchema:
        fields = (FieldSpec(name="name"), FieldSpec(name="mail"))
        return TargetSchema(kinds=(KindSpec(name="user", summary="users", fields=fields),), batch=50)

    async def catalogue(self) -> Catalogue:
        return Catalogue(())

    async def read(self, request: AccountsRequest) -> AsyncIterator[AccountsPage | AccountsComplete]:
        del request
        yield AccountsPage(list(_World.accounts.values()))
        yield AccountsComplete(counts={"user": len(_World.accounts)})

    async def apply(self, batch: Sequence[Change]) -> Sequence[Outcome]:
        return [Outcome(change=change.id, result="applied", key=self._write(change)) for change in batch]

    def _write(self, change: Change) -> str:
        key = change.key or str(len(_World.accounts) + 1)
        before = _World.accounts.get(key) or Account(kind="user", key=key, active=True)
        fields = {**before.fields, **{name: part.after for name, part in change.fields.items()}}
        active = before.active if change.active is None else bool(change.active.after)
        after = msgspec.structs.replace(
            before, label=change.label, fields=fields, active=active, marker=change.marker or before.marker
        )
        _World.accounts = {**_World.accounts, key: after}
        return key


@asynccontextmanager
async def _open_source(settings: Settings, context: Context) -> AsyncGenerator[_Source]:
    del settings, context
    yield _Source()


@asynccontextmanager
async def _open_target(settings: Settings, context: Context) -> AsyncGenerator[_Target]:
    del settings, context
    yield _Target()


@hookimpl
def crosskey_sources() -> Sequence[SourceSpec]:
    """The directory."""
    return [SourceSpec(name="told", summary="in memory", settings=_Settings, open=_open_source)]


@hookimpl
def crosskey_targets() -> Sequence[TargetSpec]:
    """The desk."""
    return [TargetSpec(name="kept", summary="in memory", settings=_Settings, open=_open_target)]


class _Quiet:
    def phase(self, name: str, total: int | None) -> None: ...

    def advance(self, count: int) -> None: ...


class Company:
    """One connection in a folder, in step with the intact read; each trial starts from there."""

    def __init__(self, folder: Path, truth: Known, clock: Clock) -> None:
        self._folder, self._truth, self._clock = folder, truth, clock
        self._plugins = load_plugins(
            (EntryPoint("told", __name__, "crosskey"), EntryPoint("rules", "crosskey.mapping.plugin", "crosskey"))
        )
        self._file = folder / "crosskey.toml"
        self._file.write_text(_CONFIG.replace("SCOPE", self._scope()), encoding="utf-8")
        self._config = load_config(self._file, self._plugins)

    def _scope(self) -> str:
        """Members of what was read: their membership matters too."""
        names = {"group": set[str](), "app": set[str]()}
        for group in self._truth.members:
            if group in self._truth.groups:
                names[self._truth.groups[group].kind].add(self._truth.groups[group].name)
        chosen = [f"{kind}s = {sorted(found)!r}" for kind, found in names.items() if found]
        return f"scope = {{ {', '.join(chosen)} }}" if chosen else ""

    async def link(self) -> set[str]:
        """Bring everybody in step; the ids of those who have an account now."""
        _World.accounts = {}
        await self._run(self._truth)
        self._linked = _World.accounts
        self._kept = self._folder / "kept"
        shutil.copytree(self._folder / ".crosskey", self._kept)
        return {account.label for account in self._linked.values() if account.active}

    async def disabled_by(self, told: Known) -> list[str]:
        """Who has no active account any more after a run on this read; nobody when the run refuses."""
        shutil.rmtree(self._folder / ".crosskey")
        shutil.copytree(self._kept, self._folder / ".crosskey")
        _World.accounts = self._linked
        with suppress(CrosskeyError):
            await self._run(told)
        return [was.label for key, was in self._linked.items() if was.active and not _World.accounts[key].active]

    async def _run(self, told: Known) -> None:
        _World.told, _World.truth = told, self._truth
        with JournalWriter.open(self._config.journal.path, clock=self._clock, connection="desk") as journal:
            options, connect = RunOptions(kind="sync"), Connect(clock=self._clock)
            await execute(self._config, self._plugins, journal, connect, options, _Quiet())
