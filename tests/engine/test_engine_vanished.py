"""Accounts that the target's list does not bring: looked up by key, made anew only when surely gone, held in masses."""

import pytest
from engine_bench import rails

from crosskey.errors import ContractError


async def staffed(bench, count):
    for number in range(count):
        bench.directory.add(f"p{number:02}", groups=["Staff"])
    await bench.run()
    await bench.clock.sleep(600)


async def test_an_account_that_a_list_missed_is_not_made_twice(bench):
    bench.desk.can_find = True
    await staffed(bench, 5)
    bench.desk.hidden = {"2"}
    result = await bench.run()
    assert bench.did() == []
    assert [notice.code for notice in result.notices] == ["not-listed"]
    assert len(bench.desk.accounts) == 5


async def test_an_account_that_is_surely_gone_is_made_anew(bench):
    bench.desk.can_find = True
    await staffed(bench, 5)
    bench.desk.accounts.pop(("user", "2"))
    result = await bench.run()
    assert bench.did() == ["create user P01"]
    assert [notice.code for notice in result.notices] == ["account-gone"]
    await bench.run()
    assert bench.did() == []


async def test_many_missing_accounts_are_held_and_nobody_is_doubled(bench):
    bench.desk.can_find = True
    await staffed(bench, 30)
    bench.directory.add("new", groups=["Staff"])
    bench.desk.hidden = {str(number) for number in range(1, 12)}
    result = await bench.run()
    assert rails(result) == ["accounts-missing"]
    assert bench.did() == ["create user New"]
    hold = result.plan.held[0]
    assert hold.summary.startswith("11 linked user accounts were not in the target's list: more than 10 at once")
    assert "--allow accounts-missing=11" in hold.fix
    assert hold.examples[0] == "user 1 (P00)"
    assert len(hold.examples) == 10
    assert bench.desk.found == []
    assert (hold.scope, hold.action, hold.kind) == ("class", "create", "user")
    result = await bench.run(allow=["accounts-missing=11"])
    assert rails(result) == []
    assert bench.did() == []
    assert len(bench.desk.found) == 11


async def test_ten_missing_accounts_are_looked_up_without_asking(bench):
    bench.desk.can_find = True
    await staffed(bench, 30)
    bench.desk.hidden = {str(number) for number in range(1, 11)}
    assert rails(await bench.run()) == []
    assert len(bench.desk.found) == 10


async def test_hundreds_that_are_surely_gone_are_all_made_anew_when_that_is_allowed(bench):
    bench.desk.batch = 50
    await staffed(bench, 120)
    bench.desk.accounts.clear()
    assert rails(await bench.run()) == ["accounts-missing"]
    await bench.run(allow=["accounts-missing=120"])
    assert len(bench.desk.accounts) == 120


async def test_a_target_that_goes_on_after_its_end_breaks_its_contract(bench):
    bench.desk.goes_on = True
    bench.directory.add("ada", groups=["Staff"])
    with pytest.raises(ContractError, match="went on"):
        await bench.run()
