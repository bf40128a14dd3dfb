"""What is found of a write whose answer was lost becomes ours, no more and no less; what kills an array goes alone."""

import asyncio

import pytest
from engine_bench import CONFIG, rails

from bench_plugin import Killed
from crosskey.errors import StaleError, StorageError


async def hired(bench, *names, groups=("Staff",)):
    for name in names:
        bench.directory.add(name, groups=groups)
    await bench.run()


async def lost(bench, fault="lost-answer"):
    bench.desk.fault = fault
    result = await bench.run()
    assert result.verdict == "failed"
    bench.desk.fault = ""


async def test_of_a_write_that_somebody_changed_since_we_keep_what_is_still_there(bench):
    await hired(bench, "ada")
    bench.directory.group("London").add("ada")
    bench.directory.change("ada", display_name="Ada L")
    await lost(bench)
    key = bench.desk.of("user")["Ada L"].key
    bench.desk.edit("user", key, fields={**bench.desk.accounts["user", key].fields, "name": "By Hand"})
    assert rails(await bench.run()) == ["unsettled"]
    await bench.clock.sleep(121)
    await bench.run()
    assert bench.did() == ["update user Ada L"]
    bench.directory.group("London").discard("ada")
    await bench.run()
    assert bench.desk.accounts["user", key].references["roles"] == (), "the role was ours to take away"


async def test_of_a_write_of_which_nothing_is_there_nothing_is_ours(bench):
    await hired(bench, "ada")
    bench.directory.group("London").add("ada")
    await lost(bench, "lost-request")
    await bench.clock.sleep(121)
    bench.directory.group("London").discard("ada")
    await bench.run()
    assert bench.did() == []
    account = bench.desk.of("user")["Ada"]
    bench.desk.edit("user", account.key, references={**account.references, "roles": ("roles-viewer",)})
    await bench.run()
    assert bench.did() == [], "given by hand, so not ours to take away"


async def test_a_role_that_was_to_be_taken_away_and_is_still_there_stays_ours(bench):
    await hired(bench, "ada", groups=("Staff", "London"))
    bench.directory.group("London").discard("ada")
    bench.directory.change("ada", display_name="Ada L")
    await lost(bench)
    account = bench.desk.of("user")["Ada L"]
    bench.desk.edit("user", account.key, references={**account.references, "roles": ("roles-viewer",)})
    await bench.clock.sleep(121)
    await bench.run()
    assert bench.desk.of("user")["Ada L"].references["roles"] == ()


async def test_a_lost_disable_that_did_not_happen_is_not_taken_for_ours(bench):
    await hired(bench, "ada")
    bench.directory.change("ada", active=False)
    await lost(bench, "lost-request")
    bench.directory.change("ada", active=True)
    await bench.clock.sleep(121)
    await bench.run()
    bench.desk.edit("user", bench.desk.of("user")["Ada"].key, active=False)
    await bench.clock.sleep(121)
    result = await bench.run()
    assert bench.did() == []
    assert [notice.code for notice in result.notices] == ["disabled-by-hand"]


@pytest.mark.parametrize("off", [True, False])
async def test_a_lost_adoption_is_found_by_its_marker(bench, off):
    bench.desk.add("user", name="Ada", mail="ada@example.com", active=not off)
    bench.directory.add("ada", groups=["Staff", "London"])
    await lost(bench)
    await bench.run()
    assert bench.did() == []
    bench.directory.group("London").discard("ada")
    await bench.run()
    assert bench.desk.of("user")["Ada"].references["roles"] == ()


async def test_an_adoption_whose_account_was_switched_off_again_is_adopted_anew(bench):
    account = bench.desk.add("user", name="Ada", mail="ada@example.com", active=False)
    bench.directory.add("ada", groups=["Staff"])
    await lost(bench)
    bench.desk.edit("user", account.key, active=False)
    await bench.clock.sleep(121)
    await bench.run()
    assert bench.did() == ["adopt user Ada"]
    assert bench.desk.accounts["user", account.key].active


async def test_a_lost_disable_that_happened_is_ours_to_undo(bench):
    await hired(bench, "ada")
    bench.directory.change("ada", active=False)
    await lost(bench)
    await bench.run()
    assert bench.did() == []
    bench.directory.change("ada", active=True)
    await bench.run()
    assert bench.did() == ["enable user Ada"]


