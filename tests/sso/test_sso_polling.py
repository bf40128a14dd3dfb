"""Security events that are fetched: taken, refused, or left for the next time."""

from __future__ import annotations

import json
from datetime import timedelta

import httpx
import pytest
from sso_bench import CLIENT, ISSUER, oidc_settings, okta_settings, opened
from sso_provider import answering, rsa, signed, unreachable

from crosskey.connector.signal_poll import SignalPoll
from crosskey.errors import ConfigError, CrosskeyError
from crosskey.settings import Secret
from crosskey.sso.context import DoorContext
from crosskey.sso.polling import SignalPoller

REVOKED = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
POLL = SignalPoll(url=f"{ISSUER}/poll", token=Secret("canary-poll-secret"), every=timedelta(seconds=30))


def event(bench, number, **parts):
    claims = {"iss": ISSUER, "aud": CLIENT, "iat": bench.now, "jti": f"e{number}", "events": {REVOKED: {}}}
    claims["sub_id"] = {"format": "iss_sub", "iss": ISSUER, "sub": "ada"}
    return signed(claims, header={"typ": "secevent+jwt"}, **parts)


class Transmitter:
    """Gives what it holds until it is told what became of it; ``holds``: so long it lets a question wait for events."""

    def __init__(self, bench, sets, *, holds=0.0):
        self.bench = bench
        self.sets = dict(sets)
        self.holds = holds
        self.asked = []
        self.deaf = False

    def __call__(self, request):
        said = json.loads(request.content)
        self.asked.append((request.headers, said))
        if not self.deaf:
            for id_ in (*said.get("ack", ()), *said.get("setErrs", ())):
                self.sets.pop(id_, None)
        if not self.sets and not said["returnImmediately"]:
            self.bench.clock.advance(self.holds)
        first = dict(list(self.sets.items())[: said["maxEvents"]])
        return httpx.Response(200, json={"sets": first, "moreAvailable": len(self.sets) > len(first)})


class Polling:
    """A poller and what it asks with, a question at a time."""

    def __init__(self, bench, transmitter):
        bench.provider.faults["/poll"] = transmitter
        self.bench = bench
        self.poller = SignalPoller(POLL, bench.keeper.hear, bench.clock)
        self.context = DoorContext(
            bench.section, bench.book, clock=bench.clock, transport=lambda instance: bench.provider
        )

    async def ask(self, times=1):
        """What the last of so many questions came to."""
        async with self.context.http(ISSUER) as client:
            for _ in range(times):
                fetched = await self.poller.ask(client)
        return fetched


async def test_what_waits_is_carried_out_and_acknowledged(tmp_path):
    async with opened(tmp_path) as bench:
        await bench.sign_in()
        bench.clock.advance(2)
        transmitter = Transmitter(bench, {"e1": event(bench, 1), "e2": event(bench, 2, key=rsa("thief"))})
        polling = Polling(bench, transmitter)
        fetched = await polling.ask()
        assert (fetched.heard, fetched.refused, fetched.wait, bench.inside) == (1, 1, 0.0, 0)
        assert {subject.id for subject in fetched.look} == {"ada"}
        await polling.ask()
        assert transmitter.sets == {}
        (headers, first), (telling, second) = transmitter.asked
        assert headers["authorization"] == "Bearer canary-poll-secret"
        assert first == {"maxEvents": 50, "returnImmediately": False}
        assert second["ack"] == ["e1"]
        assert second["setErrs"] == {"e2": {"err": "invalid_key", "description": "signature-invalid"}}
        assert telling["content-language"] == "en"  # of the descriptions


async def test_what_cannot_be_judged_now_is_left_for_the_next_time(tmp_path):
    async with opened(tmp_path) as bench:
        await bench.flow.discover()
        bench.provider.faults["/keys"] = unreachable
        transmitter = Transmitter(bench, {"e1": event(bench, 1)})
        polling = Polling(bench, transmitter)
        fetched = await polling.ask()
        assert (fetched.heard, fetched.refused, list(transmitter.sets)) == (0, 0, ["e1"])
        assert fetched.wait > 0  # nothing would be another at once
        del bench.provider.faults["/keys"]
        bench.clock.advance(10)
        await polling.ask(2)
        assert transmitter.sets == {}
        assert "setErrs" not in transmitter.asked[-1][1]


