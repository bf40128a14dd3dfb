"""How many checks a second `/auth/verify` answers over real sockets, sessions in SQLite; and how fast at half load.

    PYTHONPATH=tests:tests/sso python benchmarks/forward_auth.py [--rounds 3] [--seconds 5] [--connections 16]

Bars: 2,000 checks a second on two cores, and 99 of 100 within 20 ms at 1,000 a second. The server is a process of its
own; what asks takes part of the same machine, as a proxy does, and when it is late itself that counts too. Each check
is of another session in turn, one in ten of nobody's.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import secrets
import statistics
import tempfile
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from measuring import Verdicts
from sso_bench import ADA, CONNECTION, Journal, section_of

from crosskey.clock import SystemClock
from crosskey.config import Config, JournalSettings, RailSettings, ServeSettings, SyncSection
from crosskey.connector.sso import Identity, MfaEvidence
from crosskey.journal import AttemptRecord, Doorbook
from crosskey.sso.linking import require_account
from crosskey.sso.sessions import draft_session
from crosskey.web.doors import door_app, open_hall
from crosskey.web.server import serving

HALF = 1_000


def config_of(path: Path) -> Config:
    return Config(
        path=path.with_name("crosskey.toml"),
        digest="",
        canonical="",
        sources={},
        targets={},
        sync=SyncSection(target=CONNECTION),
        maps={},
        rails=RailSettings(),
        journal=JournalSettings(path=path),
        doors={"agents": section_of()},
        serve=ServeSettings(),
    )


def fill(path: Path, count: int) -> list[str]:
    """Sessions of one invented agent; their tickets."""
    clock = SystemClock()
    Journal(path, clock).begin()  # type: ignore[arg-type] # the real clock does as well
    tickets = []
    with Doorbook.noting(path, clock=clock, connection=CONNECTION) as book:
        for number in range(count):
            now = clock.now()
            identity = Identity(
                subject=ADA,
                issuer=ADA.issuer,
                sub=ADA.id,
                client_id="door",
                issued_at=now,
                expires_at=now + timedelta(hours=1),
                mfa=MfaEvidence(verdict="proven", acr="2"),
                sid=f"sid-{number}",
            )
            ticket, draft = draft_session(section_of(), identity, clock, asked_at=now)
            attempt = AttemptRecord(door="agents", at=now, code="signed-in", reference=secrets.token_hex(4))
            book.admit(draft, attempt, require_account)
            tickets.append(ticket)
    return tickets


def serve(path: Path, told: multiprocessing.connection.Connection) -> None:
    async def run() -> None:
        async with open_hall(config_of(path)) as hall, serving(door_app(hall), "127.0.0.1", 0, most=2_000) as url:
            told.send(int(url.rpartition(":")[2]))
            while True:
                while not told.poll():
                    await asyncio.sleep(0.05)
                told.send(time.process_time())
                if told.recv() == "end":
                    return

    asyncio.run(run())


class Asker(asyncio.Protocol):
    """One connection of a proxy: one check at a time; ``rate`` a second, or as fast as it goes."""

    def __init__(self, requests: list[bytes], first: int, rate: float, until: float, took: list[float]) -> None:
        self.requests, self.turn, self.rate, self.until, self.took = requests, first, rate, until, took
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.due = time.perf_counter() + (secrets.randbelow(1000) / 1000 / rate if rate else 0)
        self.status: dict[bytes, int] = {}
        self.got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.next()

    def next(self) -> None:
        now = time.perf_counter()
        if now >= self.until:
            self.transport.close()
            self.done.set_result(None)
        elif self.rate and self.due > now:
            asyncio.get_running_loop().call_later(self.due - now, self.ask)
        else:
            self.ask()

    def ask(self) -> None:
        self.asked = self.due if self.rate else time.perf_counter()  # lateness of ours counts as the server's
        self.due += 1 / self.rate if self.rate else 0
        self.turn += 1
        self.transport.write(self.requests[self.turn % len(self.requests)])

    def data_received(self, data: bytes) -> None:
        self.got += data
        head, found, body = self.got.partition(b"\r\n\r\n")
        if not found or len(body) < 4:  # the body is the status and a line's end
            return
        self.took.append(time.perf_counter() - self.asked)
        self.status[head[9:12]] = self.status.get(head[9:12], 0) + 1
        self.got = b""
        self.next()


class Answered(NamedTuple):
    """What came of one load: how long each check took, the fastest first."""

    took: list[float]
    lasted: float
    statuses: Counter[str]

    @property
    def per_second(self) -> float:
        return len(self.took) / self.lasted

    @property
    def p99(self) -> float:
        return self.took[int(len(self.took) * 0.99)] * 1000

    def show(self, busy: float) -> str:
        middle, most = self.took[len(self.took) // 2] * 1000, self.took[-1] * 1000
        each = busy / len(self.took) * 1e6
        return (
            f"{self.per_second:8,.0f} a second   p50 {middle:7.2f} ms   p99 {self.p99:7.2f} ms   most {most:7.1f} ms   "
            f"{each:4.0f} µs of the server's CPU each   {self.statuses['401'] / len(self.took):.0%} refused   "
            f"load {os.getloadavg()[0]:.1f}"
        )


async def load(port: int, requests: list[bytes], connections: int, seconds: float, rate: float) -> Answered:
    took: list[float] = []
    until = time.perf_counter() + seconds
    loop = asyncio.get_running_loop()
    askers = []
    for number in range(connections):
        first = number * len(requests) // connections
        asker = Asker(requests, first, rate / connections, until, took)
        await loop.create_connection(lambda asker=asker: asker, "127.0.0.1", port)
        askers.append(asker)
    started = time.perf_counter()
    await asyncio.gather(*(asker.done for asker in askers))
    lasted = time.perf_counter() - started
    statuses: Counter[str] = Counter()
    for asker in askers:
        statuses.update({status.decode(): count for status, count in asker.status.items()})
    assert set(statuses) <= {"200", "401"}, statuses
    return Answered(sorted(took), lasted, statuses)


def spent(server: multiprocessing.connection.Connection, word: str = "cpu") -> float:
    """Seconds of CPU that the server has spent so far."""
    server.send(word)
    return server.recv()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="default 3: each at full load, then at 1,000 a second")
    parser.add_argument("--seconds", type=float, default=5.0, help="default 5, of each half of a round")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--sessions", type=int, default=1_000)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kept" / "journal.sqlite"
        tickets = fill(path, wanted.sessions)
        tickets += [secrets.token_urlsafe(32) for _ in range(wanted.sessions // 10)]
        head = "GET /auth/verify HTTP/1.1\r\nHost: desk.acme.example\r\nAccept: text/html\r\n"
        cookie = "Cookie: theme=dark; __Host-crosskey-agents-session={}\r\n\r\n"
        requests = [(head + cookie.format(ticket)).encode() for ticket in tickets]
        ours, theirs = multiprocessing.Pipe()
        server = multiprocessing.get_context("spawn").Process(target=serve, args=(path, theirs))
        server.start()
        port = ours.recv()

        def ask(seconds: float, rate: float) -> Answered:
            before = spent(ours)
            found = asyncio.run(load(port, requests, wanted.connections, seconds, rate))
            busy = spent(ours) - before
            print(f"  {f'{rate:g} a second' if rate else 'all it can':<14}{found.show(busy)}", flush=True)
            return found

        ask(1.0, 0)
        rounds = [(ask(wanted.seconds, 0), ask(wanted.seconds, HALF)) for _ in range(wanted.rounds)]
        spent(ours, "end")
        server.join()
    verdicts = Verdicts()
    verdicts.at_least("checks a second, median", statistics.median(full.per_second for full, _ in rounds), 2 * HALF)
    verdicts.bar(f"p99 at {HALF:,} a second, median", statistics.median(half.p99 for _, half in rounds), 20, " ms")
    verdicts.exit()


if __name__ == "__main__":
    main()
