"""The local Entra tells the same company as the local Okta, and a few things that only Entra has."""

import time

import pytest
from sandbox_entra_client import client, rows, walk

from crosskey_sandbox.company import Company
from crosskey_sandbox.entra import EntraQuirks, join, leave, move, tenant_of
from crosskey_sandbox.okta.staffing import org_of
from fake_clock import FakeClock

SELECT = "id,userPrincipalName,mail,displayName,givenName,surname,jobTitle,department,employeeId,city,accountEnabled"


@pytest.fixture(scope="module")
def company():
    return Company.generate(people=800)


@pytest.fixture
def tenant(company):
    return tenant_of(company, clock=FakeClock())


def names_in(tenant, name):
    """The logins inside the first group of a name, however deep."""
    (group, *_) = tenant.directory.named(name)
    found = (tenant.directory.find(key) for key in tenant.view().within(group.id))
    return {record.values["userPrincipalName"] for record in found if record.sort == "user"}


async def test_the_same_people_with_the_same_attributes_as_okta(company, tenant):
    org = org_of(company, clock=FakeClock())
    async with client(tenant) as http:
        listed = rows(await walk(http, f"/v1.0/users?$top=999&$select={SELECT}&$expand=manager($select=id)"))
    by_login = {row["userPrincipalName"]: row for row in listed}
    logins = {row["id"]: row["userPrincipalName"] for row in listed}
    inactive = {"STAGED", "SUSPENDED", "DEPROVISIONED"}
    for user in org.users.roll:
        told, row = user.profile, by_login[user.profile["login"]]
        assert row["accountEnabled"] is (user.status not in inactive)
        assert row["mail"] == (told["email"] or None)
        pairs = {"displayName": "displayName", "givenName": "firstName", "surname": "lastName", "jobTitle": "title"}
        pairs |= {"department": "department", "employeeId": "employeeNumber", "city": "city"}
        assert {name: row[name] for name in pairs} == {name: told.get(okta) for name, okta in pairs.items()}
        assert logins.get(row.get("manager", {}).get("id")) == told.get("manager")
    assert {row["mail"] is None for row in listed} == {True, False}


async def test_the_same_groups_with_the_same_people_as_okta(company, tenant):
    people = {person.number: person.login for person in company.people}
    async with client(tenant) as http:
        groups = rows(await walk(http, "/v1.0/groups?$select=id,displayName,description&$top=999"))
        for group, team in zip(groups, company.teams, strict=False):
            path = f"/v1.0/groups/{group['id']}/members?$select=userPrincipalName&$top=999"
            members = rows(await walk(http, path))
            assert group["displayName"] == team.name
            assert [row["userPrincipalName"] for row in members if "left" not in row["userPrincipalName"]] == [
                people[number] for number in team.members
            ]
    names = [group["displayName"] for group in groups]
    assert names.count("Project Phoenix") == 2


async def test_only_entra_has_guests_rooms_bins_and_groups_of_other_kinds(company, tenant):
    async with client(tenant, "Directory.Read.All") as http:
        users = rows(await walk(http, "/v1.0/users?$select=userPrincipalName,userType,mail,externalUserState&$top=999"))
        groups = rows(await walk(http, "/v1.0/groups?$top=999"))
        binned = rows(await walk(http, "/v1.0/directory/deletedItems/microsoft.graph.user"))
        first_round = rows(await walk(http, "/v1.0/users/delta?$select=id"))
    guests = [user for user in users if user["userType"] == "Guest"]
    looks_like = [user for user in users if "#EXT#" in user["userPrincipalName"]]
    assert len(guests) == len(company.people) // 40 - 1
    assert len(looks_like) == len(guests) + 1
    assert {guest["mail"] is None for guest in guests} == {True, False}
    assert {guest["externalUserState"] for guest in guests} == {"Accepted", "PendingAcceptance"}
    assert [user["userPrincipalName"] for user in users if user["userType"] is None] == [
        "Sync_DC01_0001@acme.onmicrosoft.example"
    ]
    assert len(binned) == 3
    reasons = [row["@removed"]["reason"] for row in first_round if "@removed" in row]
    assert sorted(reasons) == ["changed"] * 3 + ["deleted"]
    kinds = {
        row["displayName"]: (tuple(row["groupTypes"]), row["securityEnabled"], row["mailEnabled"]) for row in groups
    }
    assert kinds["Acme News"] == (("Unified",), False, True)
    assert kinds["Contractors"] == (("DynamicMembership",), True, False)
    assert kinds["Managers"] == ((), True, True)
    automation = tenant.directory.named("Automation")[0].id
    assert {record.sort for record in tenant.view().members(automation)} == {"servicePrincipal", "device"}
    assert len(names_in(tenant, "Staff and Partners")) == len(names_in(tenant, "All Staff")) + len(looks_like)


