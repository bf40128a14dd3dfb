"""Taking a run back: what it wrote and nobody changed since, nothing else, and not to be done again blindly."""

import msgspec
import pytest
from engine_bench import CONFIG, rails

from bench_plugin import ISSUER
from crosskey.engine.guarding import Switch
from crosskey.errors import ConfigError, UncertainError
from crosskey.journal import JournalWriter
from crosskey.model import Subject


def links(bench):
    """What crosskey holds to be its own, by kind and person, without times and runs, and what it only saw."""
    with bench.journal() as journal:
        return {
            (link.kind, link.subject.id): msgspec.structs.replace(link, run="", since=bench.clock.start, seen={})
            for link in journal.all_links()
        }


def shown(bench):
    """The desk as it is; what is empty is not there."""
    return {
        key: msgspec.structs.replace(
            account,
            fields={name: value for name, value in account.fields.items() if value not in (None, "")},
            references={name: frozenset(ids) for name, ids in account.references.items() if ids},
        )
        for key, account in bench.desk.accounts.items()
    }


def states(bench, run):
    with bench.journal() as journal:
        return sorted(operation.state for operation in journal.writes(run))


async def hired(bench, *names, groups=("Staff",)):
    for name in names:
        bench.directory.add(name, groups=list(groups))
    return (await bench.run()).run


@pytest.fixture(params=[False, True], ids=["reads all", "looks up"])
def bench(bench, request):
    bench.desk.looks_up = request.param
    return bench


async def test_an_account_that_the_run_made_is_switched_off_and_stays_ours(bench):
    run = await hired(bench, "ada")
    result = await bench.undo(run)
    assert bench.did() == ["disable user Ada"]
    assert bench.changes[0].end_sessions
    assert not bench.desk.of("user")["Ada"].active
    assert (result.verdict, states(bench, run)) == ("clean", ["undone"])
    assert links(bench)["user", "ada"].disabled_by_us
    again = await bench.undo(result.run)
    assert bench.did() == ["enable user Ada"]
    assert bench.desk.of("user")["Ada"].active
    assert states(bench, run) == ["done"]
    assert states(bench, result.run) == ["undone"]
    assert again.undone.id == result.run


def nothing_left(result):
    return [notice.summary for notice in result.notices if notice.code == "undo-nothing-left"]


async def test_where_nothing_is_left_to_take_back_it_is_told_why(bench):
    run = await hired(bench, "ada", "bob")
    bench.desk.edit("user", bench.desk.of("user")["Ada"].key, active=False)
    first = await bench.undo(run)
    assert bench.did() == ["disable user Bob"]
    assert nothing_left(first) == [
        "1 write of that run left nothing to take back: the target shows what was there before"
    ]
    again = await bench.undo(run)
    assert bench.did() == []
    assert nothing_left(again) == [
        "1 write of that run left nothing to take back: never done, or taken back before",
        "1 write of that run left nothing to take back: the target shows what was there before",
    ]


async def test_what_was_undone_is_not_done_again_until_the_rules_change(bench):
    run = await hired(bench, "ada")
    await bench.undo(run)
    result = await bench.run()
    assert (bench.did(), rails(result)) == ([], ["undone"])
    assert f"--allow undone={run}" in result.plan.held[0].fix
    assert not bench.desk.of("user")["Ada"].active
    bench.configure(CONFIG.replace("{{ display_name }}", "{{ display_name | upper }}"))
    await bench.run()
    assert bench.did() == ["enable user Ada"]


async def test_a_person_can_let_what_was_undone_through_for_good(bench):
    run = await hired(bench, "ada")
    await bench.undo(run)
    assert bench.desk.of("user")["Ada"].active is False
    await bench.run(allow=(f"undone={run}",))
    assert bench.did() == ["enable user Ada"]
    bench.directory.change("ada", active=False, status="OFF")
    await bench.run()
    assert bench.did() == ["disable user Ada"]
    bench.directory.change("ada", active=True, status="ON")
    await bench.run()
    assert bench.did() == ["enable user Ada"], "it was let through once: the hold is over"


async def test_a_leaver_whose_disable_was_undone_is_a_leaver_again_after_coming_back(bench):
    await hired(bench, "ada", "bob")
    bench.directory.change("ada", active=False, status="OFF")
    run = (await bench.run()).run
    await bench.undo(run)
    assert bench.did() == ["enable user Ada"]
    assert not links(bench)["user", "ada"].disabled_by_us
    assert rails(await bench.run()) == ["undone"]
    assert bench.desk.of("user")["Ada"].active
    bench.directory.change("ada", active=True, status="ON")
    assert rails(await bench.run()) == []
    bench.directory.change("ada", active=False, status="OFF")
    await bench.run()
    assert bench.did() == ["disable user Ada"], "nobody is left in because of an undo long ago"


