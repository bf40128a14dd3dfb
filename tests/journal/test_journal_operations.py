"""Intent before, outcome after, looking when the answer was lost; and the links that follow."""

from __future__ import annotations

from datetime import timedelta

import pytest
from journal_samples import ISSUER, SETTLE, START, applied, apply, change, create, start, subject

from crosskey.errors import ContractError, RejectedError, StorageError
from crosskey.journal import Journal
from crosskey.model import Subject
from crosskey.plan import FieldChange, Outcome, ReferenceChange


def test_an_intent_is_there_for_others_to_see_before_anything_is_sent(path, clock, journal):
    run = start(journal)
    journal.intend(run, [create(1), create(2)], settle=SETTLE)
    with Journal.open(path, clock=clock) as reader:
        first, second = reader.unresolved()
    assert (first.change, second.change) == (create(1), create(2))
    assert (first.run, first.state, first.key, first.attempts) == (run, "intent", None, 1)
    assert (first.intent_at, first.settle_until, first.resolved_at) == (START, START + SETTLE, None)


def test_each_outcome_leads_to_its_state(clock, journal):
    run = start(journal)
    changes = [create(number) for number in range(5)]
    journal.intend(run, changes, settle=SETTLE)
    clock.advance(2)
    outcomes = [
        Outcome(change="user:0", result="applied", key="10"),
        Outcome(change="user:1", result="already", key="11"),
        Outcome(change="user:2", result="rejected", code="invalid", message="no site"),
        Outcome(change="user:3", result="unknown", code="timeout"),
    ]
    journal.record(run, changes, outcomes)
    found = {operation.change.id: operation for operation in journal.operations(run=run)}
    states = {name: operation.state for name, operation in found.items()}
    assert states == {"user:0": "done", "user:1": "done", "user:2": "failed", "user:3": "uncertain", "user:4": "intent"}
    assert (found["user:2"].outcome_code, found["user:2"].message) == ("invalid", "no site")
    assert found["user:0"].resolved_at == START + timedelta(seconds=2)
    assert found["user:3"].resolved_at is None
    assert [operation.change.id for operation in journal.unresolved()] == ["user:3", "user:4"]
    assert journal.link_count("user") == 2
    assert journal.serial == 1


def test_a_created_account_is_linked_with_all_it_was_given(journal):
    run = apply(journal, create(1, references={"site": ("7",), "roles": ("1", "2")}), "50")
    link = journal.links("user", [subject(1), subject(2)])[subject(1)]
    assert link == journal.links_by_key("user", ["50", "51"])["50"]
    assert (link.key, link.marker, link.established_by, link.since, link.run) == ("50", "ck-1", "created", START, run)
    assert (link.active, link.disabled_by_us) == (True, False)
    assert link.given == {"site": ("7",), "roles": ("1", "2")}
    assert link.fields == {"emailaddress": "p1@example.com"}
    assert journal.links("agent", [subject(1)]) == {}


def test_an_adopted_account_keeps_what_others_gave(journal):
    roles = ReferenceChange(("1", "9"), ("1", "9", "4"))
    site = ReferenceChange(("7",), ("7",))
    adopt = change(
        1,
        "adopt",
        "50",
        marker="ck-1",
        references={"roles": roles, "site": site},
        fields={"title": FieldChange("", "Lead")},
    )
    apply(journal, adopt)
    link = journal.links("user", [subject(1)])[subject(1)]
    assert (link.established_by, link.key, link.given) == ("adopted", "50", {"roles": ("4",)})
    assert link.fields == {"title": "Lead"}


def test_later_changes_keep_how_the_link_was_made(clock, journal):
    first = apply(journal, create(1, references={"roles": ("1", "2")}), "50")
    clock.advance(3600)
    roles = ReferenceChange(("1", "2", "9"), ("9", "3"))
    apply(journal, change(1, "update", "50", references={"roles": roles}, fields={"title": FieldChange("", "Lead")}))
    link = journal.links("user", [subject(1)])[subject(1)]
    assert (link.established_by, link.since, link.run, link.marker) == ("created", START, first, "ck-1")
    assert link.given == {"roles": ("3",)}
    assert link.fields == {"emailaddress": "p1@example.com", "title": "Lead"}


