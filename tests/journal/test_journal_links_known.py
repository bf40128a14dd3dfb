"""What is noted of links beside what was written: seen values, accounts switched on by others, links that go."""

from __future__ import annotations

import msgspec
import pytest
from journal_samples import apply, change, create, start, subject, writing

from crosskey.model import Subject
from crosskey.plan import FieldChange


def link_of(journal, number=1, kind="user"):
    return journal.links(kind, [subject(number)])[subject(number)]


def test_what_is_known_of_an_accounts_values_is_noted_and_nothing_else(journal):
    for number in (1, 2):
        apply(journal, create(number, references={"roles": ("1",)}), f"{49 + number}")
    apply(journal, create(1, kind="agent"), "a1")
    before, others = link_of(journal), (link_of(journal, 2), link_of(journal, 1, "agent"))
    known = {
        "given": {"roles": ("1", "2")},
        "fields": {"emailaddress": "p1@example.com", "title": "Lead"},
        "seen": {"phone": " 555 ", "site": ("7",)},
    }
    elsewise = {"key": "99", "marker": "ck-9", "active": False, "disabled_by_us": True, "run": "another"}
    journal.note_known([msgspec.structs.replace(before, **known, **elsewise)])
    assert link_of(journal) == msgspec.structs.replace(before, **known)
    assert (link_of(journal, 2), link_of(journal, 1, "agent")) == others
    journal.note_known([msgspec.structs.replace(before, given={}, fields={}, seen={}), others[0]])
    assert link_of(journal) == msgspec.structs.replace(before, given={}, fields={}, seen={})


def test_what_was_seen_stays_through_later_writes_of_other_fields(journal):
    apply(journal, create(1), "50")
    seen = {"phone": " 555 ", "title": "lead", "site": ("7",), "vip": True, "floor": 3}
    journal.note_known([msgspec.structs.replace(link_of(journal), seen=seen)])
    apply(journal, change(1, "update", "50", tag="b", fields={"title": FieldChange("lead", "Lead")}))
    del seen["title"]
    assert link_of(journal).seen == seen
    assert [link.seen for link in journal.all_links()] == [seen]
    assert journal.links_by_key("user", ["50"])["50"].seen == seen


def test_an_account_that_somebody_else_switched_on_is_not_ours_to_have_switched_off(journal):
    for number in (1, 2):
        apply(journal, create(number), f"{49 + number}")
        off = FieldChange(before=True, after=False)
        apply(journal, change(number, "disable", f"{49 + number}", tag="off", active=off))
    off = link_of(journal)
    assert (off.active, off.disabled_by_us) == (False, True)
    journal.note_active("agent", subject(1))
    assert link_of(journal) == off
    journal.note_active("user", subject(1))
    assert link_of(journal) == msgspec.structs.replace(off, active=True, disabled_by_us=False)
    assert (link_of(journal, 2).active, journal.link_count("user", active_only=True)) == (False, 1)


def test_what_is_noted_of_links_is_noted_in_one_connection(path, clock):
    for connection in ("other", "desk"):
        with writing(path, clock, connection) as journal:
            apply(journal, create(1), "50")
            off = FieldChange(before=True, after=False)
            apply(journal, change(1, "disable", "50", tag="off", active=off))
            before = link_of(journal)
    with writing(path, clock) as journal:
        journal.note_active("user", subject(1))
        journal.note_known([msgspec.structs.replace(before, seen={"phone": "555"})])
        journal.unlink("user", subject(1), run=start(journal), reason="gone")
    with writing(path, clock, "other") as journal:
        (link,) = journal.all_links()
        assert (link.active, link.disabled_by_us, link.seen) == (False, True, {})


@pytest.mark.parametrize("written", ["applied", "known", "switched on", "unlinked"])
def test_the_links_are_summed_anew_after_whatever_changed_them(path, clock, written):
    with writing(path, clock) as journal:
        apply(journal, create(1), "50")
        run = apply(journal, change(1, "disable", "50", tag="off", active=FieldChange(before=True, after=False)))
        journal.end_run(run, "clean", {})
        before = sums(journal, run)
        run = start(journal)
        if written == "applied":
            apply(journal, create(2), "51", run=run)
        elif written == "known":
            journal.note_known([msgspec.structs.replace(link_of(journal), seen={"phone": "555"})])
        elif written == "switched on":
            journal.note_active("user", subject(1))
        else:
            journal.unlink("user", subject(1), run=run, reason="gone")
        journal.end_run(run, "clean", {})
        assert sums(journal, run) not in ([], before)
        assert journal.verify().ok


def sums(journal, run):
    """The digests over all links that a run told."""
    return [event.facts["links_digest"] for event in journal.events(run) if "links_digest" in event.facts]


def test_links_of_any_issuer_are_streamed(journal):
    people = [Subject("ACME", "00u1"), Subject("acme", "00u1"), Subject("https://acme.example.com", "1")]
    for number, who in enumerate(people):
        apply(journal, msgspec.structs.replace(create(number), subject=who), f"{number}")
    assert [link.subject for link in journal.all_links()] == people
    assert [link.subject for link in journal.all_links("user")] == people
    assert list(journal.all_links("agent")) == []
