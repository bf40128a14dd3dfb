"""Faults of the wire, from real sockets on loopback: each ends in time, in bounded memory, in the right error."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import time
import tracemalloc

import pytest
from wire_server import DEADLINE, certificate, client_to, connected, head, listening, reset, saying, silent

from crosskey.errors import ConfigError, ContractError, RejectedError, RetryableError, UncertainError
from crosskey.http import RetryPolicy

DRIPPED_BODY = saying(head("Content-Length: 5000"), *[b"1"] * 5000, pause=0.02)
DRIPPED_HEAD = saying(*[bytes([byte]) for byte in head("X: " + "y" * 5000)], pause=0.02)

TOO_SLOW = pytest.mark.parametrize(
    "talk", [silent, DRIPPED_BODY, DRIPPED_HEAD], ids=["silent", "dripped-body", "dripped-head"]
)
CUT = pytest.mark.parametrize(
    "talk",
    [
        reset,
        saying(b""),
        saying(head("Content-Length: 500"), b'{"id"'),
        saying(head("Transfer-Encoding: chunked"), b'5\r\n{"id"\r\n'),
        saying(b"SSH-2.0-OpenSSH_9.2\r\n"),
        saying(head("X: " + "y" * 300_000, "Content-Length: 1"), b"1"),
    ],
    ids=["reset", "closed", "short-content-length", "cut-chunked", "not-http", "endless-header"],
)


@TOO_SLOW
async def test_the_deadline_holds_for_the_whole_exchange(clock, talk):
    started = time.monotonic()
    async with connected(clock, talk) as client:
        with pytest.raises(RetryableError, match="no complete answer within 1 s|no answer in time") as caught:
            await client.call("GET", "/api/Users", decode=dict)
    assert time.monotonic() - started < DEADLINE + 10.0  # a busy machine notices late; dripping goes on for 100 s
    assert not isinstance(caught.value, UncertainError)


@TOO_SLOW
async def test_a_write_without_an_answer_in_time_is_uncertain(clock, talk):
    async with connected(clock, talk) as client:
        with pytest.raises(UncertainError, match="not known"):
            await client.call("POST", "/api/Users", decode=dict, json=[])


@CUT
async def test_a_cut_answer_is_tried_again_and_named(clock, talk):
    asked = 0

    async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await talk(reader, writer)

    async with connected(clock, counted, retry=RetryPolicy(attempts=3), deadline=2) as client:
        with pytest.raises(RetryableError, match="was cut off before the whole answer came"):
            await client.call("GET", "/api/Users", decode=dict)
    assert asked == 3


@CUT
async def test_a_cut_answer_to_a_write_is_uncertain_and_sent_once(clock, talk):
    asked = 0

    async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await talk(reader, writer)

    async with connected(clock, counted, retry=RetryPolicy(attempts=3), deadline=2) as client:
        with pytest.raises(UncertainError):
            await client.call("POST", "/api/Users", decode=dict, json=[])
    assert asked == 1


async def test_a_body_that_ends_with_the_connection_is_taken_when_whole_and_refused_when_cut(clock):
    # Without a length httpx takes a cut body for the whole one: only the JSON can tell.
    async with connected(clock, saying(head("Connection: close"), b'{"id": 1}')) as client:
        assert (await client.call("GET", "/a", decode=dict)).value == {"id": 1}
    async with connected(clock, saying(head("Connection: close"), b'{"id": ')) as client:
        with pytest.raises(ContractError, match="not whole JSON"):
            await client.call("GET", "/a", decode=dict)


async def test_a_log_in_page_is_not_an_empty_list(clock):
    page = b"<html><head><title>Sign in to continue</title></head></html>"
    async with connected(
        clock, saying(f"HTTP/1.1 200 OK\r\nContent-Length: {len(page)}\r\n\r\n".encode() + page)
    ) as client:
        with pytest.raises(ContractError, match="Sign in to continue"):
            await client.call("GET", "/a", decode=list)


async def test_a_compression_bomb_ends_at_the_ceiling_in_bounded_memory(clock):
    bomb = gzip.compress(b" " * 200 * 2**20, compresslevel=6)
    answer = head("Content-Encoding: gzip", f"Content-Length: {len(bomb)}") + bomb
    async with connected(clock, saying(answer), deadline=10) as client:
        tracemalloc.start()
        try:
            with pytest.raises(ContractError, match="too large a body"):
                await client.call("GET", "/a", decode=dict)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert len(bomb) < 2**20
    assert peak < 190 * 2**20


async def test_broken_compression_is_a_contract_error(clock):
    answer = head("Content-Encoding: gzip", "Content-Length: 4") + b"oops"
    async with connected(clock, saying(answer)) as client:
        with pytest.raises(ContractError, match="compression is broken"):
            await client.call("GET", "/a", decode=dict)
    async with connected(clock, saying(answer)) as client:
        with pytest.raises(UncertainError):
            await client.call("POST", "/a", decode=dict, json=[])


async def test_a_redirect_is_not_followed_and_the_other_host_hears_nothing(clock):
    heard = []

    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(1)

    async with listening(other) as elsewhere:
        answer = head(f"Location: http://{elsewhere}/login", "Content-Length: 0", status="302 Found")
        async with connected(clock, saying(answer), headers={"Authorization": "Bearer canary"}) as client:
            with pytest.raises(ContractError, match="redirected"):
                await client.call("GET", "/a", decode=dict)
    assert heard == []


async def test_a_huge_retry_after_waits_no_longer_than_the_ceiling(clock):
    answers = iter([
        head("Retry-After: 99999999", "Content-Length: 0", status="429 Too Many Requests"),
        head("Content-Length: 2") + b"{}",
    ])  # fmt: skip

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(next(answers))

    async with connected(clock, talk) as client:
        await client.call("GET", "/a", decode=dict)
    assert clock.elapsed == 300


async def test_one_connection_serves_many_calls(clock):
    connections = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(writer.get_extra_info("peername"))
        writer.write(head("Content-Length: 2") + b"{}")

    async with connected(clock, talk) as client:
        for _ in range(20):
            await client.call("GET", "/a", decode=dict)
    assert len(connections) == 1


async def test_no_more_requests_are_in_flight_than_the_cap(clock):
    inside = most = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0.01)
        inside -= 1
        writer.write(head("Content-Length: 2") + b"{}")

    async with connected(clock, talk, concurrency=3, deadline=2) as client:
        await asyncio.gather(*(client.call("GET", "/a", decode=dict) for _ in range(12)))
    assert most == 3


async def test_a_port_where_nobody_listens_is_tried_again_for_a_write_too(clock):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    async with client_to(clock, f"http://127.0.0.1:{port}", retry=RetryPolicy(attempts=3)) as client:
        with pytest.raises(RetryableError, match=r"127\.0\.0\.1 could not be reached") as caught:
            await client.call("POST", "/a", decode=dict, json=[])
    assert not isinstance(caught.value, UncertainError)
    assert len(clock.slept) == 2
    assert "`url` in [target.desk]" in caught.value.fix


async def test_the_environments_proxy_is_used_and_named_when_it_refuses(clock, monkeypatch):
    asked = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(proxy, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    monkeypatch.setenv("https_proxy", f"http://user:canary@127.0.0.1:{port}")
    monkeypatch.setenv("no_proxy", "")
    async with server, client_to(clock, "https://desk.example.test", deadline=2) as client:
        with pytest.raises(RetryableError, match="proxy did not let us through to desk") as caught:
            await client.call("POST", "/a", decode=dict, json=[])
    assert asked[0].startswith(b"CONNECT desk.example.test:443")
    assert "canary" not in str(caught.value)
    assert "HTTPS_PROXY" in caught.value.fix


async def test_a_secret_with_a_line_break_is_refused_before_anything_is_sent(clock):
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise AssertionError

    async with connected(clock, talk, headers={"Authorization": "SSWS canary\n"}) as client:
        with pytest.raises(ConfigError, match="character that HTTP does not allow") as caught:
            await client.call("GET", "/a", decode=dict)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("days", [10, -1], ids=["self-signed", "expired"])
async def test_a_refused_certificate_is_not_tried_again_and_names_the_way_out(clock, tmp_path, days):
    chain, key = certificate(days=days)
    (tmp_path / "chain.pem").write_bytes(chain)
    (tmp_path / "key.pem").write_bytes(key)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "chain.pem", tmp_path / "key.pem")
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)  # the server's own side of the refusal
    async with connected(clock, silent, tls=tls, scheme="https", retry=RetryPolicy(attempts=3), deadline=2) as client:
        with pytest.raises(ConfigError, match=r"certificate of 127\.0\.0\.1 was refused") as caught:
            await client.call("GET", "/a", decode=dict)
    assert "SSL_CERT_FILE" in caught.value.fix
    assert clock.slept == []


async def test_https_to_a_port_that_speaks_http_says_so(clock):
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(5)
        writer.write(head(status="400 Bad Request"))
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, client_to(clock, f"https://127.0.0.1:{port}", deadline=2) as client:
        with pytest.raises(RetryableError, match="could not agree on TLS"):
            await client.call("GET", "/a", decode=dict)


async def test_an_answer_of_one_call_never_reaches_another_after_a_deadline(clock):
    late = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not late.is_set():
            late.set()
            await asyncio.sleep(DEADLINE * 1.4)
            writer.write(head("Content-Length: 9") + b'{"id": 1}')
        else:
            writer.write(head("Content-Length: 9") + b'{"id": 2}')

    async with connected(clock, talk) as client:
        with pytest.raises(RetryableError):
            await client.call("GET", "/first", decode=dict)
        await asyncio.sleep(DEADLINE)
        assert (await client.call("GET", "/second", decode=dict)).value == {"id": 2}


async def test_a_status_without_a_reason_phrase_is_fine(clock):
    async with connected(clock, saying(b"HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n")) as client:
        with pytest.raises(RejectedError, match="answered 404"):
            await client.call("GET", "/a", decode=dict)
