"""What the catalogue calls things where desks leave something out, and when lists are read anew."""

from __future__ import annotations

import pytest
from halo_bench import Altered, a_change, a_desk, called, opened, read_all, results

from crosskey.model import CatalogueEntry
from crosskey_sandbox.halo import RoleLink


async def entries(desk, reference, *, path="", alter=None):
    """The catalogue's entries of one reference by key; ``alter`` changes the answer under ``path`` (synthetic)."""
    async with opened(desk, transport=Altered(desk, path, alter)) as target:
        catalogue = await target.catalogue()
    return {entry.id: entry for entry in catalogue.entries if entry.reference == reference}


def without(member):
    """An answer whose rows lack a member."""
    return lambda body: {
        name: [{key: value for key, value in row.items() if key != member} for row in rows]
        if isinstance(rows, list)
        else rows
        for name, rows in body.items()
    }


# --------------------------------------------------------------------------------------------------------------- teams


async def test_a_team_goes_by_its_name_and_also_by_department_and_name():
    desk = a_desk()
    key = str(called(desk.teams, "2nd Line").id)
    assert (await entries(desk, "team"))[key] == CatalogueEntry("team", key, "2nd Line", ("IT / 2nd Line",))


async def test_a_team_of_no_department_goes_by_its_name_alone():
    desk = a_desk()
    key = str(desk.add_team("Night Shift").id)
    assert (await entries(desk, "team"))[key] == CatalogueEntry("team", key, "Night Shift")


async def test_two_teams_of_one_name_whatever_its_case_go_by_department_first():
    desk = a_desk()
    first = str(called(desk.teams, "1st Line").id)
    twin = str(desk.add_team("1ST LINE", department_id=called(desk.departments, "HR").id).id)
    listed = await entries(desk, "team")
    assert listed[first] == CatalogueEntry("team", first, "IT / 1st Line", ("1st Line",))
    assert listed[twin] == CatalogueEntry("team", twin, "HR / 1ST LINE", ("1ST LINE",))


# --------------------------------------------------------------------------------------------------------------- sites


async def test_a_site_whose_row_does_not_name_its_client_is_named_by_the_list_of_clients():
    desk = a_desk()
    key = str(called(desk.sites, "London").id)
    listed = await entries(desk, "site", path="/api/Site", alter=without("client_name"))
    assert listed[key] == CatalogueEntry("site", key, "Acme / London", ("London",))


async def test_the_list_of_clients_is_believed_before_what_a_site_says():
    desk = a_desk()
    key = str(called(desk.sites, "London").id)

    def renamed(body):
        return {**body, "sites": [row | {"client_name": "Acme (old)"} for row in body["sites"]]}

    listed = await entries(desk, "site", path="/api/Site", alter=renamed)
    assert listed[key].name == "Acme / London"


async def test_a_site_of_a_client_that_is_not_listed_goes_by_the_name_in_its_own_row():
    desk = a_desk(hidden=("Client",))
    key = str(called(desk.sites, "London").id)
    assert (await entries(desk, "site"))[key] == CatalogueEntry("site", key, "Acme / London", ("London",))


async def test_a_site_whose_client_nobody_names_goes_by_its_name_alone():
    desk = a_desk()
    key = str(desk.add_site(9999, "Depot").id)
    assert (await entries(desk, "site"))[key] == CatalogueEntry("site", key, "Depot")


# --------------------------------------------------------------------------------------------- what is kept, and how long


@pytest.mark.parametrize("known", [True, False])
async def test_a_role_that_stays_is_told_by_its_name_once_the_lists_were_read(known):
    desk = a_desk(memberships="merge")
    roles = [called(desk.user_roles, name) for name in ("Self Service User", "Approver")]
    one, two = (str(role.id) for role in roles)
    user = desk.add_user("Ada", 1, roles=tuple(RoleLink(id=role.id) for role in roles))
    async with opened(desk) as target:
        if known:
            await target.catalogue()
        (outcome,) = await target.apply([a_change("update", user.id, references={"roles": ((one, two), (one,))})])
    assert outcome.result == "rejected"
    assert f"still has roles {'Approver' if known else two}" in outcome.message


async def test_an_agent_is_found_after_a_write_that_needed_no_lists():
    desk = a_desk()
    chief = called(desk.agents, "Ines Falk")
    change = a_change("update", chief.id, kind="agent", jobtitle="Chief")
    async with opened(desk) as target:
        assert results(await target.apply([change])) == ["applied"]
        found = await target.find(change)
    assert found.fields["jobtitle"] == "Chief"


async def test_lists_of_members_are_read_anew_only_after_they_were_used_or_written():
    desk = a_desk()
    chief = desk.edit(called(desk.agents, "Ines Falk"), team="2nd Line")
    change = a_change("update", chief.id, kind="agent")
    async with opened(desk) as target:
        await read_all(target, "agent")
        assert desk.counts()["GET /api/Team"] == 1
        await target.find(change)
        assert desk.counts()["GET /api/Team"] == 2, "a read used them"
        await target.find(change)
        assert desk.counts()["GET /api/Team"] == 2, "nothing happened since"