async def test_only_what_crosskey_switched_off_is_switched_on(bench):
    await hired(bench, "ada", "bob")
    for name in ("ada", "bob"):
        bench.directory.change(name, active=False, status="OFF")
    run = (await bench.run()).run
    ada = bench.desk.of("user")["Ada"]
    await bench.clock.sleep(200)
    bench.desk.edit("user", ada.key, active=True)
    bench.directory.change("ada", active=True, status="ON")
    await bench.run()  # sees that somebody switched it on
    bench.desk.edit("user", ada.key, active=False)
    result = await bench.undo(run)
    assert (bench.did(), rails(result)) == (["enable user Bob"], ["changed-since"])
    assert not bench.desk.of("user")["Ada"].active


async def test_an_enable_is_taken_back(bench):
    await hired(bench, "ada")
    bench.directory.change("ada", active=False, status="OFF")
    await bench.run()
    before, owned = shown(bench), links(bench)
    bench.directory.change("ada", active=True, status="ON", display_name="Ada King")
    bench.directory.group("London").add("ada")
    run = (await bench.run()).run
    assert bench.did() == ["enable user Ada King"]
    await bench.undo(run)
    assert bench.did() == ["disable user Ada King"]
    assert shown(bench) == before
    assert links(bench) == owned


async def test_an_update_gives_back_values_and_exactly_the_references_it_moved(bench):
    await hired(bench, "ada")
    key = bench.desk.of("user")["Ada"].key
    bench.desk.edit("user", key, references={"site": ("site-main",), "roles": ("roles-approver",)})
    await bench.run()
    before, owned = shown(bench), links(bench)
    bench.directory.change("ada", email="ada.king@example.com")
    bench.directory.group("London").add("ada")
    run = (await bench.run()).run
    assert bench.desk.accounts["user", key].references["roles"] == ("roles-approver", "roles-viewer")
    await bench.undo(run)
    assert shown(bench) == before
    assert links(bench) == owned
    result = await bench.run()
    assert (bench.did(), rails(result)) == ([], ["undone"])


async def test_what_was_not_undone_goes_on_beside_what_was(bench):
    await hired(bench, "ada")
    bench.directory.change("ada", email="ada.king@example.com")
    run = (await bench.run()).run
    await bench.undo(run)
    bench.directory.change("ada", display_name="Ada King")
    result = await bench.run()
    assert rails(result) == ["undone"]
    assert [sorted(change.fields) for change in bench.changes] == [["name"]]
    account = bench.desk.of("user")["Ada King"]
    assert account.fields["mail"] == "ada@example.com"


async def test_a_hand_edit_is_never_overwritten_and_told_with_both_values(bench):
    await hired(bench, "ada")
    bench.directory.change("ada", display_name="Ada King", email="king@example.com")
    run = (await bench.run()).run
    key = bench.desk.of("user")["Ada King"].key
    fields = bench.desk.accounts["user", key].fields
    bench.desk.edit("user", key, fields={**fields, "name": "Ada by hand"})
    result = await bench.undo(run)
    assert rails(result) == ["changed-since"]
    assert result.plan.held[0].summary == 'name is "Ada by hand" now; the run left "Ada King", before "Ada"'
    assert bench.desk.accounts["user", key].fields["mail"] == "ada@example.com"
    assert bench.desk.accounts["user", key].fields["name"] == "Ada by hand"
    assert (await bench.undo(run)).plan.size == 0


async def test_several_runs_later_only_what_is_still_theirs_is_taken_back(bench):
    await hired(bench, "ada")
    bench.directory.change("ada", display_name="Ada One", email="one@example.com")
    run = (await bench.run()).run
    bench.directory.change("ada", display_name="Ada Two")
    await bench.run()
    result = await bench.undo(run)
    assert rails(result) == ["changed-since"]
    account = bench.desk.of("user")["Ada Two"]
    assert account.fields["mail"] == "ada@example.com"


async def test_an_adoption_is_given_back_as_it_was_found_and_adopted_again_by_undoing_that(bench):
    bench.desk.add("user", active=False, name="Ada Old", mail="ada@example.com")
    before = shown(bench)
    run = await hired(bench, "ada")
    assert bench.did() == ["adopt user Ada"]
    adopted, owned = shown(bench), links(bench)
    result = await bench.undo(run)
    assert bench.did() == ["release user Ada"]
    assert shown(bench) == before
    assert links(bench) == {}
    assert rails(await bench.run()) == ["undone"]
    assert bench.desk.writes[-1][0] == "release"
    await bench.undo(result.run)
    assert bench.did() == ["adopt user Ada Old"]
    assert shown(bench) == adopted
    assert links(bench) == owned
    assert (await bench.run()).plan.size == 0


