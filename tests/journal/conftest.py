from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from journal_samples import writing

from crosskey.journal import JournalWriter
from fake_clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "journal.sqlite"


@pytest.fixture
def journal(path: Path, clock: FakeClock) -> Iterator[JournalWriter]:
    with writing(path, clock) as opened:
        yield opened
