"""A clock that lies lets no time pass (G21, T7): nobody is switched off because of it, no settle time is cut short."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from engine_bench import CONFIG, Bench, rails
from hypothesis import given
from hypothesis import strategies as st

from crosskey.clock import Skews
from crosskey.engine.timekeeper import Timekeeper
from fake_clock import FakeClock

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
GRACE = CONFIG.replace("[map.user.fields]", 'leavers = { after = "30d" }\n[map.user.fields]')
WAITING = '\n[rails]\nabsent_reads = 2\nabsent_for = "24h"\n'
WRONG = {
    "an hour ahead": HOUR,
    "an hour behind": -HOUR,
    "forty days ahead": 40 * DAY,
    "1970": datetime(1970, 1, 1, tzinfo=UTC) - datetime(2026, 1, 5, 9, tzinfo=UTC),
    "far ahead": 4000 * DAY,
}


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path, GRACE + WAITING)


async def leaving(bench) -> None:
    """Ada is inactive and has a month's grace; Bob is missing; Cleo stays."""
    for name in ("ada", "bob", "cleo"):
        bench.directory.add(name, groups=["Staff"])
    bench.desk.tells_time = True
    await bench.run()
    bench.directory.change("ada", active=False)
    bench.directory.people.pop("bob")
    bench.directory.group("Staff").discard("bob")


@pytest.mark.parametrize("by", WRONG.values(), ids=WRONG)
async def test_nobody_is_switched_off_by_a_clock_that_is_wrong(bench, by):
    await leaving(bench)
    await bench.run()
    bench.set_wrong(by)
    for _ in range(3):
        await bench.run()
        assert bench.did() == []
    bench.set_wrong(timedelta(0))
    await bench.run()
    assert bench.did() == [], "nor was anything noted that the right clock takes for true"


@pytest.mark.parametrize("by", [40 * DAY, 4000 * DAY])
async def test_what_the_clock_alone_would_decide_is_held_and_says_so(bench, by):
    await leaving(bench)
    await bench.run()
    bench.set_wrong(by)
    result = await bench.run()
    assert rails(result) == ["clock", "clock"]
    assert "ahead of that of desk.example" in result.plan.held[0].summary
    assert all("NTP" in hold.fix for hold in result.plan.held)


async def test_time_that_truly_passed_counts(bench):
    await leaving(bench)
    await bench.run()
    bench.clock.advance(31 * DAY.total_seconds())
    await bench.run()
    assert sorted(f"{change.action} {change.subject.id}" for change in bench.changes) == ["disable ada", "disable bob"]


async def test_a_clock_behind_the_journal_is_not_trusted_where_no_server_tells_the_time(bench):
    await leaving(bench)
    bench.desk.tells_time = False
    bench.clock.advance(DAY.total_seconds())
    await bench.run("plan")
    bench.set_wrong(-HOUR)
    result = await bench.run()
    assert "behind the newest run" in result.plan.held[0].summary
    bench.desk.tells_time = True
    bench.set_wrong(timedelta(0))
    assert rails(await bench.run()) == [], "servers that agree are believed rather than the journal"


async def test_a_clock_that_jumps_while_changes_are_applied_takes_out_who_leaves_by_time(bench):
    for number in range(12):
        bench.directory.add(f"p{number:02}", groups=["Staff"])
    await bench.run()
    for number in range(6):
        bench.directory.change(f"p{number:02}", active=False)
    await bench.run()
    bench.clock.advance(31 * DAY.total_seconds())
    bench.desk.before_write = lambda: bench.set_wrong(HOUR)
    bench.desk.batches.clear()
    result = await bench.run()
    assert bench.desk.batches == [3]
    assert rails(result) == ["clock"] * 3
    assert "while this run was at work" in result.plan.held[0].summary
    bench.desk.before_write = None
    bench.set_wrong(timedelta(0))
    await bench.run()
    assert len(bench.did()) == 3, "what was taken out stays due"


async def test_a_clock_that_is_wrong_does_not_cut_a_settle_time_short(bench):
    bench.desk.tells_time = True
    bench.directory.add("ada", groups=["Staff"])
    bench.desk.fault = "late"
    await bench.run()
    bench.desk.fault = ""
    bench.set_wrong(HOUR)
    assert rails(await bench.run()) == ["unsettled"]
    bench.desk.arrive()
    bench.set_wrong(timedelta(0))
    await bench.run()
    assert [account.label for account in bench.desk.accounts.values()] == ["Ada"], "nobody has two"


async def test_what_no_time_decides_goes_on_under_a_wrong_clock(bench):
    bench.configure(CONFIG)
    await leaving(bench)
    bench.set_wrong(40 * DAY)
    await bench.run()
    assert "disable user Ada" in bench.did()


# -- the timekeeper ---------------------------------------------------------------------------------------------------

JUMPS = st.sampled_from([timedelta(0), timedelta(seconds=1), -timedelta(seconds=1), *WRONG.values()])


@given(
    jump=JUMPS,
    theirs=st.none() | JUMPS,
    journal=st.none() | JUMPS,
    waited=st.timedeltas(timedelta(0), 60 * DAY),
    ran=st.floats(0, 7200),
    wait=st.timedeltas(timedelta(0), 60 * DAY),
)
def test_time_has_passed_only_if_it_truly_has(jump, theirs, journal, waited, ran, wait):
    """Whatever the clock does, a wait is over only when it is, but for what nobody can notice (five minutes)."""
    clock, skews = FakeClock(), Skews()
    truth = clock.now()
    since = truth - waited
    newest = None if journal is None else truth + journal
    keeper = Timekeeper(clock, skews, newest=newest)
    clock.advance(ran)
    clock.start += jump
    if theirs is not None:
        skews.note("desk.example", theirs=clock.now() - theirs, ours=clock.now())
    if keeper.has_passed(since, wait):
        assert waited + timedelta(seconds=ran) >= wait - timedelta(minutes=5)
        assert theirs is None or abs(theirs) <= timedelta(minutes=5)
    if jump == timedelta(0) and not theirs and (journal or jump) <= timedelta(0):
        assert keeper.doubt == ""


def test_a_jump_that_was_taken_back_is_remembered_for_the_run():
    clock = FakeClock()
    keeper = Timekeeper(clock, Skews(), newest=None)
    clock.start += HOUR
    assert "jumped by 1:00:00" in keeper.doubt
    clock.start -= HOUR
    assert keeper.doubt