async def test_of_a_lost_enable_the_role_is_ours_though_somebody_switched_the_account_off(bench):
    await hired(bench, "ada")
    bench.directory.change("ada", active=False)
    await bench.run()
    bench.directory.change("ada", active=True)
    bench.directory.group("London").add("ada")
    await lost(bench)
    key = bench.desk.of("user")["Ada"].key
    bench.desk.edit("user", key, active=False)
    assert rails(await bench.run()) == ["unsettled"]
    bench.directory.group("London").discard("ada")
    await bench.clock.sleep(120)
    await bench.run()
    assert bench.did() == ["enable user Ada"]
    assert bench.desk.accounts["user", key].references["roles"] == ()


async def test_a_write_whose_role_is_not_there_is_not_settled_before_its_time(bench):
    await hired(bench, "ada")
    bench.directory.group("London").add("ada")
    await lost(bench)
    account = bench.desk.of("user")["Ada"]
    bench.desk.edit("user", account.key, references={**account.references, "roles": ()})
    assert rails(await bench.run()) == ["unsettled"]
    await bench.clock.sleep(119)
    assert rails(await bench.run()) == ["unsettled"]
    await bench.clock.sleep(1)
    await bench.run()
    assert bench.did() == ["update user Ada"]


async def test_an_adoption_that_wrote_nothing_but_the_marker_is_found_by_it(bench):
    account = bench.desk.add("user", name="Ada", mail="ada@example.com")
    bench.directory.add("ada", groups=["Staff"])
    await lost(bench)
    result = await bench.run()
    assert (bench.did(), rails(result)) == ([], [])
    with bench.journal() as journal:
        assert list(journal.links_by_key("user", [account.key])) == [account.key]
        assert [operation.state for operation in journal.operations()] == ["resolved_present"]


async def test_an_adoption_on_a_desk_that_keeps_no_markers_is_settled_by_what_it_wrote(bench):
    bench.desk.keeps_markers = False
    bench.desk.add("user", name="A", mail="ada@example.com")
    bench.directory.add("ada", groups=["Staff"])
    await lost(bench)
    assert rails(await bench.run()) == ["unsettled"]
    await bench.clock.sleep(120)
    await bench.run()
    assert bench.did() == []
    bench.directory.change("ada", display_name="Ada L")
    await lost(bench, "lost-request")
    await bench.clock.sleep(120)
    await bench.run()
    assert bench.did() == ["update user Ada L"]
    with bench.journal() as journal:
        states = [operation.state for operation in journal.operations()]
    assert states == ["done", "superseded", "resolved_present"]


async def test_what_the_list_shows_is_not_looked_up(bench):
    bench.desk.can_find = True
    bench.directory.add("ada", groups=["Staff"])
    await lost(bench)
    await bench.run()
    assert bench.desk.found == []


async def test_what_a_crash_left_open_goes_in_arrays_again(bench):
    for name in ("ada", "bob", "cleo"):
        bench.directory.add(name, groups=["Staff"])
    bench.desk.fault = "killed-before"
    with pytest.raises(Killed):
        await bench.run()
    bench.desk.fault = ""
    await bench.clock.sleep(120)
    await bench.run()
    assert bench.desk.batches == [3, 3]


async def test_an_adoption_that_never_arrived_waits_and_is_then_made(bench):
    bench.desk.add("user", name="Ada", mail="ada@example.com")
    bench.directory.add("ada", groups=["Staff"], department="R&D")
    bench.configure(CONFIG.replace('note = { from = "department", write = "if_empty" }\n', ""))
    await lost(bench, "lost-request")
    assert rails(await bench.run()) == ["unsettled"]
    await bench.clock.sleep(121)
    await bench.run()
    assert bench.did() == ["adopt user Ada"]


async def test_a_cleared_field_is_found_cleared(bench):
    bench.configure(CONFIG.replace('note = { from = "department", write = "if_empty" }', 'note = "department"'))
    bench.directory.add("ada", groups=["Staff"], department="R&D")
    await bench.run()
    bench.directory.change("ada", department="")
    await lost(bench)
    account = bench.desk.of("user")["Ada"]
    fields = {name: value for name, value in account.fields.items() if value}
    bench.desk.edit("user", account.key, fields=fields)  # a list that leaves empty fields out
    result = await bench.run()
    assert bench.did() == []
    assert rails(result) == []


async def test_a_field_that_lists_never_show_does_not_keep_a_write_open(bench):
    bench.desk.add_field("pin", listed=False)
    bench.configure(CONFIG.replace("[[map.user.assign]]", 'pin = "employee_number"\n[[map.user.assign]]', 1))
    bench.directory.add("ada", groups=["Staff"], employee_number="1")
    await bench.run()
    bench.directory.change("ada", employee_number="2", display_name="Ada L")
    await lost(bench)
    await bench.run()
    assert bench.did() == ["update user Ada L"], "what cannot be seen is written once more"
    assert list(bench.changes[0].fields) == ["pin"]
    await bench.run()
    assert bench.did() == []


