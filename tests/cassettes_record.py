"""Record the cassettes anew: ``python tests/cassettes_record.py [case …]``.

Each case drives a plugin's real client against its local vendor over loopback, on a clock that nobody waits for, so that
recording twice gives the same files. A case that ends in an error of ours is recorded too: the refusal is the point.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from cassette_cases import API_TOKEN, CASES, HALO_SECRET, HOOK_SECRET, PAGE, Case
from cassette_entra import ENTRA_SECRET
from crosskey.errors import CrosskeyError
from crosskey.http import recording
from crosskey_sandbox.entra import EntraTenant, entra_app
from crosskey_sandbox.halo import HaloDesk, halo_app
from crosskey_sandbox.okta import okta_app
from crosskey_sandbox.server import serving
from fake_clock import FakeClock


def record(case: Case, file: Path) -> None:
    """Drive the case against its vendor and write what went over the wire."""
    clock = FakeClock()
    vendor = case.vendor(clock)
    app = application(vendor)
    with serving(on_one_clock(app, clock)) as url:
        # The org says its okta.com name too, whatever the host it is called by.
        hosts = {url.removeprefix("http://"): case.name, "acme.okta.com": case.name}
        with recording(file, "all", hosts=hosts, secrets=(API_TOKEN, HALO_SECRET, ENTRA_SECRET, HOOK_SECRET)):
            asyncio.run(drive(case, url, clock))


def application(vendor: Any) -> Any:
    if isinstance(vendor, HaloDesk):
        return halo_app(vendor)
    return entra_app(vendor) if isinstance(vendor, EntraTenant) else okta_app(vendor)


async def drive(case: Case, url: str, clock: FakeClock) -> None:
    with suppress(CrosskeyError):
        async with case.open(url, clock) as connector:
            await case.play(connector)


def on_one_clock(app: Any, clock: FakeClock) -> Any:
    """The vendor with the fake clock's ``Date``, and with user lists cut at ``PAGE`` rows whatever is asked for."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/api/v1/users":
            query = [
                (name, str(min(int(value), PAGE)) if name == "limit" else value)
                for name, value in parse_qsl(scope["query_string"].decode())
            ]
            scope = {**scope, "query_string": urlencode(query).encode()}

        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start" and all(name != b"date" for name, _ in message["headers"]):
                date = format_datetime(clock.now(), usegmt=True).encode()
                message = {**message, "headers": [*message["headers"], (b"date", date)]}
            await send(message)

        await app(scope, receive, sending)

    return wrapped


def main(chosen: list[str]) -> None:
    for path in chosen or CASES:
        case = CASES[path]
        case.file.unlink(missing_ok=True)
        record(case, case.file)
        print(f"{case.file.stat().st_size:>8}  {case.file}")  # noqa: T201 - a program's output


if __name__ == "__main__":
    main(sys.argv[1:])
