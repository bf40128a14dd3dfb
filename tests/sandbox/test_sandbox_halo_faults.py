from __future__ import annotations

import httpx
import pytest
from sandbox_halo_client import signed_in, small_desk, token

from crosskey_sandbox.halo import Fault, HaloQuirks, halo_app
from crosskey_sandbox.server import serving
from fake_clock import FakeClock

ADA = [{"name": "Ada", "site_id": 1}]


def names(desk):
    return [write.after.name for write in desk.writes]


@pytest.mark.parametrize(
    ("effect", "status", "saved"),
    [
        ("error_before", 500, []),
        ("error_after", 500, ["Ada"]),
        ("unavailable", 503, []),
        ("throttled", 429, []),
        ("html", 200, []),
    ],
)
async def test_an_answer_that_is_wrong(effect, status, saved):
    desk = small_desk()
    desk.fail(Fault(effect=effect))
    async with signed_in(desk) as client:
        answer = await client.post("/api/Users", json=ADA)
        assert (answer.status_code, names(desk)) == (status, saved)
        assert ("<html>" in answer.text) == (effect == "html")
        assert (await client.post("/api/Users", json=ADA)).status_code == 201


@pytest.mark.parametrize(("effect", "saved"), [("lost_before", []), ("lost_after", ["Ada"]), ("late", [])])
def test_a_connection_that_closes_without_an_answer(effect, saved):
    desk = small_desk()
    desk.fail(Fault(effect=effect, resource="Users"))
    with serving(halo_app(desk)) as url, httpx.Client(base_url=url) as client:
        application = desk.application
        form = {"grant_type": "client_credentials", "client_id": application.client_id, "scope": "all"}
        answer = client.post("/auth/token", data=form | {"client_secret": application.client_secret})
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        with pytest.raises(httpx.RemoteProtocolError):
            client.post("/api/Users", json=ADA)
        assert (names(desk), desk.requests[-1].status) == (saved, 0)
        assert client.post("/api/Users", json=ADA).status_code == 201


async def test_a_late_write_arrives_when_its_time_comes():
    clock = FakeClock()
    desk = small_desk(clock)
    desk.fail(Fault(effect="late", delay=30.0))
    async with signed_in(desk) as client:
        with pytest.raises(ConnectionAbortedError):
            await client.post("/api/Users", json=ADA)
        clock.advance(29)
        await client.get("/api/Team")
        assert names(desk) == []
        clock.advance(1)
        await client.get("/api/Team")
        assert names(desk) == ["Ada"]


async def test_late_writes_can_be_let_in():
    desk = small_desk()
    desk.fail(Fault(effect="late"))
    async with signed_in(desk) as client:
        with pytest.raises(ConnectionAbortedError):
            await client.post("/api/Users", json=ADA)
    desk.settle()
    assert names(desk) == ["Ada"]


async def test_a_fault_hits_the_requests_it_names():
    desk = small_desk()
    desk.fail(Fault(effect="error_before", method="GET", resource="Site", skip=1, times=2))
    async with signed_in(desk) as client:
        sites = [(await client.get("/api/site")).status_code for _ in range(4)]
        assert sites == [200, 500, 500, 200]
        assert (await client.get("/api/Team")).status_code == 200


async def test_every_third_request_may_go_wrong_without_end():
    desk = small_desk()
    desk.fail(Fault(effect="throttled", method="GET", every=3, times=None))
    async with signed_in(desk) as client:
        assert [(await client.get("/api/Team")).status_code for _ in range(7)] == [200, 200, 429, 200, 200, 429, 200]


async def test_a_truncated_answer_is_half_of_what_was_done():
    desk = small_desk()
    desk.fail(Fault(effect="truncated"))
    async with signed_in(desk) as client:
        answer = await client.post("/api/Users", json=ADA)
    assert (answer.status_code, names(desk)) == (201, ["Ada"])
    with pytest.raises(ValueError, match="line 1"):
        answer.json()


# ------------------------------------------------------------------------------------------------------------ budget


async def test_the_301st_request_in_any_five_minutes_is_429():
    clock = FakeClock()
    desk = small_desk(clock, budget=300)
    async with signed_in(desk) as client:
        for _ in range(150):
            assert (await client.get("/api/Agent/me")).status_code == 200
        clock.advance(200)
        for _ in range(150):
            assert (await client.get("/api/Agent/me")).status_code == 200
        refused = await client.get("/api/Agent/me")
        assert (refused.status_code, "300" in refused.text) == (429, True)
        assert "retry-after" not in refused.headers
        clock.advance(100)
        answers = [(await client.get("/api/Agent/me")).status_code for _ in range(151)]
    assert answers == [200] * 150 + [429]


async def test_a_429_may_say_when_to_come_back():
    clock = FakeClock()
    desk = small_desk(clock, budget=1, retry_after=True)
    async with signed_in(desk) as client:
        await client.get("/api/Agent/me")
        clock.advance(10)
        refused = await client.get("/api/Agent/me")
        assert refused.headers["retry-after"] == "291"
        clock.advance(291)
        assert (await client.get("/api/Agent/me")).status_code == 200


async def test_tokens_and_discovery_cost_no_budget_and_a_write_refused_by_it_is_not_done():
    desk = small_desk(budget=1)
    async with signed_in(desk) as client:
        for _ in range(3):
            assert (await token(client, desk)).status_code == 200
            assert (await client.get("/api/authinfo")).status_code == 200
        assert (await client.post("/api/Users", json=ADA)).status_code == 201
        assert (await client.post("/api/Users", json=ADA)).status_code == 429
    assert names(desk) == ["Ada"]


# ------------------------------------------------------------------------------------------------- latency and logs


async def test_latency_is_waited_for_on_the_clock():
    clock = FakeClock()
    desk = small_desk(clock, latency_ms=250)
    async with signed_in(desk) as client:
        await client.get("/api/Team")
    assert clock.slept == [0.25]


async def test_requests_are_logged_by_path_template():
    desk = small_desk()
    async with signed_in(desk) as client:
        await client.get("/api/users/1")
        await client.get("/API/users/1")
        await client.get("/api/USERS", params={"search": "x"})
    counts = desk.counts()
    assert (counts["GET /api/Users/{id}"], counts["GET /api/Users"], counts["POST /auth/token"]) == (1, 1, 1)
    assert desk.requests[-1].query == {"search": "x"}


async def test_switches_can_change_while_the_desk_runs():
    desk = small_desk()
    desk.add_user("Yuki", 1, other5="m")
    async with signed_in(desk) as client:
        before = (await client.get("/api/Users", params={"search": "yuki"})).json()["users"][0]
        desk.quirks = HaloQuirks(budget=0, other5_listed=False)
        after = (await client.get("/api/Users", params={"search": "yuki"})).json()["users"][0]
    assert ("other5" in before, "other5" in after) == (True, False)