async def test_a_write_of_nothing_but_unlisted_fields_is_settled_by_time(bench):
    bench.desk.add_field("pin", listed=False)
    bench.configure(CONFIG.replace("[[map.user.assign]]", 'pin = "employee_number"\n[[map.user.assign]]', 1))
    bench.directory.add("ada", groups=["Staff"], employee_number="1")
    await bench.run()
    bench.directory.change("ada", employee_number="2")
    await lost(bench)
    assert rails(await bench.run()) == ["unsettled"]
    await bench.clock.sleep(121)
    await bench.run()
    assert bench.did() == ["update user Ada"]


async def test_a_write_to_a_kind_without_rules_stays_open_until_it_is_read_again(bench):
    await lost_agent(bench)
    bench.configure(CONFIG[: CONFIG.index("[map.agent]")])
    await bench.clock.sleep(600)
    await bench.run()
    bench.configure(CONFIG)
    await bench.run()
    assert bench.did() == []
    assert len(bench.desk.accounts) == 1


async def lost_agent(bench):
    bench.directory.add("ada", groups=["Desk"])
    await lost(bench)


async def test_a_create_that_no_list_shows_yet_is_found_by_looking(bench):
    bench.desk.can_find = True
    bench.directory.add("ada", groups=["Staff"])
    await lost(bench)
    bench.desk.hidden = {"1"}
    result = await bench.run()
    assert bench.did() == []
    assert [notice.code for notice in result.notices] == ["not-yet-listed"]
    bench.desk.hidden = set()
    await bench.run()
    assert bench.did() == []


async def test_one_record_that_kills_its_array_takes_nobody_along_twice(bench):
    bench.desk.poison = {"Bob"}
    await hired(bench, "ada", "bob", "cleo", "dora")
    assert sorted(bench.desk.of("user")) == ["Dora"]
    await bench.clock.sleep(121)
    bench.directory.add("emil", groups=["Staff"])
    result = await bench.run()
    assert sorted(bench.desk.of("user")) == ["Ada", "Cleo", "Dora", "Emil"]
    assert result.verdict == "partial"
    assert bench.desk.batches[-4:] == [1, 1, 1, 1]
    assert bench.desk.writes[-3:] == [("create", "user", "Emil"), ("create", "user", "Ada"), ("create", "user", "Cleo")]


async def test_an_answer_lost_alone_does_not_stop_the_others(bench):
    await lost_four(bench)
    bench.desk.fault = "lost-request"
    result = await bench.run()
    assert result.applied.counts["unknown"] == 3
    assert result.applied.stopped is None
    assert result.verdict == "partial"


async def test_a_desk_that_is_down_stops_those_who_go_alone_too(bench):
    await lost_four(bench)
    bench.desk.fault = "down"
    result = await bench.run()
    assert result.applied.counts == {"rejected": 1}
    assert result.verdict == "failed"


async def lost_four(bench):
    for name in ("ada", "bob", "cleo", "dora"):
        bench.directory.add(name, groups=["Staff"])
    await lost(bench, "lost-request")
    bench.directory.people.pop("dora")
    bench.directory.group("Staff").discard("dora")
    await bench.clock.sleep(121)


async def test_intents_that_a_cancelled_run_left_are_settled_by_the_next(bench):
    bench.directory.add("ada", groups=["Staff"])
    bench.desk.fault = "cancelled"
    with pytest.raises(asyncio.CancelledError):
        await bench.run()
    bench.desk.fault = ""
    with bench.journal() as journal:
        assert journal.runs(limit=1)[0].verdict == "aborted"
    await bench.run()
    assert bench.did() == []
    assert len(bench.desk.accounts) == 1


async def test_an_account_that_the_answer_gives_to_somebody_else_is_looked_for(bench):
    await hired(bench, "ada")
    bench.directory.add("bob", groups=["Staff"])
    bench.desk.fault = "wrong-key"
    result = await bench.run()
    assert result.verdict == "partial"
    failures = [(change.label, outcome.result, outcome.code) for change, outcome in result.applied.failures]
    assert failures == [("Bob", "unknown", "key-taken")]
    bench.desk.fault = ""
    bench.desk.hidden.add(bench.desk.of("user")["Bob"].key)  # a list that lags is no reason to make another
    assert "unsettled" in rails(await bench.run())
    bench.desk.hidden.clear()
    bench.clock.advance(300)
    await bench.run()
    assert (bench.did(), len(bench.desk.accounts)) == ([], 2)


