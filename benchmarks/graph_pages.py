"""Nothing but the user list of a Graph tenant: pages of 999, made once by the local Entra and served from memory.

Prints one line of JSON (address, tenant, app, how many people, bytes of a person) and ends with stdin.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import threading

import httpx

from crosskey.connector.source import ReadRequest
from crosskey.context import InstanceContext
from crosskey.settings import Secret
from crosskey_entra import EntraSettings, crosskey_sources
from crosskey_sandbox.company import Company
from crosskey_sandbox.entra import EntraQuirks, EntraTenant, entra_app, tenant_of

HOST = "http://127.0.0.1:1"
_TOKEN = b'{"token_type":"Bearer","expires_in":3599,"access_token":"synthetic"}'


class Recorder(httpx.AsyncBaseTransport):
    """The local Entra, whose pages of users are kept as they come."""

    def __init__(self, tenant: EntraTenant) -> None:
        self._inner = httpx.ASGITransport(app=entra_app(tenant))
        self.pages: list[bytes] = []
        self.queries: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._inner.handle_async_request(request)
        body = await answer.aread()
        if request.url.path == "/v1.0/users":
            self.pages.append(body)
            self.queries.append(request.url.raw_path.decode())
        return httpx.Response(answer.status_code, headers=answer.headers, content=body)


async def made(people: int) -> tuple[EntraTenant, Recorder]:
    """The pages that a full read asks for."""
    tenant = tenant_of(Company.generate(people=people), quirks=EntraQuirks(throttling=False))
    recorder = Recorder(tenant)
    settings = EntraSettings(
        tenant=tenant.id,
        client_id=tenant.application.client_id,
        client_secret=Secret(tenant.application.client_secret),
        authority=HOST,
        graph_url=HOST,
    )
    context = InstanceContext("source.corp", transport=lambda _: recorder)
    async with crosskey_sources()[0].open(settings, context) as source:
        async for _ in source.read(ReadRequest(attributes=frozenset())):
            pass
    return tenant, recorder


class _Pages(asyncio.Protocol):
    """As little as a server can be; it reads the one body that comes, that of the token request."""

    def __init__(self, answer) -> None:
        self._answer = answer

    def connection_made(self, transport) -> None:
        self._transport = transport
        self._got = b""

    def data_received(self, data: bytes) -> None:
        self._got += data
        while b"\r\n\r\n" in self._got:
            head, _, rest = self._got.partition(b"\r\n\r\n")
            length = int((head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]).strip() or 0)
            if len(rest) < length:
                return
            self._got = rest[length:]
            body = self._answer(head.split(b" ", 2)[1].decode())
            start = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Mon, 23 Nov 2026 22:00:00 GMT\r\n"
            self._transport.write(f"{start}Content-Length: {len(body)}\r\n\r\n".encode() + body)


async def serve(people: int) -> None:
    tenant, recorder = await made(people)
    server = await asyncio.get_running_loop().create_server(lambda: _Pages(answer), "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    pages = dict(
        zip(recorder.queries, (page.replace(HOST.encode(), base.encode()) for page in recorder.pages), strict=True)
    )

    def answer(target: str) -> bytes:
        return _TOKEN if target.endswith("/token") else pages.get(target, b'{"value":[]}')

    count = sum(len(json.loads(page)["value"]) for page in recorder.pages)
    facts = {
        "url": base,
        "first": f"{base}{recorder.queries[0]}",
        "tenant": tenant.id,
        "client_id": tenant.application.client_id,
        "people": count,
        "bytes": sum(map(len, recorder.pages)) // count,
    }
    print(json.dumps(facts), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=10_000)
    number = parser.parse_args().people
    threading.Thread(target=asyncio.run, args=(serve(number),), daemon=True).start()
    sys.stdin.read()