def test_crosskey_knows_whom_it_switched_off(journal):
    apply(journal, create(1), "50")
    apply(journal, create(2), "51")
    assert journal.link_count("user", active_only=True) == 2
    apply(journal, change(1, "disable", "50", active=FieldChange(True, False)))
    off = journal.links("user", [subject(1)])[subject(1)]
    assert (off.active, off.disabled_by_us) == (False, True)
    assert (journal.link_count("user", active_only=True), journal.link_count("user")) == (1, 2)
    apply(journal, change(1, "enable", "50", active=FieldChange(False, True)))
    on = journal.links("user", [subject(1)])[subject(1)]
    assert (on.active, on.disabled_by_us) == (True, False)


def test_a_refused_or_lost_write_leaves_the_link_alone(journal):
    apply(journal, create(1), "50")
    before = journal.links("user", [subject(1)])
    run = start(journal)
    for tag, result in (("a", "rejected"), ("b", "unknown")):
        off = change(1, "disable", "50", tag=tag, active=FieldChange(True, False))
        journal.intend(run, [off], settle=SETTLE)
        journal.record(run, [off], [Outcome(change=off.id, result=result)])
    assert journal.links("user", [subject(1)]) == before


def test_an_account_that_was_made_again_is_a_new_link(clock, journal):
    apply(journal, create(1, references={"roles": ("1",)}), "50")
    clock.advance(60)
    again = apply(journal, create(1, references={"roles": ("2",)}), "80")
    link = journal.links("user", [subject(1)])[subject(1)]
    assert (link.key, link.run, link.given) == ("80", again, {"roles": ("2",)})
    assert journal.links_by_key("user", ["50"]) == {}


def test_another_account_taken_instead_is_a_new_link_too(clock, journal):
    apply(journal, create(1, references={"roles": ("1",)}), "50")
    clock.advance(60)
    roles = ReferenceChange(("1",), ("1", "2"))
    adopted = apply(journal, change(1, "adopt", "80", marker="ck-1", references={"roles": roles}))
    link = journal.links("user", [subject(1)])[subject(1)]
    assert (link.key, link.run, link.established_by, link.given) == ("80", adopted, "adopted", {"roles": ("2",)})


def test_a_create_that_names_no_account_is_uncertain(journal):
    run = apply(journal, create(1), None)
    (operation,) = journal.unresolved()
    assert (operation.run, operation.state, operation.outcome_code) == (run, "uncertain", "no-key")
    assert journal.link_count("user") == 0


def test_an_account_never_gets_a_second_person(journal):
    apply(journal, create(1), "50")
    run = start(journal)
    batch = [create(2), create(3), create(4)]
    journal.intend(run, batch, settle=SETTLE)
    journal.record(run, batch, [applied(batch[0], "50"), applied(batch[1], "60"), applied(batch[2], "60")])
    states = {one.change.id: (one.state, one.outcome_code) for one in journal.operations(run=run)}
    assert states == {
        "user:2": ("uncertain", "key-taken"),
        "user:3": ("done", ""),
        "user:4": ("uncertain", "key-taken"),
    }
    assert {key: link.subject for key, link in journal.links_by_key("user", ["50", "60"]).items()} == {
        "50": subject(1),
        "60": subject(3),
    }


def test_an_answer_to_a_question_nobody_asked_is_the_targets_fault(journal):
    run = start(journal)
    journal.intend(run, [create(1)], settle=SETTLE)
    with pytest.raises(ContractError, match="user:77"):
        journal.record(run, [create(1)], [Outcome(change="user:77", result="applied", key="1")])
    assert [operation.state for operation in journal.unresolved()] == ["intent"]


def test_nobody_is_written_again_before_the_last_write_is_settled(journal):
    first = start(journal)
    journal.intend(first, [create(1)], settle=SETTLE)
    journal.record(first, [create(1)], [Outcome(change="user:1", result="unknown")])
    second = start(journal)
    with pytest.raises(StorageError) as caught:
        journal.intend(second, [create(2), create(1)], settle=SETTLE)
    assert caught.value.code == "write-unresolved"
    assert journal.operations(run=second) == []
    # Another kind of account of the same person is another matter; and the journal goes on.
    journal.intend(second, [create(1, kind="agent")], settle=SETTLE)


