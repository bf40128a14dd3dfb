"""People without a link: whose account is reported as left on, and how a shared attribute is told."""

import pytest
from engine_bench import rails


async def test_somebody_inactive_without_an_account_needs_nothing(bench):
    bench.directory.add("ada", groups=["Staff"], active=False)
    result = await bench.run()
    assert (bench.did(), rails(result)) == ([], [])


@pytest.mark.parametrize("odd", [{"active": False}, {"protected": "the integrator's own"}])
async def test_an_account_that_is_off_or_protected_is_not_reported(bench, odd):
    bench.desk.add("user", name="Ada", mail="ada@example.com", **odd)
    bench.directory.add("ada", groups=["Staff"], active=False)
    assert rails(await bench.run()) == []


async def test_two_accounts_with_that_address_are_not_reported(bench):
    for name in ("Ada", "Ada too"):
        bench.desk.add("user", name=name, mail="ada@example.com")
    bench.directory.add("ada", groups=["Staff"], active=False)
    assert rails(await bench.run()) == []


async def test_an_account_that_is_somebody_elses_is_not_reported(bench):
    bench.directory.add("ada", groups=["Staff"])
    await bench.run()
    bench.directory.add("former", groups=["Staff"], active=False, email="ada@example.com")
    assert rails(await bench.run()) == []


async def test_who_was_never_in_scope_is_not_reported(bench):
    bench.desk.add("user", name="Ada", mail="ada@example.com")
    bench.directory.add("ada", active=False)
    assert rails(await bench.run()) == []


@pytest.mark.parametrize(("count", "told"), [(5, "p0, p1, p2, p3, p4"), (6, "p0, p1, p2, p3, p4, …")])
async def test_five_of_those_who_share_an_address_are_named(bench, count, told):
    for number in range(count):
        bench.directory.add(f"p{number}", groups=["Staff"], email="shared@example.com")
    result = await bench.run()
    assert rails(result) == ["ambiguous-match"] * count
    assert result.plan.held[0].summary == (
        f'{count} people without an account share email "shared@example.com": {told}'
    )


async def test_every_batch_is_told_to_whoever_listens(bench):
    for number in range(4):
        bench.directory.add(f"p{number}", groups=["Staff"])
    bench.desk.bad = {"P3"}
    result = await bench.run()
    with bench.journal() as journal:
        told = [event.facts for event in journal.events(result.run) if event.kind == "batch.applied"]
    assert told == [
        {"kind": "user", "action": "create", "count": 3, "failed": 0},
        {"kind": "user", "action": "create", "count": 1, "failed": 1},
    ]
    assert bench.observer.advanced["Applying"] == 4
    assert bench.observer.advanced["Comparing"] == 4
