"""Security events that are fetched while the doors are served: by one process, through outages, until it ends."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from doors_bench import house
from sso_bench import CLIENT
from sso_provider import ISSUER, signed, unreachable

from crosskey.journal.filelock import FileLock
from crosskey.journal.holder import this_process
from crosskey.settings import Secret
from crosskey.web.doors import fetching

REVOKED = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
POLL = {"signal_poll": f"{ISSUER}/poll", "signal_poll_token": Secret("canary-poll-secret")}


@pytest.fixture
async def doors(tmp_path):
    async with house(tmp_path, settings=POLL) as opened:
        yield opened


class Transmitter:
    """Gives an event once, and counts how often it is asked."""

    def __init__(self, doors):
        self.sets = {}
        self.acknowledged = []
        self.asked = 0
        doors.provider.faults["/poll"] = self

    def __call__(self, request):
        said = json.loads(request.content)
        self.asked += 1
        self.acknowledged += said.get("ack", [])
        sets, self.sets = self.sets, {}
        return httpx.Response(200, json={"sets": sets})


def revoked(doors):
    return signed(
        {
            "iss": doors.provider.issuer,
            "aud": CLIENT,
            "iat": doors.now,
            "jti": "e1",
            "sub_id": {"format": "iss_sub", "iss": doors.provider.issuer, "sub": "ada"},
            "events": {REVOKED: {}},
        },
        header={"typ": "secevent+jwt"},
    )


async def until(true):
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0)


def channels(doors):
    with doors.book as book:
        return {each.channel: each for each in book.channels() if each.door == "agents"}


def chain(doors):
    with doors.book as book:
        return [(event.kind, event.facts["code"]) for event in book.events() if event.kind.startswith("signals.")]


async def test_a_leaver_is_out_at_the_next_click(doors):
    ada = doors.browser()
    await ada.sign_in()
    assert (await ada.verify()).status_code == 200
    doors.clock.advance(5)
    transmitter = Transmitter(doors)
    transmitter.sets = {"e1": revoked(doors)}
    async with fetching(doors.hall):
        await until(lambda: transmitter.acknowledged)
    assert (await ada.verify()).status_code == 401
    assert (transmitter.acknowledged, doors.looks) == (["e1"], 1)
    assert set(channels(doors)) == {"security-event", "poll"}
    with doors.book as book:
        assert book.sessions(ended=True)[0].revoked_because == "session-revoked"


async def test_a_transmitter_that_is_down_is_asked_less_and_less(doors):
    doors.provider.faults["/poll"] = unreachable
    async with fetching(doors.hall):
        await until(lambda: len(doors.provider.asked("/poll")) > 8)
        assert chain(doors) == [("signals.unreachable", "unreachable")]  # told once
        assert max(doors.clock.slept) <= 900
        assert doors.clock.elapsed > 30 * len(doors.clock.slept)
        down = channels(doors)
        assert set(down) == {"poll-failed"}
        transmitter = Transmitter(doors)
        await until(lambda: transmitter.asked)
        await until(lambda: len(chain(doors)) == 2)
    assert chain(doors)[1] == ("signals.reachable", "")
    assert channels(doors)["poll"].heard_at > down["poll-failed"].heard_at


async def test_one_process_asks(doors):
    transmitter = Transmitter(doors)
    path = doors.config.journal.path.with_name("journal.sqlite.poll-agents")
    other = FileLock(path, this_process("desk", doors.clock.now()))
    async with fetching(doors.hall):
        await until(lambda: len(doors.clock.slept) > 5)
        assert transmitter.asked == 0
        other.release()
        await until(lambda: transmitter.asked)  # the other one ended
    asked = transmitter.asked
    for _ in range(20):
        await asyncio.sleep(0)
    assert transmitter.asked == asked  # nothing goes on when the doors close
    FileLock(path, this_process("desk", doors.clock.now())).release()


async def test_a_door_without_a_transmitter_asks_nobody(tmp_path):
    async with house(tmp_path) as doors, fetching(doors.hall):
        for _ in range(20):
            await asyncio.sleep(0)
        assert (doors.clock.slept, doors.provider.requests) == ([], [])
