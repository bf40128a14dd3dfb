"""Whose code may run: nothing of a plugin that nobody trusts is ever imported, and what is trusted is one build."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from crosskey.plugins import load_plugins

LOUD = """
    import os
    from crosskey import hookimpl
    import click

    open(os.environ["SIDE_EFFECT"], "a").write("imported\\n")

    @hookimpl
    def crosskey_commands():
        @click.command("shout", help="Shout.")
        def shout():
            click.echo("LOUD")
        return [shout]
"""


@pytest.fixture
def outside(shelf, tmp_path, monkeypatch):
    """A shelf with one loud plugin, as a command of its own sees it; the trace of its import."""
    trace = tmp_path / "imported"
    monkeypatch.setenv("SIDE_EFFECT", str(trace))
    monkeypatch.setenv("CROSSKEY_TRUST", str(tmp_path / "etc" / "trusted.json"))
    monkeypatch.setenv("PYTHONPATH", str(shelf.folder))
    shelf.put("crosskey-loud", "1.0", LOUD, entry="loud")
    return trace


def crosskey(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "crosskey.cli.main", *words]
    code = "import sys; from crosskey.cli.main import main; sys.argv[0] = 'crosskey'; main()"
    return subprocess.run([sys.executable, "-c", code, *command[3:]], capture_output=True, text=True, check=False)


def state(name: str) -> tuple[str, str]:
    found = json.loads(crosskey("plugins", "list", "--json").stdout)
    one = next(each for each in found if each["name"] == name)
    return one["state"], one["reason"]


def test_nothing_of_an_untrusted_plugin_is_imported_by_any_command(outside, tmp_path):
    config = tmp_path / "crosskey.toml"
    for words in (
        ["--help"],
        ["plugins", "list"],
        ["plugins", "show", "loud"],
        ["plugins", "verify"],
        ["plan", "--config", str(config)],
        ["shout"],
    ):
        crosskey(*words)
    assert not outside.exists()
    assert state("loud")[0] == "refused"
    assert "crosskey plugins trust crosskey-loud" in state("loud")[1]


def test_trusting_imports_nothing_either_and_then_the_plugin_runs(outside):
    done = crosskey("plugins", "trust", "loud")
    assert done.returncode == 0, done.stderr
    assert "crosskey-loud 1.0" in done.stdout
    assert not outside.exists()
    assert crosskey("shout").stdout == "LOUD\n"
    assert "shout" in crosskey("--help").stdout
    assert state("loud") == ("loaded", "")
    assert oct(Path(os.environ["CROSSKEY_TRUST"]).stat().st_mode & 0o777) == "0o600"


def test_trust_withdrawn_is_gone(outside):
    crosskey("plugins", "trust", "crosskey_loud")
    assert crosskey("plugins", "untrust", "loud").stdout == "no longer trusted: crosskey-loud\n"
    assert state("loud")[0] == "refused"
    assert not outside.exists()
    again = crosskey("plugins", "untrust", "loud")
    assert again.returncode == 2
    assert "not-trusted" in again.stderr


def replaced_file(folder: Path) -> None:
    (folder / "crosskey_loud.py").write_text((folder / "crosskey_loud.py").read_text() + "\nprint('changed')\n")


def replaced_build(folder: Path) -> None:
    replaced_file(folder)
    record = folder / "crosskey_loud-1.0.dist-info" / "RECORD"
    record.write_text(record.read_text() + "another.py,,\n")


def newer_version(folder: Path) -> None:
    info = folder / "crosskey_loud-1.0.dist-info"
    (info / "METADATA").write_text((info / "METADATA").read_text().replace("1.0", "1.1"))
    info.rename(folder / "crosskey_loud-1.1.dist-info")


def lost_record(folder: Path) -> None:
    (folder / "crosskey_loud-1.0.dist-info" / "RECORD").unlink()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (replaced_file, "crosskey_loud.py is not what was installed"),
        (replaced_build, "it is not the build that was trusted"),
        (newer_version, "version 1.0 is trusted, 1.1 is installed"),
        (lost_record, "its RECORD is missing"),
    ],
)
def test_another_build_is_refused_until_it_is_trusted_too(outside, shelf, change, why):
    crosskey("plugins", "trust", "loud")
    change(shelf.folder)
    assert crosskey("--help").returncode == 0
    assert why in state("loud")[1]
    checked = crosskey("plugins", "verify")
    assert checked.returncode == 7
    assert why in " ".join(checked.stdout.split())
    assert not outside.exists()


def test_the_order_of_record_is_no_matter(outside, shelf):
    crosskey("plugins", "trust", "loud")
    record = shelf.folder / "crosskey_loud-1.0.dist-info" / "RECORD"
    record.write_text("\n".join(reversed(record.read_text().splitlines())) + "\n")
    assert state("loud") == ("loaded", "")


def test_a_changed_file_cannot_be_trusted(outside, shelf):
    replaced_file(shelf.folder)
    done = crosskey("plugins", "trust", "loud")
    assert done.returncode == 2
    assert "record-differs" in done.stderr


@pytest.mark.parametrize("name", ["halo", "crosskey", "nobody"])
def test_only_what_comes_from_outside_can_be_trusted(outside, name):
    done = crosskey("plugins", "trust", name)
    assert done.returncode == 2
    assert "plugin-unknown" in done.stderr


def test_a_damaged_list_stops_what_needs_it_and_not_the_help(outside):
    crosskey("plugins", "trust", "loud")
    Path(os.environ["CROSSKEY_TRUST"]).write_text("{")
    assert "shout" not in crosskey("--help").stdout
    listed = crosskey("plugins", "list")
    assert (listed.returncode, "trust-unreadable" in listed.stderr) == (2, True)
    assert not outside.exists()


FINE = "from crosskey import hookimpl\n\n@hookimpl\ndef crosskey_on_event(event):\n    pass\n"


@pytest.mark.parametrize(
    ("needs", "refused"),
    [
        ("crosskey", False),
        ("crosskey>=0.0.1", False),
        ("crosskey>=99.1", True),
        ("crosskey>=99.1; extra == 'web'", False),
        ("crosskey<0.0.1", True),
        ("httpx>=99", False),
    ],
)
def test_the_oldest_crosskey_that_a_plugin_works_with_is_its_floor(shelf, needs, refused):
    shelf.put("crosskey-fine", "1.0", FINE, entry="fine", needs=needs)
    found = next(one for one in load_plugins(shelf.entry_points()).found if one.name == "fine")
    assert found.state == ("refused" if refused else "loaded")
    if refused:
        assert "upgrade whichever is older" in found.reason
        assert "crosskey_fine" not in sys.modules


def test_a_plugin_that_hangs_does_not_stop_the_others(shelf, monkeypatch):
    monkeypatch.setenv("CROSSKEY_PLUGIN_SECONDS", "0.2")
    shelf.put("crosskey-slow", "1.0", "import threading\nthreading.Event().wait(600)\n" + FINE, entry="slow")
    shelf.put("crosskey-fine", "1.0", FINE, entry="fine")
    begun = time.monotonic()
    found = {one.name: one for one in load_plugins(shelf.entry_points()).found}
    assert found["fine"].state == "loaded"
    assert (found["slow"].state, found["slow"].reason) == ("broken", "it did not come to an end within 0.2 s")
    assert time.monotonic() - begun < 300
