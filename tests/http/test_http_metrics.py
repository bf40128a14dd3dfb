"""One duration for each request, and what vendors say about their rate limits, by the conventions' names."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from http_script import Script
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from crosskey.errors import CrosskeyError
from crosskey.http import Budget, RetryPolicy
from crosskey.instruments import Instruments

HOST = {"server.address": "acme.example.test"}
BUCKET = {**HOST, "http.request.method": "GET", "url.template": "/a"}
REQUEST = {**BUCKET, "server.port": 443, "url.scheme": "https"}


@pytest.fixture
def reader():
    return InMemoryMetricReader()


@pytest.fixture
def instruments(reader):
    return Instruments(MeterProvider([reader]).get_meter("test"))


def told(reader) -> dict[str, list]:
    data = reader.get_metrics_data()
    return {
        metric.name: list(metric.data.data_points)
        for resource in (data.resource_metrics if data else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


def window(remaining: int, reset: int = 30) -> dict[str, str]:
    return {
        "x-rate-limit-limit": "100",
        "x-rate-limit-remaining": str(remaining),
        "x-rate-limit-reset": str(reset),
    }


async def test_each_request_is_one_duration(client_for, clock, reader, instruments):
    async def answer(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        clock.advance(0.2)
        return answers.pop(0)

    answers = [httpx.Response(503), httpx.Response(200, json=1)]
    async with client_for(answer, instruments=instruments) as client:
        await client.call("GET", "/a?filter=canary", decode=int)
    points = {
        point.attributes["http.response.status_code"]: point for point in told(reader)["http.client.request.duration"]
    }
    assert dict(points[503].attributes) == {**REQUEST, "http.response.status_code": 503, "error.type": "503"}
    assert dict(points[200].attributes) == {
        **REQUEST,
        "http.response.status_code": 200,
        "http.request.resend_count": 1,
    }
    assert [points[status].count for status in (503, 200)] == [1, 1]
    assert points[200].sum == pytest.approx(0.2)


async def test_a_request_without_an_answer_is_told_by_its_class(client_for, reader, instruments):
    server = Script(httpx.ReadError("canary in the message"))
    async with client_for(server, instruments=instruments, retry=RetryPolicy(attempts=1)) as client:
        with pytest.raises(CrosskeyError):
            await client.call("GET", "/a", decode=int)
    [point] = told(reader)["http.client.request.duration"]
    assert dict(point.attributes) == {**REQUEST, "error.type": "ReadError"}


async def test_a_window_is_told_as_the_newest_answer_told_it(client_for, reader, instruments):
    answers = [httpx.Response(200, json=1, headers=window(remaining)) for remaining in (99, 98)]
    async with client_for(Script(*answers), instruments=instruments) as client:
        await client.call("GET", "/a", decode=int)
        await client.call("GET", "/a", decode=int)
    metrics = told(reader)
    for name, value in (("limit", 100), ("remaining", 98)):
        [point] = metrics[f"crosskey.ratelimit.{name}"]
        assert (dict(point.attributes), point.value) == (BUCKET, value)
    assert "crosskey.ratelimit.throttled.count" not in metrics
    assert "crosskey.ratelimit.wait.duration" not in metrics


async def test_a_refusal_as_too_many_is_counted_and_the_wait_for_it_timed(client_for, clock, reader, instruments):
    throttled = httpx.Response(429, headers={"Retry-After": "30"})
    async with client_for(Script(throttled, httpx.Response(200, json=1)), instruments=instruments) as client:
        await client.call("GET", "/a", decode=int)
    metrics = told(reader)
    [count] = metrics["crosskey.ratelimit.throttled.count"]
    [wait] = metrics["crosskey.ratelimit.wait.duration"]
    assert (dict(count.attributes), count.value) == (BUCKET, 1)
    assert (dict(wait.attributes), wait.sum) == (HOST, clock.elapsed) == (HOST, 30)


async def test_waiting_before_the_server_says_no_is_timed_too(client_for, clock, reader, instruments):
    answers = [httpx.Response(200, json=1, headers=window(0)), httpx.Response(200, json=1)]
    async with client_for(Script(*answers), instruments=instruments) as client:
        await client.call("GET", "/a", decode=int)
        await client.call("GET", "/a", decode=int)
    [wait] = told(reader)["crosskey.ratelimit.wait.duration"]
    assert wait.sum == clock.elapsed > 0


async def test_a_budget_of_our_own_is_timed_too(client_for, clock, reader, instruments):
    answers = [httpx.Response(200, json=1) for _ in range(3)]
    async with client_for(Script(*answers), instruments=instruments, budget=Budget(1, 60)) as client:
        for _ in range(3):
            await client.call("GET", "/a", decode=int)
    [wait] = told(reader)["crosskey.ratelimit.wait.duration"]
    assert (wait.count, wait.sum) == (2, clock.elapsed)


async def test_a_retry_after_a_fault_is_no_wait_for_a_rate_limit(client_for, reader, instruments):
    async with client_for(Script(httpx.Response(503), httpx.Response(200, json=1)), instruments=instruments) as client:
        await client.call("GET", "/a", decode=int)
    assert "crosskey.ratelimit.wait.duration" not in told(reader)
