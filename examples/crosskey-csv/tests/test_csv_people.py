"""Who is in the file, who of them works here, in which groups they are, and what nobody understands."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from crosskey import ConfigError, FindsPeople, GroupSelection, ReadRequest, RejectedError, Subject
from hr_office import HEADER, PEOPLE, STAFF, Office, Reader


@pytest.fixture
def office(tmp_path: Path) -> Office:
    office = Office(tmp_path)
    office.files(PEOPLE)
    return office


async def read(office: Office, request: ReadRequest = STAFF, **settings: object) -> Reader:
    return await Reader().takes(office.opened(**settings).read(request))


async def test_people_come_in_the_neutral_vocabulary(office):
    reader = await read(office)
    joerg = reader.people["008"]
    assert (joerg.subject, joerg.active, joerg.status) == (Subject("csv:source.hr", "008"), True, "Active")
    assert (joerg.given_name, joerg.family_name, joerg.email) == ("Jörg", "Köhler", "joerg@acme.example")
    assert (joerg.department, joerg.manager, joerg.extra) == ("Service Desk", "007", {"Until": ""})
    assert reader.people["009"].active is False


async def test_other_columns_come_as_far_as_they_are_asked_for(office):
    reader = await read(office, ReadRequest(attributes=frozenset({"Elsewhere"})))
    assert reader.people["008"].extra == {}


async def test_an_issuer_may_outlive_the_section_s_name(office):
    assert office.opened(issuer="hr.acme.example").issuer == "hr.acme.example"


async def test_groups_are_what_columns_say_and_only_selected_ones_bring_members(office):
    reader = await read(office)
    assert {group.id: group.name for group in reader.groups.values()} == {
        "Department=Service Desk": "Service Desk",
        "Department=Sales; EMEA": "Sales; EMEA",
    }
    assert reader.members == {"Department=Service Desk": {"007", "008"}}


async def test_one_cell_may_name_several_groups(office):
    reader = await read(office, group_separator=";")
    assert sorted(reader.groups) == ["Department=EMEA", "Department=Sales", "Department=Service Desk"]


async def test_a_group_that_nobody_is_in_is_an_error_unless_the_settings_know_it(office):
    night = ReadRequest(groups=GroupSelection(names=frozenset({"Night Shift"}), where="source.hr"))
    with pytest.raises(ConfigError, match='no group named "Night Shift"'):
        await read(office, night)
    reader = await read(office, night, empty_groups=("Department=Night Shift",))
    assert "Department=Night Shift" in reader.groups
    assert reader.members == {}


async def test_whoever_names_an_app_hears_that_a_file_has_none(office):
    with pytest.raises(ConfigError, match='no app named "Desk"'):
        await read(office, ReadRequest(apps=GroupSelection(names=frozenset({"Desk"}), kind="app")))


@pytest.mark.parametrize(("day", "active"), [("2026-03-02", True), ("2026-03-01", False), ("", True), ("soon", None)])
async def test_nobody_is_active_after_the_last_day(office, day, active):
    office.files([[*PEOPLE[0][:-1], day]])
    reader = await read(office)
    assert reader.people["007"].active is active


@pytest.mark.parametrize(("day", "active"), [("03.03.2026", False), ("02.03.2026", True)])
async def test_nobody_is_active_before_the_first_day(office, day, active):
    office.files([[*PEOPLE[0], day]], header=[*HEADER, "From"])
    reader = await read(office, first_day="From", dates="%d.%m.%Y")
    assert reader.people["007"].active is active


async def test_days_begin_where_the_company_is(office):
    office.files([[*PEOPLE[0][:-1], "2026-03-02"]])
    office.clock.time += timedelta(hours=14)  # 23:00 in UTC, the next day in Berlin
    assert (await read(office)).people["007"].active is True
    assert (await read(office, timezone="Europe/Berlin")).people["007"].active is False


async def test_a_status_that_nobody_explained_changes_nothing_and_is_told(office):
    office.files([[*PEOPLE[0][:6], "Sabbatical", ""], PEOPLE[1]])
    reader = await read(office)
    assert (reader.people["007"].active, reader.people["008"].active) == (None, True)
    (warning,) = reader.end.warnings
    assert (warning.code, warning.detail) == ("csv-status", '"Sabbatical" (1)')


async def test_a_manager_who_is_not_in_the_file_is_told(office):
    office.files([PEOPLE[0], PEOPLE[1], [*PEOPLE[2][:5], "099", *PEOPLE[2][6:]]])
    (warning,) = (await read(office)).end.warnings
    assert (warning.code, warning.detail) == ("csv-manager", "Among them 099.")


async def test_only_a_file_that_always_lists_everybody_can_say_that_there_is_nobody(office):
    partial, whole = office.opened(), office.opened(complete=True)
    assert not isinstance(partial, FindsPeople)
    assert isinstance(whole, FindsPeople)
    assert (await whole.find(Subject(whole.issuer, "007"))).given_name == "Ada"
    assert await whole.find(Subject(whole.issuer, "099")) is None


async def test_groups_of_somebody_are_told_and_of_nobody_are_not(office):
    source = office.opened()
    assert await source.groups_of(Subject(source.issuer, "007")) == {"Department=Service Desk"}
    with pytest.raises(RejectedError):
        await source.groups_of(Subject(source.issuer, "099"))


async def test_a_check_says_what_is_there_and_how_leavers_are_told(office):
    assert [(one.severity, one.code) for one in await office.opened().check()] == [("ok", "csv-people")]
    no_end = await office.opened(complete=True).check()
    assert [one.code for one in no_end] == ["csv-people", "csv-no-count"]
    silent = await office.opened(inactive=(), last_day="", active=("Active", "Terminated")).check()
    assert [one.code for one in silent] == ["csv-people", "csv-no-leavers"]


def test_settings_that_cannot_be_are_refused_all_at_once(office):
    with pytest.raises(ConfigError) as caught:
        office.opened(
            columns={"given_nam": "First", "status": "State"}, active=(), timezone="Mars", empty_groups=("X=1",)
        )
    said = str(caught.value)
    assert 'no attribute "given_nam". Did you mean "given_name"' in said
    for place in ("source.hr.active", "source.hr.empty_groups", "source.hr.timezone"):
        assert place in said
