"""A swap is taken back like any run: the links, the external ids at the desk and whom else people are known as."""

import pytest
from engine_bench import rails
from test_engine_swap import ONE, SwapBench, acquired, bench  # noqa: F401 - fixtures
from test_engine_undo import links, shown


async def test_a_swap_is_taken_back_and_the_first_directory_plans_nothing(bench, acquired):  # noqa: F811 - fixtures
    await bench.run()
    before, owned = shown(bench), links(bench)
    swapped = await bench.swap()
    bench.swapped()
    assert (await bench.run()).plan.size == 0
    undone = await bench.undo(swapped.run)
    assert (undone.verdict, undone.plan.header.counts) == ("clean", {"relink": 8})
    assert (shown(bench), links(bench)) == (before, owned)
    bench.configure(ONE)
    result = await bench.run()
    assert (bench.did(), rails(result)) == ([], [])
    again = await bench.undo(undone.run)
    assert again.plan.header.counts == {"relink": 8}
    bench.swapped()
    assert (await bench.run()).plan.size == 0


async def test_links_of_protected_accounts_move_back_in_the_journal_alone(bench, acquired):  # noqa: F811 - fixtures
    await bench.run()
    bench.desk.edit("user", "3", protected="the owner")
    before, owned = shown(bench), links(bench)
    swapped = await bench.swap()
    writes = len(bench.desk.writes)
    undone = await bench.undo(swapped.run)
    assert shown(bench) == before
    assert links(bench) == owned
    assert len(bench.desk.writes) == writes + 7
    assert rails(undone) == []


async def test_a_disable_from_before_a_swap_can_still_be_taken_back(bench, acquired):  # noqa: F811 - fixtures
    await bench.run()
    bench.directory.change("p1", active=False, status="OFF")
    acquired.change("x-p1", active=False, status="OFF")
    run = (await bench.run()).run
    assert bench.did() == ["disable user P1"]
    await bench.swap()
    await bench.undo(run)
    assert [(change.action, change.subject.id) for change in bench.changes] == [("enable", "x-p1")]
    with pytest.raises(KeyError):
        links(bench)["user", "p1"]
    assert not links(bench)["user", "x-p1"].disabled_by_us
