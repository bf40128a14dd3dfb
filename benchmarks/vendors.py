"""The vendors of a benchmark, in a process of their own. Prints one line of JSON, answers questions, ends with stdin.

``pages --people N``: nothing but the user list of an Okta org, pages of 200 written once and served from memory.
``stage --people N --groups G --quirk vendor.name=value``: the whole local Okta and Halo, which remember every answer
to a GET until something is written, so that from the second read on they answer at once, or after ``--latency`` ms.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from math import ceil
from typing import TYPE_CHECKING

from crosskey_sandbox.company import OFFICES, Company
from crosskey_sandbox.halo import HaloDesk, halo_app
from crosskey_sandbox.okta import READ_ONLY, OktaOrg, OktaQuirks, okta_app
from crosskey_sandbox.okta.staffing import org_of, profile_of
from crosskey_sandbox.okta.static import static_pages
from crosskey_sandbox.server import serving
from crosskey_sandbox.stage import CLIENT, Stage, chosen_quirks, configuration

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PAGE = 200
_DISTINCT = 20  # pages that differ in more than the ids
_MARK = b"PPPPPP"  # where the number of a page goes, in every id and login


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("pages", "stage"))
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--groups", type=int, default=40)
    parser.add_argument("--latency", type=float, default=0.0, help="milliseconds before each answer")
    parser.add_argument("--quirk", action="append", default=[])
    chosen = parser.parse_args()
    if chosen.what == "pages":
        threading.Thread(target=asyncio.run, args=(_serve_pages(chosen.people),), daemon=True).start()
        sys.stdin.read()
    else:
        _stage(chosen.people, chosen.groups, chosen.quirk, chosen.latency)


def _tell(facts: object) -> None:
    print(json.dumps(facts), flush=True)


# ----------------------------------------------------------------------------------------------------------------------
# Pages
# ----------------------------------------------------------------------------------------------------------------------


async def _serve_pages(people: int) -> None:
    base = ""
    templates: list[bytes] = []

    def answer(target: str) -> bytes:
        if not target.startswith("/api/v1/users") or "filter=" in target:
            return _response(b"[]", ())
        number = int(target.partition("after=")[2] or 0)
        body = templates[number % len(templates)].replace(_MARK, b"%06d" % number)
        links = [f'<{base}{target}>; rel="self"']
        if number + 1 < ceil(people / _PAGE):
            links.append(f'<{base}/api/v1/users?limit={_PAGE}&after={number + 1}>; rel="next"')
        return _response(body, links)

    server = await asyncio.get_running_loop().create_server(lambda: _Pages(answer), "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    templates += _templates(base)
    _tell({"url": base, "bytes": len(templates[0])})
    await server.serve_forever()


class _Pages(asyncio.Protocol):
    """As little as a server can be: the answer is on its way before any framework would have parsed the request."""

    def __init__(self, answer) -> None:
        self._answer = answer

    def connection_made(self, transport) -> None:
        self._transport = transport
        self._got = b""

    def data_received(self, data: bytes) -> None:
        self._got += data
        while b"\r\n\r\n" in self._got:
            head, _, self._got = self._got.partition(b"\r\n\r\n")
            self._transport.write(self._answer(head.split(b" ", 2)[1].decode()))


def _response(body: bytes, links) -> bytes:
    head = "".join(f"Link: {link}\r\n" for link in links)
    date = "Date: Mon, 23 Nov 2026 22:00:00 GMT\r\n"
    start = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{date}{head}\r\n"
    return start.encode() + body


def _templates(base: str) -> Iterator[bytes]:
    """Pages of made-up people, whose ids and logins hold a mark instead of a number."""
    org = OktaOrg(quirks=OktaQuirks(rates=False))
    for person in Company.generate(people=2 * _PAGE * _DISTINCT).people:
        org.users.create(profile_of(person), status="ACTIVE")
    for page in list(static_pages(org, base, f"/api/v1/users?limit={_PAGE}"))[:_DISTINCT]:
        body = page.body
        for index, row in enumerate(json.loads(body)):
            body = body.replace(row["id"].encode(), b"00u%011d%s" % (index, _MARK))
            login = row["profile"]["login"]
            body = body.replace(json.dumps(login).encode(), json.dumps(login).encode().replace(b"@", _MARK + b"@"))
        yield body


# ----------------------------------------------------------------------------------------------------------------------
# Stage
# ----------------------------------------------------------------------------------------------------------------------


def _stage(people: int, groups: int, words: list[str], latency: float) -> None:
    quirks = chosen_quirks(["okta.rates=false", "halo.budget=0", *words])
    company = Company.generate(people=people, groups=groups)
    org = org_of(company, quirks=quirks.okta)
    desk = HaloDesk.seeded(
        client=CLIENT,
        offices=[office.city for office in OFFICES],
        contacts=(),
        quirks=quirks.halo,
        seats=people // 10 + 20,
    )
    okta, halo = _Remembering(okta_app(org), latency), _Remembering(halo_app(desk), latency)
    with serving(okta) as okta_url, serving(halo) as halo_url:
        stage = Stage(
            company=company,
            org=org,
            desk=desk,
            okta_url=okta_url,
            okta_token=org.access.add_token(READ_ONLY, owner=company.people[0].login),
            halo_url=halo_url,
        )
        deprovisioned = sum(person.status == "deactivated" for person in company.people)
        _tell(
            {
                **stage.facts(),
                "config": configuration(stage),
                "secrets": stage.secrets(),
                "deprovisioned": deprovisioned,
                "members": {team.name: len(team.members) for team in company.teams},
                "teams": [team.name for team in company.teams],
            }
        )
        for question in sys.stdin:
            if question.strip() == "counts":
                _tell(
                    {
                        "okta": okta.taken(),
                        "halo": halo.taken(),
                        "writes": len(desk.writes),
                        "listed": sum(user.name != "General User" for user in desk.users.values()),
                    }
                )


class _Remembering:
    """Keeps answers to GETs until the next write, and counts requests by method and path."""

    def __init__(self, app: ASGIApp, latency: float) -> None:
        self._app = app
        self._latency = latency / 1000
        self._kept: dict[str, list[Message]] = {}
        self._counts: Counter[str] = Counter()

    def taken(self) -> dict[str, int]:
        """Requests since the last time."""
        counts, self._counts = self._counts, Counter()
        return dict(counts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._counts[f"{scope['method']} {scope['path']}"] += 1
        if self._latency:
            await asyncio.sleep(self._latency)
        if scope["method"] != "GET":
            if scope["path"].startswith("/api/"):
                self._kept.clear()
            await self._app(scope, receive, send)
            return
        target = f"{scope['path']}?{scope['query_string'].decode()}"
        kept = self._kept.get(target)
        if kept is None:
            messages: list[Message] = []

            async def keep(message: Message) -> None:
                messages.append({**message})
                await send(message)

            await self._app(scope, receive, keep)
            if messages and messages[0].get("status") == 200:
                self._kept[target] = messages
            return
        for message in kept:
            await send({**message})


if __name__ == "__main__":
    main()
