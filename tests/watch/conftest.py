from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from watch_bench import Bench


@pytest.fixture
def memory_folder() -> Iterator[Path]:
    """A folder in memory where there is one: days of notes wait for no disk."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        Path(name).chmod(0o700)
        yield Path(name)


@pytest.fixture
def bench(memory_folder) -> Bench:
    return Bench(memory_folder)
