"""Every command on the pages runs, in order, page by page, as the person who reads the page would type it."""

from __future__ import annotations

import configparser
import json
import os
import pty
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from docs_pages import NOT_RUN, PAGES, ROOT, Block, blocks, every

from crosskey_sandbox.stage import Stage, configuration, on_stage

FINE = (0, 6)
"""Done, or something is held: a few people of the sandbox share an address on purpose."""

COMMENT = re.compile(r"\s+# .*$")


def commands(block: Block) -> list[str]:
    """The block's commands: continued lines joined, comments taken off."""
    joined = block.text.replace("\\\n", " ")
    return [line for raw in joined.splitlines() if (line := COMMENT.sub("", raw).strip()) and line[0] != "#"]


def runnable(page: Path) -> list[Block]:
    return [block for block in blocks(page, "sh") if not block.text.startswith(NOT_RUN)]


class Reader:
    """Somebody in a new folder, with the sandboxes' secrets in the environment and this crosskey on the path."""

    def __init__(self, folder: Path, stage: Stage) -> None:
        self.folder, self.stage = folder, stage
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.environment = {**os.environ, **stage.secrets(), "PATH": path}

    def configure(self, page: Path) -> None:
        """The sandbox's configuration; whoever reads about safety has not said that nobody needs to look."""
        text = configuration(self.stage)
        if page.name == "safety.md":
            text = text.replace('first_run = "go"\n', "")
        (self.folder / "crosskey.toml").write_text(text, encoding="utf-8")

    def types(self, command: str, answer: str = "y") -> subprocess.CompletedProcess[str]:
        """Run one line in a shell whose input is a terminal on which ``answer`` is typed."""
        ours, theirs = pty.openpty()
        try:
            os.write(ours, f"{answer}\n".encode())
            return subprocess.run(
                ["bash", "-o", "pipefail", "-c", command],
                cwd=self.folder,
                env=self.environment,
                stdin=theirs,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
        finally:
            os.close(ours)
            os.close(theirs)

    def last_run(self) -> str:
        return json.loads(self.types("crosskey history --json").stdout)[0]["id"]

    def translated(self, command: str) -> str:
        """The command with the examples that only exist on paper replaced by what the sandbox has."""
        examples = {
            "ada@acme.example": lambda: next(p.email for p in self.stage.company.people if p.status == "active"),
            "user:1234": lambda: f"user:{max(self.stage.desk.users)}",
            "20261123T090000-4f2a": self.last_run,
        }
        for example, real in examples.items():
            if example in command:
                command = command.replace(example, real())
        return command


OWN_TEST = ("tutorial.md",)
"""Pages that are followed in an environment of their own: see test_docs_tutorial.py."""


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if runnable(page) and page.name not in OWN_TEST],
    ids=lambda page: page.name,
)
def test_the_commands_of_a_page_run_in_order(page, tmp_path):
    with on_stage(people=40, groups=40) as stage:
        reader = Reader(tmp_path, stage)
        reader.configure(page)
        for block in runnable(page):
            for command in commands(block):
                if shlex.split(command)[0] == "make":
                    done = make_plan(command)
                elif (missing := needs(command)) is not None:
                    pytest.skip(f"{block.where} needs {missing}")
                else:
                    overwrites = command.startswith("crosskey init")
                    if overwrites:
                        (tmp_path / "crosskey.toml").unlink()
                    done = reader.types(reader.translated(command))
                    if overwrites:  # it points at vendors that do not exist
                        reader.configure(page)
                assert done.returncode in FINE, f"{block.where}: {command}\n{done.stdout}{done.stderr}"
                assert "Traceback" not in done.stderr
    # what the README promises about the state beside the configuration
    state = tmp_path / ".crosskey"
    if page.name in ("plugins.md", "publishing.md", "cassettes.md"):  # their commands leave nothing there
        assert not state.exists()
        return
    assert state.stat().st_mode & 0o777 == 0o700
    for file in state.rglob("*"):
        assert file.stat().st_mode & 0o777 == (0o700 if file.is_dir() else 0o600), file.name


def needs(command: str) -> str | None:
    """A program of the command that this machine lacks."""
    first = [part.split()[0] for part in re.split(r" \| ", command) if not part.startswith(("eval", "export"))]
    return next((name for name in first if name in {"jq", "sqlite3"} and shutil.which(name) is None), None)


def make_plan(command: str) -> subprocess.CompletedProcess[str]:
    """What make would do: doing it would install packages, and `make test` is what runs here."""
    if shutil.which("make") is None:
        pytest.skip("needs make")
    done = subprocess.run([*shlex.split(command), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False)
    wanted = {"make demo": "/crosskey demo", "make test": "-m pytest"}[command]
    assert wanted in done.stdout
    return done


def test_a_command_that_is_not_run_says_why():
    skipped = [block for block in every("sh") if block.text.startswith(NOT_RUN)]
    assert [block.where for block in skipped if len(block.text.split("\n")[0]) <= len(NOT_RUN)] == []
    assert len(skipped) <= 1, "each command that is not run is one that may lie"


def test_the_first_configuration_is_made_by_the_command_that_the_readme_shows():
    shown = next(
        line for block in blocks(PAGES[0], "sh") for line in commands(block) if line.startswith("crosskey init")
    )
    code = "import sys; sys.path.insert(0, 'docs'); import generate_runs; print('\\n'.join(generate_runs.FIRST_CONFIGURATION))"
    used = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert shlex.split(shown) == ["crosskey", *used.splitlines()]


def test_timers_call_commands_that_exist():
    for block in every("ini"):
        parser = configparser.ConfigParser()
        parser.optionxform = str
        parser.read_string(block.text)
        for section in parser.sections():
            start = parser[section].get("ExecStart")
            assert start in (None, "/opt/crosskey/bin/crosskey sync", "/opt/crosskey/bin/crosskey watch")
    (cron,) = every("cron")
    assert re.fullmatch(
        r"(\S+ +){5}crosskey +cd /etc/crosskey && /opt/crosskey/bin/crosskey sync --json >>\S+\n", cron.text
    )
