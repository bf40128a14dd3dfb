from __future__ import annotations

import pytest
from examples_installed import PACKAGES, Installed, install

from crosskey_sandbox.stage import on_stage


@pytest.fixture(scope="session")
def packages(tmp_path_factory):
    """The folder that both are installed into."""
    folder = tmp_path_factory.mktemp("packages")
    install(folder)
    return folder


@pytest.fixture
def crosskey(tmp_path, packages):
    """A shell in a folder, over fresh vendors, with both packages installed and trusted."""
    with on_stage(people=30, groups=40, entra_port=0) as stage:
        for user in [user for user in stage.desk.users.values() if user.name.endswith("(old)")]:
            stage.desk.drop("Users", user.id)
        shell = Installed(tmp_path, stage)
        shell.folder_of_packages = packages
        assert shell.types("plugins", "trust", *PACKAGES).code == 0
        yield shell
