"""T6: every row of the table of wire faults, over real sockets: in time, in bounded memory, the right error, no secret."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import time
import tracemalloc
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from wire_rows import CANARY, ROWS, TRIES, Row
from wire_server import DEADLINE, certificate, client_to, connected, silent

from crosskey.errors import ConfigError, CrosskeyError, RetryableError
from crosskey.http import RetryPolicy

MOST = 190 * 2**20
"""Bytes that Python may hold at once: the ceiling of a body three times over."""
SLACK = 10.0
"""Seconds that a busy machine may take to notice; a server that drips would hold us for 100."""


async def tried(clock, row: Row, method: str) -> tuple[object, int, float]:
    """The value or the error of one call, how many requests it took, and how long."""
    asked = 0

    async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await row.talk(reader, writer)

    attempts, deadline = (1, DEADLINE) if row.slow else (TRIES, 20.0)
    headers = {"Authorization": f"Bearer {CANARY}"}
    async with connected(
        clock, counted, retry=RetryPolicy(attempts=attempts), deadline=deadline, headers=headers
    ) as client:
        started = time.monotonic()
        try:
            # No body, so that a refused write is not cut off by our own sending.
            got: object = (await client.call(method, "/api/Users", decode=dict)).value
        except CrosskeyError as error:
            got = error
        return got, asked, time.monotonic() - started


@pytest.mark.parametrize("name", ROWS)
async def test_a_read(clock, name):
    row = ROWS[name]
    got, asked, took = await tried(clock, row, "GET")
    judge(row, got, row.read)
    assert asked == row.reads
    if row.slow:
        assert DEADLINE <= took < DEADLINE * 1.1 + SLACK


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if not row.slow])
async def test_memory_stays_bounded(clock, name):
    tracemalloc.start()
    try:
        await tried(clock, ROWS[name], "GET")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MOST


@pytest.mark.parametrize("name", ROWS)
async def test_a_write(clock, name):
    row = ROWS[name]
    got, asked, _ = await tried(clock, row, "POST")
    judge(row, got, row.write)
    assert asked == (2 if row.reads == 2 else 1), "a write is sent again only where it was refused unseen"
    if row.reads == 2:
        assert 1.0 <= clock.elapsed <= 300.0


def judge(row: Row, got: object, expected: type[CrosskeyError] | None) -> None:
    if expected is None:
        assert got == row.value
        return
    assert type(got) is expected, repr(got)
    assert row.says in str(got)
    assert CANARY not in str(got) + repr(got) + repr(got.__cause__)
    assert got.__cause__ is None


async def test_what_follows_a_body_is_nobodys_answer(clock):
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = len(asked)
        asked.append(number)
        mine, other = f'{{"id": {number}}}'.encode(), b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"id": 9}'
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(mine) + mine + other)

    asked: list[int] = []
    async with connected(clock, talk, deadline=5) as client:
        for number in range(3):
            assert (await client.call("GET", "/a", decode=dict)).value == {"id": number}


@pytest.mark.parametrize(
    ("days", "name", "says"),
    [(-1, "127.0.0.1", "expired"), (10, "desk.example", "is not valid for '127.0.0.1'")],
    ids=["tls-expired", "tls-wrong-host"],
)
async def test_a_certificate_of_a_trusted_authority_can_still_be_wrong(clock, tmp_path, days, name, says):
    chain, key = certificate(days=days, name=name)
    (tmp_path / "chain.pem").write_bytes(chain)
    (tmp_path / "key.pem").write_bytes(key)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "chain.pem", tmp_path / "key.pem")
    trusting = ssl.create_default_context(cafile=str(tmp_path / "chain.pem"))
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)  # the server's own side of the refusal
    transport = httpx.AsyncHTTPTransport(verify=trusting)
    async with connected(clock, silent, tls=tls, scheme="https", transport=transport, deadline=5) as client:
        with pytest.raises(ConfigError, match="certificate of 127") as caught:
            await client.call("POST", "/a", decode=dict)
    assert says in str(caught.value)
    assert clock.slept == []


async def test_a_server_that_never_shakes_hands_is_given_up_in_time(clock):
    async with silent_socket() as authority, client_to(clock, f"https://{authority}") as client:
        started = time.monotonic()
        with pytest.raises(RetryableError, match="did not take the connection in time"):
            await client.call("POST", "/a", decode=dict)
        assert time.monotonic() - started < DEADLINE * 1.1 + SLACK


@asynccontextmanager
async def silent_socket():
    """A port that takes connections and never says a word, not even of TLS."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def test_the_page_about_proofs_lists_the_same_rows():
    page = Path(__file__).parents[2] / "docs" / "proof.md"
    section = page.read_text("utf-8").partition("## Faults of the wire (T6)")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| `([^`]+)` \| (\S+) \| (\S+) \| (\d) / (\d) \|$", section, re.MULTILINE)
    assert listed == [
        (name, told(row.read), told(row.write), str(row.reads), "2" if row.reads == 2 else "1")
        for name, row in ROWS.items()
    ]


def told(error: type[CrosskeyError] | None) -> str:
    return "taken" if error is None else f"`{error.__name__}`"
