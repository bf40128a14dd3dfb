"""What a sync that changes nothing asks of both vendors: lists, to the request, and no write."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from math import ceil

import pytest

from crosskey_sandbox.okta import OktaQuirks
from crosskey_sandbox.stage import Quirks, configuration, on_stage

PEOPLE, GROUPS = 450, 30
CATALOGUE = ("Client", "Roles", "Site", "Team", "TopLevel", "UserRoles")
HELD = 6  # some of the made-up people share an address on purpose


def pages(records: int, size: int) -> int:
    return max(1, ceil(records / size))


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    """The stage after an import and a sync without change, and that sync's requests."""
    folder = tmp_path_factory.mktemp("desk")
    with on_stage(people=PEOPLE, groups=GROUPS, quirks=Quirks(okta=OktaQuirks(rates=False))) as stage:
        config = folder / "crosskey.toml"
        config.write_text(configuration(stage), encoding="utf-8")
        env = {**os.environ, **stage.secrets(), "CROSSKEY_CONFIG": str(config)}
        for _ in range(2):
            stage.org.requests.clear()
            stage.desk.requests.clear()
            stage.desk.writes.clear()
            command = [sys.executable, "-m", "crosskey", "sync"]
            done = subprocess.run(command, check=False, env=env, capture_output=True, text=True)
            assert done.returncode in (0, HELD), done.stderr
        okta = Counter((seen.method, seen.path) for seen in stage.org.requests)
        halo = Counter((seen.method, seen.path) for seen in stage.desk.requests)
        yield stage, okta, halo


def test_okta_is_asked_for_each_page_once(counted):
    stage, okta, _ = counted
    gone = sum(person.status == "deactivated" for person in stage.company.people)
    mapped = [
        team
        for team in stage.company.teams
        if team.name.endswith(" Office") or team.name == "All Staff" or team.name.startswith("Service Desk")
    ]
    assert gone > 0
    assert len(mapped) == 14
    assert okta.pop(("GET", "/api/v1/users")) == pages(PEOPLE - gone, 200) + pages(gone, 200)
    assert okta.pop(("GET", "/api/v1/groups")) == pages(GROUPS, 200)
    assert sum(okta.values()) == sum(pages(len(team.members), 200) for team in mapped)
    assert all(path.startswith("/api/v1/groups/") for _, path in okta)


def test_halo_is_asked_for_lists_only_and_nothing_is_written(counted):
    stage, _, halo = counted
    listed = sum(user.name != "General User" for user in stage.desk.users.values())
    assert listed > 300
    assert halo.pop(("GET", "/api/Users")) == pages(listed, 100)
    asked = {f"/api/{name}" for name in (*CATALOGUE, "Agent", "Agent/{id}", "InstanceInfo", "authinfo")}
    assert set(halo) == {*(("GET", path) for path in asked), ("POST", "/auth/token")}
    assert set(halo.values()) == {1}
    assert stage.desk.writes == []
