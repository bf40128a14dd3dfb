"""What the conformance kit tests, and which plugin passes what: from the kit's own classes and those that use it.

A cell says what a run of :mod:`tests.kit` says, because both ask the same question of the class. Nothing is run here
but plugins that send no request: only a run tells which tests have nothing to say about those.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
from generate_tables import table

from crosskey.testing import faults
from crosskey.testing.conformance import Conformance, stories_of
from crosskey.testing.fakes import FakeDirectory, FakeTarget

__all__ = ("CONFORMANCE",)

ROOT = Path(__file__).resolve().parents[1]
KINDS = ("source", "target", "mapper", "sso flow")
RUNS, LEFT_OUT = "✓", "left out"


def conforming() -> list[type[Conformance]]:
    """The classes of this repository that run the kit over a plugin: the built-in ones, then the examples."""
    folders = [ROOT / "tests" / "kit", *sorted((ROOT / "examples").glob("*/tests"))]
    for folder in folders:
        sys.path[:0] = [str(folder), str(folder.parent)]
        for module in pkgutil.iter_modules([str(folder)]):
            if module.name.endswith("_conformance"):
                importlib.import_module(module.name)
    return [cls for cls in _below(Conformance) if cls.__name__.startswith("Test")]


def _below(cls: type[Conformance]) -> list[type[Conformance]]:
    return [found for below in cls.__subclasses__() for found in (below, *_below(below))]


def of_kind(kind: str) -> str:
    """One row a test, one column a plugin, and a line for each that is left out."""
    classes = [cls for cls in conforming() if cls.kind == kind]
    columns = {cls.__name__.removeprefix("Test"): cls for cls in classes}
    with tempfile.TemporaryDirectory() as folder:
        told = {name: _left_out(cls, Path(folder)) for name, cls in columns.items()}
    stories = {name: needs for cls in classes for name, needs in stories_of(cls).items()}
    rows = [
        (_words(name), needs.tier, *(_cell(told[column].get(name)) for column in columns))
        for name, needs in stories.items()
    ]
    reasons = [
        f"- {column}, {_words(name)}: {reason}."
        for column, reasons in told.items()
        for name, reason in reasons.items()
        if reason
    ]
    return table("test", "tier", *columns, rows=rows) + ("\n\nLeft out:\n\n" + "\n".join(reasons) if reasons else "")


def _left_out(cls: type[Conformance], folder: Path) -> dict[str, str]:
    told = cls.left_out(folder)
    one = cls()
    one.folder = folder
    if cls.kind not in ("source", "target") or one.scene().speaks_http:
        return told
    return {name: reason or _run(cls, name, folder) for name, reason in told.items()}


def _run(cls: type[Conformance], name: str, folder: Path) -> str:
    one = cls()
    one.folder = folder
    try:
        getattr(one, name)()
    except pytest.skip.Exception as skipped:
        return str(skipped)
    return ""


def _cell(reason: str | None) -> str:
    return "" if reason is None else LEFT_OUT if reason else RUNS


def _words(name: str) -> str:
    return name.removeprefix("test_").replace("_", " ")


def hooks(fake: type[FakeDirectory | FakeTarget]) -> str:
    """The optional methods of a fake, and how many tests need each."""
    stories = {name: needs for cls in conforming() for name, needs in stories_of(cls).items()}
    found = [(name, method) for name, method in vars(fake).items() if inspect.isfunction(method)]
    return table(
        *("method", "what it does", "tests"),
        rows=[
            (
                f"`{name}({', '.join(list(inspect.signature(method).parameters)[1:])})`",
                (inspect.getdoc(method) or "").split(". ")[0].rstrip(".").replace("``", "`"),
                _needed(name, sum(name in needs.hooks for needs in stories.values())),
            )
            for name, method in found
        ],
    )


def _needed(name: str, tests: int) -> str:
    return "all" if name == "hire" else str(tests) if tests else "where it is there"


def injected() -> str:
    """What goes wrong below the client."""
    groups = {
        "refused": faults.REFUSALS,
        "throttled": faults.THROTTLES,
        "broken, for a moment or for good": faults.BREAKDOWNS,
        "a success that is none": faults.UNREADABLE,
        "a write that arrived, and nobody says so": faults.LOST,
        "a write that did not arrive": faults.UNARRIVED,
    }
    return table("sort", "faults", rows=[(sort, "; ".join(names)) for sort, names in groups.items()])


def example() -> str:
    """The kit over the Okta plugin, as it stands in the tests."""
    text = (ROOT / "tests" / "kit" / "test_okta_conformance.py").read_text(encoding="utf-8")
    return f"```python\n{text[text.index('from kit_okta') :].strip()}\n```"


CONFORMANCE: Mapping[str, Callable[[], str]] = MappingProxyType(
    {
        "conformance example": example,
        "conformance faults": injected,
        "conformance directory": lambda: hooks(FakeDirectory),
        "conformance target": lambda: hooks(FakeTarget),
        **{f"conformance {kind} tests": (lambda kind=kind: of_kind(kind)) for kind in KINDS},
    }
)
