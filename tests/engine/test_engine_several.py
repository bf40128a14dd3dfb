"""Several sources: one human in two directories is one person, by keys and never by guess."""

from __future__ import annotations

import pytest
from engine_bench import CONFIG, Bench, rails

import bench_plugin
from crosskey.errors import ConfigError

SEVERAL = CONFIG.replace(
    "[target.desk]",
    """[source.acquired]
use = "directory"
which = "acquired"
[sync]
from = ["corp", "acquired"]
same = ["employee_number", "email"]
[target.desk]""",
)


@pytest.fixture
def bench(tmp_path) -> Bench:
    made = Bench(tmp_path, SEVERAL)
    for name in ("Staff", "London", "Desk"):
        bench_plugin.acquired.group(name)
    made.directory.can_find = bench_plugin.acquired.can_find = True
    made.directory.add("ada", groups=["Staff"], title="Engineer", employee_number="1")
    bench_plugin.acquired.add(
        "x-ada", groups=["Staff"], email="ada@example.com", display_name="Ada", department="Lab", employee_number="1"
    )
    bench_plugin.acquired.add("x-bob", groups=["Staff"])
    made.directory.add("anchor")
    return made


@pytest.fixture
def acquired():
    return bench_plugin.acquired


async def test_one_human_in_two_directories_gets_one_account_with_what_both_say(bench):
    result = await bench.run()
    assert sorted(bench.did()) == ["create user Ada", "create user X-Bob"]
    assert bench.desk.of("user")["Ada"].fields == {
        "name": "Ada", "mail": "ada@example.com", "title": "Engineer", "note": "Lab"
    }  # fmt: skip
    assert (result.people, (await bench.run()).plan.size) == (4, 0)


async def test_the_order_of_sources_and_the_preference_for_an_attribute_decide(bench, acquired):
    bench.configure(SEVERAL.replace('title = { from = "title", write = "on_create" }', 'title = "title"'))
    acquired.change("x-ada", title="Head of Lab")
    await bench.run()
    assert bench.desk.of("user")["Ada"].fields["title"] == "Engineer"
    bench.configure(
        SEVERAL.replace('title = { from = "title", write = "on_create" }', 'title = "title"').replace(
            'same = ["employee_number", "email"]',
            'same = ["employee_number", "email"]\nprefer = { title = ["acquired"] }',
        )
    )
    await bench.run()
    assert bench.desk.of("user")["Ada"].fields["title"] == "Head of Lab"


async def test_once_recognised_people_stay_one_whatever_becomes_of_the_keys(bench, acquired):
    await bench.run()
    acquired.change("x-ada", email="ada@new.example", employee_number="", department="Office")
    await bench.run()
    assert bench.did() == []
    assert len([account for account in bench.desk.accounts.values() if account.active]) == 2


async def test_a_leaver_of_one_source_stays_while_the_other_has_them(bench, acquired):
    await bench.run()
    bench.directory.change("ada", active=False, status="OFF")
    assert (await bench.run()).plan.size == 0
    acquired.change("x-ada", active=False, status="OFF")
    await bench.run()
    assert bench.did() == ["disable user Ada"]
    bench.directory.change("ada", active=True, status="ON")
    await bench.run()
    assert bench.did() == ["enable user Ada"]


async def test_who_is_missing_from_one_source_is_asked_for_there_before_they_leave(bench, acquired):
    await bench.run()
    bench.directory.change("ada", active=False, status="OFF")
    acquired.hidden = {"x-ada"}
    result = await bench.run()
    assert (bench.did(), {notice.code for notice in result.notices}) == ([], {"sources-disagree"})
    del acquired.people["x-ada"]
    await bench.run()
    assert (bench.did(), acquired.finds) == (["disable user Ada"], ["x-ada", "x-ada"])