async def test_a_marker_that_was_there_before_an_adoption_stays(bench):
    await hired(bench, "ada")
    for file in bench.config.journal.path.parent.iterdir():
        file.unlink()
    run = (await bench.run()).run
    assert bench.did() == ["adopt user Ada"]
    mark = bench.desk.of("user")["Ada"].marker
    writes = len(bench.desk.writes)
    await bench.undo(run)
    assert (bench.did(), len(bench.desk.writes)) == (["release user Ada"], writes), "nothing at the desk had changed"
    assert bench.desk.of("user")["Ada"].marker == mark
    assert links(bench) == {}


async def test_a_second_undo_is_empty(bench):
    run = await hired(bench, "ada", "bob")
    await bench.undo(run)
    writes = len(bench.desk.writes)
    result = await bench.undo(run)
    assert (result.plan.size, len(bench.desk.writes), result.verdict) == (0, writes, "clean")


async def test_only_whom_somebody_names(bench):
    run = await hired(bench, "ada", "bob", "cleo")
    await bench.undo(run, only=("ADA@example.com",))
    assert bench.did() == ["disable user Ada"]
    await bench.undo(run, only=("user:2", "cleo"))
    assert bench.did() == ["disable user Bob", "disable user Cleo"]
    with pytest.raises(ConfigError, match='wrote nothing for "adda"') as told:
        await bench.undo(run, only=("adda",))
    assert '"Ada"' in told.value.message


async def test_what_is_protected_or_too_much_at_once_is_held(bench):
    run = await hired(bench, *(f"p{number:02}" for number in range(14)))
    result = await bench.undo(run)
    assert (bench.did(), rails(result)) == ([], ["mass-disable"])
    bench.configure(CONFIG + '\n[rails]\nprotect = ["p03@example.com"]')
    result = await bench.undo(run, allow=("mass-disable=14",))
    assert rails(result) == ["protected"]
    assert len(bench.did()) == 13


async def test_accounts_given_back_switched_off_count_as_switched_off(bench):
    for number in range(12):
        bench.desk.add("user", active=False, name=f"P{number}", mail=f"p{number}@example.com")
    run = await hired(bench, *(f"p{number}" for number in range(12)))
    result = await bench.undo(run)
    assert (bench.did(), rails(result)) == ([], ["mass-disable"])


async def test_saying_no_takes_nothing_back(bench):
    run = await hired(bench, "ada")
    result = await bench.undo(run, confirm=lambda proposal: False)
    assert (result.verdict, bench.desk.of("user")["Ada"].active) == ("aborted", True)
    assert states(bench, run) == ["done"]


async def test_an_unlisted_field_is_given_back_only_where_the_journal_knows_both_values(bench):
    bench.desk.add_field("phone", listed=False)
    config = CONFIG.replace('mail = "email"\ntitle', 'mail = "email"\nphone = "work_phone"\ntitle')
    bench.configure(config)
    bench.desk.add("user", name="Bob", mail="bob@example.com", phone="1")
    bench.directory.add("ada", groups=["Staff"], work_phone="1")
    bench.directory.add("bob", groups=["Staff"], work_phone="2")
    first = (await bench.run()).run
    bench.directory.change("ada", work_phone="2")
    second = (await bench.run()).run
    result = await bench.undo(second)
    assert (rails(result), bench.desk.of("user")["Ada"].fields["phone"]) == ([], "1")
    result = await bench.undo(first, only=("bob",))
    assert rails(result) == ["unprovable"]
    assert bench.desk.of("user")["Bob"].fields["phone"] == "2"


async def test_an_account_that_is_gone_is_told(bench):
    run = await hired(bench, "ada")
    bench.desk.accounts.clear()
    result = await bench.undo(run)
    assert (bench.did(), rails(result)) == ([], ["changed-since"])


async def test_writes_without_an_outcome_are_settled_first_or_refused(bench):
    bench.desk.fault = "lost-answer"
    for name in ("ada", "bob", "cleo"):
        bench.directory.add(name, groups=["Staff"])
    result = await bench.run()
    assert isinstance(result.applied.stopped, UncertainError)
    bench.desk.fault = ""
    await bench.undo(result.run)
    assert bench.did() == ["disable user Ada", "disable user Bob", "disable user Cleo"]
    bench.directory.add("dora", groups=["Staff"])
    bench.desk.fault = "lost-request"
    result = await bench.run()
    bench.desk.fault = ""
    undone = await bench.undo(result.run)
    assert (bench.did(), rails(undone)) == ([], ["unsettled"])


