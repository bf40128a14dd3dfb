from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from crosskey_sandbox.server import serving, serving_async, serving_process


async def hello(scope, receive, send):
    """An ASGI application that tells its path."""
    if scope["path"] == "/gone":
        await scope["extensions"]["crosskey.abort"]()
    headers = [(b"content-type", b"text/plain")]
    if scope["path"] == "/dated":
        headers.append((b"date", b"Mon, 05 Jan 2026 09:00:00 GMT"))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": scope["path"].encode()})


def make_hello():
    return hello


def test_it_serves_on_loopback_and_ends():
    threads = threading.active_count()
    with serving(hello) as url:
        assert url.startswith("http://127.0.0.1:")
        assert httpx.get(f"{url}/x").text == "/x"
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/x")
    assert threading.active_count() == threads


def test_it_ends_while_a_client_keeps_its_connection():
    with httpx.Client() as client, serving(hello) as url:
        assert client.get(f"{url}/x").text == "/x"


def test_many_clients_at_once():
    with serving(hello) as url, httpx.Client(base_url=url) as client, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: client.get(f"/{number}").text, range(100)))
    assert answers == [f"/{number}" for number in range(100)]


def test_a_chosen_port_and_one_that_is_taken():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with serving(hello, port) as url:
        assert url == f"http://127.0.0.1:{port}"
        with pytest.raises(OSError, match="in use"), serving(hello, port):
            pass


def test_every_answer_has_one_date_the_applications_own_if_it_has_one():
    with serving(hello) as url:
        assert len(httpx.get(f"{url}/x").headers.get_list("date")) == 1
        assert httpx.get(f"{url}/dated").headers.get_list("date") == ["Mon, 05 Jan 2026 09:00:00 GMT"]


def test_an_application_can_drop_the_connection():
    with serving(hello) as url, httpx.Client(base_url=url) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            client.get("/gone")
        assert client.get("/x").text == "/x"


async def test_on_the_running_loop():
    async with serving_async(hello) as url, httpx.AsyncClient(base_url=url) as client:
        assert (await client.get("/x")).text == "/x"


def test_in_a_process_of_its_own():
    with serving_process(make_hello) as url:
        assert httpx.get(f"{url}/x").text == "/x"
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/x")
