"""A plugin that does whatever a plugin should not: it lies, hangs, ends the process, and tells secrets (synthetic)."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import asynccontextmanager, suppress
from typing import Any

from crosskey import (
    Account,
    Desired,
    GonePage,
    LeaverPolicy,
    MapperSpec,
    MembersPage,
    Outcome,
    PeoplePage,
    Person,
    ReadComplete,
    Secret,
    Settings,
    SourceSpec,
    Subject,
    TargetSchema,
    TargetSpec,
    hookimpl,
)


class HostileSettings(Settings):
    token: Secret
    how: str = "lies"


class HostileSource:
    def __init__(self, settings: HostileSettings, context: Any) -> None:
        self.how = settings.how
        self.token = settings.token
        self.context = context

    @property
    def issuer(self) -> str:
        return f"https://{next(_NUMBERS)}.example"

    async def check(self) -> Any:
        return [f"the token is {self.token.reveal()}", None, 7]

    async def read(self, request: Any):
        if self.how == "ends the process":
            raise SystemExit(0)
        if self.how == "never ends":
            for number in itertools.count():
                yield PeoplePage([Person(subject=Subject("x", str(number)), active=True)])
        if self.how == "waits for nobody":
            await asyncio.get_running_loop().create_future()
        if self.how == "sleeps for ever":
            while True:
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(3600)
        if self.how == "raises":
            raise ValueError(self.token.reveal())
        yield PeoplePage([None])
        yield "people"
        yield MembersPage("nowhere", ["nobody"])
        yield GonePage(people=("everybody",))
        yield ReadComplete()
        yield ReadComplete()

    async def read_changes(self, cursor: str, request: Any):
        yield GonePage(people=("everybody",))

    async def find(self, subject: Subject) -> None:
        return None

    async def groups_of(self, subject: Subject) -> None:
        return None


class HostileTarget:
    def __init__(self, settings: HostileSettings, context: Any) -> None:
        self.how = settings.how

    async def check(self) -> Any:
        raise SystemExit(0)

    async def schema(self) -> Any:
        if self.how == "lies":
            return TargetSchema(kinds=())
        raise RuntimeError("no")

    async def read(self, request: Any):
        yield [Account(kind="user", key="1")]

    async def apply(self, batch: Any) -> Any:
        return [Outcome(change="another", result="applied")] * 3


class HostileRules:
    groups = apps = attributes = managed = frozenset()
    fields: dict[str, Any] = {}  # noqa: RUF012 - as a careless plugin has it
    match = ()
    leavers = LeaverPolicy()

    def __call__(self, people: Any) -> Any:
        people.clear()
        return [Desired(in_scope=True), None, "no"]


_NUMBERS = itertools.count()


@asynccontextmanager
async def open_source(settings: HostileSettings, context: Any):
    yield HostileSource(settings, context)


@asynccontextmanager
async def open_target(settings: HostileSettings, context: Any):
    yield HostileTarget(settings, context)


@hookimpl
def crosskey_sources():
    return [SourceSpec(name="hostile", summary="Hostile", settings=HostileSettings, open=open_source)]


@hookimpl
def crosskey_targets():
    return [TargetSpec(name="hostile", summary="Hostile", settings=HostileSettings, open=open_target)]


@hookimpl
def crosskey_mappers():
    return [MapperSpec(name="hostile", summary="Hostile", settings=HostileSettings, compile=lambda *_: HostileRules())]
