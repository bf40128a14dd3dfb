"""What a clock that was ahead leaves in the journal holds nobody for ever, once the clock is right again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from engine_bench import CONFIG, Bench, rails

AHEAD = timedelta(days=40)


@pytest.fixture
def bench(tmp_path) -> Bench:
    made = Bench(tmp_path)
    made.desk.tells_time = True
    return made


async def test_a_write_without_an_answer_is_settled_soon_after_the_clock_was_set_right(bench):
    bench.set_wrong(AHEAD)
    bench.directory.add("ada", groups=["Staff"])
    bench.desk.fault = "lost-request"
    await bench.run()
    bench.desk.fault = ""
    bench.set_wrong(timedelta(0))
    assert rails(await bench.run()) == ["unsettled"]
    bench.clock.advance(300)
    assert rails(await bench.run()) == []
    assert bench.did() == ["create user Ada"]


async def test_a_full_read_that_began_in_the_future_is_none_to_go_on_from(bench):
    bench.directory.tells_changes = bench.directory.can_find = bench.desk.looks_up = True
    bench.directory.add("ada", groups=["Staff"])
    bench.set_wrong(AHEAD)
    await bench.run(changes=True)
    bench.set_wrong(timedelta(0))
    assert (await bench.run(changes=True)).reach == "everything"
    assert (await bench.run(changes=True)).reach == "changes"


async def test_what_was_written_in_the_future_is_written_again_when_it_is_not_there(bench):
    bench.directory.add("ada", groups=["Staff"])
    await bench.run()
    bench.clock.advance(600)
    bench.set_wrong(AHEAD)
    bench.directory.change("ada", display_name="Ada Two")
    await bench.run()
    [account] = bench.desk.accounts.values()
    bench.desk.edit("user", account.key, fields={**account.fields, "name": "Ada"})
    bench.set_wrong(timedelta(0))
    await bench.run()
    assert bench.did() == ["update user Ada Two"]


async def test_an_account_that_was_made_in_the_future_and_deleted_is_made_anew(bench):
    bench.directory.add("ada", groups=["Staff"])
    bench.set_wrong(AHEAD)
    await bench.run()
    bench.desk.accounts.clear()
    bench.set_wrong(timedelta(0))
    bench.clock.advance(300)
    await bench.run()
    assert bench.did() == ["create user Ada"]


async def test_a_grace_that_a_clock_ahead_saw_is_looked_at_again_by_changes_alone(bench):
    bench.directory.tells_changes = bench.directory.can_find = bench.desk.looks_up = bench.desk.can_find = True
    bench.configure(CONFIG.replace("[map.agent]", '[map.agent]\nleavers = { do = "disable", after = "1h" }'))
    for name in ("ada", "bob", "cleo"):
        bench.directory.add(name, groups=["Desk"])
    await bench.run(changes=True)
    bench.directory.change("ada", active=False, status="OFF")
    bench.set_wrong(timedelta(hours=12))
    assert (await bench.run(changes=True)).reach == "changes"
    bench.set_wrong(timedelta(0))
    for _ in range(2):
        bench.clock.advance(3_700)
        assert (await bench.run(changes=True)).reach == "changes"
    assert bench.did() == ["disable agent Ada"]
