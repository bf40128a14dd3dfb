"""Pausing before the server says no, and never beyond a budget."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

import httpx
import pytest
from http_script import Script
from hypothesis import given, settings
from hypothesis import strategies as st

from crosskey.http import Budget
from crosskey.http.pacing import Pacer
from fake_clock import FakeClock


class Bucketed:
    """A server that meters each path by the minute from first use, like the vendors do, and counts its refusals."""

    def __init__(self, clock: FakeClock, limit: int, *, family: str = "X-Rate-Limit-", epoch: bool = True) -> None:
        self.clock, self.limit, self.family, self.epoch = clock, limit, family, epoch
        self.windows: dict[str, tuple[float, int]] = {}
        self.refused = 0
        self.served = 0

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        now = self.clock.monotonic()
        start, used = self.windows.get(request.url.path, (now, 0))
        if now - start >= 60:
            start, used = now, 0
        used += 1
        self.windows[request.url.path] = (start, used)
        left = max(0, start + 60 - now)
        reset = str(int((self.clock.now() + timedelta(seconds=left)).timestamp()) if self.epoch else int(left))
        headers = {
            self.family + "Limit": str(self.limit),
            self.family + "Remaining": str(max(0, self.limit - used)),
            self.family + "Reset": reset,
            "Date": self.clock.now().strftime("%a, %d %b %Y %H:%M:%S GMT"),
        }
        if used > self.limit:
            self.refused += 1
            return httpx.Response(429, headers=headers)
        self.served += 1
        return httpx.Response(200, json=1, headers=headers)


async def burst(client, count: int, path: str = "/users") -> None:
    await asyncio.gather(*(client.call("GET", path, decode=int) for _ in range(count)))


@pytest.mark.parametrize("family", ["X-Rate-Limit-", "X-RateLimit-", "RateLimit-"])
async def test_a_fifth_of_a_large_limit_is_left_to_others(client_for, clock, family):
    server = Bucketed(clock, 50, family=family, epoch=family != "RateLimit-")
    async with client_for(server) as client:
        await burst(client, 40)
        assert clock.elapsed == 0
        await burst(client, 1)
    assert server.refused == 0
    assert 60 <= clock.elapsed <= 65


async def test_many_windows_pass_without_one_refusal(client_for, clock):
    server = Bucketed(clock, 50)
    async with client_for(server) as client:
        await burst(client, 200)
    assert (server.served, server.refused) == (200, 0)
    assert clock.elapsed < 5 * 62


@pytest.mark.parametrize("limit", [1, 3, 9])
async def test_a_small_limit_is_used_up_and_still_finishes(client_for, clock, limit):
    # A token at 1 % of a bucket gets one call a minute, and the success itself says that none remain.
    server = Bucketed(clock, limit)
    async with client_for(server) as client:
        for _ in range(limit * 3):
            await client.call("GET", "/users", decode=int)
    assert server.refused == 0
    assert 2 * 60 <= clock.elapsed <= 2 * 62


async def test_small_limits_do_not_stampede_after_the_reset(client_for, clock):
    server = Bucketed(clock, 1)
    async with client_for(server) as client:
        await client.call("GET", "/users", decode=int)
        await burst(client, 6)
    assert (server.served, server.refused) == (7, 0)


async def test_buckets_do_not_wait_for_each_other(client_for, clock):
    server = Bucketed(clock, 1)
    async with client_for(server, concurrency=1) as client:
        await client.call("GET", "/users", decode=int)
        waiting = asyncio.create_task(client.call("GET", "/users", decode=int))
        await client.call("GET", "/groups", decode=int)
        assert server.served == 2
        await waiting


async def test_the_same_path_template_is_one_bucket(client_for, clock):
    server = Bucketed(clock, 1)
    async with client_for(server) as client:
        await client.call("GET", "/groups/00g1/users", decode=int, template="/groups/{id}/users")
        await client.call("GET", "/groups/00g2/users", decode=int, template="/groups/{id}/users")
    assert clock.elapsed >= 60


async def test_a_429_holds_back_everybody_in_its_bucket(client_for, clock):
    throttled = {"X-Rate-Limit-Limit": "9", "X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": "1767603648"}
    server = Script(httpx.Response(429, headers=throttled), httpx.Response(200, json=1))
    async with client_for(server) as client:
        first = asyncio.create_task(client.call("GET", "/a", decode=int))
        while not server.requests:
            await asyncio.sleep(0)
        second = asyncio.create_task(client.call("GET", "/a", decode=int))
        await asyncio.gather(first, second)
    assert len(server.requests) == 3
    assert clock.elapsed >= 49


@pytest.mark.parametrize("headers", [{"Retry-After": "45"}, {}])
async def test_a_429_that_names_no_bucket_holds_back_the_whole_client(client_for, clock, headers):
    sent_at = []

    async def server(request: httpx.Request) -> httpx.Response:
        sent_at.append(clock.monotonic())
        return httpx.Response(429, headers=headers) if len(sent_at) == 1 else httpx.Response(200, json=1)

    async with client_for(server, budget=Budget(250, 300)) as client:
        first = asyncio.create_task(client.call("GET", "/a", decode=int))
        while not sent_at:
            await asyncio.sleep(0)
        second = asyncio.create_task(client.call("GET", "/b", decode=int))
        await asyncio.gather(first, second)
    assert sent_at[0] == 0
    assert min(sent_at[1:]) >= 30


async def test_too_many_at_once_halves_what_is_in_flight_and_it_recovers(clock):
    crowded = httpx.Headers({"X-Rate-Limit-Limit": "0", "X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": "1"})
    fine = httpx.Headers({})
    pacer = Pacer(clock, logging.getLogger("test"), concurrency=8)

    async def together(count: int, status: int, headers: httpx.Headers) -> int:
        inside = most = 0

        async def one() -> None:
            nonlocal inside, most
            async with pacer.turn("GET", "/a") as turn:
                inside += 1
                most = max(most, inside)
                for _ in range(3):
                    await asyncio.sleep(0)
                inside -= 1
                turn.answered(status, headers)

        await asyncio.gather(*(one() for _ in range(count)))
        return most

    assert await together(20, 200, fine) == 8
    await together(8, 429, crowded)  # one burst of refusals counts once
    assert pacer.concurrency == 4
    assert await together(20, 200, fine) == 4
    clock.advance(10)
    assert await together(20, 200, fine) == 5
    for _ in range(10):
        clock.advance(10)
        await together(1, 200, fine)
    assert await together(20, 200, fine) == 8


async def test_a_cancelled_wait_gives_its_place_back(clock):
    pacer = Pacer(clock, logging.getLogger("test"), concurrency=1)

    async def hold(entered: asyncio.Event) -> None:
        async with pacer.turn("GET", "/a"):
            entered.set()
            await asyncio.Event().wait()

    entered = asyncio.Event()
    holder = asyncio.create_task(hold(entered))
    await entered.wait()
    queued = asyncio.create_task(hold(asyncio.Event()))
    await asyncio.sleep(0)
    for task in (queued, holder):
        task.cancel()
    await asyncio.gather(queued, holder, return_exceptions=True)
    async with asyncio.timeout(1), pacer.turn("GET", "/a"):
        pass


@given(
    requests=st.integers(1, 12),
    seconds=st.floats(0.5, 600, allow_nan=False),
    gaps=st.lists(st.floats(0, 400, allow_nan=False), min_size=1, max_size=60),
)
@settings(max_examples=60, deadline=None)
def test_no_rolling_window_ever_holds_more_than_the_budget(requests, seconds, gaps):
    clock = FakeClock()
    sent: list[float] = []

    async def run() -> None:
        pacer = Pacer(clock, logging.getLogger("test"), concurrency=4, budget=Budget(requests, seconds))

        async def one(index: int) -> None:
            async with pacer.turn("GET", f"/{index % 3}"):
                sent.append(clock.monotonic())
                await asyncio.sleep(0)

        tasks = []
        for index, gap in enumerate(gaps):
            clock.advance(gap if index % 4 == 0 else 0)
            tasks.append(asyncio.create_task(one(index)))
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)

    asyncio.run(run())
    assert len(sent) == len(gaps)
    for first, after in zip(sent, sent[requests:], strict=False):
        assert after >= first + seconds


async def test_a_budget_is_spent_at_once_and_then_awaited(client_for, clock):
    server = Script(httpx.Response(200, json=1))
    async with client_for(server, budget=Budget(5, 300)) as client:
        await burst(client, 5)
        assert clock.elapsed == 0
        await burst(client, 6)
    assert clock.elapsed == 600
