"""Runs the kit over a class in this process, and tells which of its tests fail and why."""

from __future__ import annotations

from pathlib import Path

import pytest

from crosskey.testing.conformance import Conformance, stories_of


def judged(cls: type[Conformance], folder: Path, *tests: str) -> tuple[dict[str, str], dict[str, str]]:
    """Failures and left-out tests of a class, by name; of all its tests, or of these."""
    failures: dict[str, str] = {}
    left_out: dict[str, str] = {}
    for name in tests or stories_of(cls):
        one = cls()
        one.folder = folder
        try:
            getattr(one, name)()
        except pytest.skip.Exception as skipped:
            left_out[name] = str(skipped)
        except (pytest.fail.Exception, Exception) as failed:  # noqa: BLE001 - whatever a test ends in
            failures[name] = f"{type(failed).__name__}: {failed}"
    return failures, left_out
