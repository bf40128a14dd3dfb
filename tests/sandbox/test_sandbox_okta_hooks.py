"""The local Okta's event hooks: verified by challenge, delivered over real HTTP, at least once and in any order."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from sandbox_okta_client import Service, client, code, new_org
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crosskey_sandbox.okta import READ_ONLY
from crosskey_sandbox.server import serving

HOOKS = "/api/v1/eventHooks"


class Receiver:
    """Answers challenges, keeps deliveries; ``answers`` are the statuses to give, ``slow`` how many to keep waiting."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answers: list[int] = []
        self.slow = 0
        self.echo = True

    def app(self) -> Starlette:
        async def hook(request: Request) -> Response:
            self.headers.append(dict(request.headers))
            if request.method == "GET":
                value = request.headers["x-okta-verification-challenge"]
                return JSONResponse({"verification": value if self.echo else "something else"})
            self.bodies.append(await request.json())
            if self.slow:
                self.slow -= 1
                await asyncio.Event().wait()
            return Response(status_code=self.answers.pop(0) if self.answers else 200)

        return Starlette(routes=[Route("/hook", hook, methods=["GET", "POST"])])

    def events(self) -> list[dict[str, Any]]:
        return [event for body in self.bodies for event in body["data"]["events"]]


@contextmanager
def received() -> Iterator[tuple[Receiver, str]]:
    receiver = Receiver()
    with serving(receiver.app()) as url:
        yield receiver, f"{url}/hook"


def wanted(uri: str, *items: str, **changes: Any) -> dict[str, Any]:
    return {
        "name": "crosskey",
        "events": {"type": "EVENT_TYPE", "items": list(items or ("user.lifecycle.suspend",))},
        "channel": {
            "type": "HTTP",
            "version": "1.0.0",
            "config": {
                "uri": uri,
                "headers": [{"key": "x-more", "value": "1"}],
                "authScheme": {"type": "HEADER", "key": "Authorization", "value": "hook secret"},
            },
        },
        **changes,
    }


async def made(http: httpx.AsyncClient, uri: str, *items: str) -> str:
    """An active and verified hook's path."""
    answer = await http.post(HOOKS, json=wanted(uri, *items))
    path = f"{HOOKS}/{answer.json()['id']}"
    assert (await http.post(f"{path}/lifecycle/verify")).status_code == 200
    return path


async def test_a_hook_is_active_and_silent_until_its_receiver_proved_itself() -> None:
    org = new_org(1)
    with received() as (receiver, uri):
        async with client(org) as http:
            answer = await http.post(HOOKS, json=wanted(uri))
            row = answer.json()
            assert (answer.status_code, row["status"], row["verificationStatus"]) == (200, "ACTIVE", "UNVERIFIED")
            assert row["channel"]["config"]["authScheme"] == {"type": "HEADER", "key": "Authorization"}
            assert "hook secret" not in answer.text
            org.users.suspend("p0000@acme.example")
            org.hooks.courier.settle()
            assert receiver.bodies == []
            verified = await http.post(f"{HOOKS}/{row['id']}/lifecycle/verify")
            assert verified.json()["verificationStatus"] == "VERIFIED"
            assert len(receiver.headers[-1]["x-okta-verification-challenge"]) > 10
            org.users.unsuspend("p0000@acme.example")
            org.users.suspend("p0000@acme.example")
            org.hooks.courier.settle()
    [body] = receiver.bodies
    assert (body["eventType"], body["cloudEventsVersion"]) == ("com.okta.event_hook", "0.1")
    [event] = body["data"]["events"]
    assert event["eventType"] == "user.lifecycle.suspend"
    assert (receiver.headers[-1]["authorization"], receiver.headers[-1]["x-more"]) == ("hook secret", "1")


async def test_a_wrong_answer_to_the_challenge_leaves_it_unverified() -> None:
    org = new_org()
    with received() as (receiver, uri):
        receiver.echo = False
        async with client(org) as http:
            hook = (await http.post(HOOKS, json=wanted(uri))).json()["id"]
            assert code(await http.post(f"{HOOKS}/{hook}/lifecycle/verify")) == (400, "E0000001")
            other = (await http.post(HOOKS, json=wanted("https://desk.acme.example/hook"))).json()["id"]
            refusal = await http.post(f"{HOOKS}/{other}/lifecycle/verify")
            assert "cannot be reached" in refusal.text, "nothing leaves this machine"