async def test_who_is_gone_from_the_lead_source_lives_on_in_the_other(bench, acquired):
    await bench.run()
    del bench.directory.people["ada"]
    assert (await bench.run()).plan.size == 0
    acquired.change("x-ada", department="Elsewhere", title="Guest")
    await bench.run()
    del acquired.people["x-ada"]
    await bench.run()
    assert bench.did() == ["disable user Ada"]


async def test_a_source_that_is_taken_out_makes_nobody_a_leaver_by_the_others_word(bench, acquired):
    await bench.run()
    acquired.change("x-ada", active=False, status="OFF")
    only = SEVERAL.replace('from = ["corp", "acquired"]', 'from = ["acquired"]')
    bench.configure(only)
    result = await bench.run()
    assert (bench.did(), rails(result)) == ([], ["voucher-unread"])
    assert bench.directory.issuer in result.plan.held[0].summary
    await bench.run(allow=(f"voucher-unread={bench.directory.issuer}",))
    assert bench.did() == ["disable user Ada"]


async def test_taking_a_source_out_makes_nobody_anew(bench):
    await bench.run()
    bench.configure(SEVERAL.replace('from = ["corp", "acquired"]', 'from = ["acquired"]'))
    result = await bench.run()
    assert (bench.did(), rails(result)) == ([], [])
    bench.configure(SEVERAL.replace('from = ["corp", "acquired"]', 'from = ["corp"]'))
    result = await bench.run()
    assert bench.did() == []
    assert {notice.code for notice in result.notices} == {"links-of-another-source"}


@pytest.mark.parametrize(
    ("numbers", "mails", "held"),
    [
        (("1", "", ""), ("ADA@example.com", "ada@example.com", "b@example.com"), ["x-1"]),  # the first key decides
        (("2", "", ""), ("ADA@example.com", "c@example.com", "b@example.com"), []),  # nobody has the number
        (("", "", ""), ("ada@example.com", "ada@example.com", "b@example.com"), ["x-0", "x-1"]),  # twins
        (("1", "1", ""), ("a@example.com", "c@example.com", "b@example.com"), ["x-0", "x-1"]),
    ],
)
async def test_ambiguity_is_held_and_shown(bench, acquired, numbers, mails, held):
    acquired.people.clear()
    for place, (number, mail) in enumerate(zip(numbers, mails, strict=True)):
        acquired.add(f"x-{place}", groups=["Staff"], employee_number=number, email=mail)
    result = await bench.run()
    assert sorted(one.subject.id for one in result.plan.held if one.rail == "ambiguous-person") == held
    assert not any(label in f"create user {one.title()}" for one in held for label in bench.did())
    assert (await bench.run()).plan.size == 0


async def test_keys_that_name_two_different_people_are_held(bench, acquired):
    bench.directory.add("bea", groups=["Staff"], employee_number="2")
    acquired.change("x-ada", employee_number="2")
    result = await bench.run()
    [held] = [one for one in result.plan.held if one.rail == "ambiguous-person"]
    assert (held.subject.id, "name two different people" in held.summary) == ("x-ada", True)


async def test_two_people_with_an_account_each_are_never_united(bench, acquired):
    acquired.change("x-ada", email="other@example.com", employee_number="7")
    await bench.run()
    assert len(bench.desk.accounts) == 3
    acquired.change("x-ada", employee_number="1")
    result = await bench.run()
    assert (bench.did(), rails(result)) == ([], ["ambiguous-person", "ambiguous-person"])


async def test_groups_of_one_source_and_of_any(bench, acquired):
    config = SEVERAL.replace('group = "London"', 'group = "acquired:London"')
    bench.configure(config)
    acquired.group("London").add("x-bob")
    bench.directory.group("London").add("ada")
    await bench.run()
    sites = {name: account.references["site"] for name, account in bench.desk.of("user").items()}
    assert sites == {"Ada": ("site-main",), "X-Bob": ("site-london",)}
    bench.configure(SEVERAL)
    await bench.run()
    assert bench.desk.of("user")["Ada"].references["site"] == ("site-london",)


