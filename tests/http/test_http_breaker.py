"""A host that only fails is left alone for a while, by everybody who would ask it (G23); and what answers say of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from http_script import Script

from crosskey.clock import Skews
from crosskey.errors import RetryableError, UncertainError
from crosskey.http import RetryPolicy

OK = httpx.Response(200, json=1)
ONCE = RetryPolicy(attempts=1)


async def fails(client, times: int, path: str = "/a") -> None:
    for _ in range(times):
        with pytest.raises(RetryableError) as caught:
            await client.call("GET", path, decode=int)
        assert caught.value.code != "circuit-open"


async def refused(client, method: str = "GET") -> RetryableError:
    with pytest.raises(RetryableError) as caught:
        await client.call(method, "/a", decode=int)
    assert caught.value.code == "circuit-open"
    return caught.value


@pytest.mark.parametrize("fault", [httpx.Response(503), httpx.ReadTimeout("slow"), httpx.ConnectError("no")])
async def test_ten_faults_in_a_row_open_the_circuit_and_nothing_more_is_sent(client_for, fault):
    server = Script(fault)
    async with client_for(server, retry=ONCE) as client:
        await fails(client, 10)
        error = await refused(client)
        await refused(client)
    assert len(server.requests) == 10
    assert error.wait == 30
    assert "acme.example.test failed 10 times in a row" in error.message


async def test_the_tries_of_a_call_count_and_end_when_the_circuit_opens(client_for, clock):
    server = Script(httpx.Response(503))
    async with client_for(server, retry=RetryPolicy(attempts=4)) as client:
        await fails(client, 3)
        await refused(client)
    assert len(server.requests) == 10, "four, four, and two of the third call, which says what it met itself"


async def test_one_probe_goes_out_and_an_answer_closes_the_circuit(client_for, clock):
    server = Script(*[httpx.Response(503)] * 10, OK)
    async with client_for(server, retry=ONCE) as client:
        await fails(client, 10)
        clock.advance(29)
        await refused(client)
        clock.advance(1)
        assert (await client.call("GET", "/a", decode=int)).value == 1
        assert (await client.call("GET", "/a", decode=int)).value == 1
    assert len(server.requests) == 12


async def test_a_probe_that_fails_opens_it_for_longer_up_to_five_minutes(client_for, clock):
    server = Script(httpx.Response(503))
    async with client_for(server, retry=ONCE) as client:
        await fails(client, 10)
        for wait in (30, 60, 120, 240, 300, 300):
            assert (await refused(client)).wait == wait
            clock.advance(wait)
            await fails(client, 1)
    assert len(server.requests) == 16


@pytest.mark.parametrize("answer", [OK, httpx.Response(404), httpx.Response(403)])
async def test_any_clear_answer_in_between_begins_the_count_anew(client_for, answer):
    server = Script(*[httpx.Response(503)] * 9, answer, *[httpx.Response(503)] * 9, OK)
    async with client_for(server, retry=ONCE) as client:
        await fails(client, 9)
        if answer is OK:
            await client.call("GET", "/a", decode=int)
        else:
            with pytest.raises(Exception, match=str(answer.status_code)):
                await client.call("GET", "/a", decode=int)
        await fails(client, 9)
        assert (await client.call("GET", "/a", decode=int)).value == 1


async def test_a_write_that_an_open_circuit_kept_back_is_not_uncertain(client_for):
    server = Script(httpx.Response(503))
    async with client_for(server, retry=ONCE) as client:
        await fails(client, 10)
        assert not isinstance(await refused(client, "POST"), UncertainError)
    assert len(server.requests) == 10


async def test_another_host_is_another_circuit(client_for):
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(503 if request.url.host == "acme.example.test" else 200, json=1)

    async with client_for(answer, retry=ONCE, hosts=["login.example.test"]) as client:
        await fails(client, 10)
        await refused(client)
        assert (await client.call("GET", "https://login.example.test/a", decode=int)).value == 1


# -- what answers say of the time -------------------------------------------------------------------------------------

DATE = {"Date": "Mon, 05 Jan 2026 09:10:00 GMT"}


async def told(client_for, headers) -> timedelta | None:
    skews = Skews()
    async with client_for(Script(httpx.Response(200, json=1, headers=headers)), skews=skews) as client:
        await client.call("GET", "/a", decode=int)
    worst = skews.worst()
    return None if worst is None else worst[1]


@pytest.mark.parametrize(
    ("headers", "skew"),
    [
        (DATE, -timedelta(minutes=10)),
        ({**DATE, "Age": "600"}, -timedelta(minutes=20)),
        ({**DATE, "Age": "soon"}, -timedelta(minutes=10)),
        ({}, None),
        ({"Date": "yesterday"}, None),
        ({"Date": "Fri, 31 Dec 9999 23:59:59 GMT", "Age": "999999999"}, None),
    ],
)
async def test_the_date_of_an_answer_tells_how_far_our_clock_is_off(client_for, clock, headers, skew):
    assert clock.now() == datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
    assert await told(client_for, headers) == skew


def test_the_clock_that_is_furthest_off_counts_and_the_last_word_of_each_host():
    skews, now = Skews(), datetime(2026, 1, 5, tzinfo=UTC)
    skews.note("a", theirs=now, ours=now + timedelta(hours=1))
    skews.note("a", theirs=now, ours=now)
    skews.note("b", theirs=now + timedelta(minutes=2), ours=now)
    assert skews.worst() == ("b", -timedelta(minutes=2))
    skews.forget()
    assert skews.worst() is None
