"""Guards one by one: where each begins, what exactly it says and holds, and what it lets through."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from crosskey.clock import Skews
from crosskey.engine.guarding import ClockGuard, FailureGuard, Guard, WriteTimeGuard, take_out
from crosskey.engine.protect import Protection
from crosskey.engine.rails import Remaining
from crosskey.engine.timekeeper import TOLERATED, Timekeeper
from crosskey.model import Account, Subject
from crosskey.plan import Change, FieldChange, Held, Outcome, ReferenceChange
from fake_clock import FakeClock

ADA, BOB = Subject("https://directory.example", "ada"), Subject("https://directory.example", "bob")
OFF = FieldChange(before=True, after=False)
SECOND = timedelta(seconds=1)


def change(subject: Subject = ADA, *, action="disable", kind="user", key: str | None = "1", **parts) -> Change:
    parts = {"active": OFF, **parts} if action == "disable" else parts
    return Change(
        id=f"{action}-{subject.id}",
        action=action,
        kind=kind,
        subject=subject,
        label=subject.id.title(),
        key=key,
        **parts,
    )


def hold(rail: str, of: Change, summary: str, fix: str) -> Held:
    return Held(
        rail=rail,
        scope="person",
        summary=summary,
        fix=fix,
        action=of.action,
        kind=of.kind,
        subject=of.subject,
        label=of.label,
        key=of.key,
    )


# -- what any guard holds ---------------------------------------------------------------------------------------------


async def test_a_plain_guard_lets_everything_through():
    assert await Guard().before([change()]) == ()
    assert Guard().after([change()], []) == ()


@pytest.mark.parametrize(
    ("held", "left"),
    [
        (Held(rail="r", scope="run", summary=""), []),
        (Held(rail="r", scope="class", summary="", kind="user", action="disable"), ["update-ada", "disable-bob"]),
        (
            Held(rail="r", scope="class", summary="", kind="agent", action="update"),
            ["disable-ada", "update-ada", "disable-bob"],
        ),
        (Held(rail="r", scope="person", summary="", kind="user", subject=ADA), ["disable-bob"]),
        (
            Held(rail="r", scope="person", summary="", kind="agent", subject=ADA),
            ["disable-ada", "update-ada", "disable-bob"],
        ),
    ],
)
def test_a_hold_takes_out_exactly_what_its_scope_says(held, left):
    batch = [change(), change(action="update"), change(BOB, kind="agent")]
    assert [one.id for one in take_out(batch, [held])] == left
    assert [one.id for one in take_out(batch, iter([held]))] == left
    nobody = Held(rail="r", scope="person", summary="", kind="user", subject=BOB)
    assert [one.id for one in take_out(batch, [nobody, held])] == left


# -- the clock --------------------------------------------------------------------------------------------------------


def keeper(clock: FakeClock, skews: Skews | None = None, newest: timedelta | None = None) -> Timekeeper:
    return Timekeeper(clock, skews or Skews(), newest=None if newest is None else clock.now() + newest)


def told(ours_ahead: timedelta) -> Skews:
    skews = Skews()
    skews.note(
        "desk.example", theirs=datetime(2026, 1, 5, tzinfo=UTC), ours=datetime(2026, 1, 5, tzinfo=UTC) + ours_ahead
    )
    return skews


async def test_a_change_that_rests_on_time_is_held_with_what_is_wrong_with_the_clock():
    clock = FakeClock()
    time = keeper(clock)
    guard = ClockGuard(time, lambda one: one.subject == ADA)
    batch = [change(), change(BOB)]
    assert await guard.before(batch) == ()
    clock.start += timedelta(hours=1)
    assert await guard.before(batch) == [
        hold(
            "clock",
            batch[0],
            "the clock jumped by 1:00:00 while this run was at work: what only time decides waits",
            "set the clock right (NTP), then run again",
        )
    ]


@pytest.mark.parametrize("sign", [1, -1])
def test_five_minutes_are_tolerated_and_a_second_more_is_not(sign):
    clock = FakeClock()
    jumping = keeper(clock)
    clock.start += sign * TOLERATED
    assert jumping.doubt == ""
    clock.start += sign * SECOND
    assert jumping.doubt == "the clock jumped by 0:05:01 while this run was at work"
    assert keeper(FakeClock(), told(sign * TOLERATED)).doubt == ""
    side = "ahead of" if sign > 0 else "behind"
    assert (
        keeper(FakeClock(), told(sign * (TOLERATED + SECOND))).doubt
        == f"the clock is 0:05:01 {side} that of desk.example"
    )


def test_time_that_passes_by_both_clocks_is_no_jump():
    clock = FakeClock()
    clock.advance(7200)
    time = keeper(clock)
    clock.advance(7200)
    assert time.doubt == ""
    assert time.now() == clock.now()


def test_the_newest_run_is_asked_where_no_server_told_the_time():
    assert keeper(FakeClock(), newest=TOLERATED).doubt == ""
    assert keeper(FakeClock(), newest=-timedelta(days=9)).doubt == ""
    late = TOLERATED + SECOND
    assert keeper(FakeClock(), newest=late).doubt == "the clock is 0:05:01 behind the newest run in the journal"
    assert keeper(FakeClock(), told(timedelta(0)), newest=late).doubt == ""


def test_a_wait_is_over_at_its_end_and_not_before():
    clock = FakeClock()
    time = keeper(clock)
    since, wait = clock.now() - timedelta(hours=1), timedelta(hours=1)
    assert time.has_passed(since, wait)
    assert not time.has_passed(since + SECOND, wait)
    assert not time.is_recent(since, wait)
    assert time.is_recent(since + SECOND, wait)
    assert time.is_recent(clock.now(), wait)
    assert not time.is_recent(clock.now() + SECOND, wait), "what is yet to come is not long ago"
    assert time.is_past(clock.now())
    assert not time.is_past(clock.now() + SECOND)
    clock.start += timedelta(days=1)
    assert not time.has_passed(since, wait), "in doubt no time passes"
    assert not time.is_past(since)
    assert time.is_recent(since, wait)


# -- too many refusals ------------------------------------------------------------------------------------------------

GO_ON = "see why with `crosskey history`; what was refused is tried again after a while, everything else at once"


def outcome(result: str, code: str = "bad") -> Outcome:
    return Outcome(change="x", result=result, code=code if result == "rejected" else "")


def row(guard: FailureGuard, *results: str, of: Change | None = None, code: str = "bad") -> list[list[Held]]:
    """What it says after each of these, every one a batch of its own."""
    return [list(guard.after([of or change()], [outcome(result, code)])) for result in results]


def failing(summary: str) -> list[Held]:
    return [Held(rail="failing", scope="run", summary=f"{summary}: nothing more is written", fix=GO_ON)]


@pytest.mark.parametrize(("code", "told_as"), [("bad", "[bad]"), ("", "without a code")])
def test_five_refusals_of_one_sort_in_a_row_are_enough(code, told_as):
    *before, last = row(FailureGuard(), *["rejected"] * 5, code=code)
    assert before == [[]] * 4
    assert last == failing(f"the target refused 5 in a row (disable user) the same way {told_as}")


@pytest.mark.parametrize("between", ["applied", "already", "unknown"])
def test_anything_else_breaks_a_row(between):
    guard = FailureGuard()
    assert not any(row(guard, *["rejected"] * 4, between, *["rejected"] * 4))
    assert any(row(guard, "rejected"))


@pytest.mark.parametrize("other", [change(kind="agent"), change(action="update")])
def test_a_refusal_of_another_sort_begins_a_row_of_its_own(other):
    guard = FailureGuard()
    assert not any(row(guard, *["rejected"] * 4))
    assert not any(row(guard, *["rejected"] * 4, of=other))
    assert any(row(guard, "rejected", of=other))


def test_another_code_begins_a_row_of_its_own():
    guard = FailureGuard()
    assert not any(row(guard, *["rejected"] * 4))
    assert not any(row(guard, *["rejected"] * 4, code="worse"))


@pytest.mark.parametrize("result", ["rejected", "unknown"])
def test_eight_of_twenty_may_fail_and_nine_not(result):
    for failed in (8, 9):
        guard = FailureGuard()
        results = [result, "applied"] * failed + ["applied"] * (20 - 2 * failed)
        *before, last = row(guard, *results)
        assert not any(before), "nineteen writes are too few to tell"
        assert last == ([] if failed == 8 else failing("9 of 20 writes were refused or got no clear answer"))


def test_a_lost_answer_is_one_failure_and_a_batch_of_refusals_is_many():
    guard = FailureGuard()
    batch = [change()] * 30
    assert guard.after(batch, [outcome("unknown")] * 30) == ()
    assert not any(row(guard, *["unknown", "applied"] * 7, *["applied"] * 5)), "eight of twenty"
    mixed = [outcome("unknown")] * 12 + [outcome("applied")] * 12
    assert FailureGuard().after(batch, mixed) == failing("12 of 24 writes were refused or got no clear answer")
    assert FailureGuard().after(batch, [outcome("rejected")] * 5)


# -- a last look at accounts ------------------------------------------------------------------------------------------


class Desk:
    """A target that looks single accounts up, and remembers what it was asked."""

    def __init__(self, *accounts: Account) -> None:
        self.accounts = accounts
        self.asked = []

    async def look_up(self, lookup):
        self.asked.append(lookup)
        return self.accounts


def last_look(target: object, remaining: Remaining | None = None, *, kind: str = "user") -> WriteTimeGuard:
    section = SimpleNamespace(provided=None, path="target.desk")
    return WriteTimeGuard(target, section, Protection([]), {} if remaining is None else {kind: remaining})


def account(key: str, kind: str = "user", **parts) -> Account:
    return Account(kind=kind, key=key, **parts)


async def test_who_is_not_there_any_more_is_held():
    going, gone = change(), change(BOB, key="2")
    desk = Desk(account("1"), account("2", "agent"))
    missing = hold(
        "accounts-missing",
        gone,
        "user 2 was not there when it was looked up right before the write",
        "run again: it is read anew",
    )
    assert await last_look(desk).before([going, gone]) == [missing], "an agent of that key is somebody else"
    [lookup] = desk.asked
    assert (lookup.kind, lookup.keys) == ("user", ("1", "2"))


async def test_who_is_protected_by_now_is_held():
    going = change()
    desk = Desk(account("1", protected="the last admin"))
    assert await last_look(desk).before([going]) == [
        hold("protected", going, "not to be touched (disable): the target protects it: the last admin", "")
    ]


@pytest.mark.parametrize(
    ("of", "looks"),
    [
        (change(action="disable"), True),
        (change(action="release"), False),
        (change(action="release", active=OFF), True),
        (change(action="enable", active=FieldChange(before=False, after=True)), False),
        (change(action="update"), False),
        (change(action="update", references={"roles": ReferenceChange(("a",), ("a", "b"))}), False),
        (change(action="update", references={"roles": ReferenceChange(("a", "b"), ("a",))}), True),
        (change(action="update", references={"site": ReferenceChange(("a",), ("b",))}), True),
        (change(action="create", key=None, references={"site": ReferenceChange(("a",), ())}), False),
    ],
)
async def test_only_who_loses_something_is_looked_up(of, looks):
    desk = Desk(account("1"))
    assert not await last_look(desk).before([of])
    assert [lookup.keys for lookup in desk.asked] == [("1",)] * looks


async def test_a_target_that_looks_nobody_up_is_trusted():
    assert await last_look(object()).before([change()]) == ()


@pytest.mark.parametrize(
    ("others", "held"),
    [
        ([account("8"), account("9")], []),
        ([account("8"), account("9", active=False)], ["bob"]),
        ([account("8", protected="a robot")], ["ada", "bob"]),
    ],
)
async def test_the_last_who_can_work_are_counted_again(others, held):
    desk = Desk(account("1"), account("2"), *others)
    guard = last_look(desk, Remaining(keep=2, some=("8", "9")))
    holds = await guard.before([change(), change(BOB, key="2")])
    assert [(one.rail, one.subject.id) for one in holds] == [("last-active", name) for name in held]
    assert desk.asked[0].keys == ("1", "2", "8", "9")


async def test_who_is_held_for_something_else_does_not_count_as_one_who_goes():
    going, stays = change(), change(BOB, key="2")
    desk = Desk(account("1"), account("2", protected="a robot"), account("8"))
    holds = await last_look(desk, Remaining(keep=2, some=("8",))).before([going, stays])
    assert [(one.rail, one.subject) for one in holds] == [("protected", BOB), ("last-active", ADA)]


async def test_the_last_who_can_work_are_asked_about_for_disables_of_that_kind_alone():
    loses = change(action="update", references={"roles": ReferenceChange(("a",), ())})
    desk = Desk(account("1"))
    assert await last_look(desk, Remaining(keep=2, some=("8",))).before([loses]) == []
    assert await last_look(desk, Remaining(keep=2, some=("8",)), kind="agent").before([change()]) == []
    assert [lookup.keys for lookup in desk.asked] == [("1",), ("1",)]
