"""Writes that are intended, settled, taken back and made again: what holds then, and what the chain says of it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime, timedelta

import pytest
from journal_samples import CONNECTION, SETTLE, START, applied, apply, change, create, sign_in, start, subject

from crosskey.errors import RejectedError, StorageError
from crosskey.journal import Doorbook
from crosskey.plan import FieldChange, Outcome, ReferenceChange


def titled(before, after, *, tag, undoes="", number=1):
    key = f"{49 + number}"
    return change(number, "update", key, tag=tag, fields={"title": FieldChange(before, after)}, undoes=undoes)


def newest(journal):
    return journal.operations(limit=1)[0].id


def write(journal, one, key=None):
    """Apply a change in a run of its own; the run and the operation."""
    run = apply(journal, one, key)
    return run, newest(journal)


def states(journal):
    """What became of every write, oldest first, and which run took it back."""
    return [(one.state, one.undone_by) for one in reversed(journal.operations())]


def fields(journal, number=1):
    return journal.links("user", [subject(number)])[subject(number)].fields


def events_of(journal, run, kind):
    return [event.facts for event in journal.events(run) if event.kind == kind]


# -- intending ---------------------------------------------------------------------------------------------------------


def test_the_chain_says_how_many_writes_were_intended_from_which_number_on(journal):
    apply(journal, create(1), "50")
    run = start(journal)
    journal.intend(run, [create(2), create(3)], settle=SETTLE)
    (facts,) = events_of(journal, run, "batch.intended")
    assert (facts["count"], facts["first"]) == (2, int(newest(journal)) - 1)
    assert datetime.fromisoformat(str(facts["settle_until"])) == START + SETTLE
    assert len(str(facts["changes_digest"])) == 64
    assert journal.verify().ok


def test_whoever_is_about_to_be_switched_off_is_out_before_the_desk_is_asked(path, clock, journal):
    for number in (1, 2):
        apply(journal, create(number), f"{49 + number}")
        apply(journal, create(number, kind="agent"), f"a{number}")
    leaving, staying = sign_in(path, clock, 1), sign_in(path, clock, 2)
    as_agent = sign_in(path, clock, 1, "agent")
    clock.advance(60)
    run = start(journal)
    off = change(1, "disable", "50", tag="off", active=FieldChange(before=True, after=False))
    journal.intend(run, [off, titled("", "Lead", tag="b", number=2)], settle=SETTLE)
    with Doorbook.reading(path, clock=clock, connection="desk") as book:
        ended = book.session(leaving)
        assert (ended.revoked_at, ended.revoked_because) == (START + timedelta(seconds=60), "account-disabled")
        assert [book.session(id_).revoked_at for id_ in (staying, as_agent)] == [None, None]
    assert events_of(journal, run, "sessions.ended") == [{"because": "account-disabled", "count": 1}]


def test_a_write_that_is_tried_again_begins_anew(clock, journal):
    run = start(journal)
    journal.intend(run, [create(1)], settle=SETTLE)
    clock.advance(5)
    journal.record(run, [create(1)], [Outcome(change="user:1", result="rejected", code="busy", message="try later")])
    clock.advance(60)
    journal.intend(run, [create(1), create(2)], settle=SETTLE)
    again, fresh = journal.unresolved()
    for one in (again, fresh):
        assert (one.intent_at, one.settle_until) == (START + timedelta(seconds=65), START + timedelta(seconds=185))
        assert (one.state, one.resolved_at, one.outcome_code, one.message) == ("intent", None, "", "")
    assert (again.attempts, fresh.attempts) == (2, 1)
    assert events_of(journal, run, "batch.intended")[1]["count"] == 2
    assert journal.verify().ok


def test_a_write_is_never_made_twice_and_whoever_would_is_told_which_run(path, journal):
    run = apply(journal, create(1), "50")
    with pytest.raises(StorageError) as told:
        journal.intend(run, [create(1)], settle=SETTLE)
    assert (told.value.code, told.value.where) == ("write-twice", str(path))
    assert told.value.message == "a change of this run was about to be written twice"
    assert told.value.fix.endswith(f"crosskey history {run}")
    assert [one.attempts for one in journal.operations()] == [1]


def test_a_write_over_one_that_is_not_settled_is_told_with_the_way_out(path, journal):
    journal.intend(start(journal), [create(1)], settle=SETTLE)
    with pytest.raises(StorageError) as told:
        journal.intend(start(journal), [create(1)], settle=SETTLE)
    assert (told.value.code, told.value.where) == ("write-unresolved", str(path))
    assert "crosskey sync" in told.value.fix


# -- settling ----------------------------------------------------------------------------------------------------------


def test_a_late_answer_does_not_settle_what_must_be_looked_for(path, journal):
    run = start(journal)
    journal.intend(run, [create(1)], settle=SETTLE)
    journal.record(run, [create(1)], [Outcome(change="user:1", result="unknown")])
    with pytest.raises(StorageError) as told:
        journal.record(run, [create(1)], [applied(create(1), "50")])
    assert (told.value.code, told.value.where) == ("outcome-without-intent", str(path))
    assert told.value.message == "an outcome came for a write that is not open"
    assert "crosskey history" in told.value.fix
    assert states(journal) == [("uncertain", "")]
    assert journal.link_count("user") == 0


# -- taking back -------------------------------------------------------------------------------------------------------


def test_a_write_that_is_taken_back_is_undone_by_that_run_and_listed_newest_first(journal):
    write(journal, create(1), "50")
    _, first = write(journal, titled("", "Lead", tag="a"))
    _, second = write(journal, create(2), "51")
    one, _ = write(journal, titled("Lead", "", tag="b", undoes=first))
    off = change(2, "disable", "51", tag="b", active=FieldChange(before=True, after=False), undoes=second)
    other, _ = write(journal, off)
    assert states(journal) == [("done", ""), ("undone", one), ("undone", other), ("done", ""), ("done", "")]
    assert [(each.id, each.undone_by) for each in journal.undone("sha-1")] == [(second, other), (first, one)]
    assert journal.undone("sha-2") == []
    assert journal.verify().ok


def test_crosskey_owns_after_an_undo_what_it_owned_before_the_write(journal):
    write(journal, create(1, references={"roles": ("1",)}), "50")
    write(journal, titled("", "Lead", tag="a"))
    roles = ReferenceChange(("1",), ("1", "2"))
    both = {"title": FieldChange("Lead", "Head"), "phone": FieldChange("5", "6")}
    _, done = write(journal, change(1, "update", "50", tag="b", fields=both, references={"roles": roles}))
    back = {"title": FieldChange("Head", "Lead"), "phone": FieldChange("6", "5")}
    less = ReferenceChange(("1", "2"), ("1",))
    write(journal, change(1, "update", "50", tag="c", fields=back, references={"roles": less}, undoes=done))
    link = journal.links("user", [subject(1)])[subject(1)]
    assert link.fields == {"emailaddress": "p1@example.com", "title": "Lead"}  # the phone was somebody else's
    assert link.given == {"roles": ("1",)}


def test_of_a_write_that_was_found_the_link_before_is_known_too(journal):
    write(journal, create(1), "50")
    run, lost = start(journal), titled("", "Lead", tag="a")
    journal.intend(run, [lost], settle=SETTLE)
    journal.record(run, [lost], [Outcome(change=lost.id, result="unknown")])
    journal.resolve(newest(journal), "present", run=run)
    taken, _ = write(journal, titled("Lead", "", tag="b", undoes=newest(journal)))
    assert fields(journal) == {"emailaddress": "p1@example.com"}
    assert states(journal)[1] == ("undone", taken)


def test_a_write_of_which_no_link_was_kept_can_be_taken_back(path, journal):
    write(journal, create(1), "50")
    _, done = write(journal, titled("", "Lead", tag="a"))
    with closing(sqlite3.connect(path)) as file, file:  # as versions left it that kept none
        file.execute("UPDATE operation SET link_before = NULL")
    taken, _ = write(journal, titled("Lead", "", tag="b", undoes=done))
    assert fields(journal) == {"emailaddress": "p1@example.com"}
    assert states(journal)[1] == ("undone", taken)


def test_every_other_one_of_a_row_of_undos_holds(journal):
    write(journal, create(1), "50")
    runs, ids = {}, {}
    runs["write"], ids["write"] = write(journal, titled("", "Lead", tag="0"))
    runs["undo"], ids["undo"] = write(journal, titled("Lead", "", tag="1", undoes=ids["write"]))
    assert states(journal)[1:] == [("undone", runs["undo"]), ("done", "")]
    runs["back"], ids["back"] = write(journal, titled("", "Lead", tag="2", undoes=ids["undo"]))
    assert states(journal)[1:] == [("done", ""), ("undone", runs["back"]), ("done", "")]
    assert fields(journal)["title"] == "Lead"
    runs["again"], ids["again"] = write(journal, titled("Lead", "", tag="3", undoes=ids["back"]))
    assert states(journal)[1:] == [("undone", runs["undo"]), ("done", ""), ("undone", runs["again"]), ("done", "")]
    assert [each.id for each in journal.undone("sha-1")] == [ids["back"], ids["write"]]
    assert "title" not in fields(journal)
    runs["last"], _ = write(journal, titled("", "Lead", tag="4", undoes=ids["again"]))
    assert states(journal)[1:] == [
        ("done", ""),
        ("undone", runs["back"]),
        ("done", ""),
        ("undone", runs["last"]),
        ("done", ""),
    ]
    assert journal.verify().ok


def test_whatever_is_taken_back_itself_is_undone_even_beside_its_undo(journal):
    _, made = write(journal, create(1), "50")
    off = change(1, "disable", "50", tag="b", active=FieldChange(before=True, after=False), undoes=made)
    _, undo = write(journal, off)
    write(journal, create(2), "51")
    run = start(journal)
    both = [titled("", "a", tag="c", undoes=made), titled("", "b", tag="c", undoes=undo, number=2)]
    journal.intend(run, both, settle=SETTLE)
    journal.record(run, both, [applied(one) for one in both])
    assert states(journal)[:2] == [("undone", run), ("undone", run)]


def test_an_undo_that_did_not_happen_takes_nothing_back(journal):
    write(journal, create(1), "50")
    _, done = write(journal, titled("", "Lead", tag="a"))
    run = start(journal)
    for tag, result in (("b", "rejected"), ("c", "unknown")):
        undo = titled("Lead", "", tag=tag, undoes=done)
        journal.intend(run, [undo], settle=SETTLE)
        journal.record(run, [undo], [Outcome(change=undo.id, result=result)])
        assert states(journal)[1] == ("done", "")
    journal.resolve(newest(journal), "present", run=start(journal))
    assert states(journal)[1] == ("undone", run)


# -- letting it be made again ------------------------------------------------------------------------------------------


def test_what_lapsed_may_be_made_again_and_the_chain_says_so(journal):
    write(journal, create(1), "50")
    ids = [write(journal, titled("", "Lead", tag="a"))[1], write(journal, create(2), "51")[1]]
    write(journal, titled("Lead", "", tag="b", undoes=ids[0]))
    off = change(2, "disable", "51", tag="b", active=FieldChange(before=True, after=False), undoes=ids[1])
    write(journal, off)
    run = start(journal)
    journal.lapse([ids[1]], run=run)
    assert [each.id for each in journal.undone("sha-1")] == [ids[0]]
    journal.lapse(ids, run=run)
    assert journal.undone("sha-1") == []
    assert [state for state, _ in states(journal)][1:3] == ["undone", "undone"]
    assert [facts["count"] for facts in events_of(journal, run, "undo.lapsed")] == [1, 2]
    assert journal.verify().ok


def test_what_lapsed_counts_again_once_it_is_taken_back_another_time(journal):
    write(journal, create(1), "50")
    _, done = write(journal, titled("", "Lead", tag="0"))
    _, undo = write(journal, titled("Lead", "", tag="1", undoes=done))
    journal.lapse([done], run=start(journal))
    write(journal, titled("", "Lead", tag="2", undoes=undo))
    assert [each.id for each in journal.undone("sha-1")] == [undo]
    write(journal, titled("Lead", "", tag="3", undoes=done))
    assert [each.id for each in journal.undone("sha-1")] == [undo, done]
    assert journal.verify().ok


def test_looking_settles_no_write_twice_and_no_create_without_its_account(path, journal):
    run = start(journal)
    journal.intend(run, [create(1)], settle=SETTLE)
    open_one = newest(journal)
    with pytest.raises(RejectedError) as nameless:
        journal.resolve(open_one, "present", run=run)
    assert (nameless.value.code, nameless.value.where) == ("key-missing", str(path))
    journal.resolve(open_one, "present", run=run, key="50")
    with pytest.raises(RejectedError) as again:
        journal.resolve(open_one, "absent", run=run)
    assert (again.value.code, again.value.where) == ("operation-settled", str(path))
    assert states(journal) == [("resolved_present", "")]


def test_an_event_comes_back_as_it_was_told(journal, clock):
    run = start(journal)
    clock.advance(5)
    journal.event(run, "batch.applied", {"count": 3})
    [*_, first] = journal.events()
    assert (first.at, first.connection, first.run, first.kind) == (clock.now(), CONNECTION, run, "batch.applied")
    assert (first.facts, first.seq, first.hash) == ({"count": 3}, *journal.head)
    journal.event("", "watch.told", {})
    assert [each.kind for each in journal.events(run)] == ["run.opened", "batch.applied"]
    [*_, second] = journal.events()
    assert (second.seq, second.run) == (first.seq + 1, "")


def test_of_two_lost_answers_that_are_told_again_together_both_stay_evidence(journal, clock):
    run, group = start(journal), [create(1), create(2)]
    journal.intend(run, group, settle=SETTLE)
    journal.record(run, group, [Outcome(change=one.id, result="unknown") for one in group])
    until = clock.now() + SETTLE / 2
    journal.wait_no_longer([one.id for one in journal.unresolved()], until, run=run)
    assert [one.settle_until for one in journal.unresolved()] == [until, until]
    assert journal.verify().ok
    facts = [event.facts for event in journal.events() if event.kind == "writes.awaited"]
    assert [each["count"] for each in facts] == [2]
    assert len(str(facts[0]["replaces"]).split()) == 2


def test_of_many_outcomes_of_one_batch_each_is_noted(journal):
    run, group = start(journal), [create(number) for number in range(501)]
    journal.intend(run, group, settle=SETTLE)
    journal.record(run, group, [Outcome(change=one.id, result="rejected", code="bad") for one in group])
    assert journal.unresolved_count() == 0
    assert journal.verify().ok
