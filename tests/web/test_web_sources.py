"""The sources behind the hooks are those of the configuration that understand pushes."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from importlib.metadata import EntryPoint

import hook_plugin
import pytest
from hook_bench import SECRET
from httpx import ASGITransport, AsyncClient
from starlette.applications import Starlette

from crosskey.config import load_config
from crosskey.engine.connect import Connect
from crosskey.model import Subject
from crosskey.plugins import load_plugins
from crosskey.watch import Setup
from crosskey.web import hook_routes, hook_sources
from fake_clock import FakeClock

ENTRY_POINTS = [
    EntryPoint("hooks", "hook_plugin", "crosskey"),
    EntryPoint("bench", "bench_plugin", "crosskey"),
    EntryPoint("rules", "crosskey.mapping.plugin", "crosskey"),
]


class World:
    """A configuration on disk, and what a watcher has of it."""

    def __init__(self, folder, use="pushing", **settings) -> None:
        self.folder, self.connect = folder, Connect(clock=FakeClock())
        self.woken = []
        self.load(use, **settings)

    def load(self, use="pushing", name="corp", **settings) -> None:
        """Take up another configuration, as a reload does."""
        path = self.folder / "crosskey.toml"
        keys = "".join(f"{key} = {value!r}\n" for key, value in settings.items())
        path.write_text(
            f'[source.{name}]\nuse = "{use}"\n{keys}[target.desk]\nuse = "bench"\n'
            '[map.user]\nfields = { name = "display_name" }\n'
        )
        plugins = load_plugins(ENTRY_POINTS)
        self.setup = Setup(config=load_config(path, plugins), plugins=plugins, connect=self.connect)

    def wake(self, people, *, changes) -> None:
        self.woken.append(people)

    @asynccontextmanager
    async def served(self):
        """A client of the addresses."""
        async with hook_sources(lambda: self.setup) as sources:
            self.sources = sources
            routes = hook_routes(sources, self.wake, FakeClock())
            yield AsyncClient(transport=ASGITransport(Starlette(routes=routes)), base_url="https://public.example")


@pytest.fixture
def world(tmp_path) -> World:
    hook_plugin.reset()
    return World(tmp_path)


async def told(client, secret=SECRET, source="corp", **said) -> int:
    response = await client.post(f"/hooks/{source}", json=said, headers={"authorization": secret})
    return response.status_code


async def test_a_source_is_open_while_its_address_is_served(world):
    async with world.served() as client:
        assert (hook_plugin.open_now, world.sources.names) == (["source.corp"], ["corp"])
        assert await told(client, people=["p1"]) == 202
    assert hook_plugin.open_now == []
    assert world.woken == [frozenset({Subject("https://directory.example", "p1")})]


async def test_a_source_without_hooks_has_no_address(world):
    world.load("directory")
    async with world.served() as client:
        assert world.sources.names == []
        assert await told(client, people=["p1"]) == 404


async def test_a_changed_secret_holds_from_the_reload_on(world):
    async with world.served() as client:
        assert await told(client, people=["p1"]) == 202
        world.load(secret="another")
        assert await told(client, people=["p2"]) == 401
        assert await told(client, "another", people=["p3"]) == 202
        assert hook_plugin.open_now == ["source.corp"], "the one before is closed"
        assert hook_plugin.opened == 2, "opened anew once, however many ask"
    assert [subject.id for people in world.woken for subject in people] == ["p1", "p3"]


async def test_a_configuration_that_says_the_same_is_taken_up_too_for_its_secrets_may_have_changed(world):
    async with world.served() as client:
        world.load()
        assert await told(client, people=["p1"]) == 202
        assert hook_plugin.opened == 2


async def test_what_the_door_knows_of_replays_outlasts_a_reload(world):
    async with world.served() as client:
        assert await told(client, people=["p1"], events=["e1"]) == 202
        world.load()
        assert await told(client, people=["p1"], events=["e1"]) == 202
    assert len(world.woken) == 1


async def test_sources_come_and_go_with_a_reload(world):
    async with world.served() as client:
        world.load(name="branch")
        assert await told(client, people=["p1"]) == 404
        assert await told(client, source="branch", people=["p1"]) == 202
        assert hook_plugin.open_now == ["source.branch"]


async def test_all_who_come_at_once_after_a_reload_are_read_by_the_new_source(world):
    async with world.served() as client:
        world.load(secret="another")
        answers = await asyncio.gather(*(told(client, secret) for secret in [SECRET, "another"] * 10))
    assert answers == [401, 202] * 10


async def test_a_source_that_cannot_be_opened_is_tried_again_with_the_next_reload(world, caplog):
    hook_plugin.faults.append(RuntimeError("the secret is another"))
    async with world.served() as client:
        assert await told(client, people=["p1"]) == 503
        assert "source.corp: it cannot be opened (PluginError)" in caplog.text
        hook_plugin.faults.clear()
        assert await told(client, people=["p1"]) == 503
        world.load()
        assert await told(client, people=["p1"]) == 202
        hook_plugin.faults.append(RuntimeError("the secret is another"))
        world.load()
        assert await told(client, people=["p1"]) == 503, "the one before does not go on"
    assert "the secret" not in caplog.text


async def test_a_source_that_cannot_be_closed_takes_nobody_along(world, caplog):
    async with world.served() as client:
        hook_plugin.sticks.append(RuntimeError("the secret is another"))
        world.load()
        assert await told(client, people=["p1"]) == 202
        hook_plugin.sticks.clear()
    assert "could not be closed (RuntimeError)" in caplog.text
    assert "the secret" not in caplog.text


async def test_a_source_that_takes_for_ever_to_open_costs_its_caller_two_seconds_at_most(world, monkeypatch):
    monkeypatch.setattr("crosskey.web.sources._SECONDS", 0.01)
    async with world.served() as client:
        hook_plugin.hangs.append(True)
        world.load()
        assert await told(client, people=["p1"]) == 503
