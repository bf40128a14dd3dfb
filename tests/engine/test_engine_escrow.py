"""What the desk refused is sent again after longer and longer, and at once when something about it changed."""

from __future__ import annotations

from engine_bench import CONFIG, rails

HOUR = 3600


async def refused(bench) -> None:
    bench.directory.add("ada", groups=["Staff"])
    bench.directory.add("bob", groups=["Staff"])
    bench.desk.bad = {"Ada"}
    result = await bench.run()
    assert result.applied.counts == {"applied": 1, "rejected": 1}


async def test_a_refused_create_is_sent_again_after_an_hour_six_hours_and_then_daily(bench):
    await refused(bench)
    for hours in (1, 6, 24, 24):
        bench.clock.advance(hours * HOUR - 60)
        assert (rails(await bench.run()), bench.did()) == (["refused-before"], [])
        bench.clock.advance(120)
        await bench.run()
        assert bench.did() == ["create user Ada"]


async def test_the_next_try_is_named(bench):
    await refused(bench)
    [hold] = (await bench.run()).plan.held
    assert hold.summary == "the desk says no"
    assert "tried again after 2026-01-05 10:00 UTC" in hold.fix


async def test_a_create_that_would_write_something_else_is_sent_at_once(bench):
    await refused(bench)
    bench.directory.change("ada", department="Research")
    await bench.run()
    assert bench.did() == ["create user Ada"]
    assert rails(await bench.run()) == ["refused-before"]


async def test_another_configuration_sends_it_at_once(bench):
    await refused(bench)
    bench.configure(CONFIG + "\n[rails]\nmin_people = 7")
    await bench.run()
    assert bench.did() == ["create user Ada"]


async def test_the_pauses_begin_anew_once_it_succeeded(bench):
    await refused(bench)
    bench.desk.bad = set()
    bench.clock.advance(HOUR)
    await bench.run()
    assert bench.did() == ["create user Ada"]
    bench.desk.accounts.pop(("user", bench.desk.of("user")["Ada"].key))
    bench.clock.advance(HOUR)
    bench.desk.bad = {"Ada"}
    await bench.run()
    bench.clock.advance(HOUR)
    await bench.run()
    assert bench.did() == ["create user Ada"], "an hour after the first refusal"


async def test_a_round_over_changes_sends_it_when_its_time_has_come(bench):
    bench.directory.tells_changes = bench.desk.looks_up = True
    bench.directory.add("eve", groups=["Staff"])
    await bench.run(changes=True)
    await refused(bench)
    bench.desk.bad = set()
    for minutes, expected in ((30, []), (31, ["create user Ada"])):
        bench.clock.advance(minutes * 60)
        result = await bench.run(changes=True)
        assert (result.reach, bench.did()) == ("changes", expected)


async def test_what_never_left_was_not_refused(bench):
    bench.directory.add("ada", groups=["Staff"])
    for fault in ("down", "auth"):
        bench.desk.fault = fault
        await bench.run()
    bench.desk.fault = ""
    await bench.run()
    assert bench.did() == ["create user Ada"]


async def test_an_update_under_another_configuration_is_sent_at_once(bench):
    bench.directory.add("ada", groups=["Staff"])
    await bench.run()
    bench.directory.change("ada", display_name="Ada L")
    bench.desk.bad = {"Ada L"}
    await bench.run()
    assert rails(await bench.run()) == ["refused-before"]
    bench.configure(CONFIG + "\n[rails]\nmin_people = 7")
    await bench.run()
    assert bench.did() == ["update user Ada L"]