def test_a_nested_company_has_the_same_people_in_the_same_groups(company, tenant):
    nested = tenant_of(company, clock=FakeClock(), nested=True)
    for name in ("All Staff", "Service Desk", "Service Desk L1", "London Office"):
        assert names_in(nested, name) == names_in(tenant, name)
    for whole, parts in (("All Staff", 10), ("Service Desk", 2)):
        direct = [record.sort for record in nested.view().members(nested.directory.named(whole)[0].id)]
        assert direct == ["group"] * parts


async def test_somebody_starts_moves_and_leaves(company, tenant):
    person = company.people[30]
    hired = join(tenant, Company.generate(people=10, seed=99).hire(office="Berlin", department="IT"))
    assert hired.values["userPrincipalName"] in names_in(tenant, "All Staff") & names_in(tenant, "Berlin Office")
    moved = move(tenant, person.login, "New York")
    assert (moved.values["city"], moved.values["state"], moved.values["country"]) == ("New York", "NY", "US")
    assert person.login in names_in(tenant, "New York Office")
    assert person.login not in names_in(tenant, f"{person.office} Office")
    assert leave(tenant, person.login).values["accountEnabled"] is False
    leave(tenant, person.login, delete=True)
    assert person.login not in names_in(tenant, "All Staff")


def test_a_starter_of_a_nested_company_comes_in_through_the_office(company):
    nested = tenant_of(company, clock=FakeClock(), nested=True)
    hired = join(nested, Company.generate(people=10, seed=99).hire(office="Berlin", department="IT"))
    assert hired.values["userPrincipalName"] in names_in(nested, "All Staff")
    direct = nested.view().members(nested.directory.named("All Staff")[0].id)
    assert {record.sort for record in direct} == {"group"}


async def test_what_was_seeded_is_no_change(tenant):
    async with client(tenant) as http:
        answer = (await http.get("/v1.0/users/delta?$deltatoken=latest")).json()
        assert (await http.get(answer["@odata.deltaLink"])).json()["value"] == []


async def test_who_may_use_the_service_desk_is_told(tenant):
    async with client(tenant) as http:
        (app,) = (await http.get("/v1.0/servicePrincipals?$filter=displayName eq 'Acme Service Desk'")).json()["value"]
        assigned = (await http.get(f"/v1.0/servicePrincipals/{app['id']}/appRoleAssignedTo")).json()["value"]
    assert [row["principalDisplayName"] for row in assigned] == ["All Staff"]


def test_the_same_seed_gives_the_same_tenant(company):
    first, again, other = (tenant_of(company, seed=seed, clock=FakeClock()) for seed in (7, 7, 8))
    assert first.directory.records == again.directory.records
    assert first.application.client_secret == again.application.client_secret
    assert first.id != other.id


async def test_fifty_thousand_people_are_cheap():
    company = Company.generate(people=50_000)
    tenant = tenant_of(company, clock=FakeClock(), quirks=EntraQuirks(throttling=False))
    url = f"/v1.0/users?$top=999&$select={SELECT}"
    async with client(tenant) as http:
        await walk(http, url)
        started = time.process_time()
        pages = await walk(http, url)
        spent = time.process_time() - started
    assert len(rows(pages)) > 50_000
    assert spent / len(pages) < 0.1  # some 8 ms on the machine it was written on; the client's JSON is in it
