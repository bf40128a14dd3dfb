"""What pytest shows of the kit: reasons, tiers, a summary, and nothing at all to whoever does not use it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from crosskey.testing import MapperConformance, SourceConformance

pytest_plugins = ["pytester"]

LITTLE = """
from typing import ClassVar

from little_source import LittleDirectory

from crosskey.testing import SourceConformance


class TestLittle(SourceConformance):
    plugin = "little_source"
    use = "little"
    settings = 'token = {{ env = "LITTLE_TOKEN" }}\\nbug = "{bug}"'
    skips: ClassVar = {{"test_two_reads_tell_the_same": "the little directory has no second day"}}

    def vendor(self, clock):
        return {fake}


class Bare(LittleDirectory):
    hire = LittleDirectory.hire


for name in ("set_status", "expire"):
    setattr(Bare, name, getattr(LittleDirectory.__mro__[1], name))
"""
ASYNC = ("-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function")
CHOSEN = "two_reads or type_that or is_told_so or status_that_nobody"


def little(pytester: pytest.Pytester, *options: str, bug: str = "", fake: str = "Bare(clock)") -> pytest.RunResult:
    pytester.makepyfile(test_little=LITTLE.format(bug=bug, fake=fake))
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", *ASYNC, *options)


def test_a_run_ends_with_what_was_proved_and_what_was_left_out(pytester: pytest.Pytester) -> None:
    result = little(pytester, "-k", CHOSEN)
    result.stdout.fnmatch_lines(
        [
            "*crosskey conformance*",
            "TestLittle: passed 1 must, 0 should; left out 1 must, 1 should; failed 1",
            "  left out: test_a_status_that_nobody_knows_is_no_verdict (should): Bare has no set_status()",
            "  left out: test_two_reads_tell_the_same (must): the little directory has no second day",
        ]
    )
    result.assert_outcomes(passed=1, skipped=2, failed=1)


def test_a_hook_that_a_must_needs_is_asked_for(pytester: pytest.Pytester) -> None:
    result = little(pytester, "-k", "is_told_so")
    result.stdout.fnmatch_lines(
        ["*Bare has no expire(), which this test needs. Add it, or leave the test out with a reason*"]
    )


def test_a_failure_says_what_the_test_is_about(pytester: pytest.Pytester) -> None:
    result = little(pytester, "-k", "type_that", bug="text_is_none")
    result.stdout.fnmatch_lines(
        [
            "*title is None (Expected `str`, got `null`)*",
            "*what test_everything_has_the_type_that_the_contract_says is about*",
            "Proves that people and groups hold what their types say*",
            "When it fails, look at how optional members*",
        ]
    )


def test_tiers_can_be_chosen(pytester: pytest.Pytester) -> None:
    result = little(pytester, "-m", "crosskey_should", "--collect-only", "-q")
    listed = [line for line in result.outlines if "::test_" in line]
    assert len(listed) >= 5
    assert not [line for line in listed if "everybody_comes" in line]


def test_a_skip_without_a_test_or_a_reason_is_refused() -> None:
    with pytest.raises(TypeError, match='names "test_nonsense", and there is no such test'):
        type("TestOne", (SourceConformance,), {"skips": {"test_nonsense": "because it does not matter"}})
    with pytest.raises(TypeError, match="needs a reason that a reader understands"):
        type("TestOne", (SourceConformance,), {"skips": {"test_two_reads_tell_the_same": "no"}})
    with pytest.raises(TypeError, match="hides a test of the kit"):
        type("TestOne", (MapperConformance,), {"test_everybody_gets_one_answer": lambda self: None})


def test_a_class_that_names_no_plugin_is_told_so(tmp_path: Path) -> None:
    for members, said in (
        ({}, "say which plugin is meant"),
        ({"plugin": "little_mapper", "use": "lytle"}, r'offers no mapper named "lytle" \(it offers: little\)'),
        ({"plugin": "no_such_module", "use": "x"}, "It is broken"),
        ({"plugin": "little_mapper", "use": "little", "settings": "sight = 1"}, "unknown key"),
        ({"plugin": "little_mapper", "use": "little", "settings": "site ="}, "are not TOML"),
    ):
        one = type("TestOne", (MapperConformance,), members)()
        one.folder = tmp_path
        with pytest.raises(pytest.fail.Exception, match=said):
            one.test_everybody_gets_one_answer()


def test_who_does_not_use_the_kit_imports_nothing_of_it(tmp_path: Path) -> None:
    (tmp_path / "test_other.py").write_text("def test_other():\n    pass\n")
    (tmp_path / "conftest.py").write_text(
        "import sys\n"
        "def pytest_sessionfinish():\n"
        "    names = sorted(name for name in sys.modules if name.partition('.')[0] in WATCHED)\n"
        "    print('LOADED', *names)\n"
        "WATCHED = ('crosskey', 'httpx', 'msgspec', 'pluggy_', 'opentelemetry', 'jinja2')\n"
    )
    command = [sys.executable, "-m", "pytest", "--co", "-q", "-s", "-p", "no:cacheprovider", "test_other.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    (loaded,) = [line for line in done.stdout.splitlines() if line.startswith("LOADED")]
    assert loaded.split()[1:] == ["crosskey", "crosskey.testing", "crosskey.testing.pytest_plugin"]


def test_the_names_of_the_kit_come_with_pytest_and_the_package_without() -> None:
    program = "import crosskey, crosskey.testing, sys; print('pytest' in sys.modules, 'httpx' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
