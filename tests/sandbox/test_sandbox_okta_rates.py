"""The local Okta's limits and misbehaviours: buckets, both kinds of 429, and answers spoilt on purpose."""

import asyncio

import msgspec
import pytest
from sandbox_okta_client import client, code, new_org, walk

from crosskey_sandbox.okta import Fault


def rates(answer):
    return tuple(int(answer.headers[f"x-rate-limit-{name}"]) for name in ("limit", "remaining", "reset"))


async def test_a_caller_gets_half_of_a_bucket_and_a_window_starts_with_its_first_request():
    org = new_org(people=1)
    now = int(org.cell.epoch())
    async with client(org) as http:
        org.cell.clock.advance(17.5)
        assert rates(await http.get("/api/v1/users")) == (300, 299, now + 78)
        org.cell.clock.advance(59)
        assert rates(await http.get("/api/v1/users")) == (300, 298, now + 78)
        org.cell.clock.advance(1)
        assert rates(await http.get("/api/v1/users")) == (300, 299, now + 79 + 60 - 1)


async def test_buckets_are_separate_for_paths_and_callers():
    org = new_org(people=1)
    other = org.access.add_token()
    async with client(org) as http, client(org, other) as second:
        for path in ("/api/v1/users", "/api/v1/users/p0000", "/api/v1/groups", "/api/v1/apps", "/api/v1/org"):
            limit, remaining, _ = rates(await http.get(path))
            assert remaining == limit - 1, path
        assert rates(await second.get("/api/v1/users"))[:2] == (300, 299)


async def test_assignments_share_the_bucket_of_the_applications_list():
    org = new_org()
    app = org.apps.create("oidc_client", "Wiki")
    async with client(org) as http:
        await http.get("/api/v1/apps")
        assert rates(await http.get(f"/api/v1/apps/{app.id}/users"))[:2] == (50, 48)


async def test_a_spent_bucket_answers_429_until_the_window_ends():
    org = new_org(people=1, limits={"users": 2})
    async with client(org) as http:
        await http.get("/api/v1/users")
        assert rates(await http.get("/api/v1/users"))[:2] == (2, 0)
        refused = await http.get("/api/v1/users")
        assert code(refused) == (429, "E0000047")
        assert rates(refused)[:2] == (2, 0)
        assert "retry-after" not in refused.headers
        org.cell.clock.advance(rates(refused)[2] - org.cell.epoch())
        assert (await http.get("/api/v1/users")).status_code == 200


async def test_a_one_percent_share_of_a_small_plan_is_one_request_and_says_nothing_remains():
    org = new_org(people=1, plan="integrator", share=0.01)
    async with client(org) as http:
        assert rates(await http.get("/api/v1/apps"))[:2] == (1, 0)


async def test_too_many_at_once_is_a_429_with_limit_zero():
    org = new_org(people=1, concurrency=2, latency_ms=50)
    async with client(org) as http:
        answers = await asyncio.gather(*(http.get("/api/v1/users") for _ in range(4)))
        refused = [answer for answer in answers if answer.status_code == 429]
        assert len(refused) == 2
        for answer in refused:
            assert code(answer) == (429, "E0000047")
            limit, remaining, reset = rates(answer)
            assert (limit, remaining) == (0, 0)
            assert reset > org.cell.epoch() + 60
        assert (await http.get("/api/v1/users")).status_code == 200


async def test_latency_is_waited_on_the_clock_and_requests_overlap():
    org = new_org(people=1, latency_ms=250)
    async with client(org) as http:
        await asyncio.gather(http.get("/api/v1/users"), http.get("/api/v1/groups"))
    assert org.cell.clock.slept == [0.25, 0.25]


async def test_rates_can_be_off():
    org = new_org(people=1, rates=False, limits={"users": 1})
    async with client(org) as http:
        for _ in range(3):
            answer = await http.get("/api/v1/users")
            assert answer.status_code == 200
            assert not [name for name in answer.headers if name.startswith("x-rate")]


async def test_every_answer_has_a_request_id_and_the_clocks_date():
    org = new_org(people=1)
    async with client(org) as http, client(org, "wrong") as stranger:
        answers = [await http.get("/api/v1/users"), await http.get("/nowhere"), await stranger.get("/api/v1/org")]
        answers.append(await http.delete("/api/v1/org"))
    assert len({answer.headers["x-okta-request-id"] for answer in answers}) == 4
    assert {answer.headers["date"] for answer in answers} == {"Mon, 05 Jan 2026 09:00:00 GMT"}
    assert [answer.status_code for answer in answers] == [200, 404, 401, 405]


async def test_requests_are_counted_by_template():
    org = new_org(people=3)
    async with client(org) as http:
        await walk(http, "/api/v1/users?limit=2")
        await http.get("/api/v1/users/p0000")
        await http.get("/api/v1/users/p0009")
    assert [tuple(seen) for seen in org.requests] == [
        ("GET", "/api/v1/users", 200),
        ("GET", "/api/v1/users", 200),
        ("GET", "/api/v1/users/{id}", 200),
        ("GET", "/api/v1/users/{id}", 404),
    ]
    assert org.counted(method="POST") == 0


@pytest.mark.parametrize(
    ("fault", "status", "media"),
    [
        (Fault(kind="html"), 503, "text/html; charset=utf-8"),
        (Fault(kind="html", status=200), 200, "text/html; charset=utf-8"),
        (Fault(kind="error"), 500, "application/json"),
        (Fault(kind="error", status=503), 503, "application/json"),
        (Fault(kind="truncated"), 200, "application/json"),
    ],
)
async def test_spoilt_answers(fault, status, media):
    org = new_org(people=2, faults=(fault,))
    async with client(org) as http:
        answer = await http.get("/api/v1/users")
    assert (answer.status_code, answer.headers["content-type"]) == (status, media)
    if fault.kind != "error":
        with pytest.raises(msgspec.DecodeError):
            msgspec.json.decode(answer.content)


async def test_faults_hit_every_nth_request_of_a_path_a_number_of_times():
    fault = Fault(kind="minute_429", path="/api/v1/users", skip=1, every=2, times=2, wait=7)
    org = new_org(people=1, faults=(fault,))
    async with client(org) as http:
        seen = []
        for _ in range(8):
            answer = await http.get("/api/v1/users")
            seen.append(answer.status_code)
            assert (await http.get("/api/v1/groups")).status_code == 200
            if answer.status_code == 429:
                assert rates(answer) == (300, 0, int(org.cell.epoch()) + 7)
        assert seen == [200, 200, 429, 200, 429, 200, 200, 200]
        org.quirks = org.quirks  # setting the switches counts anew
        assert [(await http.get("/api/v1/users")).status_code for _ in range(3)] == [200, 200, 429]


async def test_a_concurrency_429_can_be_staged():
    org = new_org(people=1, faults=(Fault(kind="concurrency_429", times=1),))
    async with client(org) as http:
        assert rates(await http.get("/api/v1/users"))[:2] == (0, 0)
        assert (await http.get("/api/v1/users")).status_code == 200
