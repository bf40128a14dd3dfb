"""What a clock that was ahead leaves in the journal holds nobody for ever, once the clock is right again."""

from __future__ import annotations

from datetime import timedelta

from engine_bench import CONFIG, rails

AHEAD = timedelta(days=40)


async def test_a_write_without_an_answer_is_settled_soon_after_the_clock_was_set_right(bench):
    bench.clock.start += AHEAD
    bench.directory.add("ada", groups=["Staff"])
    bench.desk.fault = "lost-request"
    await bench.run()
    bench.desk.fault = ""
    bench.clock.start -= AHEAD
    assert rails(await bench.run()) == ["unsettled"]
    bench.clock.advance(300)
    assert rails(await bench.run()) == []
    assert bench.did() == ["create user Ada"]


async def test_a_full_read_that_began_in_the_future_is_none_to_go_on_from(bench):
    bench.directory.tells_changes = bench.directory.can_find = bench.desk.looks_up = True
    bench.directory.add("ada", groups=["Staff"])
    bench.clock.start += AHEAD
    await bench.run(changes=True)
    bench.clock.start -= AHEAD
    assert (await bench.run(changes=True)).reach == "everything"
    assert (await bench.run(changes=True)).reach == "changes"


async def test_a_grace_that_began_in_the_future_begins_anew(bench):
    bench.configure(CONFIG.replace("[map.agent]", '[map.agent]\nleavers = { do = "disable", after = "1h" }'))
    bench.directory.add("ada", groups=["Desk"])
    await bench.run()
    bench.directory.change("ada", active=False, status="OFF")
    bench.clock.start += AHEAD
    await bench.run()
    bench.clock.start -= AHEAD
    await bench.run()
    assert bench.did() == []
    bench.clock.advance(3_700)
    await bench.run()
    assert bench.did() == ["disable agent Ada"]


async def test_what_was_written_in_the_future_is_written_again_when_it_is_not_there(bench):
    bench.directory.add("ada", groups=["Staff"])
    await bench.run()
    bench.clock.advance(600)
    bench.clock.start += AHEAD
    bench.directory.change("ada", display_name="Ada Two")
    await bench.run()
    [account] = bench.desk.accounts.values()
    bench.desk.edit("user", account.key, fields={**account.fields, "name": "Ada"})
    bench.clock.start -= AHEAD
    await bench.run()
    assert bench.did() == ["update user Ada Two"]


async def test_an_account_that_was_made_in_the_future_and_deleted_is_made_anew(bench):
    bench.directory.add("ada", groups=["Staff"])
    bench.clock.start += AHEAD
    await bench.run()
    bench.desk.accounts.clear()
    bench.clock.start -= AHEAD
    bench.clock.advance(300)
    await bench.run()
    assert bench.did() == ["create user Ada"]
