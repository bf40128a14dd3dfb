"""A watcher's care for its hooks: made, prolonged, missed, mended; a vendor that cannot be asked costs nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

import httpx
import pytest
from starlette.applications import Starlette
from virtual_time import START, in_virtual_time
from watch_bench import TEXT

from crosskey.config import load_config
from crosskey.connector.signal import SignalAnswer, Subscription
from crosskey.errors import AuthError, ConfigError, RejectedError, RetryableError
from crosskey.web import hook_routes, hook_sources

URL = "https://sync.acme.example"
HOOK = f"{URL}/hooks/corp"
LIFE = timedelta(days=28)
DEAD = "warning hooks do not work"


class Vendor:
    """A source whose vendor delivers for 28 days and then has forgotten about it; synthetic."""

    issuer = "https://directory.example"

    def __init__(self, clock) -> None:
        self.clock = clock
        self.made: dict[str, Subscription] = {}
        self.calls: Counter[str] = Counter()
        self.renewed: list[tuple[str, float]] = []
        self.fails: dict[str, BaseException] = {}
        self.hangs = self.silent = False

    def live(self) -> dict[str, Subscription]:
        now = self.clock.now()
        self.made = {about: one for about, one in self.made.items() if one.expires_at is None or one.expires_at > now}
        return self.made

    async def _called(self, name: str) -> None:
        self.calls[name] += 1
        if self.hangs:
            await asyncio.Event().wait()
        if name in self.fails:
            raise self.fails[name]

    async def subscriptions(self):
        await self._called("subscriptions")
        return list(self.live().values())

    async def subscribe(self, url):
        await self._called("subscribe")
        for about in ("people", "groups"):
            if about not in self.live() or self.made[about].url != url:
                self.made[about] = self._one(f"{about}-{self.calls['made']}", url, about)
                self.calls["made"] += 1
        return list(self.made.values())

    async def renew(self, subscription):
        await self._called("renew")
        if self.live().get(subscription.about) != subscription:
            raise RejectedError("it is gone", code="gone", status=404)
        self.renewed.append((subscription.about, (self.clock.now() - START).total_seconds() / 86_400))
        self.made[subscription.about] = self._one(subscription.id, subscription.url, subscription.about)
        return self.made[subscription.about]

    async def unsubscribe(self, subscription):
        self.made.pop(subscription.about, None)

    def receive(self, request):
        return SignalAnswer(verdict="accepted", code="told", renew=b"renew" in request.body)

    def _one(self, id: str, url: str, about: str) -> Subscription:
        state = "unverified" if self.silent else "active"
        return Subscription(id=id, url=url, state=state, about=about, expires_at=self.clock.now() + LIFE)


def text(public_url: str = URL, every: str = "6h") -> str:
    line = f'public_url = "{public_url}"\n' if public_url else ""
    return TEXT.replace('every = "5m"\njitter = "30s"\n', f'every = "{every}"\njitter = "30s"\n{line}')


@pytest.fixture
def vendor(bench) -> Vendor:
    """The vendor of the bench's source, which looks every six hours and says where its hooks come in."""
    bench.told.source = Vendor(bench.clock)
    bench.file.write_text(text())
    bench.watcher = bench.another()
    return bench.told.source


def again(bench) -> None:
    """Another watcher, when the one before has ended."""
    bench.clock.advance(max(0.0, (bench.clock.now() - START).total_seconds() - bench.clock.ahead))
    bench.watcher = bench.another()


# ------------------------------------------------------------------------------------------------- made and prolonged


def test_with_the_first_good_round_they_are_made_and_then_left_alone(bench, vendor):
    in_virtual_time(bench.watch(31))
    assert {one.url for one in vendor.live().values()} == {HOOK}
    assert vendor.calls == {"subscriptions": 2, "subscribe": 2, "made": 2}, "looked at once a day"
    assert bench.told.subjects() == []


def test_they_are_prolonged_a_week_before_they_end(bench, vendor):
    for days in (0, 10, 20.9, 21.3, 30, 41, 42.6, 60):
        bench.clock.ahead = days * 86_400.0
        bench.watcher = bench.another()
        in_virtual_time(bench.watch(0.1))
        assert len(vendor.live()) == 2
    renewed = [(about, round(at, 1)) for about, at in vendor.renewed]
    assert renewed == [("people", 21.3), ("groups", 21.3), ("people", 42.6), ("groups", 42.6)]
    assert vendor.calls["made"] == 2, "none ever ended"
    assert bench.told.subjects() == []


