"""What the conformance kit proves, and of which plugins: the built-in ones and both examples, by their own tests."""

from __future__ import annotations

import inspect
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest
from generate_reference import told
from generate_tables import table

if TYPE_CHECKING:
    from crosskey.testing.conformance import Conformance
    from crosskey.testing.tiers import Needs

__all__ = ("KIT",)

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("tests/kit", "examples/crosskey-csv", "examples/crosskey-csv/tests", "examples/crosskey-scim/tests")
RUNS, NOT_HERE = "✓", ""


def _classes(kind: str) -> dict[str, type[Conformance]]:
    """The classes that test the plugins of a kind, by the name under which the table shows them."""
    sys.path[:0] = [str(ROOT / folder) for folder in (*FOLDERS, "examples/crosskey-scim")]
    if kind == "source":
        from test_csv_conformance import TestCompleteCsv, TestCsv  # noqa: PLC0415 - where they are needed
        from test_kit_entra import TestEntra  # noqa: PLC0415
        from test_kit_okta import TestOkta  # noqa: PLC0415

        return {"okta": TestOkta, "entra": TestEntra, "csv": TestCsv, "csv, complete": TestCompleteCsv}
    if kind == "target":
        from test_kit_halo import TestHalo  # noqa: PLC0415
        from test_scim_conformance import TestPlainScim, TestScim  # noqa: PLC0415

        return {"halo": TestHalo, "scim": TestScim, "scim, plain": TestPlainScim}
    from test_kit_rules import TestRules  # noqa: PLC0415

    return {"rules": TestRules}


def proofs(kind: str) -> str:
    """A table: what each test proves, whether it must be, and which plugins it is run on."""
    from crosskey.testing.conformance import stories_of  # noqa: PLC0415 - brings pytest in

    classes = _classes(kind)
    tests = stories_of(next(iter(classes.values())))
    with tempfile.TemporaryDirectory() as folder:
        found = {name: _left_out(each, tests, Path(folder)) for name, each in classes.items()}
    rows = [
        (f"`{test}`", needs.tier, _proof(classes, test), *(found[name][test] for name in classes))
        for test, needs in tests.items()
    ]
    return table("test", "tier", "proves that", *(f"`{name}`" for name in classes), rows=rows)


def _left_out(each: type[Conformance], tests: Mapping[str, Needs], folder: Path) -> dict[str, str]:
    """By test, whether it is run. What sends no request is run here and now; elsewhere abilities and hooks decide."""
    from crosskey.testing.clock import play  # noqa: PLC0415
    from crosskey.testing.fakes import provides  # noqa: PLC0415

    one = each()
    one.folder = folder
    scene = one.scene()

    async def abilities() -> set[str]:
        async with scene.open() as connector:
            return {name for name in dir(connector) if callable(getattr(connector, name, None))}

    able = play(abilities, scene.clock) if any(needs.ability for needs in tests.values()) else set[str]()
    if not scene.speaks_http and one.kind != "mapper":
        return {test: _tried(each, test, folder) for test in tests}
    return {
        test: NOT_HERE
        if test in each.skips
        or (needs.ability and needs.ability not in able)
        or not all(provides(scene.fake, hook) for hook in needs.hooks)
        else RUNS
        for test, needs in tests.items()
    }


def _tried(each: type[Conformance], test: str, folder: Path) -> str:
    one = each()
    one.folder = folder
    try:
        getattr(one, test)()
    except pytest.skip.Exception:
        return NOT_HERE
    return RUNS


def _proof(classes: Mapping[str, type[Conformance]], test: str) -> str:
    story = inspect.cleandoc(getattr(next(iter(classes.values())), test).__doc__ or "")
    return told(story.split("\n\n")[0]).removeprefix("Proves that ").removeprefix("Proves the law: ")


def reasons() -> str:
    """What the classes leave out by a written reason."""
    written = [
        (f"`{name}`", f"`{test}`", reason)
        for kind in ("source", "target", "mapper")
        for name, each in _classes(kind).items()
        for test, reason in each.skips.items()
    ]
    return table("plugin", "left out", "why", rows=written)


KIT: Mapping[str, Callable[[], str]] = MappingProxyType(
    {
        "kit sources": lambda: proofs("source"),
        "kit targets": lambda: proofs("target"),
        "kit mappers": lambda: proofs("mapper"),
        "kit reasons": reasons,
    }
)
