"""Many at once: what holds thousands back is listed short, counted whole, and known of each person afterwards."""

from engine_bench import CONFIG, rails

from crosskey.connector.target import Seats
from crosskey.engine.explanation import explain
from crosskey.engine.stage import Stage
from crosskey.journal import Journal


def explained(bench, who):
    snapshot = bench.config.journal.path.with_name("snapshot.sqlite")
    with (
        Journal.open(bench.config.journal.path, clock=bench.clock) as journal,
        Stage.kept(snapshot) as stage,
    ):
        return explain(bench.config, journal, stage, who)


async def test_hundreds_without_an_address_are_counted_and_a_hundred_listed(bench):
    for number in range(250):
        bench.directory.add(f"p{number:03}", groups=["Desk"], email="")
    bench.directory.add("ada", groups=["Desk"])
    result = await bench.run()
    assert bench.did() == ["create agent Ada"]
    assert result.plan.header.held_counts == {"mapping-problem": 250}
    assert len(result.plan.held) == 100
    assert result.verdict == "held"
    with bench.journal() as journal:
        tripped = [event.facts for event in journal.events(result.run) if event.kind == "rail.tripped"]
    assert tripped == [{"rail": "mapping-problem", "count": 250}]


async def test_everybody_who_is_held_can_be_explained(bench):
    for number in range(250):
        bench.directory.add(f"p{number:03}", groups=["Desk"], email="")
    bench.desk.add("user", name="Ada", mail="ada@example.com")
    bench.desk.add("user", name="Ada too", mail="ada@example.com")
    bench.directory.add("ada", groups=["Staff"])
    await bench.run()
    [ada] = explained(bench, "ada")
    held = {account.kind: account.held for account in ada.accounts}
    assert [hold.rail for hold in held["user"]] == ["ambiguous-match"]
    assert held["agent"] == []
    [last] = explained(bench, "p249")
    assert [hold.summary for account in last.accounts for hold in account.held] == [
        hold.summary for hold in last.accounts[1].held
    ]
    assert last.accounts[1].held[0].rail == "mapping-problem"


async def test_the_same_note_is_not_told_hundreds_of_times(bench):
    bench.configure(CONFIG.replace("[map.user.fields]", 'leavers = { after = "2d" }\n[map.user.fields]'))
    bench.desk.batch = 50
    for number in range(130):
        bench.directory.add(f"p{number:03}", groups=["Staff"])
    await bench.run()
    for number in range(130):
        bench.directory.change(f"p{number:03}", active=False)
    result = await bench.run()
    assert [notice.code for notice in result.notices] == ["leaver-grace"] * 101
    assert result.notices[-1].summary == "30 more are told the same (leaver-grace)"


async def test_a_hundred_notes_are_all_there_is(bench):
    bench.configure(CONFIG.replace("[map.user.fields]", 'leavers = { after = "2d" }\n[map.user.fields]'))
    bench.desk.batch = 50
    for number in range(100):
        bench.directory.add(f"p{number:03}", groups=["Staff"])
    await bench.run()
    for number in range(100):
        bench.directory.change(f"p{number:03}", active=False)
    assert [notice.severity for notice in (await bench.run()).notices] == ["warning"] * 100


async def test_seats_are_asked_for_where_somebody_may_take_one(bench):
    bench.directory.add("ada", groups=["Staff"])
    await bench.run()
    assert bench.desk.counted == 1
    bench.configure(CONFIG[: CONFIG.index("[map.agent]")])
    await bench.run()
    assert bench.desk.counted == 1


async def test_an_unknown_status_is_told_once_with_its_counts(bench):
    for name in ("ada", "bob", "cleo"):
        bench.directory.add(name, groups=["Staff", "Desk"], active=None)
    bench.directory.change("cleo", status="")
    bench.directory.add("dora", groups=["Staff"])
    result = await bench.run()
    told = [notice for notice in result.notices if notice.code == "status-unknown"]
    assert len(told) == 1
    assert "3 people" in told[0].summary
    assert '"" (1), "ODD" (2)' in told[0].summary
    assert told[0].path == "source.corp"


async def test_held_people_alone_hold_the_verdict_and_nothing_else(bench):
    bench.directory.add("ada", groups=["Desk"], email="")
    bench.directory.add("bob", groups=["Staff"])
    result = await bench.run()
    assert result.verdict == "held"
    assert bench.desk.writes == [("create", "user", "Bob")]
    bench.directory.change("ada", email="ada@example.com")
    assert (await bench.run()).verdict == "clean"


async def test_each_class_that_needs_seats_is_held_and_what_needs_none_goes_on(bench):
    for name in ("ada", "bob", "cleo"):
        bench.directory.add(name, groups=["Desk"])
    bench.directory.change("bob", email="")
    bench.directory.group("Desk").discard("cleo")
    await bench.run()
    bench.directory.change("ada", active=False)
    await bench.run()  # ada is an agent whom crosskey switched off
    bench.directory.change("ada", active=True)
    bench.directory.change("bob", email="bob@example.com")
    bench.directory.group("Desk").add("cleo")
    bench.directory.add("dora", groups=["Desk"])
    bench.desk.add("agent", name="Cleo", mail="cleo@example.com")
    bench.desk.add("agent", name="Dora", mail="dora@example.com", active=False)
    bench.desk.seats = Seats(5, 4)
    result = await bench.run()
    assert [(hold.rail, hold.action, hold.examples) for hold in result.plan.held] == [
        ("seats-short", "enable", ("Ada",)),
        ("seats-short", "adopt", ("Dora",)),
        ("seats-short", "create", ("Bob",)),
    ]
    assert "3 agent seats are needed, 1 of 5 are free" in result.plan.held[0].summary
    assert bench.did() == ["adopt agent Cleo"]


async def test_ten_of_those_who_need_seats_are_named(bench):
    bench.desk.seats = Seats(5, 5)
    for number in range(12):
        bench.directory.add(f"p{number:02}", groups=["Desk"])
    result = await bench.run()
    assert result.plan.held[0].examples == tuple(f"P{number:02}" for number in range(10))


async def test_an_overfull_desk_says_that_no_seat_is_free(bench):
    bench.desk.seats = Seats(5, 7)
    bench.directory.add("ada", groups=["Desk"])
    result = await bench.run()
    assert rails(result) == ["seats-short"]
    assert "0 of 5 are free" in result.plan.held[0].summary
