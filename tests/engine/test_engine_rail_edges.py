"""Rails one by one, word for word: where each begins, what it says and holds, and what it leaves alone."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from crosskey.config import Limit, RailSettings
from crosskey.connector.target import KindSpec, Seats
from crosskey.engine.protect import Protection
from crosskey.engine.rails import (
    Allowed,
    can_work,
    check_read,
    hold_last_active,
    hold_seats,
    kept_active,
    last_active,
)
from crosskey.engine.rails.disables import limit_of
from crosskey.engine.read import PeopleRead, SourceRead
from crosskey.engine.stage import Stage
from crosskey.model import Account, Person, Subject
from crosskey.plan import Change, FieldChange, Held

ISSUER = "https://directory.example"
ADA, BOB = Subject(ISSUER, "ada"), Subject(ISSUER, "bob")
ON, OFF = FieldChange(before=False, after=True), FieldChange(before=True, after=False)


def change(subject: Subject = ADA, *, action="disable", kind="user", key: str | None = "1", **parts) -> Change:
    return Change(
        id=f"{action}-{subject.id}",
        action=action,
        kind=kind,
        subject=subject,
        label=subject.id.title(),
        key=key,
        **parts,
    )


# -- protected accounts -----------------------------------------------------------------------------------------------


def protected(summary: str, fix: str) -> Held:
    return Held(
        rail="protected",
        scope="person",
        summary=f"not to be touched (disable): {summary}",
        fix=fix,
        action="disable",
        kind="user",
        subject=ADA,
        label="Ada",
        key="1",
    )


def test_the_targets_word_comes_first():
    account = Account(kind="user", key="1", protected="the last admin")
    assert Protection(["user:1"]).holds(change(), None, account) == protected(
        "the target protects it: the last admin", ""
    )


PERSON = Person(subject=ADA, email="Ada@example.com", user_name="a.lovelace", active=True, status="ON")
ACCOUNT = Account(kind="user", key="1", label="Countess", fields={"mail2": "al@example.com", "age": 36, "note": ""})


@pytest.mark.parametrize(
    "pattern", ["ADA", "a?a", "ada@*", "A.Lovelace", "COUNTESS", "user:1", "al@example.com", "[a]da"]
)
def test_a_pattern_hits_whatever_names_somebody(pattern):
    fix = f'if this is meant, remove "{pattern.casefold()}" from [rails] protect'
    told = protected(f'"{pattern.casefold()}" in [rails] protect', fix)
    assert Protection(["nobody", "no*", pattern]).holds(change(), PERSON, ACCOUNT) == told


@pytest.mark.parametrize("pattern", ["user:2", "agent:1", "36", "d", "ada?", "lovelace", "?"])
def test_a_pattern_hits_nobody_else(pattern):
    assert Protection([pattern]).holds(change(), PERSON, ACCOUNT) is None
    assert Protection([]).holds(change(), PERSON, ACCOUNT) is None


def test_wildcards_alone_protect_too():
    assert Protection(["a?a"]).holds(change(), None, None)
    assert Protection(["ada"]).holds(change(), None, None)


def test_people_and_accounts_are_asked_where_they_are_there():
    assert Protection(["ada"]).holds(change(), None, None)
    assert Protection(["ada@example.com"]).holds(change(), PERSON, None)
    assert not Protection(["ada@example.com", "countess"]).holds(change(), None, None)
    assert Protection(["countess"]).holds(change(), None, ACCOUNT)
    assert '"ada"' in Protection(["countess", "ada", "c*"]).holds(change(), PERSON, ACCOUNT).summary


@pytest.mark.parametrize(("accounts", "limit"), [(0, 2), (14, 2), (15, 3), (100, 20)])
def test_the_larger_of_a_count_and_a_share_is_the_limit(accounts, limit):
    assert limit_of(Limit(count=2, percent=20), accounts) == limit


# -- the last who can work --------------------------------------------------------------------------------------------


def kind(name: str = "user", *, seats: bool = False) -> KindSpec:
    return KindSpec(name=name, summary="", fields=(), seats=seats)


def last(of: Change, keep: int) -> Held:
    return Held(
        rail="last-active",
        scope="person",
        summary=f"fewer than {keep} user accounts would be left that can work",
        fix='make another one first, or: --allow "last-active=user"; [rails] keep_active = { user = 0 } for good',
        action="disable",
        kind="user",
        subject=of.subject,
        label=of.label,
        key="1",
    )


def test_who_can_work():
    assert can_work(ACCOUNT)
    assert not can_work(Account(kind="user", key="1", active=False))
    assert not can_work(Account(kind="user", key="1", protected="a robot"))


def test_two_stay_where_they_cost_seats_unless_somebody_says_otherwise():
    usual, asked = RailSettings(), RailSettings(keep_active={"user": 3})
    assert kept_active(kind(), usual, Allowed()) == 0
    assert kept_active(kind(seats=True), usual, Allowed()) == 2
    assert kept_active(kind(seats=True), asked, Allowed()) == 3
    assert kept_active(kind(seats=True), asked, Allowed.parse(["last-active=user"])) == 0
    assert kept_active(kind(seats=True), asked, Allowed.parse(["last-active=agent"])) == 3


@pytest.mark.parametrize(("left", "names"), [(0, ["ada", "bob"]), (1, ["bob"]), (2, []), (3, [])])
def test_as_many_stay_as_are_missing(left, names):
    going = [change(), change(BOB)]
    assert last_active(going, left, 2) == [last(one, 2) for one in going if one.subject.id in names]


def stage(*changes: Change, accounts: tuple[Account, ...] = ()) -> Stage:
    made = Stage.fresh(None, [ISSUER])
    made.proposals.add_change(1, changes)
    made.accounts.add(accounts, ())
    return made


def test_disables_that_would_leave_too_few_are_taken_out_and_what_is_left_is_told():
    going = [change(Subject(ISSUER, f"p{number}"), key=str(number)) for number in range(3)]
    others = [change(BOB, kind="agent", key="9"), change(BOB, action="update", key="9")]
    robot = Account(kind="user", key="8", protected="a robot")
    accounts = tuple(Account(kind="user", key=str(number)) for number in range(4))
    with stage(*going, *others, accounts=(*accounts, robot)) as staged:
        settings = RailSettings(keep_active={"user": 2})
        held, remaining = hold_last_active([kind("agent"), kind("user")], staged, settings, Allowed())
        assert [(one.rail, one.subject.id) for one in held] == [("last-active", "p2")]
        assert remaining.keys() == {"user"}
        assert (remaining["user"].keep, remaining["user"].some) == (2, ("3", "2"))
        assert sorted(one.id for one in staged.proposals.changes()) == [
            "disable-bob",
            "disable-p0",
            "disable-p1",
            "update-bob",
        ]


def test_each_kind_has_its_own_last_ones():
    with stage(change(), change(BOB, kind="agent")) as staged:
        settings = RailSettings(keep_active={"user": 1, "agent": 1})
        held, remaining = hold_last_active([kind("agent"), kind("user")], staged, settings, Allowed())
        assert [(one.kind, one.subject) for one in held] == [("agent", BOB), ("user", ADA)]
        assert {name: each.some for name, each in remaining.items()} == {"agent": ("1",), "user": ("1",)}
        assert not list(staged.proposals.changes())


def test_no_more_are_told_than_are_looked_up():
    accounts = tuple(Account(kind="user", key=str(number)) for number in range(9))
    with stage(change(key="0"), accounts=accounts) as staged:
        settings = RailSettings(keep_active={"user": 1})
        held, remaining = hold_last_active([kind("user")], staged, settings, Allowed())
        assert held == []
        assert remaining["user"].some == ("1", "2", "3")


# -- seats ------------------------------------------------------------------------------------------------------------


def seated(*changes: Change, seats: Seats | None, keep: int = 0) -> tuple[list[Held], list[str]]:
    """What is held, and the changes that go on."""
    with stage(*changes) as staged:
        held = hold_seats(SimpleNamespace(name="user"), staged, seats, keep=keep)
        return held, sorted(one.id for one in staged.proposals.changes())


TAKERS = [
    change(Subject(ISSUER, "a"), action="enable", active=ON),
    change(Subject(ISSUER, "b"), action="adopt", active=ON),
    change(Subject(ISSUER, "c"), action="create", key=None, active=ON),
]
FREE = [
    change(Subject(ISSUER, "d"), action="adopt"),
    change(Subject(ISSUER, "e"), action="update", active=ON),
    change(Subject(ISSUER, "f"), action="create", kind="agent", key=None, active=ON),
]


@pytest.mark.parametrize(
    ("seats", "keep", "held"),
    [
        (None, 0, False),
        (Seats(5, 2), 0, False),
        (Seats(5, 3), 0, True),
        (Seats(5, 1), 1, False),
        (Seats(5, 2), 1, True),
    ],
)
def test_each_that_is_switched_on_takes_a_seat(seats, keep, held):
    found, going = seated(*TAKERS, *FREE, seats=seats, keep=keep)
    assert bool(found) == held
    assert going == sorted(one.id for one in (FREE if held else [*TAKERS, *FREE]))


def test_what_is_held_for_want_of_seats_is_told_by_action():
    many = [change(Subject(ISSUER, f"m{number:02}"), action="create", key=None, active=ON) for number in range(12)]
    found, _ = seated(TAKERS[0], *many, seats=Seats(5, 6))

    def short(action, count, examples):
        return Held(
            rail="seats-short",
            scope="class",
            action=action,
            kind="user",
            summary="13 user seats are needed, 0 of 5 are free",
            fix="buy seats, free some, or narrow the mapping's scope",
            examples=tuple(examples),
            count=count,
        )

    assert found == [
        short("enable", 1, ["A"]),
        short("create", 12, [f"M{number:02}" for number in range(10)]),
    ]
    assert seated(TAKERS[0], seats=Seats(5, 3), keep=2)[0][0].summary == (
        "1 user seats are needed, 0 of 5 are free (2 are kept)"
    )


def test_no_seat_is_kept_unless_somebody_says_so():
    with stage(TAKERS[0]) as staged:
        assert hold_seats(SimpleNamespace(name="user"), staged, Seats(5, 4)) == []


# -- what was read ----------------------------------------------------------------------------------------------------


class Last:
    """What the last complete reads brought, by source and by group."""

    def __init__(self, people: dict[str, int], members: dict[tuple[str, str], int] | None = None) -> None:
        self._people, self._members = people, members or {}

    def people(self, source: str) -> int:
        return self._people[source]

    def members(self, source: str, name: str) -> int:
        return self._members[source, name]


def read(people: int, path: str = "source.corp", **logical: int) -> SourceRead:
    return SourceRead(path=path, pages=1, people=people, logical=logical)


def check(last: Last, *sources: SourceRead, allow: tuple[str, ...] = ()) -> list[Held]:
    whole = PeopleRead(sources=sources, people=sum(source.people for source in sources))
    return check_read(whole, last, RailSettings(), Allowed.parse(allow))


def run_held(rail: str, summary: str, fix: str, word: str = "") -> Held:
    return Held(rail=rail, scope="run", summary=summary, fix=fix, word=word)


@pytest.mark.parametrize(
    ("before", "tail"), [(0, ""), (1, " (last complete read: 1)"), (20, " (last complete read: 20)")]
)
def test_nobody_is_never_right(before, tail):
    fix = "an empty answer usually means a missing admin role: run `crosskey check`"
    assert check(Last({"source.corp": before}), read(0, Staff=0)) == [
        run_held("empty-source", f"source.corp returned nobody{tail}", fix)
    ]


def test_each_source_is_measured_by_itself():
    last_reads = Last({"source.corp": 10, "source.acquired": 20}, {("source.acquired", "Desk"): 5})
    found = check(last_reads, read(10), read(13, "source.acquired", Desk=0))
    assert found == [
        run_held(
            "shrink",
            "source.acquired returned 13 people, the last complete read 20 (less than 70 %)",
            "if that is right: --allow shrink=13",
            "shrink=13",
        ),
        run_held(
            "empty-group",
            '"Desk" has no members in source.acquired, 5 in the last complete read',
            'if that is right: --allow "empty-group=Desk"',
            "empty-group=Desk",
        ),
    ]
    assert check(last_reads, read(13, "source.acquired", Desk=0), allow=("shrink=13", "empty-group=Desk")) == []
    assert check(last_reads, read(20, "source.acquired", Desk=1)) == []


def test_groups_are_told_in_order_and_small_ones_may_empty():
    members = {("source.corp", name): count for name, count in {"B": 5, "A": 9, "Small": 4}.items()}
    found = check(Last({"source.corp": 10}, members), read(10, B=0, A=0, Small=0))
    assert [one.word for one in found] == ["empty-group=A", "empty-group=B"]
