"""Security events that are fetched: taken, refused, or left for the next time."""

from __future__ import annotations

import json

import httpx
from sso_bench import CLIENT, ISSUER, opened
from sso_provider import rsa, signed, unreachable

from crosskey.settings import Secret
from crosskey.sso.context import DoorContext
from crosskey.sso.polling import poll_events

REVOKED = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"


def event(bench, number, **parts):
    claims = {"iss": ISSUER, "aud": CLIENT, "iat": bench.now, "jti": f"e{number}", "events": {REVOKED: {}}}
    claims["sub_id"] = {"format": "iss_sub", "iss": ISSUER, "sub": "ada"}
    return signed(claims, header={"typ": "secevent+jwt"}, **parts)


class Transmitter:
    """Gives what it holds until it is told what became of it."""

    def __init__(self, sets):
        self.sets = dict(sets)
        self.asked = []

    def __call__(self, request):
        said = json.loads(request.content)
        self.asked.append((request.headers["authorization"], said))
        for id_ in (*said["ack"], *said["setErrs"]):
            self.sets.pop(id_, None)
        return httpx.Response(200, json={"sets": self.sets, "moreAvailable": False})


async def polled(bench, transmitter):
    bench.provider.faults["/poll"] = transmitter
    context = DoorContext(bench.section, bench.book, clock=bench.clock, transport=lambda instance: bench.provider)
    async with context.http(ISSUER) as client:
        return await poll_events(client, f"{ISSUER}/poll", Secret("canary-poll-secret"), bench.keeper)


async def test_what_waits_is_carried_out_and_acknowledged(tmp_path):
    async with opened(tmp_path) as bench:
        await bench.sign_in()
        bench.clock.advance(2)
        transmitter = Transmitter({"e1": event(bench, 1), "e2": event(bench, 2, key=rsa("thief"))})
        assert await polled(bench, transmitter) == 1
        assert (bench.inside, transmitter.sets) == (0, {})
        first, second = transmitter.asked
        assert first[0] == "Bearer canary-poll-secret"
        assert second[1]["ack"] == ["e1"]
        assert second[1]["setErrs"]["e2"] == {"err": "invalid_key", "description": "signature-invalid"}


async def test_what_cannot_be_judged_now_is_left_for_the_next_time(tmp_path):
    async with opened(tmp_path) as bench:
        await bench.flow.discover()
        bench.provider.faults["/keys"] = unreachable
        transmitter = Transmitter({"e1": event(bench, 1)})
        assert await polled(bench, transmitter) == 0
        assert list(transmitter.sets) == ["e1"]
        assert len(transmitter.asked) == 1
        del bench.provider.faults["/keys"]
        bench.clock.advance(10)
        assert await polled(bench, transmitter) == 1
        assert transmitter.sets == {}