def test_a_change_may_be_intended_again_only_where_nothing_was_written(clock, journal):
    run = start(journal)
    journal.intend(run, [create(1), create(2)], settle=SETTLE)
    journal.record(run, [create(2)], [Outcome(change="user:2", result="rejected", code="busy")])
    clock.advance(60)
    journal.intend(run, [create(1), create(2), create(3)], settle=SETTLE)
    found = {one.change.id: one for one in journal.operations(run=run)}
    assert {name: (one.state, one.attempts) for name, one in found.items()} == {
        "user:1": ("intent", 2),
        "user:2": ("intent", 2),
        "user:3": ("intent", 1),
    }
    assert found["user:2"].settle_until == START + timedelta(seconds=180)
    assert found["user:2"].outcome_code == ""
    journal.record(run, [create(1)], [applied(create(1), "50")])
    with pytest.raises(StorageError) as caught:
        journal.intend(run, [create(1)], settle=SETTLE)
    assert caught.value.code == "write-twice"
    assert journal.verify().ok


def test_an_outcome_needs_an_intent(journal):
    run = start(journal)
    with pytest.raises(StorageError) as caught:
        journal.record(run, [create(1)], [applied(create(1), "50")])
    assert caught.value.code == "outcome-without-intent"
    assert journal.link_count("user") == 0


def test_what_is_found_present_is_linked_as_if_just_applied(clock, journal):
    run = start(journal)
    journal.intend(run, [create(1, references={"roles": ("1",)})], settle=SETTLE)
    (operation,) = journal.unresolved()
    clock.advance(300)
    later = start(journal)
    with pytest.raises(RejectedError, match="must be said"):
        journal.resolve(operation.id, "present", run=later)
    journal.resolve(operation.id, "present", run=later, key="50")
    link = journal.links_by_key("user", ["50"])["50"]
    assert (link.subject, link.established_by, link.run, link.given) == (subject(1), "created", run, {"roles": ("1",)})
    assert journal.unresolved() == []
    (settled,) = journal.operations(key=("user", "50"))
    assert (settled.state, settled.resolved_at) == ("resolved_present", START + timedelta(seconds=300))
    with pytest.raises(RejectedError, match="settled already"):
        journal.resolve(operation.id, "absent", run=later)


def test_a_lost_update_that_did_happen_is_ours(journal):
    apply(journal, create(1, references={"roles": ("1",)}), "50")
    run = start(journal)
    roles = ReferenceChange(("1", "9"), ("1", "9", "2"))
    update = change(1, "update", "50", references={"roles": roles})
    journal.intend(run, [update], settle=SETTLE)
    journal.record(run, [update], [Outcome(change=update.id, result="unknown")])
    journal.resolve(journal.unresolved()[0].id, "present", run=start(journal))
    assert journal.links("user", [subject(1)])[subject(1)].given == {"roles": ("1", "2")}


@pytest.mark.parametrize(("found", "state"), [("absent", "resolved_absent"), ("superseded", "superseded")])
def test_what_is_not_there_frees_the_person_for_a_new_write(journal, found, state):
    run = start(journal)
    journal.intend(run, [create(1)], settle=SETTLE)
    (operation,) = journal.unresolved()
    journal.resolve(operation.id, found, run=run)
    assert [one.state for one in journal.operations(run=run)] == [state]
    assert journal.link_count("user") == 0
    assert journal.serial == 1
    apply(journal, create(1), "50")
    assert journal.link_count("user") == 1


def test_a_write_that_waits_too_long_waits_no_longer_and_the_chain_says_so(clock, journal):
    run = start(journal)
    journal.intend(run, [create(1)], settle=timedelta(days=40))
    until = clock.now() + SETTLE
    journal.wait_no_longer([operation.id for operation in journal.unresolved()], until, run=run)
    assert [operation.settle_until for operation in journal.unresolved()] == [until]
    assert journal.verify().ok


