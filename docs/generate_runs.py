"""What a terminal shows, made by running the commands: the demo, the first configuration, what goes wrong.

The vendors are crosskey's own sandboxes. Ports, ids, times and folders differ from run to run and are replaced by fixed
ones of the same form; nothing else is changed.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from unittest import mock

from generate_failures import FAILURES, Failure

from crosskey.cli.failure import exit_with
from crosskey.cli.main import main
from crosskey.journal.failures import sqlite_failure
from crosskey_sandbox.stage import Stage, configuration, on_stage

__all__ = ("FIRST_CONFIGURATION", "RUNS")

COLUMNS = "320"

FIRST_CONFIGURATION = (
    *("init", "--no-input"),
    *("--source", "okta", "--source-set", "url=https://acme.okta.com", "--source-set", "token=env:OKTA_TOKEN"),
    *("--target", "halo", "--target-set", "url=https://acme.haloitsm.com"),
    *("--target-set", "client_id=3f2a0c1e-5d7b-4a88-9f10-2b6c7d8e9f01"),
    *("--target-set", "client_secret=env:HALO_SECRET"),
    *("--map", "user=All Staff", "--default", "user.site=Acme / Main", "--map", "agent=Service Desk"),
)

_SUMMARIES = r"\d\. |\$ |Plan: |Run |Everything |source\.corp:|okta → entra:"

_PLAIN = {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": COLUMNS, "PYTHONIOENCODING": "utf-8"}

_SETTLED: tuple[tuple[str, str], ...] = (
    (r"\b20\d{6}T\d{6}-[0-9a-f]{4}\b", "20261123T090000-4f2a"),
    (r"\b20\d\d-\d\d-\d\d \d\d:\d\d:\d\d", "2026-11-23 09:00:00"),
    (r"\b20\d\d-\d\d-\d\d \d\d:\d\d\b(?!:)", "2026-11-23 09:00"),
    (r"process \d+ on \S+ \(", "process 4711 on desk-sync ("),
    (r"kill \d+", "kill 4711"),
    (r"request [0-9A-Za-z_-]{20,}", "request ZLxeiHUUQomPkM8xOqvu1AAAB"),
    (r"errorId \w+", "errorId oaeZLxeiHUUQomPkM8xOqvu1A"),
)


@cache
def _played() -> str:
    """What the demo prints."""
    command = (sys.executable, "-m", "crosskey", "demo")
    environment = {**os.environ, **_PLAIN, "COLUMNS": "160"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)  # noqa: S603 - crosskey itself
    return done.stdout


def swap() -> str:
    """What the demo's swap shows."""
    shown = _played().partition("$ crosskey swap")[2].partition("\n\n8. ")[0]
    text = re.sub(r"(?s)(?<=only in the new directory: ).*?…", "Meeting Room Boreal (28ce935c-…) …", shown)
    text = re.sub(r"/\S+/crosskey", "crosskey", re.sub(r"http://127.0.0.1:\d+", "https://acme.okta.com", text))
    lines = [line.rstrip() for line in text.splitlines()]
    said = "\n".join(lines[1:]).strip()
    return _fenced(_settled(said), f"crosskey swap{lines[0]}")


def demo() -> str:
    """The demo's headings and summaries, and its fifth step in full."""
    kept: list[str] = []
    step, table = 0, False
    for line in _played().splitlines():
        if found := re.match(r"(\d)\. ", line):
            step = int(found[1])
            table = step == 5
        table = table and not line.startswith("held")
        if step != 6 and ((table and line) or re.match(_SUMMARIES, line)):
            kept += ["", line] if found and kept else [line]
    text = _settled("\n".join(line.rstrip() for line in kept))
    keys = iter(("324", "397"))  # which of two accounts made at once gets the lower key is the desk's own affair
    return _fenced(re.sub(r"(?<=user )\d{3}\b", lambda _: next(keys), text), "make demo")


def sso_plan() -> str:
    """What ``crosskey sso plan`` says of a door that nothing was set up for."""
    door = '\n[sso.agents]\npublic_url = "https://doors.acme.example"\nclient_secret = { file = "agents.secret" }\n'
    with on_stage(people=20, groups=40) as stage, tempfile.TemporaryDirectory() as folder:
        Path(folder, "crosskey.toml").write_text(configuration(stage) + door, encoding="utf-8")
        with _inside(Path(folder), stage.secrets()):
            code, said = _run(("sso", "plan"))
        if code:
            raise RuntimeError(said)
        said = said.replace(stage.halo_url, "https://acme.haloitsm.com").replace(
            stage.okta_url, "https://acme.okta.com"
        )
    return _fenced("\n".join(line.rstrip() for line in said.splitlines()).strip(), "crosskey sso plan")