def test_one_that_ended_is_made_anew(bench, vendor):
    in_virtual_time(bench.watch(0.1))
    del vendor.made["groups"]
    bench.clock.advance(86_400)
    again(bench)
    in_virtual_time(bench.watch(0.1))
    assert set(vendor.live()) == {"people", "groups"}
    assert vendor.calls["made"] == 3, "the other one is left alone"
    assert bench.told.subjects() == []


def test_after_a_long_absence_all_are_made_anew(bench, vendor):
    in_virtual_time(bench.watch(1))
    bench.clock.advance(40 * 86_400)
    assert vendor.live() == {}
    again(bench)
    in_virtual_time(bench.watch(7))
    assert len(vendor.live()) == 2
    assert DEAD not in bench.told.subjects()


def test_another_public_address_is_taken_up_with_a_reload(bench, vendor):
    def move() -> None:
        bench.file.write_text(text("https://moved.acme.example/desk/hooks"))
        bench.watcher.reload()

    in_virtual_time(bench.watch(14, (90, move)))
    assert {one.url for one in vendor.live().values()} == {"https://moved.acme.example/desk/hooks/corp"}


def test_a_round_that_failed_is_followed_by_no_look(bench, vendor):
    bench.script = lambda options, number: RetryableError("away", code="away")
    in_virtual_time(bench.watch(7))
    assert vendor.calls == {}


# ------------------------------------------------------------------------------------------------------ the vendor says


def test_what_the_vendor_says_is_about_to_end_is_prolonged_with_the_next_good_round(bench, vendor):
    told: list[int] = []

    async def tell() -> None:
        async with hook_sources(lambda: bench.watcher.setup) as sources:
            routes = hook_routes(sources, bench.watcher.wake, bench.clock, renew=bench.watcher.renew_hooks)
            transport = httpx.ASGITransport(Starlette(routes=routes))
            async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
                told.append((await client.post("/hooks/corp", content=b"renew")).status_code)

    tasks: list[object] = []
    bench.script = lambda options, number: RetryableError("away", code="away") if number == 3 else None
    in_virtual_time(bench.watch(20, (8 * 60, lambda: tasks.append(asyncio.ensure_future(tell())))))
    assert told == [200]
    assert [about for about, _ in vendor.renewed] == ["people", "groups"], "once, although they last for weeks"
    assert vendor.calls["subscribe"] == 2
    third, fourth = bench.minutes()[2:4]
    assert vendor.renewed[0][1] * 24 * 60 >= fourth > third > 8 * 60


# ---------------------------------------------------------------------------------------------------- dead and mended


@pytest.mark.parametrize(
    "why",
    [
        RejectedError("the address gave no answer", code="unverified"),
        AuthError("not allowed to", code="permission"),
        ConfigError("there is no hook_secret", code="secret"),
        ValueError("broken"),
    ],
)
def test_hooks_that_cannot_be_made_are_told_about_once_and_again_when_they_work(bench, vendor, why):
    vendor.fails["subscribe"] = why
    in_virtual_time(bench.watch(14, (8 * 60, vendor.fails.clear)))
    assert bench.told.subjects() == [DEAD, "resolved hooks do not work"]
    told, mended = bench.told.notices
    assert (told.key, told.code, told.fix) == ("desk:hooks:source.corp", "hooks-dead", "crosskey hooks install")
    assert told.text == "source.corp: its hooks do not work; changes are found by the timer alone."
    assert timedelta(hours=8) < mended.at - START < timedelta(hours=13), "at the next round, not the next day"
    assert bench.watcher.counts["round", "failed"] == 0
    assert len(vendor.live()) == 2


def test_hooks_that_the_vendor_could_not_verify_are_dead(bench, vendor):
    vendor.silent = True
    in_virtual_time(bench.watch(7))
    assert bench.told.subjects() == [DEAD]


def test_one_that_ends_while_it_is_prolonged_is_dead_until_it_is_made_anew(bench, vendor):
    vendor.fails["renew"] = RejectedError("it is gone", code="gone", status=404)
    vendor.made["people"] = Subscription(
        id="old", url=HOOK, state="active", about="people", expires_at=START + timedelta(hours=3)
    )
    in_virtual_time(bench.watch(7))
    assert bench.told.subjects() == [DEAD, "resolved hooks do not work"]
    assert vendor.live()["people"].id != "old"


