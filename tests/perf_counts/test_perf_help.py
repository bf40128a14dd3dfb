"""`crosskey --help` is instant: it imports next to nothing, and still shows what plugins add."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from crosskey.plugins import listed_commands, load_plugins
from crosskey.plugins.installed import Installed, installed_plugins
from trusted_site import write_record, write_trust

HEAVY = {
    "asyncio",
    "httpx",
    "importlib.metadata",
    "jinja2",
    "joserfc",
    "msgspec",
    "opentelemetry",
    "rich",
    "sqlite3",
    "sqlite_utils",
    "starlette",
    "uvicorn",
}


def run_help(folder: Path | None = None) -> tuple[str, set[str]]:
    """What help prints, and the heavy modules it imported."""
    code = (
        "import sys\n"
        "from crosskey.cli.main import cli\n"
        "cli.main(['--help'], standalone_mode=False, prog_name='crosskey')\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    trust = write_trust(folder.with_name("trusted.json"), folder) if folder else {}
    env = {
        **os.environ,
        **trust,
        "PYTHONPATH": os.pathsep.join(filter(None, (str(folder or ""), os.environ.get("PYTHONPATH")))),
    }
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    return done.stdout, HEAVY & set(done.stderr.split())


def install(folder: Path, distribution: str, *, name: str, source: str, version: str = "1.0") -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}_module.py").write_text(source, encoding="utf-8")
    info = folder / f"{distribution}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[other]\nx = y\n\n[crosskey]\n# ours\n{name} = {name}_module\n")
    write_record(folder, info, f"{name}_module.py")


def a_command(name: str) -> str:
    return (
        "import click\nfrom crosskey.hookspecs import hookimpl\n"
        f"@hookimpl\ndef crosskey_commands():\n    return [click.Command({name!r}, help='Greet everybody.')]\n"
    )


def test_help_imports_nothing_heavy():
    text, heavy = run_help()
    assert "sync" in text
    assert "demo" in text
    assert heavy == set()


def test_a_third_partys_command_stands_in_help(tmp_path):
    install(tmp_path / "site", "acme_tools", name="acme", source=a_command("greet"))
    text, heavy = run_help(tmp_path / "site")
    assert "greet" in text
    assert "Greet everybody." in text
    assert heavy == set()


def test_a_broken_plugin_does_not_break_help(tmp_path):
    install(tmp_path / "site", "bad_import", name="bad", source="1 / 0")
    install(tmp_path / "site", "bad_hook", name="worse", source=a_command("gone").replace("commands", "comands"))
    install(tmp_path / "site", "acme_tools", name="acme", source=a_command("greet"))
    text, _ = run_help(tmp_path / "site")
    assert "greet" in text
    assert "gone" not in text


def test_what_help_lists_is_what_the_loader_finds():
    loaded = {provided.value.name for provided in load_plugins().commands()}
    assert set(listed_commands(click.Command)) == loaded
    assert "sandbox" in loaded


def test_the_files_tell_the_same_as_importlib_metadata():
    found = {entry.name: entry.value for entry in importlib.metadata.entry_points(group="crosskey")}
    assert {one.name: one.target for one in installed_plugins()} == found


@pytest.fixture
def path(tmp_path, monkeypatch):
    """Two folders on the import path and nothing else."""
    folders = [tmp_path / "first", tmp_path / "second"]
    monkeypatch.setattr(sys, "path", [str(folder) for folder in (*folders, tmp_path / "missing")])
    return folders


def test_a_name_that_two_distributions_claim_belongs_to_neither(path):
    install(path[0], "one", name="acme", source="")
    install(path[1], "two", name="acme", source="")
    install(path[1], "three", name="other", source="")
    assert [plugin.name for plugin in installed_plugins()] == ["other"]


def test_of_one_distribution_installed_twice_the_first_counts(path):
    install(path[0], "acme_tools", name="acme", source="", version="2.0")
    install(path[1], "acme_tools", name="acme", source="")
    info = str(path[0] / "acme_tools-2.0.dist-info")
    assert list(installed_plugins()) == [Installed("acme", "acme_module", "acme_tools", "2.0", str(path[0]), info)]
