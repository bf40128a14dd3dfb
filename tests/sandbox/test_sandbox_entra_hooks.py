"""Subscriptions of the local Entra: what one must be, how it is validated, what it tells and how it ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sandbox_entra_client import client, code, group, new_tenant
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from crosskey_sandbox.entra.cell import time_text
from crosskey_sandbox.server import serving

PATH = "/v1.0/subscriptions"
ROLES = ("User.Read.All", "Group.Read.All")


class Receiver:
    """Takes notifications; ``status`` and ``echo`` are what it answers."""

    def __init__(self) -> None:
        self.url = ""
        self.status = 202
        self.echo: str | None = None
        self.media_type = "text/plain"
        self.validations = 0
        self.bodies: list[dict[str, Any]] = []
        self.came = threading.Event()

    async def __call__(self, request: Request) -> Response:
        token = request.query_params.get("validationToken")
        if token is not None:
            self.validations += 1
            return PlainTextResponse(token if self.echo is None else self.echo, media_type=self.media_type)
        self.bodies.append(await request.json())
        self.came.set()
        return Response(status_code=self.status)

    @property
    def items(self) -> list[dict[str, Any]]:
        return [item for body in self.bodies for item in body["value"]]


@contextmanager
def a_receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    with serving(Starlette(routes=[Route("/hook", receiver.__call__, methods=["POST"])])) as url:
        receiver.url = f"{url}/hook"
        yield receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as made:
        yield made


def asked(tenant: Any, receiver: Any, **changes: Any) -> dict[str, Any]:
    ends = tenant.cell.clock.now() + timedelta(days=28)
    url = receiver if isinstance(receiver, str) else receiver.url
    return {
        "changeType": "updated,deleted",
        "resource": "users",
        "notificationUrl": url,
        "lifecycleNotificationUrl": url,
        "expirationDateTime": time_text(ends),
        "clientState": "state",
        **changes,
    }


async def test_it_is_validated_shown_without_its_secret_prolonged_and_removed(receiver):
    tenant = new_tenant()
    async with client(tenant, *ROLES) as http:
        made = await http.post(PATH, json=asked(tenant, receiver))
        assert made.status_code == 201
        assert receiver.validations == 1, "both addresses are one"
        [shown] = (await http.get(PATH)).json()["value"]
        assert (shown["id"], shown["clientState"]) == (made.json()["id"], None)
        one = f"{PATH}/{shown['id']}"
        later = time_text(tenant.cell.clock.now() + timedelta(days=29))
        assert (await http.patch(one, json={"expirationDateTime": later})).json()["expirationDateTime"] == later
        assert (await http.post(f"{one}/reauthorize")).status_code == 204
        assert (await http.get(one)).status_code == 200
        assert (await http.delete(one)).status_code == 204
        assert (await http.delete(one)).status_code == 404
        assert (await http.get(PATH)).json()["value"] == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"resource": "devices"}, (400, "InvalidRequest")),
        ({"changeType": "created"}, (400, "InvalidRequest")),
        ({"changeType": ""}, (400, "InvalidRequest")),
        ({"clientState": "x" * 129}, (400, "InvalidRequest")),
        ({"expirationDateTime": "2026-02-03T09:01:00Z"}, (400, "InvalidRequest")),  # 41,761 minutes
        ({"expirationDateTime": "2026-01-05T09:00:00Z"}, (400, "InvalidRequest")),
        ({"expirationDateTime": "soon"}, (400, "InvalidRequest")),
        ({"notificationUrl": "https://hooks.acme.example/corp"}, (400, "InvalidRequest")),
        ({"notificationUrl": ""}, (400, "InvalidRequest")),
    ],
)
async def test_what_is_refused(receiver, changes, expected):
    tenant = new_tenant()
    async with client(tenant, *ROLES) as http:
        assert code(await http.post(PATH, json=asked(tenant, receiver, **changes))) == expected
    assert receiver.validations == 0


@pytest.mark.parametrize("flaw", [{"echo": "something else"}, {"media_type": "text/html"}])
async def test_an_address_that_does_not_give_the_token_back_gets_no_subscription(receiver, flaw):
    tenant = new_tenant()
    for name, value in flaw.items():
        setattr(receiver, name, value)
    async with client(tenant, *ROLES) as http:
        assert code(await http.post(PATH, json=asked(tenant, receiver))) == (400, "ValidationError")
        assert code(await http.post(PATH, json=asked(tenant, "http://127.0.0.1:9/"))) == (400, "ValidationError")
        assert (await http.get(PATH)).json()["value"] == []
    assert tenant.counted(PATH, method="POST") == 2


async def test_a_short_life_is_made_longer_and_each_resource_needs_its_permission(receiver):
    tenant = new_tenant()
    soon = {"expirationDateTime": time_text(tenant.cell.clock.now() + timedelta(minutes=1))}
    async with client(tenant, "User.Read.All", "GroupMember.Read.All") as http:
        made = await http.post(PATH, json=asked(tenant, receiver, **soon))
        assert made.json()["expirationDateTime"] == time_text(tenant.cell.clock.now() + timedelta(minutes=45))
        assert code(await http.post(PATH, json=asked(tenant, receiver, resource="groups"))) == (
            403,
            "Authorization_RequestDenied",
        )
    async with client(tenant, *ROLES) as other:
        assert (await other.get(PATH)).json()["value"] == [], "another app's"


async def test_changes_are_told_as_documented(receiver):
    tenant = new_tenant(people=2)
    anna, bert = tenant.directory.live("user")
    async with client(tenant, *ROLES) as http:
        for kind in ("users", "groups"):
            await http.post(PATH, json=asked(tenant, receiver, resource=kind))
    tenant.directory.update(anna.id, {"jobTitle": "Baker"})
    tenant.directory.delete(bert.id)
    tenant.directory.purge(bert.id)
    staff = group(tenant, "Staff", anna)
    assert tenant.courier.deliver() == len(receiver.items) == 5
    told = [(item["resource"], item["changeType"]) for item in receiver.items]
    assert told == [
        (f"Users/{anna.id}", "updated"),
        (f"Users/{bert.id}", "updated"),
        (f"Users/{bert.id}", "deleted"),
        (f"Groups/{staff.id}", "updated"),
        (f"Groups/{staff.id}", "updated"),
    ]
    [first, *_] = receiver.items
    assert (first["clientState"], first["tenantId"]) == ("state", tenant.id)
    assert first["resourceData"]["@odata.type"] == "#Microsoft.Graph.User"
    assert tenant.courier.deliver() == 0, "each change once"


async def test_what_is_not_taken_goes_again_for_four_hours(receiver):
    tenant = new_tenant(people=1)
    async with client(tenant, *ROLES) as http:
        await http.post(PATH, json=asked(tenant, receiver))
    [anna] = tenant.directory.live("user")
    tenant.directory.update(anna.id, {"jobTitle": "Baker"})
    receiver.status = 503
    assert tenant.courier.deliver() == 0
    receiver.status = 202
    assert tenant.courier.deliver() == 1
    receiver.status = 503
    tenant.directory.update(anna.id, {"jobTitle": "Chief"})
    tenant.courier.deliver()
    tenant.cell.clock.advance(4 * 3600)
    tenant.courier.deliver()
    receiver.status = 202
    assert tenant.courier.deliver() == 0, "dropped"


async def test_switches_of_delivery(receiver):
    tenant = new_tenant(people=4, notification_delay=60.0, notification_batch=2, notification_repeats=1)
    async with client(tenant, *ROLES) as http:
        await http.post(PATH, json=asked(tenant, receiver))
    for user in tenant.directory.live("user"):
        tenant.directory.update(user.id, {"jobTitle": "Baker"})
    assert tenant.courier.deliver() == 0
    tenant.cell.clock.advance(60)
    assert tenant.courier.deliver() == 8
    assert [len(body["value"]) for body in receiver.bodies] == [2, 2, 2, 2]
    tenant.quirks = type(tenant.quirks)(lost_notifications=2)
    for user in tenant.directory.live("user"):
        tenant.directory.update(user.id, {"jobTitle": "Chief"})
    assert tenant.courier.deliver() == 2


async def test_on_a_stage_notifications_come_by_themselves(receiver):
    tenant = new_tenant(people=1)
    async with client(tenant, *ROLES) as http:
        await http.post(PATH, json=asked(tenant, receiver))
    [anna] = tenant.directory.live("user")
    with tenant.courier.delivering(0.001):
        tenant.directory.update(anna.id, {"jobTitle": "Baker"})
        assert receiver.came.wait(30)
    assert len(receiver.items) == 1


async def test_its_end_is_told_a_day_ahead_and_then_it_is_gone(receiver):
    tenant = new_tenant(people=1)
    async with client(tenant, *ROLES) as http:
        await http.post(PATH, json=asked(tenant, receiver))
    tenant.cell.clock.advance(27.5 * 86_400)
    assert tenant.courier.deliver() == 1
    [item] = receiver.items
    assert (item["lifecycleEvent"], item["clientState"]) == ("reauthorizationRequired", "state")
    assert tenant.courier.deliver() == 0, "once"
    tenant.cell.clock.advance(86_400)
    [anna] = tenant.directory.live("user")
    tenant.directory.update(anna.id, {"jobTitle": "Baker"})
    assert tenant.courier.deliver() == 0, "it lapsed"


@pytest.mark.parametrize(("event", "left"), [("missed", 1), ("subscriptionRemoved", 0)])
async def test_other_lifecycle_events(receiver, event, left):
    tenant = new_tenant()
    async with client(tenant, *ROLES) as http:
        await http.post(PATH, json=asked(tenant, receiver))
        tenant.courier.lifecycle(event)
        assert tenant.courier.deliver() == 1
        assert receiver.items[0]["lifecycleEvent"] == event
        assert len((await http.get(PATH)).json()["value"]) == left


async def test_an_app_has_a_hundred_subscriptions_at_most(receiver):
    tenant = new_tenant()
    async with client(tenant, *ROLES) as http:
        for _ in range(100):
            tenant.subscriptions.create(asked(tenant, receiver), tenant.application.client_id)
        http.headers["authorization"] = f"Bearer {tenant.applications.issue(tenant.application)[0]}"
        assert code(await http.post(PATH, json=asked(tenant, receiver))) == (403, "Forbidden")


# ------------------------------------------------------------------------------------------- what else a source asks for


async def test_who_reports_to_somebody():
    tenant = new_tenant(people=3)
    boss, one, other = tenant.directory.live("user")
    tenant.directory.set_manager(one.id, boss.id)
    tenant.directory.set_manager(other.id, boss.id)
    async with client(tenant) as http:
        told = (await http.get(f"/v1.0/users/{boss.id}/directReports?$select=id")).json()["value"]
        assert told == [{"@odata.type": "#microsoft.graph.user", "id": who.id} for who in (one, other)]
        tenant.directory.delete(one.id)
        told = (await http.get(f"/v1.0/users/{boss.id}/directReports?$select=id")).json()["value"]
        assert [row["id"] for row in told] == [other.id]


async def test_the_bin_is_as_late_as_any_other_read():
    tenant = new_tenant(people=2, replication_lag=30.0)
    first, _ = tenant.directory.live("user")
    path = "/v1.0/directory/deletedItems/microsoft.graph.user?$select=id"
    tenant.directory.delete(first.id)
    async with client(tenant) as http:
        assert (await http.get(path)).json()["value"] == []
        tenant.cell.clock.advance(31)
        assert [row["id"] for row in (await http.get(path)).json()["value"]] == [first.id]


async def test_a_registration_tells_when_its_secrets_end():
    tenant = new_tenant()
    ends = tenant.cell.clock.now() + timedelta(days=30)
    tenant.applications.add_secret(tenant.application, "another secret", expires=ends)
    path = f"/v1.0/applications(appId='{tenant.application.client_id}')?$select=passwordCredentials"
    async with client(tenant) as http:
        told = (await http.get(path)).json()["passwordCredentials"]
        assert [one["endDateTime"] for one in told] == [None, time_text(ends)]
        assert all(one["secretText"] is None for one in told)
        assert (await http.get("/v1.0/applications(appId='unknown')")).status_code == 404
    async with client(tenant, "User.Read.All") as http:
        assert (await http.get(path)).status_code == 403
