"""What is decided, without doing anything: for any situation, and as arithmetic."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from virtual_time import START

from crosskey.config import WatchSettings
from crosskey.errors import AuthError, ConfigError, ContractError, ExitCode, RejectedError, RetryableError
from crosskey.journal import Trouble
from crosskey.journal.troubles import GIVEN_UP
from crosskey.model import Subject
from crosskey.watch.backoff import LADDER, TOLERATED, troubled
from crosskey.watch.failure import Failure, failure_of
from crosskey.watch.inbox import GATHER, MOST, Inbox
from crosskey.watch.timetable import Round, Situation, Timetable

SETTINGS = WatchSettings(every=timedelta(minutes=5), jitter=timedelta(seconds=30))
AGO = st.integers(-7200, 7200).map(lambda seconds: START + timedelta(seconds=seconds))
MAYBE = st.none() | AGO


def timetable(seed: int = 1) -> Timetable:
    return Timetable(SETTINGS, timedelta(hours=24), Random(seed))


def trouble(step: int, next_try_at=START) -> Trouble:
    return Trouble(
        since=START, failures=1, step=step, next_try_at=next_try_at, code="x", place="", text="", fix="", exit_code=4
    )


SITUATIONS = st.builds(
    Situation,
    now=st.just(START),
    next_at=AGO,
    full_at=MAYBE,
    full_tried_at=MAYBE,
    renewed=st.booleans(),
    trouble=st.none() | st.builds(trouble, st.sampled_from([*range(-1, 7), GIVEN_UP]), AGO),
    asked=st.sampled_from(["", "changes", "everything"]),
    heard=st.booleans(),
    people_at=MAYBE,
    locked_until=MAYBE,
    stopped=st.booleans(),
)


@given(SITUATIONS)
def test_every_situation_has_a_step_that_comes_in_finite_time(seen):
    step = timetable().decide(seen)
    assert (step.at == START) if step.round else (START < step.at <= START + timedelta(hours=2))


@pytest.mark.parametrize("back", [1, 40, 4000])
def test_a_wall_clock_that_goes_back_costs_no_rounds(back):
    ahead = START + timedelta(days=back)
    seen = Situation(now=START, next_at=ahead, full_at=ahead, full_tried_at=ahead, people_at=ahead, locked_until=ahead)
    assert timetable().decide(seen).round is not None
    assert timetable().decide(replace(seen, people_at=None)).round == Round("everything", "full")
    lost = timetable().decide(replace(seen, trouble=trouble(3, ahead)))
    assert lost.round is not None or lost.at <= START + timedelta(days=1, hours=5)


@given(SITUATIONS)
def test_nothing_begins_while_stopped_or_locked(seen):
    if seen.stopped or (seen.locked_until is not None and START < seen.locked_until <= START + timedelta(minutes=1)):
        assert timetable().decide(seen).round is None


@given(SITUATIONS)
def test_out_of_quarantine_everything_is_read_and_only_a_person_shortens_it(seen):
    begun = timetable().decide(seen).round
    if seen.trouble is not None and seen.trouble.quarantined and begun is not None:
        assert begun.reach == "everything"
        assert seen.asked or (seen.trouble.next_try_at <= START and not seen.trouble.given_up)


@given(SITUATIONS)
def test_a_due_round_is_never_put_off_without_a_reason(seen):
    reasons = (seen.stopped, seen.locked_until is not None and seen.locked_until > START, seen.trouble is not None)
    if seen.next_at <= START and not any(reasons):
        assert timetable().decide(seen).round is not None


@given(st.integers(0, 86_400), st.integers(0, 1000))
def test_the_round_after_is_in_the_rhythm_and_never_at_once(took, seed):
    began, ended = START, START + timedelta(seconds=took)
    following = timetable(seed).after(began, ended)
    assert ended < following <= ended + SETTINGS.every + SETTINGS.spread


@pytest.mark.parametrize(("ago", "wait"), [(None, 0), (1, 299), (299, 1), (301, 0), (999_999, 0), (-9999, 300)])
def test_a_watcher_that_starts_takes_the_rhythm_up(ago, wait):
    last = None if ago is None else START - timedelta(seconds=ago)
    assert timetable().first(START, last) == START + timedelta(seconds=wait)


@given(st.lists(st.booleans(), min_size=1, max_size=20), st.integers(0, 1000))
def test_the_ladder_only_goes_up_and_its_pauses_keep_their_bounds(at_once, seed):
    random, before = Random(seed), None
    for number, once in enumerate(at_once, 1):
        after = troubled(before, Failure(code="x", text="", at_once=once), START, random)
        pause = after.next_try_at - START
        assert after.failures == number
        if before is not None:
            assert after.step >= before.step
        if after.step >= 0:
            assert LADDER[after.step] * 0.8 <= pause <= LADDER[after.step] * 1.2
        else:
            assert pause == timedelta(0)
            assert number <= TOLERATED
        before = after


def test_the_ladder_is_the_documented_one():
    assert [pause.total_seconds() / 60 for pause in LADDER] == [15, 30, 60, 120, 360, 720, 1440]


@pytest.mark.parametrize(
    ("error", "at_once", "code"),
    [
        (AuthError("x"), True, ExitCode.AUTH),
        (ConfigError("x"), True, ExitCode.CONFIG),
        (RetryableError("x", wait=9), False, ExitCode.RETRYABLE),
        (ContractError("ann@acme.example"), False, ExitCode.PLUGIN),
        (RejectedError("Ann King"), False, ExitCode.REJECTED),
        (ZeroDivisionError("ann"), False, ExitCode.INTERNAL),
    ],
)
def test_errors_are_classed_by_what_to_do_next(error, at_once, code):
    failure = failure_of(error)
    assert (failure.at_once, failure.exit_code) == (at_once, code)
    assert "nn" not in failure.text.lower().replace("cannot", "")
    assert failure.wait == getattr(error, "wait", 0.0)


@given(st.lists(st.lists(st.integers(0, 300), max_size=150), max_size=6))
def test_the_inbox_forgets_nobody_and_never_grows_without_end(batches):
    inbox, everybody = Inbox(), set()
    for batch in batches:
        people = [Subject("https://acme.example", str(number)) for number in batch]
        inbox.put(people, START)
        everybody |= set(people)
    taken = inbox.take_people()
    assert len(taken) <= MOST
    assert taken == everybody or inbox.heard
    assert inbox.asked == "", "nobody asked"
    assert inbox.people_at is None


def test_the_inbox_waits_for_more_from_the_first_signal_on():
    inbox = Inbox()
    inbox.put([], START)
    assert inbox.people_at is None
    inbox.put([Subject("https://acme.example", "1")], START)
    inbox.put([Subject("https://acme.example", "2")], START + timedelta(seconds=1))
    assert inbox.people_at == START + GATHER


def test_the_larger_of_two_wishes_stands():
    inbox = Inbox()
    for wanted in ("changes", "everything", "changes", ""):
        inbox.ask(wanted)
    assert inbox.asked == "everything"
