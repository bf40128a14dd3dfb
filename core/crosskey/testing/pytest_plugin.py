"""What pytest loads for everybody who has crosskey installed: markers, what a failing test proves, and a summary.

Nothing of crosskey is imported here: a team that tests something else pays nothing.
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Generator
from typing import Final

import pytest

__all__ = ()

_PROPERTY: Final = "crosskey"
_TIERS: Final = ("must", "should")


def pytest_configure(config: pytest.Config) -> None:
    """Make the markers known."""
    config.addinivalue_line("markers", "crosskey_must: a conformance test that nobody may leave out without a reason")
    config.addinivalue_line("markers", "crosskey_should: a conformance test of what a good plugin does besides")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the kit's tests by tier, so that ``-m crosskey_must`` chooses them."""
    for item in items:
        needs = getattr(getattr(item, "function", None), "crosskey_needs", None)
        if needs is not None:
            item.add_marker(f"crosskey_{needs.tier}")
            item.user_properties.append((_PROPERTY, f"{_class_of(item)} {needs.tier}"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to a failing test of the kit what it proves and where to look."""
    report = yield
    if report.failed and getattr(getattr(item, "function", None), "crosskey_needs", None) is not None:
        story = inspect.cleandoc(getattr(item, "function").__doc__ or "")  # noqa: B009 - not every item has one
        report.sections.append((f"what {item.name} is about", story))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each conformance class, and the reason of each test that was left out."""
    told: dict[str, Counter[str]] = {}
    reasons: dict[str, set[str]] = {}
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.getreports(outcome):
            named = _named(report)
            if not named or (outcome == "passed" and report.when != "call"):
                continue
            name, tier = named.split(" ")
            told.setdefault(name, Counter())[f"{tier} {outcome}"] += 1
            if outcome == "skipped":
                test = report.nodeid.rpartition("::")[2]
                reasons.setdefault(name, set()).add(f"{test} ({tier}): {_reason(report.longrepr)}")
    if not told:
        return
    terminalreporter.section("crosskey conformance")
    for name, counts in sorted(told.items()):
        failed = sum(count for word, count in counts.items() if word.endswith(("failed", "error")))
        passed = ", ".join(f"{counts[f'{tier} passed']} {tier}" for tier in _TIERS)
        skipped = ", ".join(f"{counts[f'{tier} skipped']} {tier}" for tier in _TIERS)
        terminalreporter.line(f"{name}: passed {passed}; left out {skipped}; failed {failed}")
        for reason in sorted(reasons.get(name, ())):
            terminalreporter.line(f"  left out: {reason}")


def _named(report: object) -> str:
    properties: list[tuple[str, object]] = getattr(report, "user_properties", [])
    return next((str(value) for name, value in properties if name == _PROPERTY), "")


def _class_of(item: pytest.Item) -> str:
    owner = getattr(item, "cls", None)
    return owner.__name__ if owner is not None else item.name


def _reason(longrepr: object) -> str:
    if isinstance(longrepr, tuple):
        return str(longrepr[-1]).removeprefix("Skipped: ")  # pyright: ignore[reportUnknownArgumentType] - path, line, words
    return str(longrepr)
