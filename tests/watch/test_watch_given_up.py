"""After four weeks of nothing but failures a watcher gives up (G24): told, counted, explained, and a person's to end."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from virtual_time import START, in_virtual_time

from crosskey.errors import AuthError
from crosskey.instruments import Instruments
from crosskey.journal import Trouble, Watchbook
from crosskey.journal.troubles import GIVEN_UP
from crosskey.watch import backoff
from crosskey.watch.failure import Failure

DAY = timedelta(days=1)
REFUSED = Failure(code="token", text="source.corp: 401", fix="renew the token", at_once=True)
SLOWEST, FASTEST = 1.2, 0.8


class Fixed(Random):
    """Spreads every pause the same way."""

    def __init__(self, spread: float) -> None:
        super().__init__(1)
        self.spread = spread

    def uniform(self, a: float, b: float) -> float:
        assert a <= self.spread <= b
        return self.spread


def failing_since(days: float, failures: int, *, step: int = 6) -> Trouble:
    return Trouble(
        since=START - timedelta(days=days),
        failures=failures,
        step=step,
        next_try_at=START,
        code="token",
        place="source.corp",
        text="401",
        fix="renew the token",
        exit_code=3,
    )


@pytest.mark.parametrize("spread", [SLOWEST, 1.0, FASTEST])
@pytest.mark.parametrize("at_once", [True, False])
def test_it_gives_up_after_four_weeks_however_the_pauses_are_spread(spread, at_once):
    failure = Failure(code="away", text="away", at_once=at_once)
    trouble, now = None, START
    while trouble is None or not trouble.given_up:
        trouble = backoff.troubled(trouble, failure, now, Fixed(spread))
        assert now - START < 31 * DAY
        now = max(trouble.next_try_at, now + timedelta(minutes=5))
    assert trouble.failures >= backoff.TRIES
    assert now - START >= backoff.PATIENCE


@pytest.mark.parametrize(("days", "failures"), [(40, 9), (4000, 26), (27.9, 400)])
def test_neither_a_clock_that_is_ahead_nor_a_person_in_a_hurry_makes_it_give_up(days, failures):
    after = backoff.troubled(failing_since(days, failures), REFUSED, START, Random(1))
    assert not after.given_up
    assert after.step == 6


def test_it_stays_given_up_whatever_fails_later():
    before = failing_since(30, 40, step=GIVEN_UP)
    after = backoff.troubled(before, Failure(code="away", text="away"), START - 20 * DAY, Random(1))
    assert (after.given_up, after.since) == (True, before.since)


@pytest.fixture
def given_up(bench):
    """A watcher whose next failure is the last one that it needs."""
    Watchbook.prepare(bench.watcher.setup.config.journal.path, clock=bench.clock, connection="desk")
    with bench.book() as book:
        book.note_trouble(failing_since(28, 29))
    bench.script = lambda options, number: AuthError("401", code="token", where="source.corp", fix="renew the token")
    return bench


def test_nothing_is_tried_any_more_not_even_after_a_restart_or_by_a_signal(given_up):
    async def weeks() -> None:
        await given_up.watch(3)
        for day in (2, 9, 40):
            given_up.clock.ahead = day * 86_400.0
            given_up.watcher = given_up.another()
            await given_up.watch(1, (2, lambda: given_up.watcher.wake(changes=True)))

    in_virtual_time(weeks())
    assert len(given_up.began) == 1
    status = given_up.status()
    assert status.given_up
    assert status.exit_code == 11


def test_it_is_told_once_and_loudly(given_up):
    in_virtual_time(given_up.watch(6, (60, given_up.watcher.ask)))
    assert len(given_up.began) == 2, "a person may try once, and it stays as it was"
    assert given_up.told.subjects() == ["error quarantined: token", "error given up: nothing is tried any more"]
    [_, notice] = given_up.told.notices
    assert notice.code == "given-up"
    assert "since 2025-12-08" in notice.text
    assert notice.fix == "renew the token; then `crosskey watch --clear`"
    kinds = [event.kind for event in given_up.book().events() if event.kind.startswith("quarantine")]
    assert kinds == ["quarantine.entered", "quarantine.given-up"]


def test_a_person_ends_it_and_so_does_a_round_that_goes_well(given_up):
    def clear() -> None:
        with given_up.book() as book:
            assert book.clear_trouble(by="command")
            book.ask("everything")

    in_virtual_time(given_up.watch(3, (60, clear)))
    assert 60 <= given_up.minutes()[1] <= 62
    assert given_up.status().trouble.step >= 0
    assert not given_up.status().given_up, "the ladder begins anew"
    given_up.script = lambda options, number: None
    given_up.watcher = given_up.another()
    in_virtual_time(given_up.watch(1, (1, given_up.watcher.ask)))
    assert given_up.status().trouble is None


def test_it_is_counted_as_a_rail_that_tripped_and_only_once(bench):
    reader = InMemoryMetricReader()
    told = Instruments(MeterProvider([reader]).get_meter("crosskey"))
    Watchbook.prepare(bench.watcher.setup.config.journal.path, clock=bench.clock, connection="desk")
    with bench.book() as book:
        book.note_trouble(failing_since(28, 26))
        for _ in range(4):
            backoff.note_failure(book, REFUSED, START, Random(1), told)
    (data,) = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics
    assert data.name == "crosskey.guard.tripped.count"
    (point,) = data.data.data_points
    assert (dict(point.attributes), point.value) == ({"crosskey.connection": "desk", "crosskey.guard": "given-up"}, 1)
