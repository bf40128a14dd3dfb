"""Runs of the real engine over the in-memory directory and desk."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from email.utils import format_datetime
from importlib.metadata import EntryPoint
from pathlib import Path

import httpx

import bench_plugin
from at_once import at_once
from crosskey.config import load_config
from crosskey.engine.connect import Connect
from crosskey.engine.rails import Allowed
from crosskey.engine.run import RunOptions, RunResult, execute
from crosskey.engine.saved import save_plan
from crosskey.engine.undo import UndoOptions, UndoResult, undo
from crosskey.journal import JournalWriter
from crosskey.plan import Change
from crosskey.plugins import load_plugins
from fake_clock import FakeClock

ENTRY_POINTS = (
    EntryPoint("bench", "bench_plugin", "crosskey"),
    EntryPoint("rules", "crosskey.mapping.plugin", "crosskey"),
)

CONFIG = """
[source.corp]
use = "directory"
[target.desk]
use = "bench"
[map.user]
scope = { groups = ["Staff"] }
match = ["email"]
default = { site = "Acme / Main" }
[map.user.fields]
name = "{{ display_name }}"
mail = "email"
title = { from = "title", write = "on_create" }
note = { from = "department", write = "if_empty" }
[[map.user.assign]]
group = "London"
site = "Acme / London"
roles = ["Viewer"]
[map.agent]
scope = { groups = ["Desk"] }
match = ["email"]
[map.agent.fields]
name = "{{ display_name }}"
mail = "email"
[[map.agent.assign]]
group = "Desk"
teams = ["First"]
"""


def unasked(config: str) -> str:
    """The configuration with nobody asked before the first run, which most tests are not about."""
    if "first_run" in config:
        return config
    go = '[rails]\nfirst_run = "go"\n'
    return config.replace("[rails]\n", go) if "[rails]\n" in config else f"{config}\n{go}"


class Quiet:
    """An observer that remembers the phases."""

    def __init__(self) -> None:
        self.phases: list[str] = []
        self.advanced: Counter[str] = Counter()

    def phase(self, name: str, total: int | None) -> None:
        self.phases.append(name)

    def advance(self, count: int) -> None:
        self.advanced[self.phases[-1]] += count


class Bench:
    """One configured connection."""

    def __init__(self, folder: Path, config: str = CONFIG) -> None:
        bench_plugin.reset()
        self.directory = bench_plugin.directory
        self.desk = bench_plugin.desk
        for name in ("Staff", "London", "Desk"):
            self.directory.group(name)
        self.clock = FakeClock()
        self.wrong_by = timedelta(0)
        self.plugins = load_plugins(ENTRY_POINTS)
        self.path = folder / "crosskey.toml"
        self.configure(config)

    def configure(self, config: str, *, asks: bool = False) -> None:
        config = at_once(config)
        self.path.write_text(config if asks else unasked(config), encoding="utf-8")
        self.config = load_config(self.path, self.plugins)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """What a server says of the time, which is right whatever our clock shows."""
        return httpx.Response(200, headers={"Date": format_datetime(self.true_time(), usegmt=True)}, json={})

    def true_time(self) -> datetime:
        """The time that everybody else has: tests that set :attr:`clock` wrong do not move it."""
        return self.clock.now() - self.wrong_by

    def set_wrong(self, by: timedelta) -> None:
        """Set our wall clock ahead of everybody's; what never goes back goes on."""
        self.clock.start += by - self.wrong_by
        self.wrong_by = by

    def journal(self):
        return JournalWriter.open(self.config.journal.path, clock=self.clock, connection="desk")

    async def run(
        self, kind: str = "sync", *, allow: tuple[str, ...] = (), keep: Path | None = None, **options
    ) -> RunResult:
        chosen = RunOptions(kind=kind, allowed=Allowed.parse(allow), **options)
        with self.journal() as journal:
            self.observer = Quiet()
            connect = Connect(clock=self.clock, transport=lambda _: httpx.MockTransport(self.answer))
            result = await execute(self.config, self.plugins, journal, connect, chosen, self.observer)
            self.changes: list[Change] = list(result.plan.changes())
            if keep is not None:
                save_plan(result.plan, keep)
        return result

    async def undo(self, run: str, *, allow: tuple[str, ...] = (), only: tuple[str, ...] = (), **options) -> UndoResult:
        chosen = UndoOptions(kind="undo", undone=run, only=only, allowed=Allowed.parse(allow), **options)
        with self.journal() as journal:
            self.observer = Quiet()
            connect = Connect(clock=self.clock)
            result = await undo(self.config, self.plugins, journal, connect, chosen, self.observer)
            self.changes = list(result.plan.changes())
        return result

    def did(self) -> list[str]:
        """The last plan in short: action, kind, who."""
        return [f"{change.action} {change.kind} {change.label}" for change in self.changes]


def rails(result: RunResult) -> list[str]:
    """The rails that held something, sorted."""
    return sorted(hold.rail for hold in result.plan.held)
