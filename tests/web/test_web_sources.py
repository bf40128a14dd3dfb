"""The sources behind the hooks are those of the configuration that understand pushes."""

from __future__ import annotations

from contextlib import asynccontextmanager
from importlib.metadata import EntryPoint

import hook_plugin
import pytest
from hook_bench import AUTH
from httpx import ASGITransport, AsyncClient
from starlette.applications import Starlette

from crosskey.config import load_config
from crosskey.engine.connect import Connect
from crosskey.model import Subject
from crosskey.plugins import load_plugins
from crosskey.web import hook_routes, hook_sources
from fake_clock import FakeClock

ENTRY_POINTS = [
    EntryPoint("hooks", "hook_plugin", "crosskey"),
    EntryPoint("bench", "bench_plugin", "crosskey"),
    EntryPoint("rules", "crosskey.mapping.plugin", "crosskey"),
]


@asynccontextmanager
async def sources_of(tmp_path, use):
    path = tmp_path / "crosskey.toml"
    path.write_text(
        f'[source.corp]\nuse = "{use}"\n[target.desk]\nuse = "bench"\n[map.user]\nfields = {{ name = "display_name" }}\n'
    )
    config = load_config(path, load_plugins(ENTRY_POINTS))
    async with hook_sources(config, Connect(clock=FakeClock())) as sources:
        yield sources


async def test_a_source_is_open_while_its_address_is_served(tmp_path):
    woken = []
    async with sources_of(tmp_path, "pushing") as sources:
        assert hook_plugin.open_now == ["source.corp"]
        routes = hook_routes(sources, lambda people, *, changes: woken.append((people, changes)), FakeClock())
        client = AsyncClient(transport=ASGITransport(Starlette(routes=routes)), base_url="https://public.example")
        assert (await client.post("/hooks/corp", json={"people": ["p1"]}, headers=AUTH)).status_code == 202
    assert hook_plugin.open_now == []
    assert woken == [(frozenset({Subject("https://directory.example", "p1")}), False)]


@pytest.mark.parametrize("use", ["directory"])
async def test_a_source_without_hooks_has_no_address(tmp_path, use):
    async with sources_of(tmp_path, use) as sources:
        assert sources == {}