def test_looking_cannot_give_somebody_elses_account(journal):
    apply(journal, create(1), "50")
    run = start(journal)
    journal.intend(run, [create(2)], settle=SETTLE)
    (operation,) = journal.unresolved()
    journal.resolve(operation.id, "present", run=run, key="50")
    assert [(one.state, one.outcome_code) for one in journal.operations(run=run)] == [("failed", "key-taken")]
    assert journal.links_by_key("user", ["50"])["50"].subject == subject(1)


@pytest.mark.parametrize("unknown", ["999", "x", "", "-1"])
def test_only_known_operations_can_be_resolved(journal, unknown):
    with pytest.raises(RejectedError, match="no operation"):
        journal.resolve(unknown, "absent", run=start(journal))


def test_operations_are_found_by_run_person_and_account(journal):
    first = apply(journal, create(1), "50")
    second = apply(journal, change(1, "update", "50", tag="b", fields={"title": FieldChange("", "Lead")}))
    apply(journal, create(2), "51")
    assert [one.run for one in journal.operations(subject=subject(1))] == [second, first]
    assert [one.run for one in journal.operations(key=("user", "50"))] == [second, first]
    assert [one.run for one in journal.operations(subject=subject(1), limit=1)] == [second]
    assert [one.run for one in journal.operations(run=first, subject=subject(1), key=("user", "50"))] == [first]
    assert journal.operations(run=first, subject=subject(2)) == []
    assert len(journal.operations()) == 3


def test_unlinking_forgets_the_account_and_says_why(journal):
    run = apply(journal, create(1), "50")
    before = journal.serial
    journal.unlink("user", subject(1), run=run, reason="gone from the desk")
    journal.unlink("user", subject(1), run=run, reason="twice")
    assert journal.links("user", [subject(1)]) == {}
    assert journal.serial == before + 1
    (removed,) = [event for event in journal.events(run) if event.kind == "link.removed"]
    assert removed.facts == {"kind": "user", "key": "50", "reason": "gone from the desk"}


def test_all_links_stream_in_order_of_subjects_while_others_are_written(journal):
    run = start(journal)
    changes = [create(number) for number in range(4500)]
    for first in range(0, 4500, 500):
        batch = changes[first : first + 500]
        journal.intend(run, batch, settle=SETTLE)
        journal.record(run, batch, [applied(one, one.id) for one in batch])
    # Once subject 0 is gone, a page of 2,000 ends between the two links of this one.
    apply(journal, create(2000, kind="agent"), "a2000", run=run)
    seen = []
    for link in journal.all_links("user"):
        if len(seen) == 2500:
            journal.unlink("user", subject(0), run=run, reason="while reading")
        seen.append(link.subject)
    assert seen == [subject(number) for number in range(4500)]
    assert [link.kind for link in journal.all_links() if link.subject == subject(2000)] == ["agent", "user"]
    wanted = [subject(number) for number in range(0, 6000, 2)]
    assert len(journal.links("user", wanted)) == 2249
    assert len(journal.links_by_key("user", [f"user:{number}" for number in range(1, 6000)])) == 4499


def test_issuers_are_never_confused(journal):
    left, right = Subject("a#b", "c"), Subject("a", "b#c")
    assert str(left) == str(right)
    for number, who in enumerate((left, right)):
        one = create(number)
        one = type(one)(id=one.id, action="create", kind="user", subject=who, label="", marker=f"ck-{number}")
        apply(journal, one, str(number))
    assert {who: link.key for who, link in journal.links("user", [left, right]).items()} == {left: "0", right: "1"}
    assert [link.subject for link in journal.all_links()] == sorted([left, right])


def test_names_in_any_script_come_back(journal):
    one = create(1)
    name = "Zoë 山田 \u0645\u062d\u0645\u062f 👩🏽‍💻 '; DROP TABLE link; --"
    named = type(one)(
        id="user:n",
        action="create",
        kind="user",
        subject=Subject(ISSUER, name),
        label=name,
        fields={"name": FieldChange(None, name)},
    )
    apply(journal, named, name)
    (link,) = journal.all_links()
    assert (link.subject.id, link.key, link.fields) == (name, name, {"name": name})
    assert journal.operations()[0].change.label == name
