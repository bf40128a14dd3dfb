"""Whoever follows the tutorial word for word, and nothing else, ends with a plugin that passes the kit."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from docs_pages import FENCE, ROOT, prose

PAGE = ROOT / "docs" / "tutorial.md"
STEPS = re.compile(r"^## (?P<title>\d+\. .+)$", re.MULTILINE)


class Author:
    """Somebody with an environment of their own, in which crosskey is installed, and in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "work"
        self.folder.mkdir()
        self.venv = folder / "venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(self.venv)], check=True)
        site = next(self.venv.glob("lib/python*/site-packages"))
        ours = sysconfig.get_paths()["purelib"]
        (site / "crosskey-and-tools.pth").write_text(f"import site; site.addsitedir({ours!r})\n", encoding="utf-8")
        command = self.venv / "bin" / "crosskey"
        python = self.venv / "bin" / "python"
        command.write_text(f"#!{python}\nimport sys\nfrom crosskey.cli.main import main\nsys.exit(main())\n", "utf-8")
        command.chmod(0o755)
        path = os.pathsep.join((str(self.venv / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]))
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHONPATH", "COV"))
        }
        self.environment = {**kept, "PATH": path, "CROSSKEY_TRUST": str(folder / "trusted.json")}

    def types(self, text: str) -> subprocess.CompletedProcess[str]:
        """Run the lines of a block; the next one begins in the folder in which this one ended."""
        place = self.venv / "here"
        done = subprocess.run(
            ["bash", "-euc", f"{text}\npwd > {place}"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if done.returncode == 0:
            self.folder = Path(place.read_text("utf-8").strip())
        return done

    def writes(self, name: str, text: str) -> None:
        file = self.folder / name
        assert file.exists(), f"the tutorial speaks of {name}, which `crosskey plugin new` does not write"
        file.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def author(tmp_path_factory) -> Author:
    """After every step of the page, in order."""
    author = Author(tmp_path_factory.mktemp("author"))
    author.said = []
    for block in FENCE.finditer(PAGE.read_text(encoding="utf-8")):
        language, *rest = block["info"].split()
        if language == "sh":
            done = author.types(block["text"])
            assert done.returncode == 0, f"{block['text']}\n{done.stdout}{done.stderr}"
            author.said.append(done.stdout)
        else:
            assert language == "python"
            author.writes(rest[0], block["text"])
    return author


def test_every_step_works_as_it_is_written(author):
    assert len(author.said) == 4
    assert "crosskey-larch/crosskey_larch/source.py" in author.said[0]
    assert "TestLarch: passed" in author.said[1]


def test_the_finished_plugin_passes_the_kit(author):
    line = next(line for line in author.said[2].splitlines() if line.startswith("TestLarch: passed"))
    passed = int(re.search(r"passed (\d+) must", line)[1])
    assert passed > 30
    assert line.endswith("failed 0")
    told = re.search(r"^More than (\w+) tests pass", PAGE.read_text("utf-8"), re.MULTILINE)[1]
    assert {"forty": 40}[told] < int(re.search(r"(\d+) passed", author.said[2])[1])


def test_it_is_refused_until_somebody_trusts_it(author):
    listed, shown = author.said[3].split("trusted: crosskey-larch")
    assert re.search(r"larch\s+.*refused", listed)
    assert "page_size" in shown


def test_the_mistake_that_the_page_proposes_is_caught_by_the_test_that_it_names(author):
    text = prose(PAGE)
    wrong, right = re.search(r"write `(active=[^`]+)` in place of `(active=[^`]+)`", text).groups()
    test = re.search(r"^`(test_\w+)` fails", text, re.MULTILINE)[1]
    source = author.folder / "crosskey_larch" / "source.py"
    before = source.read_text(encoding="utf-8")
    assert right in before
    source.write_text(before.replace(right, wrong), encoding="utf-8")
    done = author.types("python -m pytest -q")
    source.write_text(before, encoding="utf-8")
    assert re.findall(r"^FAILED \S+::(test_\w+)", done.stdout, re.MULTILINE) == [test]
    assert f"what {test} is about" in done.stdout


def test_the_table_of_contents_names_the_steps():
    text = PAGE.read_text(encoding="utf-8")
    assert [f"- [{title}]" for title in STEPS.findall(text)] == re.findall(r"^(- \[\d+\. [^\]]+\])", text, re.MULTILINE)
