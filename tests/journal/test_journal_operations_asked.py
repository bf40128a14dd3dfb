"""What is asked of the writes of earlier runs: which there are, of whom, since when, and what is still open."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from journal_samples import SETTLE, START, applied, apply, change, create, start, subject, writing

from crosskey.errors import RejectedError
from crosskey.journal import Journal, Ladder, PastJournal
from crosskey.plan import FieldChange, Outcome


def mailed(number, *values, action="create"):
    """A change that writes these values."""
    fields = {f"field-{place}": FieldChange(None, value) for place, value in enumerate(values)}
    return msgspec.structs.replace(create(number), id=f"user:{number}:{values}", action=action, fields=fields)


def lose(journal, one, *, run):
    """Intend a change whose answer is lost; its operation."""
    journal.intend(run, [one], settle=SETTLE)
    journal.record(run, [one], [Outcome(change=one.id, result="unknown", code="timeout")])
    return next(each.id for each in journal.unresolved() if each.change.id == one.id)


def test_a_journal_without_writes_says_so(journal):
    assert (journal.last_applied(), journal.unresolved_count()) == (None, 0)
    assert (journal.since(0), journal.undone("sha-1"), journal.written_to("00u0001")) == ([], [], [])
    assert list(journal.writes(start(journal))) == []
    ladder = Ladder(run=start(journal), config_digest="sha-1", waves="10%")
    assert journal.climb(ladder).since == 0


def test_writes_are_first_writes_no_longer_once_the_target_took_one(clock, journal):
    run = start(journal)
    refused = create(1)
    journal.intend(run, [refused], settle=SETTLE)
    journal.record(run, [refused], [Outcome(change=refused.id, result="rejected")])
    lost = lose(journal, create(2), run=run)
    assert (journal.last_applied(), journal.unresolved_count()) == (None, 1)
    clock.advance(30)
    journal.intend(run, [create(3)], settle=SETTLE)
    assert (journal.last_applied(), journal.unresolved_count()) == (None, 2)
    journal.record(run, [create(3)], [applied(create(3), "52")])
    assert journal.last_applied() == START + timedelta(seconds=30)
    clock.advance(30)
    apply(journal, create(4), "53", run=run)
    assert journal.last_applied() == START + timedelta(seconds=60)
    clock.advance(30)
    lose(journal, create(5), run=run)
    assert (journal.last_applied(), journal.unresolved_count()) == (START + timedelta(seconds=60), 2)
    journal.resolve(lost, "absent", run=run)
    assert (journal.last_applied(), journal.unresolved_count()) == (START + timedelta(seconds=60), 1)


def test_what_was_found_is_taken_by_the_target_too(clock, journal):
    run = start(journal)
    lost = lose(journal, create(1), run=run)
    clock.advance(300)
    journal.resolve(lost, "present", run=run, key="50")
    assert (journal.last_applied(), journal.unresolved_count()) == (START + timedelta(seconds=300), 0)


def test_a_wave_is_looked_at_by_what_applying_runs_wrote_since_the_last(journal):
    apply(journal, create(1), "50", run=start(journal, "apply"))
    ladder = journal.climb(Ladder(run=start(journal, "apply"), config_digest="sha-1", waves="10%"))
    run, by_timer = start(journal, "apply"), start(journal, "sync")
    batch = [create(2), create(3), create(4)]
    journal.intend(run, batch, settle=SETTLE)
    journal.record(
        run,
        batch,
        [
            applied(batch[0], "51"),
            Outcome(change="user:3", result="rejected"),
            Outcome(change="user:4", result="unknown"),
        ],
    )
    apply(journal, create(5), "54", run=by_timer)
    apply(journal, create(6), "55", run=run)
    lose(journal, create(7), run=run)
    assert [one.change.id for one in journal.since(ladder.since)] == ["user:2", "user:6"]
    (lost, _) = journal.unresolved()
    journal.resolve(lost.id, "present", run=by_timer, key="53")
    assert [(one.change.id, one.state) for one in journal.since(ladder.since)] == [
        ("user:2", "done"),
        ("user:4", "resolved_present"),
        ("user:6", "done"),
    ]
    assert [one.change.id for one in journal.since(0)] == ["user:1", "user:2", "user:4", "user:6"]
    # A ladder that goes on from here counts from the newest write, whatever became of it and whoever made it.
    newest = max(int(one.id) for one in journal.operations())
    assert journal.climb(msgspec.structs.replace(ladder, since=-1)).since == newest
    assert journal.since(newest) == []


def test_all_writes_of_a_run_come_newest_first_whatever_its_size(journal):
    other, run = start(journal), start(journal)
    apply(journal, create(9_000), "9000", run=other)
    batch = [create(number) for number in range(1_001)]
    journal.intend(run, batch, settle=SETTLE)
    apply(journal, create(9_001), "9001", run=other)
    journal.record(run, batch[:600], [applied(one, one.id) for one in batch[:600]])
    assert [one.change for one in journal.writes(run)] == batch[::-1]
    assert [one.change.id for one in journal.writes(other)] == ["user:9001", "user:9000"]


def test_people_are_found_by_their_id_and_by_any_whole_value_that_was_written_to_them(journal):
    run = start(journal)
    apply(journal, mailed(2, "ann@corp.example", "Ann"), "51", run=run)
    apply(journal, mailed(1, "Ann"), "50", run=run)
    apply(journal, mailed(2, "Ann Lee", action="update"), "51", run=run)
    lose(journal, mailed(3, "cleo@corp.example"), run=run)
    assert journal.written_to("00u0002") == [subject(2)]
    assert journal.written_to("Ann") == [subject(1), subject(2)]
    assert journal.written_to("Ann Lee") == [subject(2)]
    assert journal.written_to("cleo@corp.example") == [subject(3)]
    assert journal.written_to("ann@corp.exampl") == []
    assert journal.written_to("00u000") == []


@pytest.mark.parametrize(
    ("value", "other"),
    [("50%off", "50 and off"), ("a_lee@corp.example", "axlee@corp.example"), ("corp\\ann", "corp/ann")],
)
def test_a_value_is_meant_as_it_is_written(journal, value, other):
    apply(journal, mailed(1, value), "50")
    apply(journal, mailed(2, other), "51")
    assert journal.written_to(value) == [subject(1)]
    assert journal.written_to(other) == [subject(2)]


def test_each_connection_asks_about_its_own_writes(path, clock):
    with writing(path, clock, "other") as journal:
        run = start(journal, "apply")
        apply(journal, mailed(1, "Ann"), "50", run=run)
        lose(journal, create(2), run=run)
    with writing(path, clock) as journal:
        own = start(journal, "apply")
        assert (journal.last_applied(), journal.unresolved_count(), journal.unresolved()) == (None, 0, [])
        assert (journal.since(0), journal.written_to("Ann"), journal.written_to("00u0002")) == ([], [], [])
        assert list(journal.writes(run)) == []
        # Numbers are of the whole file, so that what the other wrote is not counted for a wave of this one.
        assert journal.climb(Ladder(run=own, config_digest="sha-1", waves="10%")).since == 2
        with pytest.raises(RejectedError):
            journal.resolve("2", "absent", run=own)
    with writing(path, clock, "other") as journal:
        assert (journal.last_applied(), journal.unresolved_count()) == (START, 1)


@pytest.mark.parametrize("unknown", ["x", "2", "-1"])
def test_whoever_asks_for_an_unknown_write_is_told_where_to_look(path, journal, unknown):
    run = start(journal)
    journal.intend(run, [create(1)], settle=SETTLE)
    with pytest.raises(RejectedError) as told:
        journal.resolve(unknown, "absent", run=run)
    assert (told.value.code, told.value.where) == ("operation-unknown", str(path))
    assert told.value.message == f'the journal has no operation "{unknown}"'
    assert "crosskey history" in told.value.fix
    assert [one.state for one in journal.unresolved()] == ["intent"]


def test_the_links_after_a_past_run_are_what_was_known_then_of_its_writes(path, clock, journal):
    apply(journal, create(1), "50")
    marks, state = journal.marks(), [*journal.small_state(), *journal.large_state()]
    clock.advance(60)
    asked = start(journal)
    apply(journal, create(2), "51", run=asked)
    apply(journal, change(1, "update", "50", tag="b", fields={"title": FieldChange("", "Lead")}), run=asked)
    lost = lose(journal, create(3), run=asked)
    found = lose(journal, create(4), run=asked)
    journal.resolve(found, "present", run=asked, key="53")
    refused = create(5)
    journal.intend(asked, [refused], settle=SETTLE)
    journal.record(asked, [refused], [Outcome(change=refused.id, result="rejected")])
    journal.end_run(asked, "partial", {})
    clock.advance(60)
    later = start(journal)
    journal.resolve(lost, "present", run=later, key="52")
    apply(journal, create(6), "55", run=later)
    taken = next(one.id for one in journal.operations(key=("user", "50"), limit=1))
    title = FieldChange("Lead", "")
    apply(journal, change(1, "update", "50", tag="c", fields={"title": title}, undoes=taken), run=later)
    with PastJournal.after_run(path, journal.run(asked), clock=clock, marks=marks, state=state) as then:
        linked = {link.subject: link for link in then.all_links()}
        assert {who: link.key for who, link in linked.items()} == {subject(1): "50", subject(2): "51", subject(4): "53"}
        # What a later run took back was there.
        assert linked[subject(1)].fields == {"emailaddress": "p1@example.com", "title": "Lead"}
        assert [one.change.id for one in then.unresolved()] == ["user:3"]


# -- a clock that was set back ----------------------------------------------------------------------------------------


@pytest.fixture
def set_back(clock, journal):
    """A run by a clock two hours ahead, and one by the right time."""
    clock.advance(7200)
    ahead = start(journal)
    apply(journal, create(1), "50", run=ahead)
    lost = lose(journal, create(2), run=ahead)
    journal.end_run(ahead, "partial", {})
    clock.start -= timedelta(hours=2)
    clock.advance(60)
    right = start(journal)
    journal.resolve(lost, "present", run=right, key="51")
    apply(journal, change(1, "update", "50", tag="b", fields={"title": FieldChange("", "Lead")}), run=right)
    apply(journal, create(3), "52", run=right)
    journal.end_run(right, "clean", {})
    return ahead, right


@pytest.fixture
def known(path, clock):
    """Keys of the links, the title of the first person, what was open, and which runs there were when one had ended."""

    def known(run):
        with Journal.open(path, clock=clock) as now:
            asked = now.run(run)
        with PastJournal.after_run(path, asked, clock=clock, marks={}, state=[]) as then:
            links = {link.key: link for link in then.all_links()}
            title = links["50"].fields.get("title") if "50" in links else None
            return sorted(links), title, [one.change.id for one in then.unresolved()], [one.id for one in then.runs(9)]

    return known


def test_a_clock_that_was_set_back_does_not_mix_up_what_came_before_a_run_and_after(set_back, known):
    ahead, right = set_back
    assert known(ahead) == (["50"], None, ["user:2"], [ahead])
    assert known(right) == (["50", "51", "52"], "Lead", [], [right, ahead])


def test_runs_are_put_in_the_order_in_which_they_began_whatever_the_clock_said(journal, set_back):
    ahead, right = set_back
    assert right < ahead, "as their ids tell the time"
    assert journal.in_order([right, "never-was", ahead]) == [ahead, right]


def test_a_lost_write_that_was_made_again_later_was_open(clock, journal, known):
    clock.advance(7200)
    ahead = start(journal)
    lost = lose(journal, create(1), run=ahead)
    apply(journal, msgspec.structs.replace(create(1), id="agent:1", kind="agent"), "90", run=ahead)
    namesake = msgspec.structs.replace(create(1), id="user:other", subject=subject(1, "https://other.example.com"))
    apply(journal, namesake, "91", run=ahead)
    journal.end_run(ahead, "partial", {})
    clock.start -= timedelta(hours=2)
    right = start(journal)
    journal.resolve(lost, "absent", run=right)
    apply(journal, create(1), "50", run=right)
    journal.end_run(right, "clean", {})
    assert known(ahead) == (["90", "91"], None, ["user:1"], [ahead])
    assert known(right) == (["50", "90", "91"], None, [], [right, ahead])


def test_a_run_that_died_is_told_as_it_was_found(path, clock, known):
    clock.advance(7200)
    with writing(path, clock) as journal:
        died = start(journal)
        lost = lose(journal, create(1), run=died)
    clock.start -= timedelta(hours=2)
    with writing(path, clock) as later:
        run = start(later)
        later.resolve(lost, "present", run=run, key="50")
        later.end_run(run, "clean", {})
        assert (known(died)[:3], known(run)[:3]) == (([], None, ["user:1"]), (["50"], None, []))


def test_of_a_run_before_all_writes_none_is_told(journal, known):
    first = start(journal)
    journal.end_run(first, "clean", {})
    apply(journal, create(1), "50")
    assert known(first) == ([], None, [], [first])


def test_of_a_run_under_way_all_that_is_known_is_told(journal, known):
    run = start(journal)
    apply(journal, create(1), "50", run=run)
    assert known(run) == (["50"], None, [], [run])
