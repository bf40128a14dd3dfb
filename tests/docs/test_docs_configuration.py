"""Every configuration on the pages is one that loads, and whose rules fit a Halo desk."""

from __future__ import annotations

import asyncio
import os
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from docs_pages import ROOT, blocks, every

from crosskey.config import Config, load_config
from crosskey.config.toml import toml_value
from crosskey.connector.source import ReadRequest
from crosskey.engine.connect import Connect
from crosskey.engine.rules import compile_mappings
from crosskey.model import Catalogue
from crosskey.plugins import load_plugins
from crosskey.secrets import SCHEMES
from crosskey_halo.schema import halo_schema
from crosskey_sandbox.stage import configuration, on_stage

COMPLETE = [block for block in every("toml") if block.info == "toml"]
FRAGMENTS = [block for block in every("toml") if block.info == "toml fragment"]


def where(block) -> str:
    return block.where


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """The sites, roles, teams and departments of the sandbox's desk, read through the real target."""

    async def read(path: Path) -> Catalogue:
        config = load_config(path, load_plugins())
        async with Connect().target(config.target) as target:
            return await target.catalogue()

    with on_stage(people=20) as stage, pytest.MonkeyPatch.context() as patch:
        for name, value in stage.secrets().items():
            patch.setenv(name, value)
        path = Path(os.environ["HOME"]) / "docs-catalogue.toml"
        path.write_text(configuration(stage), encoding="utf-8")
        return asyncio.run(read(path))


@pytest.fixture
def compiled(tmp_path, monkeypatch, catalogue):
    """Loads a text, and compiles its rules against Halo's schema and the sandbox's catalogue."""

    def load(text: str) -> Config:
        path = tmp_path / "crosskey.toml"
        path.write_text(text, encoding="utf-8")
        for name in ("OKTA_TOKEN", "OKTA_HOOK_SECRET", "ENTRA_SECRET", "ENTRA_HOOK_SECRET", "HALO_SECRET"):
            monkeypatch.setenv(name, "synthetic")
        for name in ("okta-key.pem", "app.pem", "halo-secret.txt", "chat.url", "heartbeat.url"):
            (tmp_path / name).write_text("synthetic")
            (tmp_path / name).chmod(0o600)
        config = load_config(path, load_plugins())
        assert compile_mappings(config, halo_schema(config.target.settings), catalogue)
        return config

    return load


def merged(base: dict, more: dict) -> dict:
    """Tables merged key by key; anything else, secret references too, is replaced."""
    tables = dict(base)
    for key, value in more.items():
        below = base.get(key)
        mergeable = isinstance(below, dict) and isinstance(value, dict) and not set(value) & set(SCHEMES)
        tables[key] = merged(below, value) if mergeable else value
    return tables


def written(tables: dict) -> str:
    """Tables as TOML: one inline value for each top-level key."""
    return "".join(f"{key} = {toml_value(value)}\n" for key, value in tables.items())


@pytest.mark.parametrize("block", COMPLETE, ids=where)
def test_a_complete_configuration_loads_and_its_rules_fit(block, compiled):
    config = compiled(block.text)
    assert list(config.maps) == ["user", "agent"]


def swaps(text: str) -> bool:
    """Whether a fragment says that the one source is another vendor's."""
    return tomllib.loads(text).get("source", {}).get("corp", {}).get("use") == "entra"


@pytest.mark.parametrize("block", FRAGMENTS, ids=where)
def test_a_fragment_fits_into_the_readme_s_configuration(block, compiled):
    base = tomllib.loads(
        next(each.text for each in blocks(ROOT / "README.md", "toml", generated=False) if each in COMPLETE)
    )
    fragment = tomllib.loads(block.text)
    vendor = next((each for each in FRAGMENTS if each.page == block.page and swaps(each.text)), None)
    if vendor is not None:  # its page is about another source, which replaces the README's
        base["source"] = {}
        base = base if swaps(block.text) else merged(base, tomllib.loads(vendor.text))
    elif "client_id" in fragment.get("source", {}).get("corp", {}):
        del base["source"]["corp"]["token"]  # the other of two credentials
    compiled(written(merged(base, fragment)))


def test_every_configuration_is_complete_a_fragment_or_a_distribution():
    assert {block.info for block in every("toml")} == {"toml", "toml fragment", "toml distribution", "toml case"}
    assert len(COMPLETE) == 2


async def test_the_smallest_plugin_works(tmp_path, monkeypatch):
    (code,) = blocks(ROOT / "docs" / "plugins.md", "python")
    (distribution,) = [block for block in every("toml") if block.info == "toml distribution"]
    ((name, module),) = tomllib.loads(distribution.text)["project"]["entry-points"]["crosskey"].items()
    (tmp_path / f"{module}.py").write_text(code.text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(
        sys.modules, module, None
    )  # so that it is forgotten afterwards, as other tests know another one
    monkeypatch.delitem(sys.modules, module)
    plugins = load_plugins([EntryPoint(name, module, "crosskey")])
    (record,) = plugins.found
    assert (record.state, record.provides) == ("loaded", ("source acme",))
    spec = plugins.sources["acme"].value
    async with spec.open(spec.settings(url="https://acme.example"), None) as source:
        assert [finding.severity for finding in await source.check()] == ["ok"]
        people, end = [page async for page in source.read(ReadRequest())]
    assert [person.display_name for person in people.people] == ["Ada King", "Grace Hopper"]
    assert type(end).__name__ == "ReadComplete"
