"""What a person lets through, word for word: exactly that, nothing beside it, and what of it was used."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from crosskey.engine.rails import Allowed, Approvals
from crosskey.errors import ConfigError, StaleError
from crosskey.journal import Approval, Approved
from crosskey.model import Subject
from crosskey.plan import Change

ISSUER = "https://directory.example"
ADA, BOB = Subject(ISSUER, "ada"), Subject(ISSUER, "bob")
NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


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


def approval(id_: str, rail: str, *items: Approved, words: tuple[str, ...] = ()) -> Approval:
    return Approval(
        id=id_, rail=rail, items=items, words=words, by="ops", reason="", at=NOW, expires_at=NOW + timedelta(hours=1)
    )


def item(subject: Subject = ADA, *, kind="user", action="disable") -> Approved:
    return Approved(kind, action, subject.issuer, subject.id)


# -- what a person lets through ---------------------------------------------------------------------------------------

NUMBERED = [
    "absence-unconfirmed",
    "accounts-missing",
    "create-flood",
    "first-run",
    "mass-change",
    "mass-demote",
    "mass-disable",
    "restored",
    "rolling-disable",
    "shrink",
    "swap-differs",
]
NAMED = ["drift", "duties-open", "empty-group", "last-active", "new-identity", "undone", "voucher-unread"]


def test_each_word_is_taken_with_its_number_or_its_name():
    words = (*(f"{code}=3" for code in NUMBERED), *(f"{code}=a=b" for code in NAMED))
    allowed = Allowed.parse(words)
    assert allowed.words() == words
    assert all(allowed.exactly(code, 3) for code in NUMBERED)
    assert all(allowed.named(code, "a=b") for code in NAMED)
    with pytest.raises(ConfigError):
        Allowed.parse([*words, "shrink=a"])


def test_what_cannot_be_allowed_is_told_what_can():
    with pytest.raises(ConfigError) as caught:
        Allowed.parse(["protected=1"])
    told = caught.value
    assert told.message.startswith('"protected=1" cannot be allowed. Known: "absence-unconfirmed", "accounts-missing"')
    assert (told.code, told.where) == ("allow", "--allow")
    for word in ("mass-disable=x", "empty-group="):
        with pytest.raises(ConfigError) as caught:
            Allowed.parse([word])
        assert caught.value.message == f'"{word}" cannot be allowed.'
    assert told.fix == (
        "write --allow " + ", ".join(f"{code}=N" for code in NUMBERED) + ", empty-group=NAME, last-active=KIND, "
        "new-identity=ID, drift=KIND:KEY, duties-open=KIND:KEY, undone=RUN or voucher-unread=ISSUER"
    )


def test_a_number_lets_through_itself_and_no_other_where_it_must_be_exact():
    allowed = Allowed.parse(["shrink=3"])
    assert allowed.exactly("shrink", 3)
    assert not any(allowed.exactly("shrink", count) for count in (2, 4))
    assert not allowed.exactly("restored", 3)
    assert not allowed.named("shrink", "3")


def test_up_to_a_limit_or_a_number_the_larger_counts():
    allowed = Allowed.parse(["mass-disable=7"])
    assert [allowed.upto("mass-disable", 7, limit) for limit in (0, 5, 9)] == [True] * 3
    assert [allowed.upto("mass-disable", 9, limit) for limit in (0, 8, 9)] == [False, False, True]
    assert [allowed.upto("mass-demote", count, 0) for count in (0, 1)] == [True, False]


def test_an_approved_number_is_used_only_where_it_is_needed():
    words = approval("a1", "mass-disable", words=("mass-disable=7",))
    other = approval("a2", "mass-demote", words=("mass-demote=9",))
    for count, limit, goes, needed in ((5, 5, True, set()), (7, 5, True, {"a1"}), (8, 5, False, set())):
        allowed = Allowed().approved([words, other])
        assert allowed.upto("mass-disable", count, limit) == goes
        assert allowed.approvals.needed == needed
    allowed = Allowed().approved([words, other])
    assert not allowed.exactly("mass-disable", 6)
    assert allowed.approvals.needed == set()
    assert allowed.exactly("mass-disable", 7)
    assert [one.id for one in allowed.approvals.told()] == ["a1"]


def test_an_approved_name_is_used():
    allowed = Allowed().approved([approval("a1", "empty-group", words=("empty-group=Staff",))])
    assert not allowed.named("empty-group", "Desk")
    assert allowed.approvals.needed == set()
    assert allowed.named("empty-group", "Staff")
    assert allowed.approvals.needed == {"a1"}


def test_the_largest_number_of_a_rail():
    given = [
        approval("a1", "mass-disable", words=("mass-disable=7", "mass-disable=5")),
        approval("a2", "mass-demote", words=("mass-demote=9",)),
    ]
    assert Allowed().number("mass-disable") == 0
    assert Allowed.parse(["mass-disable=3"]).number("mass-disable") == 3
    assert Allowed.parse(["mass-disable=3"]).approved(given).number("mass-disable") == 7
    assert Allowed.parse(["mass-disable=8"]).approved(given).number("mass-disable") == 8
    assert Allowed().approved(given).number("create-flood") == 0


def test_both_together_keep_what_the_journal_approves():
    given = [approval("a1", "shrink", words=("shrink=3",))]
    both = Allowed.parse(["shrink=5"]).approved(given).also(Allowed.parse(["shrink=6", "undone=R1"]))
    assert both.words() == ("shrink=5", "undone=R1")
    assert both.exactly("shrink", 3)


@pytest.mark.parametrize(
    ("allowed", "everybody"),
    [
        (Allowed(), False),
        (Allowed.parse(["mass-disable=3"]), False),
        (Allowed.parse(["undone=R1"]), True),
        (Allowed().approved([approval("a1", "drift", item())]), False),
        (Allowed().approved([approval("a1", "shrink", words=("shrink=3",))]), True),
    ],
)
def test_a_name_or_an_approved_number_needs_a_read_of_everybody(allowed, everybody):
    assert allowed.concerns_everybody is everybody


def test_a_run_is_named_by_its_beginning():
    allowed = Allowed.parse(["undone=20261123T09", "drift=20260101"])
    assert allowed.lets_again("20261123T090000-4f2a")
    assert not allowed.lets_again("20260101T090000-4f2a")
    assert not allowed.lets_again("20261123T10")


def test_one_change_is_let_through_by_its_account_or_by_an_approval():
    named = Allowed.parse(["drift=user:1"])
    assert named.lets("drift", change())
    assert not named.lets("duties-open", change())
    assert not named.lets("drift", change(key="2"))
    assert not named.lets("drift", change(kind="agent"))
    approved = Allowed().approved([approval("a1", "drift", item(action="update"))])
    assert approved.lets("drift", change(action="update"))
    assert not approved.lets("drift", change())
    assert not approved.lets("drift", change(BOB, action="update"))


# -- what was approved, and what of it is used ------------------------------------------------------------------------


def test_an_approval_of_any_action_covers_each_one():
    given = Approvals([approval("a1", "drift", item(action=""))])
    assert given.covers("drift", "user", "disable", ADA)
    assert not given.covers("drift", "agent", "disable", ADA)
    assert not given.covers("undone", "user", "disable", ADA)


def test_the_first_that_fits_is_the_one_that_is_needed():
    given = Approvals(
        [
            approval("a0", "mass-disable", item(action="update")),
            approval("a1", "drift", item()),
            approval("a2", "create-flood", item()),
            approval("a3", "mass-disable", item()),
        ]
    )
    assert given.covers("mass-disable", "user", "disable", ADA)
    assert given.needed == {"a2"}, "one counted rail is enough for another"


def test_what_was_needed_and_is_written_is_used():
    given = Approvals(
        [
            approval("a1", "mass-disable", item(ADA), item(BOB)),
            approval("a2", "shrink", words=("shrink=3",)),
            approval("a3", "drift", item(BOB, action="")),
            approval("a4", "restored", words=("restored=1",)),
        ]
    )
    assert given.words() == {"shrink=3": "a2", "restored=1": "a4"}
    assert given.used_for([change()]) == set()
    given.needed |= {"a1", "a2"}
    assert [one.id for one in given.told()] == ["a1", "a2"]
    assert given.used_for([]) == {"a2"}
    assert given.used_for([change(action="update"), change(kind="agent")]) == {"a2"}
    assert given.used_for([change(action="update"), change()]) == {"a1", "a2"}
    assert given.used_for([change(BOB)]) == {"a1", "a2"}
    given.needed.add("a3")
    assert given.used_for([change(BOB, action="update")]) == {"a2", "a3"}
    given.needed = {"a2"}
    assert given.used_for([change()]) == {"a2"}


class Clock:
    """What a run knows of the time: a doubt, and which moments lie between two others."""

    def __init__(self, doubt: str = "", *, is_open: bool = True) -> None:
        self.doubt = doubt
        self._is_open = is_open

    def is_between(self, since: datetime, until: datetime) -> bool:
        assert (since, until) == (NOW, NOW + timedelta(hours=1))
        return self._is_open


class Binding:
    """A journal that notes what is used up."""

    def __init__(self) -> None:
        self.bound: list[tuple[str, set[str]]] = []

    def bind_approvals(self, run: str, ids: set[str]) -> None:
        self.bound.append((run, ids))


GIVEN = (approval("a1", "mass-disable", words=("mass-disable=7",)), approval("a2", "mass-disable", item()))


def needing(clock: Clock | None) -> Allowed:
    allowed = Allowed().approved(GIVEN, clock)
    allowed.approvals.needed |= {"a1", "a2"}
    return allowed


def test_what_has_ended_counts_for_nothing():
    allowed = Allowed().approved(GIVEN, Clock(is_open=False))
    assert allowed.approvals.words() == {}
    assert not allowed.upto("mass-disable", 7, 0)
    assert not allowed.covers("mass-disable", "user", "disable", ADA)
    assert allowed.approvals.needed == set()


@pytest.mark.parametrize("clock", [None, Clock()])
def test_what_is_open_counts_by_its_words_alone(clock):
    allowed = Allowed().approved(GIVEN, clock)
    assert allowed.approvals.words() == {"mass-disable=7": "a1"}
    assert allowed.covers("mass-disable", "user", "disable", ADA)


@pytest.mark.parametrize("clock", [None, Clock()])
def test_what_is_needed_and_written_is_bound_to_the_run(clock):
    journal = Binding()
    needing(clock).approvals.bind(journal, "run-1", [])
    assert journal.bound == [("run-1", {"a1"})]


def test_nobody_uses_an_approval_up_while_the_clock_is_in_doubt():
    journal = Binding()
    allowed = Allowed().approved([*GIVEN, approval("a0", "mass-demote", words=("mass-demote=1",))], Clock("it jumped"))
    allowed.approvals.needed |= {"a0", "a1"}
    with pytest.raises(StaleError) as refused:
        allowed.approvals.bind(journal, "run-1", [])
    assert (refused.value.message, refused.value.code, refused.value.where, refused.value.fix) == (
        "it jumped, so nobody can tell whether what was approved still is; nothing was written",
        "approval-clock",
        "approval a0, a1",
        "set the clock right (NTP), then run again",
    )
    allowed.approvals.needed.clear()
    allowed.approvals.bind(journal, "run-1", [])
    assert journal.bound == [], "in doubt nothing is bound, not even nothing"
