"""People of several sources over time: who was recognised once, who is mistaken for whom, and three sources."""

from __future__ import annotations

import pytest
from engine_bench import CONFIG, Bench, rails

import bench_plugin
from bench_plugin import Group

SEVERAL = CONFIG.replace(
    "[target.desk]",
    """[source.acquired]
use = "directory"
which = "acquired"
[source.third]
use = "directory"
which = "third"
[sync]
from = ["corp", "acquired", "third"]
same = ["employee_number", "email"]
[target.desk]""",
)


@pytest.fixture
def bench(tmp_path) -> Bench:
    made = Bench(tmp_path, SEVERAL)
    made.desk.looks_up = made.desk.can_find = True
    for one in (made.directory, bench_plugin.acquired, bench_plugin.third):
        one.can_find = one.tells_changes = True
        for name in ("Staff", "London", "Desk"):
            one.group(name)
        one.add(f"anchor-{one.issuer[-10:-8]}")
    return made


@pytest.fixture
def acquired():
    return bench_plugin.acquired


@pytest.fixture
def third():
    return bench_plugin.third


def vouchers(bench: Bench) -> dict[str, str]:
    with bench.journal() as journal:
        return {voucher.id: lead.id for voucher, lead in journal.all_vouchers()}


async def test_a_hold_ends_when_the_other_entry_of_the_same_human_changed(bench, acquired):
    bench.configure(SEVERAL.replace('name = "{{ display_name }}"', 'name = "{{ title }}"', 1))
    bench.directory.add("ada", groups=["Staff"], employee_number="1")
    acquired.add("x-ada", groups=["Staff"], email="a@example.com", employee_number="1")
    assert rails(await bench.run(changes=True)) == ["mapping-problem"]
    acquired.change("x-ada", employee_number="")
    assert rails(await bench.run(changes=True)) == ["mapping-problem"]
    acquired.change("x-ada", title="Engineer")
    result = await bench.run(changes=True)
    assert (result.reach, bench.did(), rails(result)) == ("changes", ["create user Ada"], [])
    assert rails(await bench.run(changes=True)) == []


async def test_a_hold_ends_when_somebody_is_recognised_who_has_what_was_missing(bench, acquired):
    bench.configure(SEVERAL.replace('name = "{{ display_name }}"', 'name = "{{ title }}"', 1))
    bench.directory.add("ada", groups=["Staff"], employee_number="1")
    assert rails(await bench.run(changes=True)) == ["mapping-problem"]
    acquired.add("x-ada", groups=["Staff"], email="a@example.com", employee_number="1", title="Engineer")
    result = await bench.run(changes=True)
    assert (result.reach, bench.did(), rails(result)) == ("changes", ["create user Ada"], [])
    assert rails(await bench.run(changes=True)) == []


async def test_a_stronger_key_of_the_other_decides_whatever_the_order(bench, acquired):
    bench.directory.add("ada", groups=["Staff"], employee_number="1")
    acquired.add("x-0", groups=["Staff"], email="ada@example.com")
    acquired.add("x-1", groups=["Staff"], employee_number="1", email="one@example.com")
    result = await bench.run()
    assert [one.subject.id for one in result.plan.held if one.rail == "ambiguous-person"] == ["x-0"]
    assert vouchers(bench) == {"x-1": "ada"}


@pytest.mark.parametrize("changes", [False, True])
async def test_who_is_one_person_in_every_source_can_still_leave_when_their_address_is_given_away(
    bench, acquired, changes
):
    bench.configure(SEVERAL.replace('"acquired", "third"]', '"acquired"]'))
    acquired.add("x-ada", groups=["Staff"], email="ada@example.com", display_name="Ada")
    await bench.run(changes=changes)
    bench.directory.add("ada", groups=["Staff"])
    await bench.run(changes=changes)
    assert vouchers(bench) == {"ada": "x-ada"}
    for one, id_ in ((bench.directory, "ada"), (acquired, "x-ada")):
        one.change(id_, active=False, status="OFF")
    bench.directory.add("heir", groups=["Staff"], email="ada@example.com")
    await bench.run(changes=changes)
    assert "disable user Ada" in bench.did()


