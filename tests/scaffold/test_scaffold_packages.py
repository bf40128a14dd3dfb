"""New plugins, end to end: written, green at once, installed for real, trusted, listed. Nothing reaches a network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from cli_bench import run_here

from crosskey.errors import ExitCode
from crosskey.scaffold import KINDS

NAMES = {kind: f"acme-{kind}" for kind in KINDS}
TOOLS = Path(sys.executable).parent


class Shelf:
    """All kinds, each written by the command and installed from its folder, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.installed = folder / "installed"
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(self.installed),
            "CROSSKEY_TRUST": str(folder / "trusted.json"),
            "PIP_NO_INDEX": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def package(self, kind: str) -> Path:
        return self.folder / f"crosskey-{NAMES[kind]}"

    def python(
        self, *words: str, where: Path | None = None, installed: bool = False
    ) -> subprocess.CompletedProcess[str]:
        environment = dict(self.environment)
        if not installed:
            del environment["PYTHONPATH"]
        return subprocess.run(
            [sys.executable, "-m", *words],
            cwd=where or self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def listed(self) -> dict[str, dict[str, object]]:
        found = json.loads(self.python("crosskey", "plugins", "list", "--json", installed=True).stdout)
        return {record["name"]: record for record in found if record["name"] in NAMES.values()}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    shelf = Shelf(tmp_path_factory.mktemp("scaffold"))
    for kind, name in NAMES.items():
        run = run_here(("plugin", "new", name, "--kind", kind), shelf.folder, {})
        assert run.code == ExitCode.OK, run
        assert f"crosskey plugins trust {name}" in run.out
    packages = [str(shelf.package(kind)) for kind in KINDS]
    pip = ("pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--target", str(shelf.installed))
    done = shelf.python(*pip, *packages)
    assert done.returncode == 0, done.stderr
    return shelf


@pytest.mark.parametrize("kind", KINDS)
def test_its_tests_pass_before_anything_is_installed(shelf, kind):
    done = shelf.python("pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", where=shelf.package(kind))
    assert done.returncode == 0, done.stdout
    assert "failed 0" in done.stdout
    assert "passed 0 must" not in done.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_clean(shelf, kind):
    for words in (("check", "."), ("format", "--check", ".")):
        done = shelf.python("ruff", *words, "--no-cache", where=shelf.package(kind))
        assert done.returncode == 0, done.stdout + done.stderr


def test_all_kinds_are_typed_strictly(shelf):
    """As each package's own settings say, in one run for all of them."""
    wanted: list[str] = []
    for kind in KINDS:
        own = tomllib.loads((shelf.package(kind) / "pyproject.toml").read_text())["tool"]["basedpyright"]
        assert own["typeCheckingMode"] == "strict"
        wanted += [f"{shelf.package(kind).name}/{part}" for part in own["include"]]
    paths = [f"crosskey-{name}{below}" for name in NAMES.values() for below in ("", "/tests")]
    config = {"typeCheckingMode": "strict", "pythonVersion": "3.11", "include": wanted, "extraPaths": paths}
    (shelf.folder / "pyrightconfig.json").write_text(json.dumps(config))
    spoilt = shelf.folder / wanted[0] / "spoilt.py"
    spoilt.write_text("def untyped(x): return x\n")
    done = subprocess.run(
        [TOOLS / "basedpyright", "--pythonpath", sys.executable, "--outputjson"],
        cwd=shelf.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    spoilt.unlink()
    told = json.loads(done.stdout)
    wrong = {(Path(one["file"]).name, one["severity"]) for one in told["generalDiagnostics"]}
    assert wrong == {("spoilt.py", "error")}, told["generalDiagnostics"]  # so the others were looked at, too
    assert told["summary"]["filesAnalyzed"] > 4 * len(KINDS)


def test_it_is_refused_until_somebody_trusts_it_and_listed_then(shelf):
    assert {name: record["state"] for name, record in shelf.listed().items()} == dict.fromkeys(
        NAMES.values(), "refused"
    )
    for name in NAMES.values():
        done = shelf.python("crosskey", "plugins", "trust", name, installed=True)
        assert done.returncode == 0, done.stderr
    words = {"source": "source", "target": "target", "mapper": "mapper", "sso": "sso flow"}
    found = shelf.listed()
    for kind, name in NAMES.items():
        assert found[name]["state"] == "loaded", found[name]
        assert found[name]["provides"] == [f"{words[kind]} {name}"]
        assert found[name]["distribution"] == f"crosskey-{name}"


@pytest.mark.parametrize("kind", KINDS)
def test_its_readme_tells_what_is_true(shelf, kind):
    package, name = shelf.package(kind), NAMES[kind]
    readme = (package / "README.md").read_text(encoding="utf-8")
    assert "{{" not in readme
    assert f"crosskey plugins trust {name}" in readme
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["crosskey"] == {name: f"crosskey_acme_{kind}"}
    for word in readme.split("`")[1::2]:
        if word.endswith(".py"):
            assert (package / word).is_file(), word
    (example,) = [part.split("```")[0] for part in readme.split("```toml\n")[1:]]
    ((_, sections),) = tomllib.loads(example).items()
    ((_, keys),) = sections.items()
    settings = (package / f"crosskey_acme_{kind}" / "settings.py").read_text()
    assert keys.pop("use") == name
    assert [key for key in keys if f"    {key}: Annotated[" not in settings] == []


@pytest.mark.parametrize("kind", KINDS)
def test_its_ci_file_runs_what_the_readme_says(shelf, kind):
    ci = yaml.safe_load((shelf.package(kind) / ".github" / "workflows" / "ci.yml").read_text())
    commands = " ".join(step.get("run", "") for step in ci["jobs"]["check"]["steps"])
    for tool in ("ruff check", "ruff format --check", "basedpyright", "python -m pytest"):
        assert tool in commands
        assert tool in (shelf.package(kind) / "README.md").read_text()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["a", "abcdefghij-klmnopqrst-uvwxyz01"])
def test_it_is_clean_under_the_shortest_and_the_longest_name(tmp_path, kind, name):
    assert run_here(("plugin", "new", name, "--kind", kind, "--into", "new"), tmp_path, {}).code == ExitCode.OK
    for words in (("check", "."), ("format", "--check", ".")):
        command = [TOOLS / "ruff", *words, "--no-cache", "--quiet"]
        done = subprocess.run(command, cwd=tmp_path / "new", capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