@pytest.mark.parametrize(("holds", "wait"), [(0.0, 30.0), (25.0, 5.0), (60.0, 0.0)])
async def test_a_transmitter_that_lets_us_wait_is_asked_all_the_time(tmp_path, holds, wait):
    async with opened(tmp_path) as bench:
        polling = Polling(bench, Transmitter(bench, {}, holds=holds))
        assert (await polling.ask()).wait == pytest.approx(wait)


async def test_one_that_lets_us_wait_too_long_is_asked_for_what_it_has(tmp_path):
    """For an hour: then it may be that only the connection was cut."""
    async with opened(tmp_path) as bench:
        answers = Transmitter(bench, {})
        waited = []

        def slow(request):
            if not json.loads(request.content)["returnImmediately"]:
                waited.append(bench.clock.now())
                raise httpx.ReadTimeout("nothing came", request=request)
            return answers(request)

        polling = Polling(bench, slow)
        assert (await polling.ask(3)).wait == pytest.approx(30.0)
        assert (len(waited), len(answers.asked)) == (1, 3)
        bench.clock.advance(3601)
        await polling.ask()
        assert len(waited) == 2


async def test_many_events_come_in_pieces(tmp_path):
    async with opened(tmp_path) as bench:
        transmitter = Transmitter(bench, {f"e{number}": event(bench, number) for number in range(70)})
        polling = Polling(bench, transmitter)
        assert ((await polling.ask()).heard, (await polling.ask()).heard) == (50, 20)
        await polling.ask()
        assert transmitter.sets == {}


async def test_a_transmitter_that_hears_nothing_does_not_make_us_spin(tmp_path):
    async with opened(tmp_path) as bench:
        transmitter = Transmitter(bench, {"e1": event(bench, 1)})
        transmitter.deaf = True
        polling = Polling(bench, transmitter)
        assert max([(await polling.ask()).wait for _ in range(30)]) == pytest.approx(30.0)
        assert len(bench.chain("signal.heard")) == 1


@pytest.mark.parametrize(
    "fault", [unreachable, answering(401), answering(500), answering(200, text="<html>"), answering(302)]
)
async def test_what_was_to_be_told_is_told_once_it_answers_again(tmp_path, fault):
    async with opened(tmp_path) as bench:
        transmitter = Transmitter(bench, {"e1": event(bench, 1)})
        polling = Polling(bench, transmitter)
        await polling.ask()
        bench.provider.faults["/poll"] = fault
        with pytest.raises(CrosskeyError) as caught:
            await polling.ask()
        waits = [polling.poller.wait_after(caught.value) for _ in range(8)]
        assert waits[:3] == [60.0, 120.0, 240.0]
        assert waits[-1] == 900.0
        bench.provider.faults["/poll"] = transmitter
        bench.clock.advance(120)  # whatever kept us from asking at all is over
        await polling.ask()
        assert transmitter.sets == {}


@pytest.mark.parametrize("settings", [oidc_settings, okta_settings])
def test_where_events_are_fetched_is_said_whole(settings):
    assert settings().poll is None
    token = Secret("canary-token")
    found = settings(signal_poll="https://id.acme.example/poll", signal_poll_token=token).poll
    assert (found.url, found.every) == ("https://id.acme.example/poll", timedelta(seconds=30))
    assert settings(signal_poll="http://127.0.0.1:9/poll", signal_poll_token=token).poll is not None
    for where, parts in (
        ("signal_poll", {"signal_poll": "https://id.acme.example/poll"}),
        ("signal_poll_token", {"signal_poll_token": token}),
        ("signal_poll", {"signal_poll": "http://id.acme.example/poll", "signal_poll_token": token}),
        ("signal_poll", {"signal_poll": "https://ada:x@id.acme.example/", "signal_poll_token": token}),
        ("signal_poll", {"signal_poll": "https://[id/", "signal_poll_token": token}),
        (
            "signal_poll_every",
            {
                "signal_poll": "https://id.acme.example/poll",
                "signal_poll_token": token,
                "signal_poll_every": timedelta(seconds=1),
            },
        ),
    ):
        with pytest.raises(ConfigError) as caught:
            settings(**parts)
        assert caught.value.where == where