async def test_whom_two_of_the_first_source_resemble_is_held_and_they_are_not(bench, acquired):
    acquired.add("x-ada", groups=["Staff"], email="shared@example.com")
    bench.directory.add("one", groups=["Staff"])
    bench.directory.add("two", groups=["Staff"], email="shared@example.com", employee_number="2")
    await bench.run(changes=True)
    bench.directory.change("one", employee_number="1", title="Clerk")
    acquired.add("x-bob", groups=["Staff"], email="b@example.com")
    await bench.run(changes=True)
    bench.directory.add("three", groups=["Staff"], email="b@example.com")
    bench.directory.add("four", groups=["Staff"], email="b@example.com")
    followed = await bench.run("plan", changes=True)
    full = await bench.run("plan")
    held = [sorted(str(each.subject) for each in one.plan.held) for one in (followed, full)]
    assert (followed.reach, held[0]) == ("changes", held[1])


async def test_three_sources_stay_one_person_when_the_lead_becomes_another(bench, acquired, third):
    acquired.add("x-ada", email="ada@example.com", employee_number="1")
    third.add("y-ada", groups=["London"], email="ada@example.com", employee_number="1")
    await bench.run()
    assert vouchers(bench) == {"y-ada": "x-ada"}
    bench.directory.add("ada", groups=["Staff"], employee_number="1")
    await bench.run()
    assert vouchers(bench) == {"x-ada": "ada", "y-ada": "ada"}
    third.change("y-ada", email="new@example.com", employee_number="", department="Lab")
    await bench.run()
    assert bench.did() == ["update user Ada"]
    for one, id_ in ((bench.directory, "ada"), (acquired, "x-ada")):
        one.change(id_, active=False, status="OFF")
    third.group("Staff").add("y-ada")
    await bench.run()
    assert bench.did() == ["update user Y-Ada"], "the third source still has them"


async def test_a_group_that_is_gone_from_one_of_several_sources_is_held_like_an_empty_one(bench, acquired):
    bench.configure(SEVERAL + "[rails]\nmin_people = 3\n")
    bench.directory.add("boss", groups=["Staff"])
    for number in range(5):
        acquired.add(f"x{number}", groups=["Staff"])
    await bench.run()
    acquired.groups["g-Staff"] = Group(id="g-Staff", name="Everybody")
    result = await bench.run()
    assert (rails(result), bench.did()) == (["empty-group"], [])


async def test_who_was_taken_for_another_by_mistake_can_be_told_apart_for_good(bench, acquired):
    bench.directory.add("ada", groups=["Staff"], employee_number="1")
    acquired.add("x-ada", groups=["Staff"], email="x@example.com", display_name="Adam", employee_number="1")
    await bench.run(changes=True)
    assert (vouchers(bench), len(bench.desk.accounts)) == ({"x-ada": "ada"}, 1)
    bench.configure(SEVERAL.replace("same = [", 'apart = ["x-ada"]\nsame = ['))
    result = await bench.run(changes=True)
    assert (bench.did(), rails(result), vouchers(bench)) == (["create user Adam"], [], {})
    acquired.change("x-ada", title="Clerk")
    assert (await bench.run(changes=True)).plan.size == 0
    bench.directory.change("ada", active=False, status="OFF")
    await bench.run(changes=True)
    assert bench.did() == ["disable user Ada"], "nobody vouches for them any more"


@pytest.mark.parametrize("who", ["ada", "x-ada"])
async def test_who_is_told_apart_is_in_nobodys_way(bench, acquired, who):
    bench.configure(SEVERAL.replace("same = [", f'apart = ["{who}"]\nsame = ['))
    bench.directory.add("ada", groups=["Staff"], employee_number="1")
    bench.directory.add("adb", groups=["Staff"], employee_number="1")
    acquired.add("x-ada", groups=["Staff"], email="x@example.com", employee_number="1")
    result = await bench.run()
    assert (rails(result), vouchers(bench)) == ([], {"x-ada": "adb"} if who == "ada" else {})


async def test_addresses_that_only_look_alike_are_not_one_persons(bench, acquired):
    bench.directory.add("ada", groups=["Staff"], email="strasse@example.com")
    acquired.add("x-ada", groups=["Staff"], email="stra\N{LATIN SMALL LETTER SHARP S}e@example.com")
    acquired.add("x-bob", groups=["Staff"], email=" BOB@example.com ")
    bench.directory.add("bob", groups=["Staff"], email="bob@example.com")
    result = await bench.run()
    assert vouchers(bench) == {"x-bob": "bob"}
    assert rails(result) == ["ambiguous-match", "ambiguous-match"], "a desk that folds them could not tell them apart"