async def test_an_undo_whose_answer_is_lost_is_settled_by_the_next_run(bench):
    run = await hired(bench, "ada")
    bench.desk.fault = "lost-answer"
    await bench.undo(run)
    assert states(bench, run) == ["done"]
    bench.desk.fault = ""
    assert rails(await bench.run()) == ["undone"]
    assert states(bench, run) == ["undone"]


async def test_a_partial_run_is_undone_as_far_as_it_came(bench):
    bench.desk.bad = {"Bob"}
    run = await hired(bench, "ada", "bob")
    bench.desk.bad = set()
    await bench.undo(run)
    assert bench.did() == ["disable user Ada"]
    assert states(bench, run) == ["failed", "undone"]


async def test_runs_that_cannot_be_undone_are_refused_before_anything_is_opened(bench):
    run = await hired(bench, "ada")
    plan = (await bench.run("plan")).run
    with pytest.raises(ConfigError, match=f"run {plan} .plan. wrote nothing"):
        await bench.undo(plan)
    with pytest.raises(ConfigError, match='no run "nope"'):
        await bench.undo("nope")
    other = JournalWriter.open(bench.config.journal.path, clock=bench.clock, connection="other")
    with other as journal, pytest.raises(ConfigError, match=f'run {run} is one of "desk", not of "other"'):
        journal.run(run)


async def test_the_undo_is_in_the_history_with_the_run_it_takes_back(bench):
    run = await hired(bench, "ada")
    result = await bench.undo(run)
    with bench.journal() as journal:
        record = journal.run(result.run)
        assert (record.kind, record.parent, record.verdict) == ("undo", run, "clean")
        assert [each.undone_by for each in journal.writes(run)] == [result.run]
        assert journal.last_success() == journal.run(run).ended_at, "an undo is no sign that the timer runs"
        assert journal.verify().ok


async def test_a_kind_without_rules_can_still_be_undone(bench):
    run = await hired(bench, "tech", groups=("Staff", "Desk"))
    bench.configure(CONFIG.partition("[map.agent]")[0])
    await bench.undo(run)
    assert sorted(bench.did()) == ["disable agent Tech", "disable user Tech"]


async def test_somebody_linked_otherwise_since_keeps_the_account(bench):
    bench.desk.add("user", name="Ada", mail="ada@example.com")
    run = await hired(bench, "ada")
    with bench.journal() as journal:
        journal.unlink("user", Subject(ISSUER, "ada"), run=run, reason="test")
    result = await bench.undo(run)
    assert (bench.did(), rails(result)) == ([], ["changed-since"])


async def test_the_last_technicians_are_not_switched_off_by_an_undo(bench):
    bench.configure(CONFIG + "\n[rails]\nkeep_active = { agent = 2 }\n")
    run = await hired(bench, "ada", "bob", "cleo", groups=("Desk",))
    result = await bench.undo(run)
    assert (bench.did(), rails(result)) == (["disable agent Ada"], ["last-active", "last-active"])
    await bench.undo(run, allow=("last-active=agent",))
    assert bench.did() == ["disable agent Bob", "disable agent Cleo"]


async def test_nothing_is_taken_back_while_all_writes_are_stopped(bench):
    run = await hired(bench, "ada")
    Switch(bench.config.journal.path).stop("looking into it", bench.clock.now())
    result = await bench.undo(run)
    assert (rails(result), result.verdict) == (["stopped"], "held")
    assert bench.desk.of("user")["Ada"].active
    Switch(bench.config.journal.path).go()
    await bench.undo(run)
    assert not bench.desk.of("user")["Ada"].active


@pytest.mark.parametrize(("many", "more"), [(5, ""), (7, " and 2 more")])
async def test_a_word_that_means_several_people_takes_nothing_back(bench, many, more):
    for number in range(many):
        bench.directory.add(f"p{number}", display_name="Ada", groups=["Staff"])
    run = (await bench.run()).run
    with pytest.raises(ConfigError) as caught:
        await bench.undo(run, only=("ada",))
    assert caught.value.code == "who-ambiguous"
    assert all(account.active for account in bench.desk.accounts.values())
    newest = ", ".join(f"user:{number}" for number in range(many, many - 5, -1))
    assert caught.value.message == f'"ada" means {many} people: {newest}{more}'
    assert caught.value.fix == f"name each that is meant, as in --only user:{many}"
