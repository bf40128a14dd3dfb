"""How long an unclear write is waited for when clocks were wrong, and what each one is called once that time is over."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from engine_bench import CONFIG, Bench, rails

AHEAD = timedelta(days=40)
SETTLE = timedelta(seconds=120)


@pytest.fixture
def bench(tmp_path) -> Bench:
    made = Bench(tmp_path)
    made.desk.tells_time = True
    return made


async def lose(bench: Bench, fault: str = "lost-request") -> None:
    bench.desk.fault = fault
    assert (await bench.run()).verdict == "failed"
    bench.desk.fault = ""


def waits(bench: Bench) -> list[datetime]:
    """Until when each unclear write is waited for."""
    with bench.journal() as journal:
        return [operation.settle_until for operation in journal.unresolved()]


def shortened(bench: Bench) -> list[tuple[str, object]]:
    """Each time that waits were made shorter: the run, and how many."""
    with bench.journal() as journal:
        return [(event.run, event.facts["count"]) for event in journal.events() if event.kind == "writes.awaited"]


def states(bench: Bench) -> dict[str, str]:
    """What became of the last write of everybody."""
    with bench.journal() as journal:
        return {operation.change.label: operation.state for operation in reversed(list(journal.operations()))}


async def test_a_wait_that_a_clock_ahead_noted_is_shortened_once_and_by_the_run_that_saw_it(bench):
    bench.set_wrong(AHEAD)
    bench.directory.add("ada", groups=["Staff"])
    bench.directory.add("bob", groups=["Staff"])
    await lose(bench)
    assert waits(bench) == [bench.clock.now() + SETTLE] * 2
    bench.set_wrong(timedelta(0))
    first = await bench.run()
    assert rails(first) == ["unsettled"] * 2
    assert waits(bench) == [bench.clock.now() + SETTLE] * 2
    assert rails(await bench.run()) == ["unsettled"] * 2
    assert shortened(bench) == [(first.run, 2)], "a wait that is as long as it should be is left as it is"


async def test_a_clock_that_is_behind_shortens_no_wait(bench):
    bench.directory.add("ada", groups=["Staff"])
    await lose(bench)
    noted = waits(bench)
    bench.set_wrong(-timedelta(hours=1))
    assert rails(await bench.run()) == ["unsettled"]
    assert (waits(bench), shortened(bench)) == (noted, [])


async def test_a_write_of_a_kind_that_is_not_read_keeps_nobody_after_it_waiting(bench):
    bench.directory.add("tech", groups=["Desk"])
    await lose(bench, "lost-answer")
    bench.configure(CONFIG[: CONFIG.index("[map.agent]")])
    bench.directory.add("ada", groups=["Staff"])
    await lose(bench, "lost-answer")
    assert rails(await bench.run()) == []
    assert bench.did() == []
    assert states(bench) == {"Tech": "uncertain", "Ada": "resolved_present"}


async def test_of_what_never_arrived_a_create_is_called_absent_and_an_update_superseded(bench):
    bench.directory.add("ada", groups=["Staff"])
    await bench.run()
    bench.directory.change("ada", display_name="Ada L")
    await lose(bench)
    bench.directory.change("ada", display_name="Ada")
    await bench.clock.sleep(SETTLE.total_seconds())
    bench.directory.add("bob", groups=["Staff"])
    await lose(bench)
    bench.directory.group("Staff").discard("bob")
    await bench.clock.sleep(SETTLE.total_seconds())
    await bench.run()
    assert bench.did() == []
    assert states(bench) == {"Ada": "done", "Ada L": "superseded", "Bob": "resolved_absent"}


async def test_an_update_whose_account_somebody_deleted_meanwhile_is_superseded(bench):
    bench.directory.add("ada", groups=["Staff"])
    await bench.run()
    bench.directory.change("ada", display_name="Ada L")
    await lose(bench)
    bench.desk.accounts.clear()
    bench.clock.advance(SETTLE.total_seconds() + 1)
    with bench.journal() as journal:
        (lost,) = journal.unresolved()
    await bench.run()
    with bench.journal() as journal:
        assert {one.id: one.state for one in journal.operations()}[lost.id] == "superseded"
    assert bench.did() == ["create user Ada L"]
