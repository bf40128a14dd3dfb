"""Streams read side by side, without a task left behind."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from crosskey.http import merge


async def numbers(start: int, count: int, closed: list[int] | None = None):
    try:
        for number in range(start, start + count):
            await asyncio.sleep(0)
            yield number
    finally:
        if closed is not None:
            closed.append(start)


async def failing(after: int):
    for number in range(after):
        await asyncio.sleep(0)
        yield number
    raise LookupError("the page was gone")


async def forever(closed: list[str]):
    try:
        while True:
            await asyncio.sleep(0)
            yield 0
    finally:
        closed.append("closed")


@pytest.fixture(autouse=True)
async def no_task_is_left():
    yield
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left


async def test_all_items_come_and_each_stream_keeps_its_order():
    got = [number async for number in merge(*(numbers(start, 50) for start in range(0, 1000, 100)), limit=3)]
    assert sorted(got) == sorted(number for start in range(0, 1000, 100) for number in range(start, start + 50))
    for start in range(0, 1000, 100):
        own = [number for number in got if start <= number < start + 50]
        assert own == sorted(own)


async def test_streams_interleave():
    got = [number async for number in merge(numbers(0, 5), numbers(100, 5))]
    assert got != sorted(got)


async def test_nothing_to_merge_ends_at_once():
    assert [item async for item in merge()] == []


async def test_no_more_streams_run_and_no_more_items_wait_than_the_limit():
    running = most = made = 0

    async def counted():
        nonlocal running, most, made
        running += 1
        most = max(most, running)
        for _ in range(20):
            made += 1
            yield made
        running -= 1

    taken = 0
    async with aclosing(merge(*(counted() for _ in range(10)), limit=3)) as merged:
        async for _ in merged:
            taken += 1
            for _ in range(20):
                await asyncio.sleep(0)
            assert made - taken <= 3 + 3
    assert most == 3
    assert taken == 200


async def test_the_first_error_is_raised_as_itself_and_stops_the_others():
    closed: list[str] = []
    with pytest.raises(LookupError, match="the page was gone"):
        async for _ in merge(forever(closed), failing(3), forever(closed)):
            pass
    assert closed == ["closed", "closed"]


async def test_an_error_while_the_consumer_is_busy_waits_for_it():
    # A task group would cancel the consumer wherever it is: here that would be inside its own wait.
    seen = []

    async def consume() -> None:
        async for item in merge(failing(1)):
            for _ in range(10):
                await asyncio.sleep(0)
            seen.append(item)

    with pytest.raises(LookupError):
        await consume()
    assert seen == [0]


async def test_leaving_early_closes_every_stream():
    closed: list[int] = []
    async with aclosing(merge(*(numbers(start, 50, closed) for start in (0, 100)), limit=2)) as merged:
        async for _ in merged:
            break
    assert sorted(closed) == [0, 100]


async def test_a_stream_that_was_begun_elsewhere_is_closed_though_its_turn_never_came():
    closed: list[int] = []
    begun = numbers(100, 50, closed)
    await anext(begun)
    async with aclosing(merge(numbers(0, 50, closed), begun, limit=1)) as merged:
        await anext(merged)
    assert closed == [0, 100]


async def test_cancelling_the_consumer_closes_every_stream():
    closed: list[str] = []

    async def consume() -> None:
        async for _ in merge(forever(closed), forever(closed)):
            pass

    task = asyncio.create_task(consume())
    for _ in range(20):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert closed == ["closed", "closed"]


async def test_a_stream_that_is_cancelled_from_elsewhere_does_not_hang_the_others():
    async def cancelled():
        await asyncio.sleep(0)
        raise asyncio.CancelledError
        yield

    async def consume() -> None:
        async for _ in merge(cancelled(), numbers(0, 3)):
            pass

    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(consume(), timeout=1)
