"""Pings for the service that watches the watcher: in order, and never at a round's cost."""

from __future__ import annotations

import httpx
import pytest
from virtual_time import in_virtual_time
from watch_bench import TEXT, Bench, Result

from crosskey.engine.connect import Connect
from crosskey.errors import RetryableError
from crosskey.model import Subject

HEARTBEAT = '[watch.heartbeat]\nurl = { file = "ping.url" }\n'


class Service(httpx.AsyncBaseTransport):
    """The service, which may be away."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.away = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.away:
            raise httpx.ConnectError("away", request=request)
        self.paths.append(request.url.path)
        return httpx.Response(200, text="OK")


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def pinging(memory_folder, service) -> Bench:
    return pinging_bench(memory_folder, service, HEARTBEAT)


def pinging_bench(folder, service, text) -> Bench:
    secret = folder / "ping.url"
    secret.write_text("https://hc.example/ping/1234")
    secret.chmod(0o600)
    bench = Bench(folder, TEXT + text)
    bench.connect = Connect(clock=bench.clock, transport={"watch.heartbeat": service}.get)
    bench.watcher = bench.another()
    return bench


def test_each_round_pings_at_its_start_and_by_what_it_came_to(pinging, service):
    results = {
        2: RetryableError("x"),
        3: Result(held=[("empty-source", "run")]),
        4: Result(held=[("protected", "person")]),
    }
    pinging.script = lambda options, number: results.get(number)
    in_virtual_time(pinging.watch(0.3))
    ping = "/ping/1234"
    assert service.paths[:8] == [
        *(f"{ping}/start", ping),
        *(f"{ping}/start", f"{ping}/fail"),
        *(f"{ping}/start", f"{ping}/fail"),
        *(f"{ping}/start", ping),
    ]


def test_a_round_about_a_few_people_says_nothing_about_the_whole(pinging, service):
    in_virtual_time(pinging.watch(0.05, (1, lambda: pinging.watcher.wake([Subject("https://acme.example", "1")]))))
    assert pinging.reaches() == ["everything", "people"]
    assert service.paths == ["/ping/1234/start", "/ping/1234"]


def test_a_service_that_is_away_costs_no_round(pinging, service):
    service.away = True
    in_virtual_time(pinging.watch(0.5))
    assert pinging.watcher.counts["round", "done"] >= 5
    assert pinging.watcher.counts["round", "failed"] == 0


def test_suffixes_are_the_service_s_own(memory_folder, service):
    text = HEARTBEAT + 'start = ""\nsuccess = "/up"\nfail = "/down"\n'
    bench = pinging_bench(memory_folder, service, text)
    bench.script = lambda options, number: RetryableError("x") if number == 2 else None
    in_virtual_time(bench.watch(0.12))
    assert service.paths == ["/ping/1234/up", "/ping/1234/down"]


def test_the_address_is_in_no_log(pinging, service, caplog):
    caplog.set_level("DEBUG")
    service.away = True
    in_virtual_time(pinging.watch(0.05))
    assert "no ping reached the heartbeat service" in caplog.text
    assert "1234" not in caplog.text
