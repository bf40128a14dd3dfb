"""Real input: every test here needs the recordings, and none may be skipped quietly where they are."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# The replay of recordings stands with the Okta source's own tests.
sys.path.append(str(Path(__file__).parents[1] / "okta"))

from okta_recordings import RECORDINGS

ABSENT = f"the real recordings are not at {RECORDINGS}: put them beside the repository to drive real input end to end"
_skipped: list[str] = []


@pytest.fixture(autouse=True)
def real_recordings() -> None:
    """One reason for all: the folder is there, or it is not."""
    if not RECORDINGS.is_dir():
        pytest.skip(ABSENT)


@pytest.fixture
def skipped_real_tests() -> list[str]:
    """Those of this folder that were skipped so far."""
    return list(_skipped)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever counts the skipped ones comes last."""
    items.sort(key=lambda item: item.name == "test_nothing_real_was_skipped")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and "/real/" in report.nodeid:
        _skipped.append(report.nodeid)
