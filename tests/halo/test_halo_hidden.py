"""Lists that are not the truth: hidden by a right that is missing, or counted wrongly. Nobody is made twice for it."""

from __future__ import annotations

import pytest
from halo_bench import a_create, a_desk, creates_of, marker, opened, read_all, results

from crosskey.errors import AuthError
from crosskey_sandbox.halo import HaloDesk, HaloQuirks
from fake_clock import FakeClock


@pytest.mark.parametrize(("kind", "resource"), [("user", "Users"), ("agent", "Agent")])
async def test_a_desk_that_shows_nobody_is_not_taken_for_empty(kind, resource):
    desk = a_desk(hidden=(resource,))
    async with opened(desk) as target:
        with pytest.raises(AuthError) as caught:
            await read_all(target, kind)
    assert (caught.value.code, caught.value.where) == (f"halo-no-{kind}s", "target.desk")
    assert "visibility" in caught.value.fix


async def test_a_desk_without_users_is_read_as_such():
    desk = HaloDesk.seeded(contacts=(), quirks=HaloQuirks(), clock=FakeClock())
    for user in [user for user in desk.users.values() if not user.general]:
        desk.drop("Users", user.id)
    async with opened(desk) as target:
        accounts, end = await read_all(target, "user")
    assert (accounts, end.counts) == ({}, {"user": 0})


async def test_the_very_first_user_may_be_made_on_a_desk_without_sites_shown():
    desk = HaloDesk(clock=FakeClock())
    async with opened(desk) as target:
        assert await read_all(target, "user")


@pytest.mark.parametrize("offset", [-1, -5, -12])
@pytest.mark.parametrize("count", [20, 23])
async def test_a_count_that_is_too_small_hides_nobody(offset, count):
    desk = a_desk(page_cap=7, count_offset=offset)
    before = sum(not user.general for user in desk.users.values())
    for number in range(count - before):
        desk.add_user(f"Extra {number}", 1, emailaddress=f"extra.{number}@acme.example", other5=marker(number))
    async with opened(desk) as target:
        accounts, _ = await read_all(target, "user")
    assert len(accounts) == count


@pytest.mark.parametrize(("limit", "most"), [(1, 37), (5, 11)])
async def test_a_limit_on_arrays_is_learned_once(limit, most):
    desk = a_desk(batch_limit=limit)
    async with opened(desk) as target:
        await read_all(target, "user")
        desk.requests.clear()
        outcomes = await target.apply([a_create(number) for number in range(32)])
    assert results(outcomes) == ["applied"] * 32
    assert len(creates_of(desk)) == 32
    assert desk.counts()["POST /api/Users"] <= most
