from __future__ import annotations

import pytest
from cli_bench import Shell, small_company


@pytest.fixture
def stage():
    """Both vendors with a small company, fresh for each test."""
    with small_company() as stage:
        yield stage


@pytest.fixture
def crosskey(tmp_path, stage):
    """A shell in a folder with a configuration for the stage."""
    return Shell(tmp_path, stage)