async def test_a_membership_in_a_source_where_somebody_is_inactive_gives_nothing(bench, acquired):
    acquired.group("Desk").add("x-ada")
    acquired.change("x-ada", active=False, status="OFF")
    await bench.run()
    assert "create agent Ada" not in bench.did()
    acquired.change("x-ada", active=True, status="ON")
    await bench.run()
    assert bench.did() == ["create agent Ada"]


async def test_a_group_that_no_source_has_is_an_error_and_one_that_some_have_is_none(bench):
    bench.configure(SEVERAL.replace('group = "London"', 'group = "corp:Londno"'))
    with pytest.raises(ConfigError, match="Londno"):
        await bench.run()
    bench.configure(SEVERAL.replace('group = "London"', 'group = "Londno"'))
    with pytest.raises(ConfigError, match=r'no source \(corp, acquired\) has a group named "Londno"'):
        await bench.run()


@pytest.mark.parametrize("which", ["corp", "acquired"])
async def test_each_source_has_rails_of_its_own(bench, acquired, which):
    await bench.run()
    {"corp": bench.directory, "acquired": acquired}[which].people.clear()
    result = await bench.run()
    assert (rails(result), bench.did()) == (["empty-source"], [])
    assert result.plan.held[0].summary.startswith(f"source.{which} returned nobody")


async def test_two_sections_that_read_one_directory_are_refused(bench, acquired):
    acquired.move(bench.directory.issuer)
    with pytest.raises(ConfigError, match="read the same directory"):
        await bench.run()


async def test_people_of_several_sources_are_followed_by_changes_too(bench, acquired):
    for one in (bench.directory, acquired):
        one.tells_changes = True
    bench.desk.looks_up = bench.desk.can_find = True
    await bench.run(changes=True)
    acquired.add("x-cy", groups=["Staff"], email="cy@example.com")
    assert (await bench.run(changes=True)).reach == "changes"
    assert bench.did() == ["create user X-Cy"]
    bench.directory.add("cy", groups=["Staff"], email="cy@example.com", display_name="Cy")
    result = await bench.run(changes=True)
    assert (result.reach, bench.did()) == ("changes", ["update user Cy"])
    acquired.change("x-cy", active=False, status="OFF")
    assert (await bench.run(changes=True)).plan.size == 0
    bench.directory.change("cy", active=False, status="OFF")
    await bench.run(changes=True)
    assert bench.did() == ["disable user Cy"]
    assert (await bench.run()).plan.size == 0


async def test_what_a_plan_recognised_is_noted_by_the_run_that_acts(bench, acquired):
    for one in (bench.directory, acquired):
        one.tells_changes = True
    bench.desk.looks_up = bench.desk.can_find = True
    await bench.run("plan", changes=True)
    with bench.journal() as journal:
        assert list(journal.all_vouchers()) == []
    await bench.run(changes=True)
    with bench.journal() as journal:
        assert [(voucher.id, lead.id) for voucher, lead in journal.all_vouchers()] == [("x-ada", "ada")]


async def test_who_is_left_aside_is_the_same_whether_all_is_read_or_only_changes(bench, acquired):
    bench.directory.tells_changes = acquired.tells_changes = bench.desk.looks_up = True
    await bench.run(changes=True)
    acquired.change("x-ada", email="ada@elsewhere.example", active=False, status="OFF")
    acquired.add("x-eve", groups=["Staff"], email="ada@example.com", employee_number="9")
    bench.directory.change("ada", active=False, status="OFF")
    followed = await bench.run("plan", changes=True)
    assert (followed.reach, bench.did(), rails(followed)) == ("changes", ["disable user Ada"], ["ambiguous-person"])
    full = await bench.run("plan")
    assert (bench.did(), rails(full)) == (["disable user Ada"], ["ambiguous-person"])
