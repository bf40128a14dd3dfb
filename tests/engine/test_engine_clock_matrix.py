"""T7, the matrix: whatever the wall clock does, and when, nobody is switched off who would not be with a right one.

Every cell plays the same days twice: once with a right clock, once with one that jumps and is set right again. A leaver
in grace, somebody missing, a lost create and a person about whom nothing happens are under way meanwhile.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from engine_bench import CONFIG, Bench, rails
from engine_holds import approve, leave, staffed, states

from crosskey.engine.saved import load_plan
from crosskey.errors import StaleError

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
RULES = (
    CONFIG.replace("[map.user.fields]", 'leavers = { after = "2d" }\n[map.user.fields]')
    + '\n[rails]\nabsent_reads = 2\nabsent_for = "24h"\n[sync]\nsettle = "12h"\n'
)

JUMPS = {
    "hour-ahead": HOUR,
    "hour-behind": -HOUR,
    "forty-days-ahead": 40 * DAY,
    "1970": datetime(1970, 1, 1, tzinfo=UTC) - START,
    "ntp-step-ahead": timedelta(seconds=3),
    "ntp-step-behind": timedelta(seconds=-3),
    "leap-second": timedelta(seconds=-1),
}
MOMENTS = ("between", "reading", "applying")
RIGHT: dict[str, list[frozenset[str]]] = {}
"""Who is switched off after each round when the clock is right, by moment: played once."""
ROUNDS = (HOUR, HOUR, HOUR, DAY, DAY, DAY)


class Days:
    """Six rounds of one history; the clock is wrong in the second and third."""

    def __init__(self, bench: Bench, jump: timedelta, moment: str) -> None:
        self.bench = bench
        self.jump = jump
        self.moment = moment
        self.disabled: list[frozenset[str]] = []

    async def play(self) -> None:
        bench = self.bench
        bench.desk.tells_time = True
        for name in ("ada", "bob", "cyd", "dee"):
            bench.directory.add(name, groups=["Staff"])
        await bench.run()
        bench.directory.change("ada", active=False)  # leaves in two days
        bench.directory.people.pop("bob")  # missing; believed after two reads over a day
        bench.directory.group("Staff").discard("bob")
        bench.directory.add("eve", groups=["Staff"])
        bench.desk.fault = "late"  # her create arrives after we gave up
        for number, passed in enumerate(ROUNDS):
            bench.clock.advance(passed.total_seconds())
            await self._round(number)
            bench.desk.fault = ""
            if number == 2:
                bench.desk.arrive()
            self.disabled.append(frozenset(name for name, one in bench.desk.of("user").items() if not one.active))

    async def _round(self, number: int) -> None:
        bench = self.bench
        if number == 1:
            self._set_wrong()
        if number == 3:
            bench.set_wrong(timedelta(0))
            bench.desk.before_write = None
        if self.moment == "applying" and number in (1, 2):
            bench.directory.change("cyd", title=f"round {number}")  # so that there is something to apply
            bench.directory.change("dee", display_name=f"Dee {number}")
        await bench.run()

    def _set_wrong(self) -> None:
        bench = self.bench
        match self.moment:
            case "between":
                bench.set_wrong(self.jump)
            case "applying":
                bench.desk.before_write = lambda: bench.set_wrong(self.jump)
            case _:
                answer = bench.answer

                def late(request):
                    told = answer(request)
                    bench.set_wrong(self.jump)  # after the server told the time
                    bench.answer = answer
                    return told

                bench.answer = late


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS)
async def test_nobody_is_switched_off_by_the_clock_alone(tmp_path, jump, moment):
    if moment not in RIGHT:
        RIGHT[moment] = (await played(tmp_path / "right", timedelta(0), moment)).disabled
    right = RIGHT[moment]
    wrong = await played(tmp_path / "wrong", jump, moment)
    for number, (as_it_was, should) in enumerate(zip(wrong.disabled, right, strict=True)):
        assert as_it_was <= should, f"round {number}"
    accounts = [account.label for account in wrong.bench.desk.accounts.values()]
    assert len(accounts) == len(set(accounts)) == 5, "a lost create was not repeated before its time"
    for _ in range(3):  # once the clock is right, those who leave do leave
        wrong.bench.clock.advance(DAY.total_seconds())
        await wrong.bench.run()
    assert {name for name, one in wrong.bench.desk.of("user").items() if not one.active} == {"Ada", "Bob"}
    assert right[-1] == {"Ada", "Bob"}


async def played(folder, jump: timedelta, moment: str) -> Days:
    folder.mkdir()
    days = Days(Bench(folder, RULES), jump, moment)
    await days.play()
    return days


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS)
async def test_a_saved_plan_is_applied_exactly_or_not_at_all(tmp_path, jump):
    """A clock that goes back keeps a plan from expiring: then it is applied only if a fresh read comes to the same."""
    bench = Bench(tmp_path, RULES)
    bench.desk.tells_time = True
    for name in ("ada", "bob"):
        bench.directory.add(name, groups=["Staff"])
    await bench.run()
    bench.directory.change("ada", display_name="Ada B")
    await bench.run("plan", keep=tmp_path / "saved.plan")
    bench.set_wrong(jump)
    bench.desk.writes.clear()
    saved = load_plan(tmp_path / "saved.plan")
    if jump >= DAY:
        with pytest.raises(StaleError, match="expired"):
            await bench.run("apply", expected=saved)
        assert bench.desk.writes == []
    else:
        await bench.run("apply", expected=saved)
        assert bench.desk.writes == [("update", "user", "Ada B")]
    bench.directory.change("ada", display_name="Ada C")
    with pytest.raises(StaleError):
        await bench.run("apply", expected=saved)


LIES = {name: jump for name, jump in JUMPS.items() if abs(jump) > timedelta(minutes=5)}


async def approved(tmp_path) -> Bench:
    """Eleven leavers whom a rail held, and whom a person let through for four hours by a right clock."""
    bench = Bench(tmp_path, RULES.replace('after = "2d"', 'after = "0d"'))
    bench.desk.tells_time = True
    await staffed(bench)
    leave(bench, *range(11))
    await bench.run()
    approve(bench, "mass-disable")
    return bench


def off(bench: Bench) -> int:
    return sum(1 for account in bench.desk.of("user").values() if not account.active)


@pytest.mark.parametrize("jump", LIES.values(), ids=LIES)
async def test_a_wrong_clock_neither_ends_an_approval_nor_makes_use_of_it(tmp_path, jump):
    bench = await approved(tmp_path)
    bench.set_wrong(jump)
    assert rails(await bench.run()) == ["mass-disable"]
    assert off(bench) == 0
    bench.set_wrong(timedelta(0))
    assert states(bench) == ["open"]
    assert rails(await bench.run()) == []
    assert off(bench) == 11


@pytest.mark.parametrize("jump", LIES.values(), ids=LIES)
async def test_a_wrong_clock_keeps_no_approval_alive(tmp_path, jump):
    bench = await approved(tmp_path)
    bench.clock.advance(5 * 3600)
    bench.set_wrong(jump)
    assert rails(await bench.run()) == ["mass-disable"]
    bench.set_wrong(timedelta(0))
    assert states(bench) == ["expired"]
    assert rails(await bench.run()) == ["mass-disable"]
    assert off(bench) == 0


@pytest.mark.parametrize("jump", LIES.values(), ids=LIES)
async def test_a_clock_that_jumps_while_a_run_asks_lets_nothing_through(tmp_path, jump):
    bench = await approved(tmp_path)

    def meanwhile(_proposal):
        bench.set_wrong(jump)
        return True

    with pytest.raises(StaleError) as refused:
        await bench.run("apply", confirm=meanwhile)
    assert refused.value.code in ("approval-clock", "stale")
    assert off(bench) == 0
    bench.set_wrong(timedelta(0))
    assert states(bench) == ["open"]


@pytest.mark.parametrize("ahead", [HOUR, 40 * DAY])
async def test_what_a_clock_that_was_ahead_approved_never_counts(tmp_path, ahead):
    """Else it would come to life on the day that the clock showed."""
    bench = await approved(tmp_path)
    bench.clock.advance(5 * 3600)
    bench.set_wrong(ahead)
    approve(bench, "mass-disable")
    bench.set_wrong(timedelta(0))
    assert states(bench) == ["expired", "expired"]
    assert rails(await bench.run()) == ["mass-disable"]
    assert states(bench) == ["withdrawn", "expired"]
    bench.clock.advance((ahead + HOUR).total_seconds())
    assert rails(await bench.run()) == ["mass-disable"]
    assert off(bench) == 0


@pytest.fixture
def berlin(monkeypatch) -> Iterator[None]:
    """A machine whose local time moves by an hour twice a year."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    os.environ.pop("TZ", None)
    time.tzset()


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="local time cannot be chosen here")
@pytest.mark.parametrize(
    "change", [datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)], ids=["spring", "autumn"]
)
async def test_local_time_that_moves_ends_no_grace(tmp_path, berlin, change):
    bench = Bench(tmp_path, RULES)
    bench.desk.tells_time = True
    bench.clock.start = change - 2 * DAY + timedelta(minutes=1)
    for name in ("ada", "bob"):
        bench.directory.add(name, groups=["Staff"])
    await bench.run()
    bench.directory.change("ada", active=False)
    await bench.run()
    bench.clock.advance((2 * DAY).total_seconds() - 90)  # half a minute before local time moves
    await bench.run()
    assert bench.did() == []
    bench.clock.advance(60)
    assert bench.clock.now() > change
    await bench.run()
    assert bench.did() == []
    bench.clock.advance(60)
    await bench.run()
    assert bench.did() == ["disable user Ada"]
