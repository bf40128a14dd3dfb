"""A watcher on a clock of its own, around a run that a test writes down instead of the engine."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from importlib.metadata import EntryPoint
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import msgspec
from virtual_time import START, VirtualClock

from crosskey import hookimpl
from crosskey.config import Config, load_config
from crosskey.connector.notifier import Notice, NotifierSpec
from crosskey.connector.source import SourceSpec
from crosskey.connector.target import TargetSchema, TargetSpec
from crosskey.engine.connect import Connect
from crosskey.engine.order import Applied
from crosskey.engine.run import RunOptions, RunResult
from crosskey.errors import CrosskeyError
from crosskey.journal import Drift, JournalWriter, Watchbook
from crosskey.model import Catalogue, Subject
from crosskey.plan import Held, Plan, PlanHeader
from crosskey.plugins import Plugins, load_plugins
from crosskey.settings import Settings
from crosskey.watch import Setup, Status, Watcher, read_status

CONNECTION = "desk"


class Nothing(Settings, frozen=True):
    """No settings."""


class Told(msgspec.Struct):
    """What a notifier of the test took, and what it raises for the next ones."""

    notices: list[Notice] = []
    fails: list[BaseException] = []
    credentials: list[Any] = []
    asked: int = 0
    hangs: bool = False
    source: Any = None
    """What is open in place of the source, where a test brings one."""

    def subjects(self) -> list[str]:
        return [f"{notice.severity} {notice.subject.removeprefix(f'{CONNECTION}: ')}" for notice in self.notices]


def plugins_telling(told: Told) -> Plugins:
    """A source, a target and a notifier as a third party writes them; the notifier tells ``told``."""

    class Door:
        async def send(self, notice: Notice) -> None:
            if told.hangs:
                await asyncio.Event().wait()
            if told.fails:
                raise told.fails.pop(0)
            told.notices.append(notice)

        async def credentials(self) -> list[Any]:
            told.asked += 1
            if told.credentials and isinstance(told.credentials[0], BaseException):
                raise told.credentials[0]
            return told.credentials

    @asynccontextmanager
    async def door(settings, context):
        yield Door()

    @asynccontextmanager
    async def source(settings, context):
        yield told.source or Door()

    @hookimpl
    def crosskey_sources():
        return [SourceSpec(name="fake", summary="", settings=Nothing, open=source)]

    @hookimpl
    def crosskey_targets():
        return [TargetSpec(name="fake", summary="", settings=Nothing, open=door)]

    @hookimpl
    def crosskey_notifiers():
        return [NotifierSpec(name="told", summary="", settings=Nothing, open=door)]

    module = ModuleType("watch_fakes")
    vars(module).update(
        crosskey_sources=crosskey_sources, crosskey_targets=crosskey_targets, crosskey_notifiers=crosskey_notifiers
    )

    class Entry:
        name, value, group, dist = "fakes", "watch_fakes", "crosskey", None

        def load(self):
            return module

    rules = EntryPoint("rules", "crosskey.mapping.plugin", "crosskey")
    return load_plugins([Entry(), rules])  # pyright: ignore


TEXT = """\
[source.corp]
use = "fake"
[target.desk]
use = "fake"
[map.user.fields]
name = "display_name"
[notify.ops]
use = "told"
[watch]
every = "5m"
jitter = "30s"
"""

Script = Callable[[RunOptions, int], "Awaitable[object] | object"]


class Bench:
    """A watcher, what it runs, what it told, and its journal."""

    def __init__(self, folder: Path, text: str = TEXT) -> None:
        self.file = folder / "crosskey.toml"
        self.file.write_text(text, encoding="utf-8")
        self.told = Told(notices=[], fails=[], credentials=[])
        self.plugins = plugins_telling(self.told)
        self.clock = VirtualClock()
        self.connect = Connect(clock=self.clock)
        self.began: list[tuple[datetime, RunOptions]] = []
        self.script: Script = lambda options, number: None
        self.lines: list[str] = []
        self.inside = 0
        self.watcher = self.another()

    def load(self) -> Setup:
        config = load_config(self.file, self.plugins, watching=True)
        return Setup(config=config, plugins=self.plugins, connect=self.connect)

    def another(self, **options: Any) -> Watcher:
        """Another watcher of the same configuration, as after a restart."""
        return Watcher(
            self.load(), reload=self.load, execute=self.execute, random=Random(7), say=self.lines.append, **options
        )

    def book(self) -> Watchbook:
        return Watchbook.noting(self.watcher.setup.config.journal.path, clock=self.clock, connection=CONNECTION)

    def status(self) -> Status:
        with self.book() as book:
            return read_status(book, self.watcher.setup.config, self.clock.now())

    async def watch(self, hours: float, *at: tuple[float, Callable[[], object]]) -> int:
        """Watch for so long; ``at`` are things that happen after so many minutes."""
        loop = asyncio.get_running_loop()
        for minutes, happening in at:
            loop.call_later(minutes * 60, happening)
        loop.call_later(hours * 3600, self.watcher.stop)
        return await self.watcher.run()

    async def execute(
        self, config: Config, plugins: Plugins, journal: JournalWriter, connect: Connect, options: RunOptions, observer
    ) -> RunResult:
        """Stands for the engine: journals a run as it does, and comes to what the script of the test says."""
        assert self.inside == 0, "two runs at once"
        self.inside += 1
        self.began.append((self.clock.now(), options))
        run = journal.start_run(
            options.kind, trigger=options.trigger, config_digest=config.digest, config_text="", plugins={}
        )
        try:
            observer.phase("Reading people and accounts", None)
            scripted = self.script(options, len(self.began))
            if isinstance(scripted, Awaitable):
                scripted = await scripted
            if isinstance(scripted, BaseException):
                raise scripted
            result = scripted if isinstance(scripted, Result) else Result()
            return self._finish(journal, run, config, options, result)
        except CrosskeyError as error:
            journal.end_run(run, "failed", {}, note=error.code)
            raise
        except asyncio.CancelledError:
            journal.end_run(run, "aborted", {}, note="interrupted")
            raise
        finally:
            self.inside -= 1

    def _finish(
        self, journal: JournalWriter, run: str, config: Config, options: RunOptions, result: Result
    ) -> RunResult:
        held = tuple(Held(rail=rail, scope=scope, summary="") for rail, scope in result.held)
        header = PlanHeader(
            id=run,
            run=run,
            lineage=journal.lineage,
            serial=journal.serial,
            config_digest=config.digest,
            created_at=self.clock.now(),
            expires_at=self.clock.now() + timedelta(hours=4),
            held=held,
            held_counts=dict(Counter(rail for rail, _ in result.held)),
        )
        drifts = [
            Drift(
                kind="user",
                subject=Subject("https://idp.example", f"{run}-{number}"),
                key=str(number),
                part="title",
                ours="",
                now="Boss",
                policy="yield",
                since=self.clock.now(),
                run=run,
            )
            for number in range(result.drifts)
        ]
        journal.note_drift(run, new=drifts, still=(), over=())
        journal.save_plan(header)
        journal.finish_plan(header)
        counts = Counter(result.counts)
        verdict = "held" if held else "clean"
        if counts["rejected"] or counts["unknown"]:
            verdict = "partial"
        if result.stopped is not None:
            verdict = "failed"
        journal.end_run(run, verdict, {f"result.{name}": count for name, count in counts.items()})
        reach = result.reach or ("people" if options.people else "changes" if options.changes else "everything")
        return RunResult(
            plan=Plan(header, lambda: iter(())),
            people=0,
            accounts={},
            schema=TargetSchema(kinds=()),
            catalogue=Catalogue(),
            reach=reach,
            because=result.because,
            run=run,
            verdict=verdict,
            applied=Applied(counts=counts, stopped=result.stopped, held=result.held_by_guards),
            notices=(),
        )

    def reaches(self) -> list[str]:
        """How much each run was asked to read."""
        return [options.trigger.removeprefix("watch:") for _, options in self.began]

    def minutes(self) -> list[float]:
        """When each run began."""
        return [(at - START).total_seconds() / 60 for at, _ in self.began]


class Result(msgspec.Struct):
    """What a scripted run comes to."""

    held: list[tuple[str, str]] = []
    counts: dict[str, int] = {}
    stopped: CrosskeyError | None = None
    held_by_guards: list[Held] = []
    reach: str = ""
    because: str = ""
    drifts: int = 0
