"""What a run that reads only changes must not forget, and what it must not take from an old snapshot."""

from __future__ import annotations

import pytest
from engine_bench import CONFIG, Bench, rails

import bench_plugin
from bench_plugin import Killed
from crosskey.engine.stage import Stage


@pytest.fixture
def bench(tmp_path) -> Bench:
    made = Bench(tmp_path)
    made.directory.tells_changes = made.directory.can_find = True
    made.desk.looks_up = made.desk.can_find = True
    for number in range(6):
        made.directory.add(f"p{number}", groups=["Staff"], title="Clerk")
    return made


async def test_of_two_accounts_the_one_that_was_not_switched_off_stays_due(bench):
    bench.directory.add("tech", groups=["Staff", "Desk"])
    await bench.run(changes=True)
    bench.directory.change("tech", active=False, status="OFF")
    stops = iter([False, True])
    first = await bench.run(changes=True, stop=lambda: next(stops))
    assert (first.verdict, first.applied.counts) == ("aborted", {"applied": 1})
    second = await bench.run(changes=True)
    assert second.reach == "changes"
    assert not any(account.active for account in bench.desk.accounts.values() if account.label == "Tech")


async def test_a_disable_that_a_rail_held_stays_due_although_the_other_account_was_written(bench):
    bench.configure(CONFIG + "[rails]\nmax_disable = { count = 1, percent = 1 }\nmin_people = 50\n")
    for number in range(3):
        bench.directory.add(f"t{number}", groups=["Staff", "Desk"])
    await bench.run(changes=True)
    for number in range(3):
        bench.directory.group("Desk").discard(f"t{number}")
        bench.directory.change(f"t{number}", display_name=f"New {number}")
    held = await bench.run(changes=True)
    assert ("mass-disable" in rails(held), held.applied.counts["applied"]) == (True, 3)
    allowed = await bench.run(changes=True, allow=("mass-disable=3",))
    assert (allowed.reach, allowed.applied.counts) == ("changes", {"applied": 3})
    assert not any(account.active for account in bench.desk.of("agent").values())


async def test_an_account_that_was_given_to_somebody_else_by_hand_is_nobodys_to_adopt(bench):
    bench.desk.add("user", name="Shared", mail="new@example.com")
    await bench.run(changes=True)
    bench.desk.edit("user", "1", fields={"name": "Shared", "mail": "other@example.com"})
    bench.directory.add("new", groups=["Staff"])
    result = await bench.run(changes=True)
    assert (result.reach, bench.did()) == ("changes", ["create user New"])


async def test_an_account_that_was_made_again_by_hand_is_adopted_and_not_made_a_third_time(bench):
    await bench.run(changes=True)
    bench.clock.advance(300)
    del bench.desk.accounts["user", "2"]
    bench.desk.add("user", name="P1", mail="p1@example.com", title="Clerk")
    bench.directory.change("p1", department="Lab")
    result = await bench.run(changes=True)
    assert (result.reach, bench.did()) == ("changes", ["adopt user P1"])


@pytest.mark.parametrize("where", ["header", "people", "form"])
async def test_a_snapshot_that_cannot_be_read_leads_to_a_full_read(bench, where):
    for number in range(400):
        bench.directory.add(f"q{number}", groups=["Staff"], title="x" * 300)
    await bench.run(changes=True)
    snapshot = bench.config.journal.path.with_name("snapshot.sqlite")
    if where == "form":
        with Stage.seeded(snapshot.with_name("old.sqlite"), snapshot) as stage:
            stage.note("origin", {"lineage": "of an older form"})
            stage.keep(snapshot)
    else:
        content = bytearray(snapshot.read_bytes())
        start = 0 if where == "header" else 4 * 16_384
        content[start : start + 8 * 16_384] = b"\xff" * (8 * 16_384)
        snapshot.write_bytes(content)
    bench.directory.change("p1", display_name="Renamed")
    result = await bench.run(changes=True)
    assert (result.reach, bench.did()) == ("everything", ["update user Renamed"])
    assert not snapshot.with_name("reading.sqlite").exists()


async def test_a_group_of_another_meaning_leads_to_a_full_read(bench, tmp_path):
    config = CONFIG.replace(
        "[target.desk]",
        '[source.acquired]\nuse = "directory"\nwhich = "acquired"\n'
        '[sync]\nfrom = ["corp", "acquired"]\nsame = []\n[target.desk]',
    )
    acquired = bench_plugin.acquired
    acquired.tells_changes = acquired.can_find = True
    for number in range(3):
        acquired.add(f"x{number}", groups=["Staff"])
    bench.configure(config)
    await bench.run(changes=True)
    acquired.groups["g-Staff"] = bench_plugin.Group(id="g-Staff", name="Everybody")
    result = await bench.run(changes=True)
    assert result.reach == "everything"
    assert "group" in result.because


async def test_what_somebody_lets_through_by_name_is_looked_for_among_everybody(bench):
    await bench.run(changes=True)
    result = await bench.run(changes=True, allow=("voucher-unread=https://acquired.example",))
    assert (result.reach, "lets through" in result.because) == ("everything", True)


async def test_a_kill_leaves_the_pad_and_the_next_run_takes_it_away(bench):
    bench.desk.fault = "killed-before"
    with pytest.raises(Killed):
        await bench.run(changes=True)
    bench.desk.fault = ""
    bench.clock.advance(300)
    await bench.run(changes=True)
    assert not bench.config.journal.path.with_name("reading.sqlite").exists()


async def test_however_many_accounts_are_missing_all_of_them_stay_due(bench):
    for number in range(105):
        bench.directory.add(f"q{number}", groups=["Staff"])
    await bench.run(changes=True)
    bench.clock.advance(300)
    for number in range(105):
        bench.directory.change(f"q{number}", display_name=f"Again {number}")
    for place in [place for place, account in bench.desk.accounts.items() if account.label.startswith("Q")]:
        del bench.desk.accounts[place]
    assert rails(await bench.run(changes=True)) == ["accounts-missing"]
    result = await bench.run(changes=True, allow=("accounts-missing=105",))
    assert (result.reach, result.plan.header.counts) == ("changes", {"create": 105})
