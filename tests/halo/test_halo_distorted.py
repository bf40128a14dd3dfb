"""Lists whose rows are not as they were: each answer is synthetic. Nobody is left out of a read that says it is complete."""

from __future__ import annotations

import pytest
from halo_bench import Altered, a_desk, opened, read_all

from crosskey.errors import ContractError


def a_full_desk(count=120):
    desk = a_desk()
    for number in range(count):
        desk.add_user(f"Person {number}", 1, emailaddress=f"person.{number}@acme.example")
    return desk


async def read(desk, path, alter, *kinds, once=False):
    async with opened(desk, transport=Altered(desk, path, alter, once=once)) as target:
        return await read_all(target, *kinds)


async def test_a_first_page_without_rows_that_says_there_are_some_is_looked_at_again():
    desk = a_full_desk()
    expected, _ = await read(desk, "", None, "user")
    accounts, end = await read(desk, "/api/Users", lambda body: {**body, "users": []}, "user", once=True)
    assert accounts == expected
    assert end.counts["user"] == len(expected)


async def test_lists_without_rows_that_say_there_are_some_are_incomplete():
    with pytest.raises(ContractError, match="says that there are 126 records, but gave only 0"):
        await read(a_full_desk(), "/api/Users", lambda body: {**body, "users": []}, "user")


async def test_a_row_that_stands_twice_on_a_page_is_one_account():
    desk = a_full_desk(10)
    accounts, end = await read(desk, "/api/Users", lambda body: {**body, "users": body["users"] * 2}, "user")
    assert end.counts["user"] == len(accounts)


@pytest.mark.parametrize(("kind", "path", "member"), [("user", "/api/Users", "users"), ("agent", "/api/Agent", None)])
async def test_a_row_without_an_id_is_not_passed_over(kind, path, member):
    def alter(body):
        rows = body[member] if member else body
        del rows[-1]["id"]
        return body

    with pytest.raises(ContractError, match="a row without an id"):
        await read(a_desk(), path, alter, kind)


async def test_whom_the_application_acts_as_must_be_told():
    with pytest.raises(ContractError, match="does not say who"):
        await read(a_desk(), "/api/Agent/me", lambda _: {"unexpected": []}, "agent")
