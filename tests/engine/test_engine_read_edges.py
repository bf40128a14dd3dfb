"""Pages that no connector should give, and pages that any may: what a read makes of each."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from engine_bench import CONFIG, Bench

from bench_plugin import ISSUER
from crosskey.connector.source import GonePage, GroupsPage, MembersLeftPage, MembersPage, PeoplePage, ReadComplete
from crosskey.connector.target import AccountsComplete, AccountsPage
from crosskey.errors import ContractError, Diagnostic
from crosskey.model import Account, Group, Person, Subject

STAFF = "g-Staff"
BY_NAME = CONFIG.replace(
    'match = ["email"]\n[map.agent.fields]\nname = "{{ display_name }}"',
    'match = ["display_name"]\n[map.agent.fields]\nname = "display_name"',
)
AGAIN = "run again; if it stays, report it to the plugin's author"
END = ReadComplete(cursor=f"{ISSUER}@0")


@pytest.fixture
def bench(tmp_path) -> Bench:
    """Both sides can do what following needs, and four people are in step."""
    made = Bench(tmp_path)
    made.directory.tells_changes = True
    made.desk.looks_up = made.desk.can_find = True
    for id_ in ("ada", "bob", "cyd", "dan"):
        made.directory.add(id_, groups=["Staff"])
    return made


def everything(bench: Bench) -> list[object]:
    """The pages of a full read, but for its end."""
    of = bench.directory
    members = [MembersPage(group, sorted(of.members[group])) for group in sorted(of.members)]
    return [GroupsPage(list(of.groups.values())), PeoplePage(list(of.people.values())), *members]


async def begun(bench: Bench, *, changes: bool) -> Bench:
    """Ready for the next read to be a full one, or a round of changes; who is told of the writes begins anew."""
    if changes:
        await bench.run(changes=True)
        bench.desk.writes.clear()
    return bench


async def refused(bench: Bench, script: list[object], *, changes: bool = False) -> ContractError:
    """The error in which a read of these pages ends, with nothing written and nothing left open."""
    await begun(bench, changes=changes)
    bench.directory.script = script
    with pytest.raises(ContractError) as caught:
        await bench.run(changes=changes)
    assert bench.directory.open == 0, "the read is closed where it stands, while its error is still looked at"
    assert bench.desk.writes == []
    return caught.value


def told(error: ContractError) -> tuple[str, str, str, str]:
    return error.code, error.where, error.message, error.fix


# -- people ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [False, True])
@pytest.mark.parametrize(
    ("subject", "fault"),
    [
        (Subject("https://other.example", "ada"), f"of another issuer (https://other.example, not {ISSUER})"),
        (Subject(ISSUER, ""), "without an id"),
        (Subject("https://other.example", ""), "without an id"),
        (Subject(ISSUER, "a\0da"), "whose id holds a NUL"),
        (Subject("https://other.example", "a\0da"), "whose id holds a NUL"),
    ],
    ids=["foreign", "nameless", "foreign and nameless", "nul", "foreign with nul"],
)
async def test_a_person_who_cannot_be_the_sources_own_ends_the_read(bench, subject, fault, changes):
    person = Person(subject=subject, active=True, status="ON")
    error = await refused(bench, [PeoplePage([*bench.directory.people.values(), person]), END], changes=changes)
    assert told(error) == (
        "subject-foreign",
        "source.corp",
        f"the source gave a person {fault}; nothing was planned",
        "report it to the plugin's author",
    )


@pytest.mark.parametrize("page", [MembersLeftPage(STAFF, ["ada"]), GonePage(people=["ada"]), GonePage()])
async def test_a_full_read_that_brings_changes_is_refused(bench, page):
    error = await refused(bench, [*everything(bench), page, END])
    assert told(error)[:3] == ("read-mixed", "source.corp", "a full read brought changes; nothing was planned")


@pytest.mark.parametrize("changes", [False, True])
async def test_what_is_no_page_ends_the_read_for_nobody_knows_whom_it_would_have_brought(bench, changes):
    error = await refused(bench, [[*everything(bench)], END], changes=changes)
    sentence = "the source gave a list where a page was due; nothing was planned"
    assert told(error) == ("page-unknown", "source.corp", sentence, "report it to the plugin's author")


@pytest.mark.parametrize("changes", [False, True])
async def test_people_without_an_end_are_not_complete(bench, changes):
    error = await refused(bench, everything(bench), changes=changes)
    sentence = "the read of people ended without saying that it was complete; nothing was planned"
    assert told(error) == ("read-incomplete", "source.corp", sentence, AGAIN)


@pytest.mark.parametrize("changes", [False, True])
@pytest.mark.parametrize("after", [PeoplePage([]), END], ids=["people", "a second end"])
async def test_a_source_that_goes_on_after_its_end_is_refused(bench, changes, after):
    error = await refused(bench, [*everything(bench), END, after, after], changes=changes)
    sentence = "the source went on after it said that the read was complete"
    assert told(error)[:3] == ("read-after-end", "source.corp", sentence)


@pytest.mark.parametrize("changes", [False, True])
async def test_what_source_and_desk_want_to_be_told_is_told_of_the_run(bench, changes):
    await begun(bench, changes=changes)
    odd, slow = (Diagnostic(severity="warning", code=code, summary="odd") for code in ("odd", "slow"))
    bench.directory.script = [*everything(bench), ReadComplete(cursor=END.cursor, warnings=(odd, slow))]
    if not changes:
        bench.desk.script = [AccountsComplete(warnings=(slow,))]
    result = await bench.run(changes=changes)
    assert [notice.code for notice in result.notices] == (["odd", "slow"] if changes else ["odd", "slow", "slow"])


async def test_everybody_who_comes_in_a_round_of_changes_counts_as_progress(bench):
    await begun(bench, changes=True)
    bench.directory.script = [*everything(bench), PeoplePage([bench.directory.people["ada"]]), END]
    await bench.run(changes=True)
    assert bench.observer.advanced["Reading what changed"] == 5


# -- groups that change ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pages", "gone"),
    [
        ([MembersPage(STAFF, ["ada", "bob", "cyd"], whole=True)], ["Dan"]),
        ([MembersPage(STAFF, ["ada"], whole=True), MembersPage(STAFF, ["bob", "cyd"])], ["Dan"]),
        ([MembersPage(STAFF, ["ada", "bob", "cyd", "dan"], whole=True), MembersLeftPage(STAFF, ["bob"])], ["Bob"]),
        (
            [MembersPage(STAFF, ["ada", "bob"], whole=True), MembersPage(STAFF, ["ada", "cyd", "dan"], whole=True)],
            ["Bob"],
        ),
        ([MembersLeftPage(STAFF, ["bob"]), MembersPage(STAFF, ["bob"])], []),
        ([MembersPage(STAFF, ["ada", "bob", "cyd"])], []),
    ],
    ids=["whole", "in pages", "and then left", "begun anew", "left and back", "a part"],
)
async def test_of_a_list_read_anew_whoever_is_on_none_of_its_last_pages_has_left(bench, pages, gone):
    await begun(bench, changes=True)
    bench.directory.group("Staff").difference_update(name.casefold() for name in gone)
    bench.directory.script = [*pages, END]
    result = await bench.run(changes=True)
    assert (result.reach, bench.did()) == ("changes", [f"disable user {name}" for name in gone])
    assert result.notices == (), "nobody else was doubted"


@pytest.mark.parametrize(
    "pages",
    [
        [GroupsPage([Group(id=STAFF, name="Old staff"), Group(id="g-New", name="Staff")])],
        [GroupsPage([Group(id="g-New", name="Staff")]), GonePage(groups=[STAFF])],
    ],
    ids=["renamed", "deleted"],
)
async def test_a_group_that_mappings_name_and_that_is_another_now_leads_to_a_full_read(bench, pages):
    await begun(bench, changes=True)
    of = bench.directory
    of.groups[STAFF], of.groups["g-New"] = Group(id=STAFF, name="Old staff"), Group(id="g-New", name="Staff")
    of.members["g-New"] = {"ada", "bob", "cyd", "dan"}
    of.script = [*pages, MembersPage("g-New", sorted(of.members["g-New"])), END]
    result = await bench.run(changes=True)
    assert (result.reach, result.because, bench.did()) == (
        "everything",
        "a group that mappings name is another one than before",
        [],
    )


async def test_somebody_told_to_be_deleted_is_looked_up_before_their_account_is_switched_off(bench):
    await begun(bench, changes=True)
    del bench.directory.people["ada"]
    bench.directory.script = [GonePage(people=["ada", "bob"]), END]
    result = await bench.run(changes=True)
    assert (result.reach, bench.did(), bench.directory.finds) == ("changes", ["disable user Ada"], ["ada", "bob"])
    assert [notice.code for notice in result.notices] == ["listing-flapped"]


# -- accounts ----------------------------------------------------------------------------------------------------------


async def refused_desk(bench: Bench, script: list[object]) -> ContractError:
    bench.desk.script = script
    with pytest.raises(ContractError) as caught:
        await bench.run()
    assert bench.desk.open == 0, "the read is closed where it stands, while its error is still looked at"
    assert bench.desk.writes == []
    return caught.value


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ([AccountsPage([])], "(got {'user': 0, 'agent': 0}, the target told no end)"),
        ([AccountsComplete(counts={"user": 1})], "(got {'user': 0, 'agent': 0}, the target told {'user': 1})"),
        ([AccountsComplete(counts={"robot": 1})], "(got {'user': 0, 'agent': 0}, the target told {'robot': 1})"),
    ],
)
async def test_accounts_that_are_fewer_than_told_are_not_complete(bench, script, why):
    error = await refused_desk(bench, script)
    sentence = f"the read of accounts was not complete {why}; nothing was planned"
    assert told(error) == ("read-incomplete", "target.desk", sentence, AGAIN)


async def test_what_is_no_page_of_accounts_ends_the_read(bench):
    error = await refused_desk(bench, [PeoplePage([]), AccountsComplete()])
    sentence = "the target gave a PeoplePage where a page was due; nothing was planned"
    assert told(error) == ("page-unknown", "target.desk", sentence, "report it to the plugin's author")


@pytest.mark.parametrize("after", [AccountsPage([]), AccountsComplete()])
async def test_a_desk_that_goes_on_after_its_end_is_refused(bench, after):
    error = await refused_desk(bench, [AccountsComplete(), after, after])
    sentence = "the target went on after it said that the read was complete"
    assert told(error)[:3] == ("read-after-end", "target.desk", sentence)


async def test_accounts_are_recognised_by_the_fields_of_their_own_kind_and_others_are_passed_over(bench):
    bench.configure(BY_NAME)
    bench.directory.add("eve", groups=["Desk"])
    found = (("user", "1", "ada"), ("agent", "1", "eve"), ("agent", "2", "ada"), ("robot", "1", "bob"))
    accounts = [
        Account(kind=kind, key=key, label=id_, active=True, fields={"mail": f"{id_}@example.com"})
        if kind == "user"
        else Account(kind=kind, key=key, label=id_, active=True, fields={"name": id_.title()})
        for kind, key, id_ in found
    ]
    bench.desk.script = [AccountsPage(accounts[:2]), AccountsPage(accounts[2:]), AccountsComplete(counts={"user": 1})]
    await bench.run("plan")
    assert sorted(bench.did()) == [
        "adopt agent Eve",
        "adopt user Ada",
        "create user Bob",
        "create user Cyd",
        "create user Dan",
    ]
    assert bench.observer.advanced["Reading people and accounts"] == len(found) + 5


async def test_what_is_undone_is_looked_at_in_the_whole_list_of_a_desk_that_looks_nothing_up(bench):
    bench.desk.looks_up = False
    run = (await bench.run()).run
    bench.desk.edit("user", "1", active=False)
    await bench.undo(run)
    assert sorted(bench.did()) == ["disable user Bob", "disable user Cyd", "disable user Dan"]


async def test_how_many_pages_came_is_in_the_journal_the_end_included(bench):
    bench.directory.script = script = [*everything(bench), PeoplePage([]), END]
    bench.desk.script = [AccountsPage([]), AccountsPage([]), AccountsPage([]), AccountsComplete()]
    await bench.run()
    with bench.journal() as journal:
        assert journal.last_complete("source.corp", "people").pages == len(script)
        assert journal.last_complete("target.desk", "user").pages == 4


# -- turns -------------------------------------------------------------------------------------------------------------


async def test_no_page_waits_for_anything_but_the_next_turn(bench):
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    bench.directory.script = [*everything(bench), END]
    await bench.run("plan")
    counting.cancel()
    with suppress(asyncio.CancelledError):
        await counting
    assert 5 < turns < 1_000
