"""An account that goes on to another id of the same person, and one whose link is taken away."""

from __future__ import annotations

from datetime import timedelta

import pytest
from journal_samples import START, apply, change, create, sign_in, start, subject, writing

from crosskey.journal import Doorbook, Drift, Voucher
from crosskey.model import Subject
from crosskey.plan import Outcome

SECOND = "https://second.example.com"
FORMER, ANEW, OTHER = subject(1), subject(9), subject(2)


def known_of(journal):
    """What hangs on everybody's links, by whom."""
    people = [FORMER, ANEW, OTHER]
    return {
        "links": sorted((link.kind, link.subject.id, link.key) for link in journal.all_links()),
        "leaving": {(kind, one.id) for kind in ("user", "agent") for one in journal.leaving(kind, people)},
        "absent": {(kind, one.id) for kind in ("user", "agent") for one in journal.absences(kind, people)},
        "drifted": {(one.kind, one.subject.id, one.part) for one in journal.all_drifts()},
        "vouched": {(own.id, lead.id) for own, lead in journal.all_vouchers()},
    }


def fill(journal):
    """Two people with accounts of both kinds, of whom everything is noted that can be."""
    for number in (1, 2):
        apply(journal, create(number, references={"roles": ("1",)}), f"{49 + number}")
        apply(journal, create(number, kind="agent"), f"a{number}")
    run = start(journal)
    for kind in ("user", "agent"):
        journal.mark_leaving(kind, [FORMER, OTHER])
        for one in (FORMER, OTHER):
            journal.confirm_absent(kind, one, run=run, told=False)
            key = journal.links(kind, [one])[one].key
            drift = Drift(
                kind=kind, subject=one, key=key, part="title", ours="a", now="b", policy="alert", since=START, run=run
            )
            journal.note_drift(run, new=[drift], still=[], over=[])
    vouchers = [
        Voucher(Subject(SECOND, f"second-{lead.id}"), lead, "same email", START, run) for lead in (FORMER, OTHER)
    ]
    journal.vouch(run, vouchers)


def relink(journal, **parts):
    one = change(9, "relink", "50", former=FORMER, marker="ck-9", **parts)
    return apply(journal, one, "50")


@pytest.fixture(autouse=True)
def another_connection(path, clock):
    """Another connection of the same journal has the same people: what is known there stays, whatever happens here."""
    with writing(path, clock, "elsewhere") as journal:
        fill(journal)
        before = known_of(journal)
    yield
    with writing(path, clock, "elsewhere") as journal:
        assert known_of(journal) == before


def test_everything_that_hung_on_an_account_goes_on_with_it_to_the_new_id(path, clock):
    with writing(path, clock) as journal:
        fill(journal)
        before = journal.links("user", [FORMER])[FORMER]
        relink(journal)
        after = journal.links("user", [ANEW])[ANEW]
        assert (after.key, after.fields, after.given, after.active) == ("50", before.fields, before.given, True)
        assert known_of(journal) == {
            "links": [
                ("agent", FORMER.id, "a1"),
                ("agent", OTHER.id, "a2"),
                ("user", OTHER.id, "51"),
                ("user", ANEW.id, "50"),
            ],
            "leaving": {("user", ANEW.id), ("user", OTHER.id), ("agent", FORMER.id), ("agent", OTHER.id)},
            "absent": {("user", OTHER.id), ("agent", FORMER.id), ("agent", OTHER.id)},
            "drifted": {
                ("user", ANEW.id, "title"),
                ("user", OTHER.id, "title"),
                ("agent", FORMER.id, "title"),
                ("agent", OTHER.id, "title"),
            },
            "vouched": {(f"second-{FORMER.id}", ANEW.id), (f"second-{OTHER.id}", OTHER.id)},
        }
        assert journal.verify().ok


def test_a_link_that_is_taken_away_takes_its_drift_and_its_sessions_along(path, clock):
    with writing(path, clock) as journal:
        fill(journal)
        (gone, stays), agent = (sign_in(path, clock, number) for number in (1, 2)), sign_in(path, clock, 1, "agent")
        clock.advance(60)
        run = start(journal)
        journal.unlink("user", FORMER, run=run, reason="by hand")
        assert {link.key for link in journal.all_links()} == {"51", "a1", "a2"}
        assert known_of(journal)["drifted"] == {
            ("user", OTHER.id, "title"),
            ("agent", FORMER.id, "title"),
            ("agent", OTHER.id, "title"),
        }
        told = {one.kind: one.facts for one in journal.events(run)}
        assert told["link.removed"] == {"kind": "user", "key": "50", "reason": "by hand"}
        assert told["sessions.ended"] == {"because": "link-removed", "count": 1}
        with Doorbook.reading(path, clock=clock, connection="desk") as book:
            ended = book.session(gone)
            assert (ended.revoked_at, ended.revoked_because) == (START + timedelta(seconds=60), "link-removed")
            assert [book.session(id_).revoked_at for id_ in (stays, agent)] == [None, None]
        serial = journal.serial
        journal.unlink("user", FORMER, run=run, reason="again")
        assert journal.serial == serial, "there was nothing left to take away"


@pytest.mark.parametrize("owner", [OTHER, None])
def test_only_the_former_persons_account_goes_on(journal, owner):
    fill(journal)
    one = change(9, "relink", "51" if owner else "77", former=FORMER, marker="ck-9")
    run = start(journal)
    journal.intend(run, [one], settle=timedelta(seconds=120))
    (noted,) = journal.record(run, [one], [Outcome(change=one.id, result="applied", key=one.key)])
    assert journal.links("user", [FORMER])[FORMER].key == "50"
    assert noted.result == ("rejected" if owner else "applied")