async def test_a_create_that_names_no_account_is_not_called_applied(bench):
    bench.directory.add("ada", groups=["Staff"])
    bench.desk.fault = "no-key"
    result = await bench.run()
    assert result.verdict == "partial"
    assert [(outcome.result, outcome.code) for _, outcome in result.applied.failures] == [("unknown", "no-key")]
    bench.desk.fault = ""
    await bench.run()
    assert bench.did() == []


async def test_what_an_answer_leaves_out_is_unknown_and_the_rest_is_not(bench):
    for name in ("ada", "bob", "cleo"):
        bench.directory.add(name, groups=["Staff"])
    bench.desk.fault = "half-silent"
    result = await bench.run()
    assert result.applied.counts == {"applied": 1, "unknown": 2}
    assert [(change.label, outcome.code) for change, outcome in result.applied.failures] == [
        ("Bob", "outcome-missing"),
        ("Cleo", "outcome-missing"),
    ]
    assert "no outcome for 2 of 3 changes" in str(result.applied.stopped)


async def test_already_so_is_done(bench):
    bench.directory.add("ada", groups=["Staff"])
    bench.desk.fault = "already"
    result = await bench.run()
    assert result.verdict == "clean"
    bench.desk.fault = ""
    await bench.run()
    assert bench.did() == []


async def test_an_interrupted_run_is_not_called_clean(bench):
    for number in range(7):
        bench.directory.add(f"p{number}", groups=["Staff"])
    answers = iter([False, True])
    result = await bench.run(stop=lambda: next(answers))
    assert result.verdict == "aborted"
    assert result.applied.interrupted
    with bench.journal() as journal:
        assert journal.runs(limit=1)[0].verdict == "aborted"


async def test_of_thousands_of_refusals_a_hundred_are_listed_and_all_are_counted(bench):
    for number in range(130):
        bench.directory.add(f"p{number:03}", groups=["Staff"])
    bench.desk.bad = {f"P{number:03}" for number in range(130)}
    bench.desk.batch = 130
    result = await bench.run()
    assert result.applied.counts == {"rejected": 130}
    assert len(result.applied.failures) == 100


async def test_a_question_that_waited_too_long_applies_nothing(bench):
    bench.directory.add("ada", groups=["Staff"])

    def over_lunch(plan):
        bench.clock.advance(5 * 3600)
        return True

    with pytest.raises(StaleError, match="expired"):
        await bench.run("apply", confirm=over_lunch)
    assert bench.desk.writes == []


async def test_the_reason_why_a_run_stopped_is_in_the_journal(bench):
    bench.directory.add("ada", groups=["Staff"])
    await lost(bench, "auth")
    with bench.journal() as journal:
        assert journal.runs(limit=1)[0].note == "auth: the credential was withdrawn"


async def test_what_was_read_does_not_lie_around_after_a_run_that_failed(bench):
    bench.directory.add("ada", groups=["Staff"])
    bench.directory.complete = False
    with pytest.raises(Exception, match="complete"):
        await bench.run()
    assert not list(bench.config.journal.path.parent.glob("reading*"))


async def test_a_snapshot_that_cannot_be_kept_is_a_clear_error(bench):
    bench.directory.add("ada", groups=["Staff"])
    bench.config.journal.path.parent.mkdir(exist_ok=True)
    bench.config.journal.path.with_name("snapshot.sqlite").mkdir()
    with pytest.raises(StorageError, match="what was written is in the journal"):
        await bench.run()
    bench.config.journal.path.with_name("snapshot.sqlite").rmdir()
    assert (await bench.run()).plan.size == 0
    assert bench.desk.writes == [("create", "user", "Ada")]


async def test_a_write_whose_account_a_list_leaves_out_is_asked_for_by_key(bench):
    bench.desk.can_find = True
    await hired(bench, "ada", "bob")
    bench.directory.group("London").add("ada")
    await lost(bench)
    bench.desk.hidden = {bench.desk.of("user")["Ada"].key}
    await bench.clock.sleep(121)
    await bench.run()
    bench.desk.hidden = set()
    bench.directory.group("London").discard("ada")
    await bench.run()
    assert bench.desk.of("user")["Ada"].references["roles"] == (), "found by its key, so the role was ours to take away"
