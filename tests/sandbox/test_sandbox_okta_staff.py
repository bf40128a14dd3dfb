"""The company in the local Okta, what happens to its people, and serving it all over real HTTP."""

from collections import Counter

import httpx
import pytest
from sandbox_okta_client import BASE, client, ids, walk

from crosskey_sandbox.company import Company
from crosskey_sandbox.okta import OktaQuirks, join, leave, move, okta_app, org_of, static_app, static_pages
from crosskey_sandbox.server import serving
from fake_clock import FakeClock


@pytest.fixture
def company():
    return Company.generate()


@pytest.fixture
def org(company):
    return org_of(company, clock=FakeClock())


async def test_the_whole_company_is_read_in_the_requests_that_the_lists_need(company, org):
    async with client(org) as http:
        people = await walk(http, "/api/v1/users?limit=200")
        leavers = await walk(http, '/api/v1/users?filter=status eq "DEPROVISIONED"&limit=200')
        groups = await walk(http, "/api/v1/groups?limit=200")
    gone = sum(person.status == "deactivated" for person in company.people)
    assert (len(people), len(leavers), len(groups)) == (5, 1, 1)
    assert (len(ids(people)), len(ids(leavers))) == (1000 - gone, gone)
    assert len(ids(groups)) == 41  # the company's and Everyone
    rows = {row["profile"]["login"]: row for page in people for row in page}
    person = next(person for person in company.people if person.language == "ja" and person.status == "active")
    profile = rows[person.login]["profile"]
    assert (profile["firstName"], profile["displayName"]) == (person.given_name, person.display_name)
    assert (profile["city"], profile["manager"]) == (person.office, person.manager)


async def test_rows_have_the_gaps_of_real_ones(org):
    async with client(org) as http:
        rows = [row for page in await walk(http, "/api/v1/users?search=status pr") for row in page]
    assert set(Counter(row["status"] for row in rows)) == {
        "ACTIVE",
        "STAGED",
        "PROVISIONED",
        "RECOVERY",
        "PASSWORD_EXPIRED",
        "LOCKED_OUT",
        "SUSPENDED",
        "DEPROVISIONED",
    }
    assert {None, ""} <= {row["profile"]["email"] for row in rows}
    assert {type(row["profile"].get("floor")) for row in rows} == {int, type(None)}
    assert any(isinstance(row["profile"].get("skills"), list) for row in rows)
    assert all({"mobilePhone", "secondEmail", "login"} <= row["profile"].keys() for row in rows)
    assert all(len(row["id"]) == 20 and row["id"].startswith("00u") for row in rows)


async def test_the_same_seed_gives_the_same_ids(company, org):
    again = org_of(Company.generate(), clock=FakeClock())
    assert [user.id for user in again.users.roll] == [user.id for user in org.users.roll]
    assert again.api_token == org.api_token


async def test_a_leaver_a_mover_and_a_starter(company, org):
    active = [person for person in company.people if person.status == "active" and person.kind == "employee"]
    leaver = active[0]
    mover = next(person for person in active[1:] if person.office == "London")
    starter = company.hire(office="Berlin", department="Finance")
    org.cell.clock.advance(3600)
    changed = {"search": 'lastUpdated gt "2026-01-05T09:30:00.000Z"'}
    async with client(org) as http:

        async def groups(login):
            return {row["profile"]["name"] for row in (await http.get(f"/api/v1/users/{login}/groups")).json()}

        assert (await http.get("/api/v1/users", params=changed)).json() == []
        leave(org, leaver.login)
        move(org, mover.login, "Paris")
        join(org, starter)
        rows = {row["profile"]["login"]: row for row in (await http.get("/api/v1/users", params=changed)).json()}
        assert set(rows) == {leaver.login, mover.login, starter.login}
        assert rows[leaver.login]["status"] == "DEPROVISIONED"
        assert "All Staff" in await groups(leaver.login)
        assert (rows[mover.login]["profile"]["city"], rows[mover.login]["profile"]["countryCode"]) == ("Paris", "FR")
        assert "Paris Office" in await groups(mover.login)
        assert "London Office" not in await groups(mover.login)
        assert rows[starter.login]["status"] == "ACTIVE"
        assert {"All Staff", "Berlin Office", "Finance"} <= await groups(starter.login)


async def test_applications_are_assigned_and_okta_has_its_own(org):
    async with client(org) as http:
        apps = {row["label"]: row for row in (await http.get("/api/v1/apps")).json()}
        desk = apps["Acme Service Desk"]
        rows = [row for page in await walk(http, f"/api/v1/apps/{desk['id']}/users?limit=500") for row in page]
    assert apps["Okta Admin Console"]["signOnMode"] is None
    assert {row["scope"] for row in rows} == {"GROUP"}
    assert all(org.users.find(row["id"]).status != "DEPROVISIONED" for row in rows)


def test_it_is_served_over_real_http(company):
    org = org_of(company, quirks=OktaQuirks(plan="enterprise"))
    with serving(okta_app(org)) as url, httpx.Client(headers={"authorization": f"SSWS {org.api_token}"}) as http:
        seen, following = 0, f"{url}/api/v1/users?limit=200"
        while following:
            answer = http.get(following)
            seen += len(answer.json())
            following = answer.links.get("next", {}).get("url", "")
            assert following.startswith(url) or not following
            assert len(answer.headers.get_list("date")) == 1
    assert seen == 968
    assert org.counted("/api/v1/users") == 5


async def test_static_pages_are_the_pages_and_are_served_without_credentials(org):
    path = f"/api/v1/groups/{org.groups.named('All Staff')[0].id}/users?limit=200"
    async with client(org) as http:
        live = await walk(http, "/api/v1/users?limit=200")
        members = await walk(http, path)
    pages = [*static_pages(org, BASE), *static_pages(org, BASE, path)]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(static_app(pages)), base_url=BASE) as http:
        assert await walk(http, "/api/v1/users?limit=200") == live
        assert await walk(http, path) == members
        assert (await http.get("/api/v1/users")).status_code == 404
