"""Hooks and notifications make a look sooner; they never enable anybody, and a flood of them is bounded."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from starlette.applications import Starlette

from crosskey.connector.signal import SignalRequest
from crosskey.settings import Secret
from crosskey.web import Limits, hook_routes
from crosskey_entra.signals import Notifications
from crosskey_okta.signals import receive
from fake_clock import FakeClock

SECRET = "canary-hook-secret-of-thirty-two-letters"
TENANT = "11111111-1111-1111-1111-111111111111"
ADA = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"


def told(*events, kind="user.lifecycle.deactivate"):
    found = [
        {
            "uuid": uuid,
            "eventType": kind,
            "published": "2026-01-05T09:00:00.000Z",
            "outcome": {"result": "SUCCESS"},
            "target": [{"type": "User", "id": who}],
        }
        for uuid, who in events
    ]
    return json.dumps({"eventType": "com.okta.event_hook", "data": {"events": found}}).encode()


def okta(body=b"", *, method="POST", **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return receive(SignalRequest(method=method, headers=headers, body=body), Secret(SECRET))


def test_i9_a_challenge_is_echoed():
    answer = okta(method="GET", x_okta_verification_challenge="word")
    assert json.loads(answer.body) == {"verification": "word"}


@pytest.mark.parametrize("authorization", ["", "wrong", f"Bearer {SECRET}"])
def test_i9_without_the_secret_nothing_is_heard(authorization):
    answer = okta(told(("1", "00u1")), authorization=authorization)
    assert (answer.verdict, answer.status, answer.people) == ("refused", 401, frozenset())


def test_i9_several_events_name_each_and_the_same_one_once():
    answer = okta(told(("1", "00u1"), ("2", "00u2"), ("2", "00u2")), authorization=SECRET)
    assert (answer.verdict, answer.people, answer.events) == ("accepted", {"00u1", "00u2"}, ("1", "2"))
    assert 200 <= answer.status < 300


def graph(*notifications, secret=SECRET, **query):
    body = json.dumps({"value": list(notifications)}).encode()
    found = Notifications(Secret(secret), TENANT)
    return found.receive(SignalRequest(method="POST", query=query, body=body))


def notification(**changes):
    return {
        "clientState": SECRET,
        "tenantId": TENANT,
        "subscriptionId": "s1",
        "resourceData": {"id": ADA, "@odata.type": "#Microsoft.Graph.User"},
        **changes,
    }


def test_i10_a_validation_is_echoed_as_plain_text_within_limits():
    answer = graph(validationToken="Validation: abc")
    assert (answer.verdict, answer.content_type, answer.body) == ("challenge", "text/plain", b"Validation: abc")
    assert graph(validationToken="x" * 100_000).verdict == "refused"


def test_i10_of_another_secret_or_tenant():
    for changes in ({"clientState": "wrong"}, {"clientState": None}, {"tenantId": ADA}):
        assert graph(notification(**changes)).verdict == "refused"
    assert graph(notification(), notification(clientState="wrong")).people == {ADA}


@pytest.mark.parametrize(
    ("event", "renew", "changes"),
    [("reauthorizationRequired", True, False), ("subscriptionRemoved", True, True), ("missed", False, True)],
)
def test_i10_what_graph_says_of_the_subscription(event, renew, changes):
    answer = graph(notification(lifecycleEvent=event))
    assert (answer.renew, answer.changes, answer.people) == (renew, changes, frozenset())


def test_i11_activated_is_only_a_name_to_look_at():
    answer = okta(told(("1", "00u1"), kind="user.lifecycle.activate"), authorization=SECRET)
    assert (answer.verdict, answer.people, answer.changes) == ("accepted", {"00u1"}, False)
    assert not hasattr(answer, "enable")


class Source:
    issuer = "https://acme.okta.example"

    def receive(self, request):
        return receive(request, Secret(SECRET))


class Sources(dict):
    async def get(self, name):
        return super().get(name)


async def test_i12_a_flood_is_turned_away_and_the_poller_catches_up():
    woken = []
    routes = hook_routes(
        Sources(corp=Source()),
        lambda people, *, changes: woken.append((people, changes)),
        FakeClock(),
        limits=Limits(requests_burst=20, signals_burst=5),
    )
    app = Starlette(routes=routes)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://public.example") as client:
        statuses = [
            (
                await client.post(
                    "/hooks/corp", content=told((str(number), f"00u{number}")), headers={"authorization": SECRET}
                )
            ).status_code
            for number in range(50)
        ]
    assert statuses.count(429) == 30
    assert sum(len(people) for people, _ in woken) == 5, "the others become one round of changes"
    for _ in range(3):
        await asyncio.sleep(0)
    assert (frozenset(), True) in woken
