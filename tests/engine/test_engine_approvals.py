"""What a person approves: exactly that, once, by name and with a reason, and never what came afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from engine_bench import CONFIG, rails
from engine_holds import approve, book, held, leave, staffed, states, waits
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench_plugin import Killed
from crosskey.engine.holds import choose
from crosskey.engine.rails import APPROVABLE, COUNTED, RAILS, Approvals
from crosskey.errors import ConfigError, StaleError
from crosskey.journal import Approval, Approved
from crosskey.model import Subject

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def disabled(bench) -> list[str]:
    return sorted(account.label for account in bench.desk.of("user").values() if not account.active)


async def test_who_was_held_goes_and_who_joined_later_stays(bench):
    await staffed(bench)
    leave(bench, *range(11))
    await bench.run()
    approve(bench, "mass-disable")
    leave(bench, 11, 12)
    result = await bench.run()
    assert disabled(bench) == [f"P{number:03}" for number in range(11)]
    assert rails(result) == ["mass-disable"]
    [hold] = held(bench)
    assert hold.count == 2
    assert hold.summary == (
        "13 of 20 managed user accounts would be disabled; the limit is 10; 11 of them were approved and go on"
    )


async def test_it_counts_once(bench):
    await staffed(bench)
    leave(bench, *range(11))
    await bench.run()
    approve(bench, "mass-disable")
    await bench.run()
    assert states(bench) == ["used"]
    for number in range(11):
        bench.directory.change(f"p{number:03}", active=True)
    await bench.run()
    leave(bench, *range(11))
    assert rails(await bench.run()) == ["mass-disable"], "the same people again are another decision"


async def test_a_plan_shows_what_is_approved_and_uses_nothing_up(bench):
    await staffed(bench)
    leave(bench, *range(11))
    await bench.run()
    given_ = approve(bench, "mass-disable")
    result = await bench.run("plan")
    assert len(bench.did()) == 11
    [told] = [notice.summary for notice in result.notices if notice.code == "approved"]
    assert told == (
        f'mass-disable: 11 of what it would hold may go, because ops approved it ({given_.id}: "it is right")'
    )
    assert states(bench) == ["open"]
    await bench.run("apply", confirm=lambda _proposal: False)
    assert states(bench) == ["open"], "somebody said no"


async def test_an_approval_ends(bench):
    await staffed(bench)
    leave(bench, *range(11))
    await bench.run()
    approve(bench, "mass-disable", hours=1)
    bench.clock.advance(3600)
    assert states(bench) == ["expired"]
    assert rails(await bench.run()) == ["mass-disable"]


async def test_an_approval_can_be_taken_back_until_it_is_used(bench):
    await staffed(bench)
    leave(bench, *range(11))
    await bench.run()
    given_ = approve(bench, "mass-disable")
    with book(bench) as noted:
        noted.withdraw(given_.id)
        with pytest.raises(ConfigError, match="it is withdrawn"):
            noted.withdraw(given_.id)
        with pytest.raises(ConfigError, match='no approval "a00"'):
            noted.withdraw("a00")
    assert rails(await bench.run()) == ["mass-disable"]
    approve(bench, "mass-disable")
    assert rails(await bench.run()) == []


async def test_what_is_taken_back_while_a_run_asks_is_not_written(bench):
    await staffed(bench)
    leave(bench, *range(11))
    await bench.run()
    given_ = approve(bench, "mass-disable")

    def meanwhile(_proposal):
        with book(bench) as noted:
            noted.withdraw(given_.id)
        return True

    with pytest.raises(StaleError, match="withdrawn"):
        await bench.run("apply", confirm=meanwhile)
    assert disabled(bench) == []


async def test_only_some_of_those_who_are_held(bench):
    await staffed(bench)
    leave(bench, *range(11))
    await bench.run()
    approve(bench, "mass-disable", only=("P003", "p004", "user:6"))
    await bench.run()
    chosen = ["P003", "P004", "P005"]
    assert disabled(bench) == chosen
    bench.clock.advance(300)
    leave(bench, 15)
    result = await bench.run()
    assert disabled(bench) == [*chosen, "P015"], "who was there when others were chosen waits on, few as they are"
    assert rails(result) == ["mass-disable"]
    assert waits(bench) == ["mass-disable user disable 8"]
    approve(bench, "mass-disable", limit=7)
    await bench.run()
    assert len(disabled(bench)) == 4 + 7
    assert waits(bench) == ["mass-disable user disable 1"]
    approve(bench, "mass-disable")
    await bench.run()
    assert (len(disabled(bench)), waits(bench)) == (12, [])


async def test_a_few_who_wait_and_many_who_come_are_told_together(bench):
    await staffed(bench, 30)
    leave(bench, *range(11))
    await bench.run()
    approve(bench, "mass-disable", only=("P003",))
    bench.clock.advance(60)
    leave(bench, *range(12, 24))
    await bench.run()
    [hold] = held(bench)
    assert hold.count == 10 + 12
    await bench.run()
    [hold] = held(bench)
    assert (hold.count, len(disabled(bench))) == (22, 1)


async def test_a_run_that_dies_gives_back_what_it_was_to_use(bench):
    await staffed(bench)
    leave(bench, *range(11))
    await bench.run()
    approve(bench, "mass-disable")
    bench.desk.batch = 4
    bench.desk.fault = "killed-after"
    with pytest.raises(Killed):
        await bench.run()
    bench.desk.fault = ""
    bench.clock.advance(600)
    result = await bench.run()
    assert (len(disabled(bench)), rails(result)) == (11, [])
    assert states(bench) == ["used"]
    with bench.journal() as journal:
        told = [event.kind for event in journal.events() if event.kind.startswith("approval.")]
        assert told == ["approval.given", "approval.used", "approval.released", "approval.used"]
        assert journal.verify().ok


async def test_a_run_that_fails_half_way_gives_it_back_too(bench):
    await staffed(bench)
    leave(bench, *range(11))
    await bench.run()
    approve(bench, "mass-disable")
    bench.desk.fault = "auth"
    assert (await bench.run()).verdict == "failed"
    assert states(bench) == ["open"]


async def test_what_stands_in_an_approval_cannot_be_edited_unseen(bench):
    await staffed(bench)
    leave(bench, *range(11))
    await bench.run()
    approve(bench, "mass-disable", limit=1)
    with bench.journal() as journal:
        assert journal.verify().ok
        database = journal._database
        with database.transaction():
            database.run("UPDATE approval SET reason = 'somebody else said so'")
        assert "approval" in journal.verify().reason


async def test_the_chain_tells_what_was_approved_and_names_nobody(bench):
    await staffed(bench)
    leave(bench, *range(11))
    await bench.run()
    given_ = approve(bench, "mass-disable")
    with bench.journal() as journal:
        [event] = [event for event in journal.events() if event.kind == "approval.given"]
    digest = event.facts["approval_digest"]
    assert event.facts == {"approval": given_.id, "rail": "mass-disable", "count": 11, "approval_digest": digest}


@pytest.mark.parametrize(
    ("rail", "message"),
    [
        ("mass-disabel", 'nothing is held by "mass-disabel". Did you mean "mass-disable"?'),
        ("create-flood", 'nothing is held by "create-flood".'),
        ("ambiguous-match", 'no word of a person is enough for "ambiguous-match"'),
    ],
)
async def test_what_cannot_be_approved(bench, rail, message):
    await staffed(bench)
    bench.desk.add("user", name="Bob", mail="bob@example.com")
    bench.desk.add("user", name="Bob too", mail="bob@example.com")
    bench.directory.add("bob", groups=["Staff"])
    leave(bench, *range(11))
    await bench.run()
    with pytest.raises(ConfigError) as caught:
        approve(bench, rail)
    assert caught.value.message.startswith(message)
    assert caught.value.fix


async def test_who_is_not_held_cannot_be_chosen(bench):
    await staffed(bench)
    leave(bench, *range(11))
    await bench.run()
    with pytest.raises(ConfigError, match='nobody and nothing that is called "P015"'):
        approve(bench, "mass-disable", only=("P015",))
    with pytest.raises(ConfigError, match="for agent accounts"):
        approve(bench, "mass-disable", kind="agent")


async def test_a_number_is_let_through_whole_and_exactly(bench):
    bench.configure(CONFIG + "\n[rails]\nmax_disable = { count = 50 }")
    await staffed(bench)
    for number in range(7):
        del bench.directory.people[f"p{number:03}"]
    await bench.run()
    with pytest.raises(ConfigError, match="whole or not at all"):
        approve(bench, "shrink", limit=3)
    approve(bench, "shrink")
    del bench.directory.people["p007"]
    assert rails(await bench.run()) == ["shrink"]
    assert states(bench) == ["open"], "it was for another number"
    bench.directory.add("p007", groups=["Staff"])
    assert rails(await bench.run()) == []
    assert states(bench) == ["used"]


async def test_one_group_of_several_that_are_empty(bench):
    bench.configure(CONFIG + "\n[rails]\nmax_disable = { count = 50 }")
    for number in range(6):
        bench.directory.add(f"p{number:03}", groups=["Staff", "Desk"])
    await bench.run()
    bench.directory.group("Staff").clear()
    bench.directory.group("Desk").clear()
    await bench.run()
    assert [one.approve for one in held(bench)] == [
        f'crosskey approve empty-group --only "{name}" --because "…"' for name in ("Desk", "Staff")
    ]
    approve(bench, "empty-group", only=("Desk",))
    result = await bench.run()
    assert [hold.summary.partition(" has")[0] for hold in result.plan.held] == ['"Staff"']


async def test_the_absent_are_looked_up_once_somebody_says_so(bench):
    await staffed(bench, 40)
    bench.directory.hidden = {f"p{number:03}" for number in range(11)}
    await bench.run()
    assert held(bench)[0].approve == 'crosskey approve absence-unconfirmed --kind user --because "…"'
    approve(bench, "absence-unconfirmed")
    assert rails(await bench.run()) == []
    assert len(bench.directory.finds) == 11
    assert states(bench) == ["used"], "they were looked up, although nothing came of it"


async def test_what_the_desk_refused_is_asked_for_again_where_a_person_says_so(bench):
    bench.desk.final = frozenset({"bad"})
    await staffed(bench, 1)
    bench.directory.change("p000", display_name="Other")
    bench.desk.bad = {"Other"}
    await bench.run()
    assert rails(await bench.run()) == ["refused-before"]
    bench.desk.bad = set()
    assert rails(await bench.run()) == ["refused-before"]
    approve(bench, "refused-before")
    assert rails(await bench.run()) == []
    assert bench.did() == ["update user Other"]


def test_every_rail_that_can_be_approved_exists():
    assert RAILS.keys() >= APPROVABLE
    assert COUNTED <= APPROVABLE
    never = {"protected", "identity-collision", "ambiguous-match", "ambiguous-person", "unsettled", "seats-short"}
    assert not APPROVABLE & (never | {"ceiling", "empty-source", "mapping-problem"})


RAIL = st.sampled_from(["mass-disable", "create-flood", "refused-before", "shrink"])
KIND = st.sampled_from(["user", "agent"])
ACTION = st.sampled_from(["create", "update", "disable"])
WHO = st.builds(Subject, st.sampled_from(["https://a.example", "https://b.example"]), st.sampled_from(["1", "2"]))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(RAIL, st.lists(st.tuples(KIND, ACTION, WHO), max_size=4)), max_size=3),
    st.tuples(RAIL, KIND, ACTION, WHO),
)
def test_what_is_covered_was_approved_by_name(given_, asked):
    approvals = [
        Approval(
            id=f"a{number}",
            rail=rail,
            items=tuple(Approved(kind, action, who.issuer, who.id) for kind, action, who in items),
            by="ops",
            reason="",
            at=START,
            expires_at=START + timedelta(hours=1),
        )
        for number, (rail, items) in enumerate(given_)
    ]
    rail, kind, action, who = asked
    expected = any(
        (kind, action, who) in items and (given_rail == rail or {given_rail, rail} <= COUNTED)
        for given_rail, items in given_
    )
    asked_of = Approvals(approvals)
    assert asked_of.covers(rail, kind, action, who) == expected
    assert bool(asked_of.needed) == expected


def test_nothing_is_chosen_of_nothing():
    with pytest.raises(ConfigError, match="nothing is held"):
        choose([], "mass-disable")
