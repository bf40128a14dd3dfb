"""What is tried again, for how long, and what never is."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime

import httpx
import pytest
from http_script import Script

from crosskey.errors import ConfigError, RetryableError, UncertainError
from crosskey.http import Budget, RetryPolicy

OK = httpx.Response(200, json=1)
BUSY = httpx.Response(503)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
async def test_a_read_survives_a_passing_server_error(client_for, clock, status):
    server = Script(httpx.Response(status), httpx.Response(status), OK)
    async with client_for(server) as client:
        assert (await client.call("GET", "/a", decode=int)).value == 1
    assert len(clock.slept) == 2
    assert 0 <= clock.slept[0] <= 0.5
    assert 0 <= clock.slept[1] <= 1.0


@pytest.mark.parametrize("fault", [BUSY, httpx.ReadError("reset"), httpx.ReadTimeout("slow"), httpx.ConnectError("no")])
async def test_a_lasting_fault_ends_after_the_attempts_that_the_policy_allows(client_for, clock, fault):
    server = Script(fault)
    async with client_for(server, retry=RetryPolicy(attempts=4)) as client:
        with pytest.raises(RetryableError) as caught:
            await client.call("GET", "/a", decode=int)
    assert not isinstance(caught.value, UncertainError)
    assert len(server.requests) == 4
    assert sum(clock.slept) <= 0.5 + 1 + 2


async def test_waits_for_faults_end_with_the_patience(client_for, clock):
    server = Script(httpx.Response(503, headers={"Retry-After": "50"}))
    async with client_for(server, retry=RetryPolicy(attempts=100, patience=120)) as client:
        with pytest.raises(RetryableError):
            await client.call("GET", "/a", decode=int)
    assert len(server.requests) == 3
    assert clock.elapsed <= 120


@pytest.mark.parametrize("fault", [BUSY, httpx.ReadError("reset"), httpx.ReadTimeout("slow"), httpx.WriteError("cut")])
async def test_a_write_whose_bytes_may_have_left_is_uncertain_and_never_repeated(client_for, fault):
    server = Script(fault)
    async with client_for(server) as client:
        with pytest.raises(UncertainError, match="whether it took effect is not known"):
            await client.call("POST", "/api/Users", decode=int, json=[])
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", [httpx.ConnectError("refused"), httpx.ConnectTimeout("slow"), httpx.Response(429)])
async def test_a_write_that_certainly_did_nothing_is_repeated(client_for, fault):
    server = Script(fault, OK)
    async with client_for(server) as client:
        assert (await client.call("POST", "/api/Users", decode=int, json=[1])).value == 1
    assert [request.content for request in server.requests] == [b"[1]", b"[1]"]


async def test_the_caller_may_say_that_a_post_only_reads(client_for):
    server = Script(BUSY, OK)
    async with client_for(server) as client:
        assert (await client.call("POST", "/token", decode=int, form={"a": "b"}, repeatable=True)).value == 1


async def test_the_caller_may_say_that_a_get_does_something(client_for):
    server = Script(BUSY)
    async with client_for(server) as client:
        with pytest.raises(UncertainError):
            await client.call("GET", "/control/kick", decode=int, repeatable=False)
    assert len(server.requests) == 1


async def test_a_429_is_waited_for_by_the_servers_own_clock(client_for, clock):
    # The server's clock is a year ahead of ours: reset minus the answer's own date, and a second, is what counts.
    throttled = httpx.Response(
        429,
        headers={
            "X-Rate-Limit-Limit": "10",
            "X-Rate-Limit-Remaining": "0",
            "X-Rate-Limit-Reset": str(int(datetime(2027, 1, 5, 9, 13, 58, tzinfo=UTC).timestamp())),
            "Date": "Tue, 05 Jan 2027 09:13:10 GMT",
        },
    )
    async with client_for(Script(throttled, OK)) as client:
        await client.call("GET", "/a", decode=int)
    assert clock.elapsed == 49


@pytest.mark.parametrize(("ahead", "waited"), [(-3600, 1), (0, 1), (130, 65)])
async def test_a_reset_in_the_past_or_far_ahead_is_clamped(client_for, clock, ahead, waited):
    reset = int(clock.now().timestamp()) + ahead
    headers = {"X-Rate-Limit-Limit": "10", "X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": str(reset)}
    async with client_for(Script(httpx.Response(429, headers=headers), OK)) as client:
        await client.call("GET", "/a", decode=int)
    assert clock.elapsed == waited


@pytest.mark.parametrize(
    ("header", "waited"),
    [
        ("7", 7),
        ("0", 1),
        ("-5", 1),
        ("99999999", 300),
        ("1e400", 300),
        ("Mon, 05 Jan 2026 09:00:30 GMT", 30),
        ("Mon, 05 Jan 2016 09:00:30 GMT", 1),
    ],
)
async def test_retry_after_is_obeyed_within_reason(client_for, clock, header, waited):
    server = Script(httpx.Response(429, headers={"Retry-After": header, "Date": "Mon, 05 Jan 2026 09:00:00 GMT"}), OK)
    async with client_for(server) as client:
        await client.call("GET", "/a", decode=int)
    assert clock.elapsed == waited


@pytest.mark.parametrize("header", ["soon", "nan", ""])
async def test_an_unreadable_retry_after_is_as_none(client_for, clock, header):
    server = Script(httpx.Response(429, headers={"Retry-After": header}), OK)
    async with client_for(server) as client:
        await client.call("GET", "/a", decode=int)
    assert 1 <= clock.elapsed <= 2


async def test_a_metered_desk_that_says_nothing_is_asked_every_30_to_60_seconds_for_over_five_minutes(
    client_for, clock
):
    server = Script(httpx.Response(429))
    async with client_for(server, budget=Budget(250, 300)) as client:
        with pytest.raises(RetryableError, match="answered 429") as caught:
            await client.call("POST", "/api/Users", decode=int, json=[])
    assert caught.value.code == "rate-limited"
    assert clock.elapsed > 300
    assert min(clock.slept) >= 30
    assert max(clock.slept) <= 60


async def test_too_many_at_once_is_a_short_wait(client_for, clock):
    crowded = httpx.Response(
        429,
        headers={"X-Rate-Limit-Limit": "0", "X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": "1767604140"},
    )
    server = Script(crowded, OK)
    async with client_for(server) as client:
        await client.call("GET", "/a", decode=int)
    assert 1 <= clock.elapsed <= 2


async def test_a_refused_certificate_is_for_the_operator_not_for_another_try(client_for):
    def handler(request: httpx.Request) -> httpx.Response:
        refused = ssl.SSLCertVerificationError(1, "certificate verify failed")
        refused.verify_message = "self-signed certificate"
        raise httpx.ConnectError("tls", request=request) from refused

    async with client_for(handler) as client:
        with pytest.raises(ConfigError, match=r"certificate of acme\.example\.test was refused: self-signed") as caught:
            await client.call("GET", "/a", decode=int)
    assert "SSL_CERT_FILE" in caught.value.fix


async def test_a_name_that_cannot_be_looked_up_points_at_the_address(client_for):
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("[Errno -2]", request=request) from socket.gaierror(-2, "Name or service not known")

    async with client_for(handler) as client:
        with pytest.raises(RetryableError, match=r"the name acme\.example\.test could not be looked up") as caught:
            await client.call("GET", "/a", decode=int)
    assert "`url` in [source.corp]" in caught.value.fix
