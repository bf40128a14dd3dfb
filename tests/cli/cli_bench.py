"""The real command line against local vendors: in this process where one run is enough, as a process of its own where
signals, limits or a second run matter.
"""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec

from crosskey.cli.main import main
from crosskey.errors import ExitCode
from crosskey_sandbox.stage import Stage, configuration, on_stage

REFUSED = ("Traceback (most recent call last)", "met something it did not expect")


class Run(msgspec.Struct, frozen=True):
    """What one command came to."""

    code: int
    out: str
    err: str

    def __repr__(self) -> str:
        return f"exit {self.code}\n{self.out[:1500]}\n{self.err[:1500]}"

    @property
    def json(self) -> Any:
        """Standard output, which must be one JSON document and nothing else."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """The error of a ``--json`` run, whose exit code must be the process's."""
        error = self.json["error"]
        assert error["exit_code"] == self.code
        return error


class Shell:
    """A folder with a configuration that points at a stage, where commands are typed."""

    def __init__(self, folder: Path, stage: Stage) -> None:
        self.folder, self.stage = folder, stage
        self.file = folder / "crosskey.toml"
        self.environment = dict(stage.secrets())
        self.file.write_text(configuration(stage), encoding="utf-8")

    # -- the configuration --------------------------------------------------------------------------------------------

    def edit(self, *changes: tuple[str, str]) -> None:
        """Replace texts of the configuration, each of which must be there."""
        text = self.file.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        self.file.write_text(text, encoding="utf-8")

    def add(self, text: str) -> None:
        """Append to the configuration."""
        with self.file.open("a", encoding="utf-8") as file:
            file.write(f"\n{text}\n")

    @property
    def journal(self) -> Path:
        """Where the journal is kept."""
        return self.folder / ".crosskey" / "journal.sqlite"

    # -- commands -----------------------------------------------------------------------------------------------------

    def __call__(self, *words: str, **environment: str) -> Run:
        """Type a command; it never may end in a traceback."""
        run = run_here(words, self.folder, {**self.environment, **environment})
        for text in REFUSED:
            assert text not in run.err + run.out, run.err + run.out
        return run

    def start(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        """Start a command as a process of its own."""
        environment = {**os.environ, **self.environment, **options.pop("environment", {})}
        return subprocess.Popen(
            [sys.executable, "-m", "crosskey", *words],
            cwd=self.folder,
            env=environment,
            text=True,
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
        )

    def process(self, *words: str, **options: Any) -> Run:
        """Run a command as a process of its own."""
        return ended(self.start(*words, **options))

    def last_run(self) -> dict[str, Any]:
        """The newest run, as ``crosskey history`` tells it."""
        return self("history", "--json", "-n", "1").json[0]

    # -- the desk -----------------------------------------------------------------------------------------------------

    @property
    def writes(self) -> int:
        """Records that the desk saved."""
        return len(self.stage.desk.writes)

    def marks(self) -> list[str]:
        """The external ids that the desk's users bear, and its agents', sorted; an account made twice bears one twice."""
        desk = self.stage.desk
        users = [f"user {user.other5}" for user in desk.users.values() if user.other5]
        return sorted(
            users
            + [f"agent {each.federated_identity_id}" for each in desk.agents.values() if each.federated_identity_id]
        )

    def image(self) -> list[tuple[object, ...]]:
        """What the desk shows of everybody whom crosskey manages, without ids and times."""
        desk = self.stage.desk
        sites = {site.id: site.name for site in desk.sites.values()}
        users = [
            ("user", each.name, each.emailaddress, each.title, each.other1, sites[each.site_id], each.inactive)
            for each in desk.users.values()
            if each.other5
        ]
        agents = [
            ("agent", each.name, each.email, each.jobtitle, len(each.roles), len(each.teams), each.isdisabled)
            for each in desk.agents.values()
            if each.federated_identity_id
        ]
        return sorted(users + agents)

    def in_step(self) -> None:
        """Nothing is left to do, nothing is held, and nobody has two accounts."""
        again = self("plan", "--json")
        assert (again.code, again.json["changes"], again.json["plan"].get("held", [])) == (ExitCode.OK, [], [])
        marks = self.marks()
        assert len(marks) == len(set(marks))


@contextmanager
def small_company() -> Generator[Stage]:
    """Both vendors with thirty people; every address at the desk is one user's, so that a good run ends with 0."""
    with on_stage(people=30, groups=40) as stage:
        desk = stage.desk
        for user in [user for user in desk.users.values() if user.name.endswith("(old)")]:
            desk.drop("Users", user.id)
        yield stage


def refusal(crosskey: Shell, *words: str, code: ExitCode) -> dict[str, Any]:
    """Type a command that must be refused with one message, its place and its fix, before anything is written."""
    run = crosskey(*words, "--json")
    assert run.code == code, run
    error = run.error
    problems = error.get("problems") or [{"path": error["where"], **error}]
    assert all(problem["message"] and problem["path"] and problem["fix"] for problem in problems), error
    assert crosskey.writes == 0
    return error


def told(crosskey: Shell, *words: str, code: ExitCode) -> dict[str, Any]:
    """The same, and once more as text for people."""
    error = refusal(crosskey, *words, code=code)
    run = crosskey(*words)
    assert (run.code, run.out) == (code, "")
    assert f"[{error['code']}, exit {int(code)}]" in run.err
    # messages of vendors hold an id that is new each time
    assert all(problem["fix"] in run.err and problem["path"] in run.err for problem in error.get("problems", []))
    assert error["where"] in run.err
    assert error["fix"] in run.err
    return error


def ended(process: subprocess.Popen[str]) -> Run:
    """Wait for a process; it never may end in a traceback."""
    out, err = (text or "" for text in process.communicate(timeout=60))
    for text in REFUSED:
        assert text not in err + out, err
    return Run(process.returncode, out, err)


def run_here(words: tuple[str, ...], folder: Path, environment: Mapping[str, str]) -> Run:
    """Run the command line's own entry point in this process."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    root, ours = logging.getLogger(), logging.getLogger("crosskey")
    kept = (list(root.handlers), root.level, ours.level)
    code: object = 0
    with (
        chdir(folder),
        patch.dict(os.environ, environment),
        patch.object(sys, "argv", ["crosskey", *words]),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as done:
            code = done.code
        finally:
            root.handlers[:], level, our_level = kept
            root.setLevel(level)
            ours.setLevel(our_level)
    assert isinstance(code, int)
    return Run(code, out.buffer.getvalue().decode(), err.buffer.getvalue().decode())  # pyright: ignore


def wait_until(happened: Callable[[], object], process: subprocess.Popen[str], seconds: float = 20.0) -> None:
    """Look again and again at what a process does to the vendors; fails when it does not happen."""
    end = time.monotonic() + seconds
    while not happened():
        assert process.poll() is None, ended(process)
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.002)
