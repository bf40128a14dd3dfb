"""Whatever an instance does with arrays, each change gets one truthful outcome and nobody is created twice."""

from __future__ import annotations

import asyncio
from collections import Counter

import httpx
from halo_bench import DeskTransport, a_change, a_create, a_desk, marker, opened, read_all
from hypothesis import example, given
from hypothesis import strategies as st

from crosskey_sandbox.halo import Fault

INSTANCES = st.fixed_dictionaries(
    {
        "many_reply": st.sampled_from(["array", "object"]),
        "many_saved": st.sampled_from(["all", "all", "first"]),
        "bad_item": st.sampled_from(["refuse_all", "save_before", "save_good"]),
        "batch_limit": st.sampled_from([0, 0, 3]),
        "post_status": st.sampled_from([200, 201]),
        "error_body": st.sampled_from(["exception", "message", "error", "result"]),
        "list_lag": st.sampled_from([0.0, 15.0]),
        "other5_listed": st.booleans(),
        "page_cap": st.sampled_from([100, 50]),
        "memberships": st.sampled_from(["replace", "merge"]),
    }
)
FAULTS = st.lists(
    st.builds(
        Fault,
        effect=st.sampled_from(["lost_after", "lost_before", "error_after", "error_before", "html", "late"]),
        resource=st.just("Users"),
        skip=st.integers(0, 3),
        times=st.integers(1, 2),
        delay=st.just(3600.0),
    ),
    max_size=2,
)


class Shuffled(DeskTransport):
    """Answers arrays in another order, and without the members that would tell rows apart by place (synthetic)."""

    async def handle_async_request(self, request):
        response = await super().handle_async_request(request)
        if request.method == "POST" and request.url.path == "/api/Users" and response.is_success:
            body = (await response.aread()).lstrip()
            if body.startswith(b"["):
                rows = httpx.Response(200, content=body).json()
                return httpx.Response(201, json=rows[::-1])
        return response


@given(quirks=INSTANCES, bad=st.sets(st.integers(0, 11)), faults=FAULTS, size=st.integers(1, 12), turned=st.booleans())
@example(quirks={"bad_item": "save_before", "list_lag": 15.0}, bad={3}, faults=[], size=8, turned=False)
@example(quirks={"many_saved": "first", "bad_item": "save_before"}, bad={0}, faults=[], size=6, turned=False)
def test_creates_have_one_truthful_outcome_each_and_nobody_is_made_twice(quirks, bad, faults, size, turned):
    desk = a_desk(**quirks)
    for fault in faults:
        desk.fail(fault)
    changes = [a_create(number, site="9999" if number in bad else "1") for number in range(size)]

    async def run():
        async with opened(desk, transport=Shuffled(desk) if turned else None, batch=5) as target:
            await read_all(target, "user")
            return list(await target.apply(changes))

    outcomes = asyncio.run(run())
    assert [outcome.change for outcome in outcomes] == [change.id for change in changes]
    desk.settle()
    shown_whole = quirks.get("many_reply", "array") == "array" and quirks.get("many_saved", "all") == "all"
    clear = shown_whole and not faults and not quirks.get("list_lag")
    there = {user.other5: str(user.id) for user in desk.users.values() if user.other5}
    assert max(Counter(user.other5 for user in desk.users.values() if user.other5).values(), default=0) <= 1, "a double"
    for number, outcome in enumerate(outcomes):
        key = there.get(marker(number))
        match outcome.result:
            case "applied" | "already":
                assert outcome.key == key, "it says that it is there"
            case "rejected":
                assert key is None, "it says that it is not there"
                assert number in bad
            case "unknown":
                assert not clear or number in bad
    if clear:
        assert [outcome.result == "rejected" for outcome in outcomes] == [number in bad for number in range(size)]


@given(quirks=INSTANCES, bad=st.sets(st.integers(0, 11)), faults=FAULTS, size=st.integers(1, 12), turned=st.booleans())
def test_updates_have_one_truthful_outcome_each_and_make_nobody(quirks, bad, faults, size, turned):
    desk = a_desk(**quirks)
    users = [desk.add_user(f"Person {number}", 1, title="Old") for number in range(size)]
    for fault in faults:
        desk.fail(fault)
    for number in bad & set(range(size)):
        desk.drop("Users", users[number].id)
    population = len(desk.users)
    changes = [a_change("update", user.id, before="Old", title="New") for user in users]

    async def run():
        async with opened(desk, transport=Shuffled(desk) if turned else None, batch=5) as target:
            return list(await target.apply(changes))

    outcomes = asyncio.run(run())
    assert [outcome.change for outcome in outcomes] == [change.id for change in changes]
    assert len(desk.users) == population
    for number, outcome in enumerate(outcomes):
        done = number not in bad and desk.users[users[number].id].title == "New"
        match outcome.result:
            case "applied" | "already":
                assert done
            case "rejected":
                assert not done
            case "unknown":
                assert faults
