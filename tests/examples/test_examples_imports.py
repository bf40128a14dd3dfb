"""What third parties copy knows of crosskey only what is public, and of everything else only what it declares."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
from examples_installed import PACKAGES, ROOT

PUBLIC = {"crosskey", "crosskey.http", "crosskey.errors", "crosskey.testing"}


def imports(file: Path) -> set[str]:
    """The modules that a file names, wherever it does."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file.name} imports relatively"
            found.add(node.module or "")
    return found


def declared(project: dict) -> set[str]:
    """The top-level modules of the distributions that a project declares."""
    return {re.split(r"[ ><=;\[]", line)[0].replace("-", "_") for line in project["dependencies"]}


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_imports_what_is_public_and_what_it_declares(name):
    folder = ROOT / "examples" / name
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    own = name.replace("-", "_")
    known = declared(project) | {own} | set(sys.stdlib_module_names)
    files = sorted((folder / own).rglob("*.py"))
    assert files
    for file in files:
        for module in imports(file):
            assert module.partition(".")[0] in known, f"{file.name} imports {module}, which {name} does not declare"
            if module.partition(".")[0] == "crosskey":
                assert module in PUBLIC, f"{file.name} imports {module}, which is not public"


@pytest.mark.parametrize("name", PACKAGES)
def test_the_tests_of_a_package_know_no_more(name):
    for file in (ROOT / "examples" / name / "tests").glob("*.py"):
        for module in imports(file):
            assert module.partition(".")[0] != "crosskey" or module in PUBLIC, f"{file.name} imports {module}"


@pytest.mark.parametrize("name", PACKAGES)
def test_modules_are_short_and_packages_are_typed(name):
    own = name.replace("-", "_")
    folder = ROOT / "examples" / name / own
    assert (folder / "py.typed").exists()
    assert [file.name for file in folder.glob("*.py") if len(file.read_text("utf-8").splitlines()) > 400] == []
