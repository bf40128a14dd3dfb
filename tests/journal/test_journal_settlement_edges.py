"""What settling a write brings about besides its link: sessions, drift, and links that were gone meanwhile."""

from __future__ import annotations

import pytest
from journal_samples import SETTLE, START, applied, apply, change, create, sign_in, start, subject, writing

from crosskey.errors import StorageError
from crosskey.journal import Doorbook, Drift, PastJournal
from crosskey.plan import FieldChange, Outcome

OFF = FieldChange(before=True, after=False)


def test_an_account_that_turns_out_to_be_off_lets_nobody_stay_in(path, clock, journal):
    for number in (1, 2):
        apply(journal, create(number), f"{49 + number}")
    leaving, staying = sign_in(path, clock, 1), sign_in(path, clock, 2)
    clock.advance(60)
    # Not a disable, whose intent ends the sessions already: the account was found switched off.
    found = change(1, "update", "50", tag="off", active=OFF)
    run = apply(journal, found, "50")
    (told,) = [event for event in journal.events(run) if event.kind == "sessions.ended"]
    assert (told.at, told.facts) == (clock.now(), {"because": "account-disabled", "count": 1})
    with Doorbook.reading(path, clock=clock, connection="desk") as book:
        ended = book.session(leaving)
        assert (ended.revoked_at, ended.revoked_because) == (clock.now(), "account-disabled")
        assert book.session(staying).revoked_at is None


def drifted(journal, *numbers):
    run = start(journal)
    for number in numbers:
        drift = Drift(
            kind="user",
            subject=subject(number),
            key=f"{49 + number}",
            part="title",
            ours="a",
            now="b",
            policy="revert",
            since=START,
            run=run,
        )
        journal.note_drift(run, new=[drift], still=[], over=[])


def test_drift_is_over_once_it_is_written_over_and_not_before(path, clock):
    with writing(path, clock, "elsewhere") as journal:
        apply(journal, create(1), "50")
        drifted(journal, 1)
    with writing(path, clock) as journal:
        for number in (1, 2, 3):
            apply(journal, create(number), f"{49 + number}")
        drifted(journal, 1, 2, 3)
        back = FieldChange("b", "a")
        # The second names the first's account, the third's answer is lost: nothing of theirs was written over.
        group = [
            change(number, "update", f"{49 + number}", tag="back", fields={"title": back}, drifted=("title",))
            for number in (1, 2, 3)
        ]
        run = start(journal)
        journal.intend(run, group, settle=SETTLE)
        outcomes = [applied(group[0], "50"), applied(group[1], "50"), Outcome(change=group[2].id, result="unknown")]
        noted = journal.record(run, group, outcomes)
        assert [one.result for one in noted] == ["applied", "rejected", "unknown"]
        assert [one.subject for one in journal.all_drifts()] == [subject(2), subject(3)]
    with writing(path, clock, "elsewhere") as journal:
        assert [one.subject for one in journal.all_drifts()] == [subject(1)]


def test_an_undo_of_a_write_whose_link_is_gone_establishes_it_then_and_by_that_run(clock, journal):
    first = apply(journal, create(1), "50")
    (made,) = journal.operations(run=first)
    journal.unlink("user", subject(1), run=first, reason="by hand")
    clock.advance(60)
    run = apply(journal, change(1, "disable", "50", tag="undo", active=OFF, undoes=made.id), "50")
    link = journal.links("user", [subject(1)])[subject(1)]
    assert (link.since, link.run, link.active, link.disabled_by_us) == (clock.now(), run, False, True)


def test_an_answer_to_what_this_run_never_intended_settles_nobody_elses_write(journal):
    first = start(journal)
    journal.intend(first, [create(1)], settle=SETTLE)
    second = start(journal)
    journal.intend(second, [create(2)], settle=SETTLE)
    for group in ([create(3)], [create(2), create(3)]):
        with pytest.raises(StorageError) as refused:
            journal.record(second, group, [applied(one, one.id) for one in group])
        assert refused.value.code == "outcome-without-intent"
        assert [one.state for one in journal.unresolved()] == ["intent", "intent"]
        assert list(journal.all_links()) == []


def test_a_journal_as_it_was_knows_all_that_one_moment_made_of_a_link(path, clock):
    with writing(path, clock) as journal:
        marks, state = journal.marks(), [*journal.small_state(), *journal.large_state()]
        run = apply(journal, create(1), "50")
        # At the same moment of the same run: both are put back as one batch.
        titled = change(1, "update", "50", tag="again", fields={"title": FieldChange("", "Lead")})
        apply(journal, titled, "50", run=run)
        journal.end_run(run, "clean", {})
        known = journal.links("user", [subject(1)])
        ended = journal.run(run)
    past = PastJournal.after_run(path, ended, clock=clock, marks=marks, state=state)
    assert past.links("user", [subject(1)]) == known
    assert known[subject(1)].fields == {"emailaddress": "p1@example.com", "title": "Lead"}
    past.close()


def test_a_journal_as_it_was_knows_what_had_been_taken_back_and_what_held_again(path, clock):
    def undo(number, undone):
        clock.advance(60)
        (taken,) = journal.operations(run=undone)
        back = change(1, "update", "50", tag=f"undo{number}", fields=taken.change.fields, undoes=taken.id)
        runs.append(apply(journal, back))
        journal.end_run(runs[-1], "clean", {})
        return states(journal)

    def states(journal):
        return {one.change.id: (one.state, one.undone_by) for one in journal.operations(limit=9)}

    with writing(path, clock) as journal:
        marks, state = journal.marks(), [*journal.small_state(), *journal.large_state()]
        runs = [apply(journal, create(1), "50")]
        clock.advance(60)
        runs.append(apply(journal, change(1, "update", "50", tag="t", fields={"title": FieldChange("", "Lead")})))
        journal.end_run(runs[-1], "clean", {})
        after = [states(journal)]
        after += [undo(number, runs[-1]) for number in range(3)]
        ended = [journal.run(run) for run in runs[1:]]
    for known, run in zip(after, ended, strict=True):
        with PastJournal.after_run(path, run, clock=clock, marks=marks, state=state) as past:
            assert states(past) == known
    assert [sum(state == "undone" for state, _ in known.values()) for known in after] == [0, 1, 1, 2]