async def test_another_address_must_be_verified_again_and_an_active_hook_is_not_deleted() -> None:
    org = new_org()
    with received() as (_, uri):
        async with client(org) as http:
            path = await made(http, uri)
            same = await http.put(path, json=wanted(uri, "user.lifecycle.create"))
            assert same.json()["verificationStatus"] == "VERIFIED"
            moved = await http.put(path, json=wanted(f"{uri}/other"))
            assert moved.json()["verificationStatus"] == "UNVERIFIED"
            assert code(await http.delete(path)) == (400, "E0000001")
            assert (await http.post(f"{path}/lifecycle/deactivate")).json()["status"] == "INACTIVE"
            assert (await http.delete(path)).status_code == 204
            assert code(await http.get(path)) == (404, "E0000007")
            assert (await http.get(HOOKS)).json() == []


@pytest.mark.parametrize(
    ("answers", "slow", "attempts"),
    [([], 0, [200]), ([500], 0, [500, 200]), ([500, 500, 500], 0, [500, 500]), ([404], 0, [404]), ([], 1, [None, 200])],
)
async def test_one_retry_on_5xx_and_time_out_and_none_on_4xx(answers, slow, attempts) -> None:
    org = new_org(1, hook_timeout=0.5)
    with received() as (receiver, uri):
        async with client(org) as http:
            await made(http, uri)
        receiver.answers, receiver.slow = list(answers), slow
        org.users.suspend("p0000@acme.example")
        org.hooks.courier.settle()
    assert [delivery.status for delivery in org.hooks.courier.delivered] == attempts
    assert len({body["eventId"] for body in receiver.bodies}) == 1, "a retry is the same delivery"


@pytest.mark.parametrize(
    ("switches", "bodies", "events"),
    [({}, 1, 12), ({"hook_duplicates": True}, 2, 24), ({"hook_shuffled": True}, 12, 12)],
)
async def test_batches_duplicates_and_any_order(switches, bodies, events) -> None:
    org = new_org(12, **switches)
    with received() as (receiver, uri):
        async with client(org) as http:
            await made(http, uri)
        with org.cell.lock:
            for user in list(org.users.roll):
                org.users.suspend(user.id)
        org.hooks.courier.settle()
    assert (len(receiver.bodies), len(receiver.events())) == (bodies, events)
    assert len({event["uuid"] for event in receiver.events()}) == 12
    published = [event["target"][0]["alternateId"] for event in receiver.events()]
    assert (published == sorted(published)) is (not switches)


@pytest.mark.parametrize(
    "body",
    [
        wanted("https://a.example/x", "user.lifecycle.delete.completed"),
        wanted("https://a.example/x", "no.such.event"),
        wanted("http://a.example/x"),
        wanted("https://a.example/x", name=""),
        {"name": "only"},
    ],
)
async def test_what_cannot_be_a_hook_is_refused(body) -> None:
    async with client(new_org()) as http:
        assert code(await http.post(HOOKS, json=body)) == (400, "E0000001")


async def test_25_active_hooks_are_the_most() -> None:
    async with client(new_org()) as http:
        for number in range(25):
            assert (await http.post(HOOKS, json=wanted(f"https://a.example/{number}"))).status_code == 200
        assert code(await http.post(HOOKS, json=wanted("https://a.example/one-more"))) == (400, "E0000001")


async def test_hooks_need_their_scope_and_a_super_administrator() -> None:
    org = new_org()
    service = Service(org, scopes=("okta.eventHooks.manage",), dpop=False)
    access = (await service.token(scope="okta.eventHooks.manage")).json()["access_token"]
    assert code(await service.get(HOOKS, access)) == (403, "E0000006")
    async with client(org, token=org.access.add_token(READ_ONLY)) as http:
        assert code(await http.get(HOOKS)) == (403, "E0000006")
