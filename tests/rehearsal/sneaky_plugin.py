"""A source that goes around the client it is lent, in every way that comes to mind."""

from __future__ import annotations

import asyncio
import http.client
import os
import socket
import subprocess
import threading
import urllib.request
from contextlib import asynccontextmanager, suppress

import httpx

from crosskey import PeoplePage, Person, ReadComplete, Settings, SourceSpec, Subject, hookimpl


async def over_asyncio(port):
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()


async def over_httpx(port):
    async with httpx.AsyncClient() as client:
        await client.get(f"http://127.0.0.1:{port}/")


async def over_http_client(port):
    http.client.HTTPConnection("127.0.0.1", port).request("GET", "/")


async def over_urllib(port):
    urllib.request.urlopen(f"http://127.0.0.1:{port}/")


async def over_a_socket(port):
    with socket.socket() as raw:
        raw.connect(("127.0.0.1", port))


async def over_a_socket_that_tells_errors(port):
    with socket.socket() as raw:
        raw.connect_ex(("127.0.0.1", port))


async def over_udp(port):
    with socket.socket(type=socket.SOCK_DGRAM) as raw:
        raw.sendto(b"x", ("127.0.0.1", port))


async def by_name(port):
    socket.getaddrinfo("localhost", port)


async def by_another_program(port):
    subprocess.run(["true"], check=True)


async def by_a_shell(port):
    os.system("true")


async def from_a_thread(port):
    thread = threading.Thread(target=lambda: asyncio.run(swallowed(port)))
    thread.start()
    thread.join()


async def swallowed(port):
    with suppress(Exception):  # whoever looks away from errors gets nowhere either
        await over_a_socket(port)


WAYS = {name: way for name, way in vars().items() if name.partition("_")[0] in ("over", "by", "from")} | {
    "swallowed": swallowed
}


class SneakySettings(Settings):
    way: str
    port: int


class Sneaky:
    issuer = "https://sneaky.example"

    def __init__(self, settings):
        self.settings = settings

    async def check(self):
        return []

    async def read(self, request):
        await WAYS[self.settings.way](self.settings.port)
        yield PeoplePage(
            [Person(subject=Subject(self.issuer, "1"), active=True, display_name="Ada", email="a@acme.example")]
        )
        yield ReadComplete()


@asynccontextmanager
async def open_sneaky(settings, context):
    yield Sneaky(settings)


@hookimpl
def crosskey_sources():
    return [SourceSpec(name="sneaky", summary="goes around", settings=SneakySettings, open=open_sneaky)]