def starter() -> str:
    """The configuration that ``crosskey init`` writes for the README's command."""
    with tempfile.TemporaryDirectory() as folder, _inside(Path(folder), {}):
        code, said = _run(FIRST_CONFIGURATION)
        if code:
            raise RuntimeError(said)
        return f"```toml\n{Path('crosskey.toml').read_text('utf-8').rstrip()}\n```"


@cache
def _failures() -> Mapping[str, str]:
    """Every failure's command and what it says, by name."""
    shown: dict[str, str] = {}
    for failure in FAILURES:
        with on_stage(people=50, groups=30) as stage, tempfile.TemporaryDirectory() as folder:
            shown[failure.name] = _failed(failure, stage, Path(folder))
    return shown


def _failed(failure: Failure, stage: Stage, folder: Path) -> str:
    config = folder / "crosskey.toml"
    config.write_text(configuration(stage), encoding="utf-8")
    with _inside(folder, stage.secrets()):
        for words in failure.before:
            _run(words)
        with contextlib.ExitStack() as stack:
            prepared = failure.prepare(stage, config)
            if prepared is not None:
                stack.enter_context(prepared)
            code, said = _run(failure.words)
    if failure.only:
        said = "\n".join(line for line in said.splitlines() if re.search(failure.only, line))
    if code != failure.code:
        raise RuntimeError(f"{failure.name}: exit code {code} where {int(failure.code)} was expected\n{said}")
    text = said.replace(stage.okta_url, "http://127.0.0.1:8801").replace(stage.halo_url, "http://127.0.0.1:8802")
    text = text.replace(f"{folder.resolve()}/", "/etc/crosskey/").replace(f"{folder}/", "/etc/crosskey/")
    text = _settled(text)
    tail = f"\n$ echo $?\n{code}" if "exit" not in text else ""
    return _fenced("\n".join(line.rstrip() for line in text.splitlines()) + tail, _typed(failure))


def _settled(text: str) -> str:
    for pattern, instead in _SETTLED:
        text = re.sub(pattern, instead, text)
    return text


def _disk_full() -> str:
    """What is said when SQLite finds the disk full; the error is SQLite's own, from a file that may not grow."""
    path = Path("/etc/crosskey/.crosskey/journal.sqlite")
    said = io.StringIO()
    with contextlib.closing(sqlite3.connect(":memory:")) as database, contextlib.redirect_stderr(said):
        database.execute("PRAGMA max_page_count = 2")
        try:
            database.execute("CREATE TABLE too_large AS SELECT zeroblob(100000)")
        except sqlite3.Error as error:
            exit_with(sqlite_failure(error, path))
    return _fenced(said.getvalue(), "crosskey sync")


def _typed(failure: Failure) -> str:
    return "crosskey " + " ".join(f"'{word}'" if " " in word else word for word in failure.words)


def _fenced(text: str, command: str) -> str:
    return f"```console\n$ {command}\n{text.strip(chr(10))}\n```"


@contextlib.contextmanager
def _inside(folder: Path, secrets: Mapping[str, str]) -> Generator[None]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CROSSKEY_", "OTEL_"))}
    with contextlib.chdir(folder), mock.patch.dict(os.environ, {**kept, **_PLAIN, **secrets}, clear=True):
        yield


def _run(words: tuple[str, ...]) -> tuple[int, str]:
    """Exit code, and all that the terminal shows, of one command in this process: a new one each would take minutes."""
    said = io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["crosskey", *words]),
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(said),
    ):
        try:
            main()
        except SystemExit as end:
            return int(end.code or 0), said.getvalue()
    return 0, said.getvalue()


def _block(failure: Failure) -> Callable[[], str]:
    return lambda: _failures()[failure.name]


RUNS: Mapping[str, Callable[[], str]] = MappingProxyType(
    {
        "demo": demo,
        "swap": swap,
        "sso plan": sso_plan,
        "starter": starter,
        "failure disk full": _disk_full,
        **{f"failure {failure.name}": _block(failure) for failure in FAILURES},
    }
)
