"""Rate limits as Okta tells them: waited for, paced before they bite, and never the end of a read."""

from __future__ import annotations

from datetime import UTC, datetime

from joserfc.jwk import RSAKey
from okta_door import an_org, group_of, local, opened, people_of, read_all, wanting
from okta_recordings import Replay, small_org

from crosskey.settings import Secret
from crosskey_sandbox.okta import Fault
from fake_clock import FakeClock

TOKEN = "/oauth2/v1/token"


async def test_the_recorded_minute_bucket_is_waited_for_by_the_servers_clock() -> None:
    """Reset was 48 s after the answer's own Date; our clock is an hour off and must not matter."""
    replay = Replay().borrow("sdk-python/rate-limit/agent_pools_429_then_200.yaml", 429, "/api/v1/users")
    replay.add("directory_crawl_2021-2022.har")
    clock = FakeClock(datetime(2025, 9, 11, 17, 21, 50, tzinfo=UTC))
    async with opened(replay, clock=clock) as source:
        everything = await read_all(source)
    assert len(everything.people) == 7
    assert max(clock.slept) == 49.0, "48 s and one more, since Reset has whole seconds"


async def test_the_recorded_concurrency_limit_is_retried_soon() -> None:
    """Limit 0: too many at once. Reset, two minutes ahead, is a mere hint."""
    replay = Replay().borrow(
        "sdk-python/oauth-dpop/dpop_concurrent_requests__concurrency-429.yaml", 429, TOKEN, method="POST", times=2
    )
    replay.add("sdk-python/oauth-dpop/dpop_token_acquisition.yaml").add("directory_crawl_2021-2022.har")
    clock = FakeClock(datetime(2026, 3, 9, 14, 10, 9, tzinfo=UTC))
    key = Secret(RSAKey.generate_key(2048).as_pem(private=True).decode())
    async with opened(replay, clock=clock, client_id="0oa1", private_key=key, dpop=True) as source:
        everything = await read_all(source)
    assert len(everything.people) == 7
    tries = [request for request in replay.requests if request.url.path == TOKEN]
    assert len(tries) == 4, "two refusals, the nonce, the token"
    assert len({request.content for request in tries}) == 4, "each try has an assertion of its own"
    assert sum(clock.slept) < 20


async def test_a_share_of_one_request_a_minute_is_slow_but_enough() -> None:
    org = an_org(limits={"users": 1})
    people_of(org, 450)
    async with local(org) as source:
        assert len((await read_all(source)).people) == 450
    refused = sum(seen.status == 429 for seen in org.requests)
    assert refused <= 2, "paced by the headers, not by running into the limit"
    assert 180 <= org.cell.clock.elapsed <= 400


async def test_every_fifth_answer_a_429_costs_only_the_waits() -> None:
    org = an_org(faults=(Fault(kind="minute_429", every=5, wait=2), Fault(kind="concurrency_429", every=7)))
    people = people_of(org, 1000)
    for number in range(12):
        group_of(org, f"Group {number}", people[number::12])
    async with local(org) as source:
        everything = await read_all(source, wanting(*(f"Group {number}" for number in range(12))))
    assert set(everything.people) == set(people)
    assert set().union(*everything.members.values()) == set(people)


async def test_no_request_ever_passes_the_shown_limit() -> None:
    org = an_org(limits={"group": 20, "users": 20})
    people = people_of(org, 300)
    for number in range(60):
        group_of(org, f"Group {number}", people[number : number + 3])
    async with local(org) as source:
        everything = await read_all(source, wanting(*(f"Group {number}" for number in range(60))))
    assert len(everything.members) == 60
    assert not [seen for seen in org.requests if seen.status == 429]


async def test_the_small_org_needs_no_waiting() -> None:
    clock = FakeClock(datetime(2021, 4, 14, 16, 34, 52, tzinfo=UTC))
    async with opened(small_org(), clock=clock) as source:
        await read_all(source)
    assert not clock.slept
