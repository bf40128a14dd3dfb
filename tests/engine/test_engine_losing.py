"""Nobody loses an account, a role or a site because a list of members left them out."""

from __future__ import annotations

import pytest
from engine_bench import CONFIG, Bench, rails

ROLES = {"ada": ("roles-viewer",), "bob": ("roles-viewer",)}


@pytest.fixture
async def bench(tmp_path) -> Bench:
    made = Bench(tmp_path)
    made.directory.tells_changes = made.desk.looks_up = made.desk.can_find = True
    for name in ("ada", "bob"):
        made.directory.add(name, groups=["Staff", "London"])
    await made.run(changes=True)
    made.did()
    return made


def has(bench: Bench, reference: str) -> dict[str, tuple[str, ...]]:
    """What the users have, by name."""
    return {label.lower(): account.references[reference] for label, account in bench.desk.of("user").items()}


async def test_who_is_a_member_by_id_keeps_role_and_site(bench):
    bench.directory.slipped = {("London", "ada")}
    bench.directory.group("London").discard("bob")
    result = await bench.run()
    assert bench.did() == ["update user Bob"]
    assert has(bench, "roles") == {"ada": ("roles-viewer",), "bob": ()}
    assert has(bench, "site") == {"ada": ("site-london",), "bob": ("site-main",)}
    assert sorted(bench.directory.memberships) == ["ada", "bob"], "once each, for account and role alike"
    [notice] = [one for one in result.notices if one.code == "listing-flapped"]
    assert "Ada" in notice.summary


async def test_all_else_about_them_goes_on(bench):
    bench.directory.slipped = {("London", "ada")}
    bench.directory.change("ada", display_name="Ada Renamed")
    await bench.run()
    assert bench.did() == ["update user Ada Renamed"]
    assert [sorted((*one.fields, *one.references)) for one in bench.changes] == [["name"]]


async def test_a_round_of_changes_goes_on_asking_while_the_list_lacks_them(bench):
    bench.directory.slipped = {("London", "ada")}
    await bench.run()
    bench.directory.slipped = set()
    for _ in range(2):  # no change tells that the list was wrong
        await bench.run(changes=True)
        assert (bench.did(), has(bench, "roles")) == ([], ROLES)
    bench.directory.group("London").discard("ada")
    await bench.run(changes=True)
    assert (bench.did(), has(bench, "roles")) == (["update user Ada"], {"ada": (), "bob": ("roles-viewer",)})


async def test_a_snapshot_of_a_list_that_left_them_out_takes_nothing_away_later(bench):
    bench.directory.slipped = {("London", "ada")}
    await bench.run("plan", changes=False)
    bench.did()
    bench.directory.slipped = set()
    bench.directory.change("ada", title="Clerk", department="Support")
    await bench.run(changes=True)
    assert has(bench, "roles") == ROLES


async def test_what_no_group_decides_is_not_asked_for(tmp_path):
    bench = Bench(tmp_path, CONFIG.replace('group = "London"\nsite', "where = \"department == 'London'\"\nsite"))
    bench.directory.add("ada", groups=["Staff"], department="London")
    await bench.run()
    assert (bench.did(), has(bench, "roles")) == (["create user Ada"], {"ada": ("roles-viewer",)})
    bench.directory.change("ada", department="Berlin")
    await bench.run()
    assert (has(bench, "roles"), bench.directory.memberships) == ({"ada": ()}, [])


async def test_more_than_may_be_demoted_at_once_are_held_and_few_of_them_asked_for(tmp_path):
    bench = Bench(tmp_path, CONFIG + "[rails]\nmax_demote = { count = 2, percent = 0 }\n")
    names = [f"p{number}" for number in range(5)]
    for name in names:
        bench.directory.add(name, groups=["Staff", "London"])
    await bench.run()
    bench.did()
    bench.directory.group("London").clear()
    bench.directory.group("London").add("p0")
    result = await bench.run()
    assert rails(result) == ["mass-demote"]
    assert (bench.did(), len(bench.directory.memberships)) == ([], 2)


async def test_an_account_that_comes_back_keeps_what_its_groups_gave(bench):
    bench.directory.change("ada", active=False, status="OFF")
    await bench.run()
    bench.directory.change("ada", active=True, status="ON")
    bench.directory.slipped = {("London", "ada")}
    bench.directory.group("Staff").discard("bob")
    await bench.run()
    assert has(bench, "roles")["ada"] == ("roles-viewer",)


async def test_who_slipped_out_of_scope_and_group_keeps_account_and_role_alike(bench):
    bench.directory.slipped = {("London", "ada"), ("Staff", "ada")}
    bench.directory.change("ada", display_name="Ada Renamed")
    await bench.run()
    assert (bench.did(), has(bench, "roles")["ada renamed"]) == (["update user Ada Renamed"], ("roles-viewer",))
    assert bench.directory.memberships == ["ada"]