def test_a_restart_mends_no_hook_and_says_nothing_twice(bench, vendor):
    vendor.fails["subscribe"] = RejectedError("the address gave no answer", code="unverified")
    in_virtual_time(bench.watch(1))
    for _ in range(2):
        again(bench)
        in_virtual_time(bench.watch(7))
    assert bench.told.subjects() == [DEAD]
    vendor.fails.clear()
    again(bench)
    in_virtual_time(bench.watch(7))
    assert bench.told.subjects() == [DEAD, "resolved hooks do not work"]


def test_without_an_address_any_more_there_is_nothing_left_to_mend(bench, vendor):
    vendor.fails["subscribe"] = RejectedError("the address gave no answer", code="unverified")

    def give_up() -> None:
        bench.file.write_text(text(""))
        bench.watcher.reload()

    in_virtual_time(bench.watch(14, (90, give_up)))
    assert bench.told.subjects() == [DEAD, "resolved hooks do not work"]


# ------------------------------------------------------------------------------------------------ who cannot be asked


@pytest.mark.parametrize("where", ["subscriptions", "subscribe"])
def test_a_vendor_that_is_away_changes_no_verdict(bench, vendor, where):
    away = {where: RetryableError("away", code="away")}
    vendor.fails |= away
    in_virtual_time(bench.watch(7))
    assert bench.told.subjects() == [], "nothing is known against them"
    vendor.fails.clear()
    vendor.fails["subscribe"] = RejectedError("the address gave no answer", code="unverified")
    again(bench)
    in_virtual_time(bench.watch(7))
    vendor.fails |= away
    again(bench)
    in_virtual_time(bench.watch(7))
    assert bench.told.subjects() == [DEAD], "nor for them"


@pytest.mark.parametrize("error", [AuthError("hooks are shown to an administrator", code="role"), KeyError("broken")])
def test_whoever_may_not_look_at_hooks_is_no_cause_for_alarm(bench, vendor, error):
    vendor.fails["subscriptions"] = error
    in_virtual_time(bench.watch(31))
    assert bench.told.subjects() == []
    assert vendor.calls == {"subscriptions": 2}, "once a day"
    assert bench.watcher.counts["round", "failed"] == 0


def test_a_vendor_that_never_answers_costs_two_minutes_and_no_round(bench, vendor):
    vendor.hangs = True
    in_virtual_time(bench.watch(7))
    assert bench.told.subjects() == []
    assert bench.watcher.counts["round", "done"] == 2
    assert vendor.calls == {"subscriptions": 1}


def test_without_a_public_address_nobody_is_asked(bench, vendor):
    bench.file.write_text(text(""))
    bench.watcher = bench.another()
    bench.watcher.renew_hooks("corp")
    in_virtual_time(bench.watch(7))
    assert bench.watcher.counts["round", "done"] == 2
    assert vendor.calls == {}


def test_a_source_without_hooks_has_none_that_could_fail(bench):
    bench.file.write_text(text())
    again(bench)
    in_virtual_time(bench.watch(7))
    assert bench.told.subjects() == []


# ------------------------------------------------------------------------------------------------------- the address


@pytest.mark.parametrize(
    "address",
    [
        "http://sync.acme.example",
        "sync.acme.example",
        "https://",
        f"{URL}?a=1",
        "https://someone:secret-word@sync.acme.example",
        f"{URL}/hooks/branch",
    ],
)
def test_an_address_that_no_vendor_delivers_to_is_refused(bench, address):
    bench.file.write_text(text(address))
    with pytest.raises(ConfigError) as caught:
        load_config(bench.file, bench.plugins)
    (problem,) = caught.value.problems
    assert problem.path == "watch.public_url"
    assert problem.fix
    assert "secret-word" not in str(caught.value)


@pytest.mark.parametrize("address", [URL, f"{URL}/desk/", HOOK, "http://127.0.0.1:8470", "http://localhost:8470"])
def test_an_address_that_vendors_reach_is_taken(bench, address):
    bench.file.write_text(text(address))
    assert load_config(bench.file, bench.plugins).watch.public_url == address
