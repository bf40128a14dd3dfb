"""What the journal takes a desk's answers for, and what it says of them to whoever asked."""

from __future__ import annotations

import pytest
from journal_samples import SETTLE, apply, change, create, start, subject

from crosskey.errors import ContractError
from crosskey.plan import FieldChange, Outcome


def answered(journal, changes, outcomes):
    """The run, and the outcomes as they were noted."""
    run = start(journal)
    journal.intend(run, changes, settle=SETTLE)
    return run, journal.record(run, changes, outcomes)


def states(journal, run):
    return {one.change.id: (one.state, one.key, one.outcome_code, one.message) for one in journal.operations(run=run)}


def test_answers_that_are_right_are_noted_as_they_came(journal):
    changes = [create(number) for number in (1, 2, 3, 4)]
    results = ("applied", "already", "rejected", "unknown")
    outcomes = [
        Outcome(change=one.id, result=result, key=f"{number}", code="c", message=f"it says {result}")
        for number, (one, result) in enumerate(zip(changes, results, strict=True), 50)
    ]
    run, noted = answered(journal, changes, outcomes)
    assert noted == outcomes
    assert [state for state, *_ in states(journal, run).values()].count("done") == 2
    (facts,) = [event.facts for event in journal.events(run) if event.kind == "batch.recorded"]
    assert {name: facts[name] for name in ("done", "failed", "uncertain")} == {"done": 2, "failed": 1, "uncertain": 1}
    assert {link.key for link in journal.all_links()} == {"50", "51"}


def test_answers_that_cannot_be_are_noted_as_what_is_known(journal):
    apply(journal, create(7), "70")
    apply(journal, create(8), "80")
    nameless, taken = create(1), create(2)
    anothers = change(8, "update", "70", tag="b", fields={"title": FieldChange("", "Lead")})
    outcomes = [Outcome(change=one.id, result="applied", key=key) for one, key in ((nameless, None), (taken, "70"))]
    outcomes.append(Outcome(change=anothers.id, result="applied", key="70"))
    run, noted = answered(journal, [nameless, taken, anothers], outcomes)
    unsaid = "the target did not say which account it made"
    other = f"user 70 is linked to another person ({subject(7)})"
    assert [(one.result, one.code, one.message) for one in noted] == [
        ("unknown", "no-key", unsaid),
        ("unknown", "key-taken", other),
        ("rejected", "key-taken", other),
    ]
    assert states(journal, run) == {
        nameless.id: ("uncertain", None, "no-key", unsaid),
        taken.id: ("uncertain", None, "key-taken", other),
        anothers.id: ("failed", "70", "key-taken", other),
    }
    assert {link.subject: link.key for link in journal.all_links()} == {subject(7): "70", subject(8): "80"}


def test_accounts_of_two_kinds_may_have_one_key(journal):
    titled = change(7, "update", "50", tag="b", fields={"title": FieldChange("", "Lead")})
    apply(journal, create(7), "50")
    made = create(1, kind="agent")
    outcomes = [Outcome(change=one.id, result="applied", key="50") for one in (made, titled)]
    _, noted = answered(journal, [made, titled], outcomes)
    assert [one.result for one in noted] == ["applied"] * 2
    assert {(link.kind, link.subject, link.key) for link in journal.all_links()} == {
        ("agent", subject(1), "50"),
        ("user", subject(7), "50"),
    }
    fields = journal.links("user", [subject(7)])[subject(7)].fields
    assert fields == {"emailaddress": "p7@example.com", "title": "Lead"}


def test_answers_that_nobody_asked_for_are_refused_and_change_nothing(journal):
    run = start(journal)
    journal.intend(run, [create(1)], settle=SETTLE)
    strangers = [Outcome(change=f"user:x{number}", result="applied", key="9") for number in (6, 5, 4, 3, 2, 1)]
    with pytest.raises(ContractError) as refused:
        journal.record(run, [create(1)], [Outcome(change="user:1", result="applied", key="50"), *strangers])
    assert refused.value.code == "outcome-unknown"
    told = "the target answered for changes that nobody sent: user:x1, user:x2, user:x3, user:x4, user:x5"
    assert refused.value.message == told
    assert [one.state for one in journal.operations(run=run)] == ["intent"]
    assert list(journal.all_links()) == []


def test_an_account_that_is_released_is_nobodys_and_another_kinds_stays(journal):
    apply(journal, create(1), "50")
    apply(journal, create(1, kind="agent"), "50")
    apply(journal, create(2), "51")
    apply(journal, change(1, "release", "50", tag="r"), "50")
    assert {(link.kind, link.subject) for link in journal.all_links()} == {("agent", subject(1)), ("user", subject(2))}


def test_an_undo_that_did_not_happen_takes_nothing_back_and_the_chain_says_what_was_found(journal):
    apply(journal, create(1), "50")
    (made,) = journal.operations()
    off = change(1, "disable", "50", tag="u", active=FieldChange(before=True, after=False), undoes=made.id)
    _, (noted,) = answered(journal, [off], [Outcome(change=off.id, result="unknown", message="HTTP 500")])
    assert noted.result == "unknown"
    (lost,) = journal.unresolved()
    run = start(journal)
    journal.resolve(lost.id, "superseded", run=run)
    assert {one.id: (one.state, one.undone_by) for one in journal.operations()} == {
        made.id: ("done", ""),
        lost.id: ("superseded", ""),
    }
    (facts,) = [event.facts for event in journal.events(run) if event.kind == "operation.resolved"]
    assert (facts["operation"], facts["state"]) == (lost.id, "superseded")
