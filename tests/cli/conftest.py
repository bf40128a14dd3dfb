from __future__ import annotations

import pytest
from cli_bench import Shell

from crosskey_sandbox.stage import on_stage


@pytest.fixture
def stage():
    """Both vendors with thirty people, fresh for each test; every address at the desk is one user's, so runs end with 0."""
    with on_stage(people=30, groups=40) as stage:
        desk = stage.desk
        for user in [user for user in desk.users.values() if user.name.endswith("(old)")]:
            desk.drop("Users", user.id)
        yield stage


@pytest.fixture
def crosskey(tmp_path, stage):
    """A shell in a folder with a configuration for the stage."""
    return Shell(tmp_path, stage)
