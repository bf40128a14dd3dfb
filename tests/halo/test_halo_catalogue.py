from __future__ import annotations

import pytest
from halo_bench import a_desk, opened

from crosskey.errors import AuthError, ConfigError


async def catalogue_of(desk):
    async with opened(desk) as target:
        schema = await target.schema()
        return await target.catalogue(), schema


async def test_sites_are_found_by_client_and_site_name_and_by_what_is_shorter():
    desk = a_desk()
    small = desk.add_client("Bolt")
    only = desk.add_site(small.id, "Depot")
    catalogue, _ = await catalogue_of(desk)
    london = next(site for site in desk.sites.values() if site.name == "London")
    main = next(site for site in desk.sites.values() if site.name == "Main")
    assert catalogue.resolve("site", "acme / london") == str(london.id)
    assert catalogue.resolve("site", "London") == str(london.id)
    assert catalogue.resolve("site", "Acme") == str(main.id), "a client's name means its main site"
    assert catalogue.resolve("site", "Bolt") == str(only.id), "or its only one"


async def test_a_site_name_of_two_clients_is_ambiguous_and_both_are_shown():
    desk = a_desk()
    desk.add_site(desk.add_client("Bolt").id, "London")
    catalogue, _ = await catalogue_of(desk)
    with pytest.raises(ConfigError, match="2 sites are named") as caught:
        catalogue.resolve("site", "London", where="map.user.default.site")
    assert '"Acme / London"' in caught.value.message
    assert '"Bolt / London"' in caught.value.message


async def test_an_unknown_site_names_the_closest():
    catalogue, _ = await catalogue_of(a_desk())
    with pytest.raises(ConfigError, match='Did you mean "Acme / London"'):
        catalogue.resolve("site", "Acme / Lundon")


async def test_roles_of_users_and_of_agents_are_not_mixed_up():
    desk = a_desk()
    desk.add_user_role("Standard User")
    catalogue, schema = await catalogue_of(desk)
    user, agent = schema.kind("user").reference("roles"), schema.kind("agent").reference("roles")
    guid = next(role.id for role in desk.roles.values() if role.name == "Standard User")
    number = next(role.id for role in desk.user_roles.values() if role.name == "Standard User")
    assert catalogue.resolve(agent.listing, "Standard User") == guid
    assert catalogue.resolve(user.listing, "Standard User") == str(number)


async def test_every_reference_of_the_schema_has_entries():
    catalogue, schema = await catalogue_of(a_desk())
    listed = {entry.reference for entry in catalogue.entries}
    assert {reference.listing for kind in schema.kinds for reference in kind.references} == listed


async def test_teams_of_one_name_are_told_apart_by_department():
    desk = a_desk()
    hr = next(node for node in desk.departments.values() if node.name == "HR")
    twin = desk.add_team("1st Line", department_id=hr.id)
    catalogue, _ = await catalogue_of(desk)
    assert catalogue.resolve("team", "HR / 1st Line") == str(twin.id)
    with pytest.raises(ConfigError, match="2 teams are named"):
        catalogue.resolve("team", "1st Line")
    assert catalogue.resolve("team", "IT / 2nd Line") == catalogue.resolve("team", "2nd Line")


async def test_customer_groups_are_no_departments():
    catalogue, _ = await catalogue_of(a_desk())
    assert {entry.name for entry in catalogue.entries if entry.reference == "department"} == {"IT", "Facilities", "HR"}


async def test_sites_on_many_pages_are_all_there():
    desk = a_desk()
    client = desk.add_client("Bolt")
    for number in range(140):
        desk.add_site(client.id, f"Depot {number}")
    catalogue, _ = await catalogue_of(desk)
    assert catalogue.resolve("site", "Bolt / Depot 139")


async def test_a_list_that_is_forbidden_names_the_right_to_give():
    with pytest.raises(AuthError, match="/api/UserRoles") as caught:
        await catalogue_of(a_desk(forbidden=("UserRoles",)))
    assert "scope `all`" in caught.value.fix
    assert caught.value.where == "target.desk"


@pytest.mark.parametrize(("marker", "hidden"), [("other5", {"other5"}), ("oktaid", {"oktaid"})])
async def test_the_field_of_the_marker_is_not_offered_to_mappings(marker, hidden):
    async with opened(a_desk(), user_marker=marker) as target:
        schema = await target.schema()
    names = {field.name for field in schema.kind("user").fields}
    assert not names & hidden
    assert {"name", "emailaddress", "other1"} <= names


async def test_the_schema_states_limits_and_costs_nothing():
    desk = a_desk()
    async with opened(desk, batch=40) as target:
        schema = await target.schema()
    assert (schema.batch, schema.concurrency) == (40, 1)
    assert schema.kind("user").field("name").max_length == 255
    assert schema.kind("user").field("emailaddress").also_matches == ("email2", "email3")
    assert schema.kind("user").reference("site").required
    assert schema.kind("agent").field("email").required
    assert (schema.kind("user").seats, schema.kind("agent").seats) == (False, True)
    assert desk.requests == []
