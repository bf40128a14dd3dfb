"""What an instance's context lends, and where tests and recordings get in."""

from __future__ import annotations

import httpx
import pytest

from crosskey.clock import SystemClock
from crosskey.context import InstanceContext
from crosskey.errors import AuthError
from fake_clock import FakeClock


def context(answer) -> tuple[InstanceContext, list[str]]:
    asked: list[str] = []

    def transport(instance: str) -> httpx.AsyncBaseTransport:
        asked.append(instance)
        return httpx.MockTransport(answer)

    return InstanceContext("source.corp", clock=FakeClock(), transport=transport), asked


async def test_a_client_talks_through_the_transport_of_its_instance():
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=["ada"])

    lent, asked = context(answer)
    async with lent.http("https://acme.example.com", headers={"X-Team": "desk"}) as client:
        reply = await client.call("GET", "/people", decode=list[str])
    assert reply.value == ["ada"]
    assert asked == ["source.corp"]
    assert seen[0].headers["X-Team"] == "desk"


async def test_errors_name_the_instance_and_waits_go_through_the_clock():
    answers = iter([httpx.Response(503), httpx.Response(401)])
    lent, _ = context(lambda request: next(answers))
    with pytest.raises(AuthError) as caught:
        async with lent.http("https://acme.example.com") as client:
            await client.call("GET", "/people", decode=list[str])
    assert "source.corp" in str(caught.value)
    assert lent.clock.slept


def test_a_context_bears_the_name_of_its_instance():
    lent = InstanceContext("target.desk")
    assert lent.instance == "target.desk"
    assert lent.logger.name == "crosskey.target.desk"
    with lent.tracer.start_as_current_span("read") as span:
        assert not span.is_recording()
    assert isinstance(lent.clock, SystemClock)
