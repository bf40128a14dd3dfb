"""Recorded refusals, limits and handshakes, through the program: what class of error, what wait, what stays untouched."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from joserfc.jwk import RSAKey
from okta_recordings import Replay
from real_bench import EVERYBODY, MEMBERS, driving
from real_org import TOKEN, USERS, RealOrg, refusals, small, synthetic_host

from crosskey.errors import AuthError, ExitCode
from fake_clock import FakeClock

BAD_TOKEN = "sdk-python/errors/users_401_E0000011_bad_ssws.yaml"
EMPTY = "sdk-python/oauth-dpop/dpop_api_request.yaml"
HANDSHAKE = "sdk-python/oauth-dpop/dpop_token_acquisition.yaml"
MINUTE = "sdk-python/rate-limit/agent_pools_429_then_200.yaml"
TWO_MINUTES = "sdk-python/rate-limit/app_features_two_429s.yaml"
CROWDED = "sdk-python/oauth-dpop/dpop_concurrent_requests__concurrency-429.yaml"
KEY = RSAKey.generate_key(2048).as_pem(private=True).decode()


def borrowing(recording: str, path: str, *, times: int = 1, method: str = "GET") -> RealOrg:
    """The small org, whose first answers to ``path`` are the recorded 429s of another org."""
    replay = Replay(again=True).borrow(recording, 429, path, times=times, method=method)
    return RealOrg(replay.add(HANDSHAKE).add("directory_crawl_2021-2022.har"))


async def test_a_dead_token_stops_the_run_as_an_auth_error(tmp_path) -> None:
    with driving(tmp_path, refusals(BAD_TOKEN), EVERYBODY) as real:
        with pytest.raises(AuthError, match="wrong or dead") as caught:
            await real.run("sync")
        assert caught.value.exit_code is ExitCode.AUTH
        assert caught.value.where == "source.corp"
        assert "source.corp.token" in caught.value.fix
        assert "recordedToken" not in str(caught.value)
        assert not real.desk.writes
        with real.journal() as journal:
            [run] = journal.runs(limit=1)
        assert (run.verdict, run.note.split(":")[0]) == ("failed", caught.value.code)


async def test_an_app_that_is_shown_nobody_stops_the_run_as_an_auth_error(tmp_path) -> None:
    """Recorded: the DPoP handshake, then 200 and an empty list."""
    with driving(tmp_path, refusals(EMPTY, app=True), EVERYBODY, key=KEY) as real:
        with pytest.raises(AuthError, match="no people at all") as caught:
            await real.run("sync")
        assert caught.value.code == "okta-sees-nobody"
        assert not real.desk.writes


async def test_check_names_the_missing_role_behind_an_empty_200(tmp_path) -> None:
    org = refusals(EMPTY, app=True)
    synthetic_host(org)
    with driving(tmp_path, org, EVERYBODY, key=KEY) as real:
        found = await real.check()
    assert found["okta-host"] == "ok"
    assert found["okta-sees-nobody"] == "error"
    assert "okta-users-read" not in found, "the recorded token holds every scope that was asked for"


async def test_check_names_a_dead_token_and_asks_no_further(tmp_path) -> None:
    org = refusals(BAD_TOKEN)
    synthetic_host(org)
    with driving(tmp_path, org, EVERYBODY) as real:
        found = await real.check()
    assert [code for code, severity in found.items() if severity == "error"] == ["okta-E0000011"]
    assert sum(request.url.path == USERS for request in org.replay.requests) == 1


async def test_an_org_that_suddenly_shows_nobody_disables_nobody(tmp_path) -> None:
    """The recorded empty 200 where seven people were a day before."""
    with driving(tmp_path, small(), MEMBERS) as real:
        await real.run("apply")
        made = len(real.desk.writes)
        real.org.answer_instead(USERS, [])
        with pytest.raises(AuthError):
            await real.run("sync")
        assert len(real.desk.writes) == made
        real.org = small()
        assert (await real.run("plan")).plan.size == 0, "and when they are back, nothing has happened"


async def test_the_recorded_handshake_leads_to_a_whole_plan(tmp_path) -> None:
    org = RealOrg(Replay(again=True).add(HANDSHAKE).add("directory_crawl_2021-2022.har"))
    with driving(tmp_path, org, MEMBERS, key=KEY) as real:
        result = await real.run("plan")
    assert result.plan.size == 6
    tokens = [request for request in org.replay.requests if request.url.path == TOKEN]
    assert len(tokens) == 2, "the nonce, then the token"
    assert len({request.headers["dpop"] for request in org.replay.requests}) == len(org.replay.requests)
    api = [request for request in org.replay.requests if request.url.path != TOKEN]
    assert {request.headers["authorization"].split()[0] for request in api} == {"DPoP"}


@pytest.mark.parametrize(
    ("recording", "times", "when", "waits"),
    [
        (MINUTE, 1, datetime(2025, 9, 11, 17, 21, 50, tzinfo=UTC), [49.0]),
        (TWO_MINUTES, 2, datetime(2025, 9, 29, 6, 24, 57, tzinfo=UTC), [9.0, 9.0]),
    ],
)
async def test_a_used_up_minute_is_waited_for_by_the_vendors_headers(tmp_path, recording, times, when, waits) -> None:
    """Reset less the answer's own Date, and a second more: Reset has whole seconds."""
    with driving(tmp_path, borrowing(recording, USERS, times=times), MEMBERS) as real:
        real.clock = FakeClock(when)
        result = await real.run("plan")
        assert result.plan.size == 6, "nobody is lost by waiting"
    assert [wait for wait in real.clock.slept if wait >= 1][: len(waits)] == waits


async def test_the_crowded_kind_of_429_is_retried_soon(tmp_path) -> None:
    """Limit 0: too many at once. Reset, minutes ahead, is a mere hint."""
    org = borrowing(CROWDED, TOKEN, times=2, method="POST")
    with driving(tmp_path, org, MEMBERS, key=KEY) as real:
        real.clock = FakeClock(datetime(2026, 3, 9, 14, 10, 9, tzinfo=UTC))
        result = await real.run("plan")
        assert result.plan.size == 6
    assert 0 < sum(real.clock.slept) < 20
    tokens = [request for request in org.replay.requests if request.url.path == TOKEN]
    assert len({request.content for request in tokens}) == len(tokens) == 4


async def test_no_recorded_refusal_ever_reads_as_an_end(tmp_path) -> None:
    """Each refusal in the middle of a synced org's read: an error, or a wait; never a leaver."""
    with driving(tmp_path, small(), MEMBERS) as real:
        await real.run("apply")
        made = len(real.desk.writes)
        for path in (USERS, "/api/v1/groups", "/api/v1/groups/00gs5to49AhMBaJNU4x6/users"):
            replay = Replay(again=True).borrow(BAD_TOKEN, 401, path)
            real.org = RealOrg(replay.add("directory_crawl_2021-2022.har"))
            with pytest.raises(AuthError):
                await real.run("sync")
        assert len(real.desk.writes) == made
