"""A pytest plugin of :mod:`proofs.mutation`: the tests that noticed the last mutants come first, then the quick ones.

A mutant is done with once one test noticed it, so nothing but the wait depends on the order.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

_NOTICED = Path("noticed.txt")
_STATISTICS = Path("mutmut-stats.json")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put first who is likely to fail soon."""
    if not _tries_a_mutant():
        return
    noticed = _NOTICED.read_text(encoding="utf-8").splitlines() if _NOTICED.exists() else []
    last = {test: place for place, test in enumerate(noticed, 1)}
    took: dict[str, float] = json.loads(_STATISTICS.read_text(encoding="utf-8"))["duration_by_test"]
    items.sort(key=lambda item: (-last.get(item.nodeid, 0), took.get(item.nodeid, 0.0)))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note who noticed a mutant."""
    if report.failed and _tries_a_mutant():
        with _NOTICED.open("a", encoding="utf-8") as file:
            file.write(f"{report.nodeid}\n")


def _tries_a_mutant() -> bool:
    return "__mutmut_" in os.environ.get("MUTANT_UNDER_TEST", "")
