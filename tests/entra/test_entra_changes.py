"""Rounds of changes: what they cost, what they tell, and every way in which a place is lost."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from typing import Any

import httpx
import pytest
from entra_door import ISSUER, LocalGraph, opened, refusal, wanting
from entra_fold import Known
from entra_recordings import recording
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from test_entra_company import TEAMS, a_tenant, local
from test_entra_history import add, group

from crosskey.connector.source import (
    ConfirmsMembership,
    GonePage,
    MembersLeftPage,
    MembersPage,
    PeoplePage,
    ReadsChanges,
)
from crosskey.errors import ConfigError, ContractError, CrosskeyError, CursorExpiredError, RejectedError, RetryableError
from crosskey.model import Subject
from crosskey_sandbox.company import Company
from crosskey_sandbox.entra import EntraQuirks, EntraTenant, Fault
from fake_clock import FakeClock

CALM = {"first_round_empty_pages": 0, "throttling": False}
ASKED = replace(wanting(*TEAMS, apps=["Acme Service Desk"]), changes=True)


def small(**quirks: Any) -> tuple[EntraTenant, list[Any], Any, Any]:
    """Five people; "outer" holds "inner", which holds two of them; "plain" holds one."""
    tenant = EntraTenant(clock=FakeClock(), quirks=EntraQuirks(**quirks))
    people = [add(tenant, f"p{number}") for number in range(5)]
    inner = group(tenant, "inner", *people[:2])
    outer = group(tenant, "outer", inner, people[2])
    group(tenant, "plain", people[3])
    tenant.directory.settle()
    return tenant, people, inner, outer


def changing(*groups: str, apps: tuple[str, ...] = ()) -> Any:
    return replace(wanting(*groups, apps=apps), changes=True)


def asked(tenant: EntraTenant) -> Counter[str]:
    """Whole requests by path; a batch counts once."""
    return Counter(
        seen.path.removeprefix("/v1.0") for seen in tenant.requests if not seen.batched and "token" not in seen.path
    )


def of(known: Known, kind: type[Any]) -> list[Any]:
    return [page for page in known.pages if isinstance(page, kind)]


async def test_it_is_what_it_says_it_is() -> None:
    async with opened(LocalGraph()) as source:
        assert isinstance(source, ReadsChanges)
        assert isinstance(source, ConfirmsMembership)


# ----------------------------------------------------------------------------------------------------------------- cost


async def test_a_read_without_changes_costs_what_it_did_and_has_no_cursor() -> None:
    tenant = a_tenant(quirks=CALM)
    async with local(tenant) as source:
        known = await Known().read(source, replace(ASKED, changes=False))
    assert known.cursor == ""
    assert asked(tenant) == {
        "/users": 2,
        "/groups": 1,
        "/$batch": 1,
        "/servicePrincipals": 1,
        "/servicePrincipals/{id}/appRoleAssignedTo": 1,
        "/groups/{id}/members": 1,
    }


async def test_a_read_with_a_cursor_costs_few_requests_more() -> None:
    tenant = a_tenant(quirks=CALM)
    async with local(tenant) as source:
        known = await Known().read(source, ASKED)
    assert known.cursor
    more = asked(tenant) - Counter(
        {"/users": 2, "/groups": 1, "/$batch": 1, "/servicePrincipals": 1, "/groups/{id}/members": 1}
    )
    assert more == {
        "/directory/deletedItems/{type:microsoft\\.graph\\.\\w+}": 1,
        "/users/delta": 1,
        "/groups/delta": 2,  # a thousand members are a page
        "/servicePrincipals/{id}/appRoleAssignedTo": 1,
    }


@pytest.mark.parametrize(
    ("changes", "cost"),
    [
        # Nothing: users, the watched groups, the apps.
        (0, {"/users/delta": 1, "/groups/delta": 1, "/$batch": 1}),
        # Ten: each by id, twenty in a request.
        (10, {"/users/delta": 1, "/groups/delta": 1, "/$batch": 2}),
        # A thousand of a thousand, told in pages of 200: the list of all is cheaper by far.
        (1000, {"/users/delta": 5, "/groups/delta": 1, "/users": 2, "/$batch": 1}),
    ],
)
async def test_a_round_costs_what_changed(changes: int, cost: dict[str, int]) -> None:
    tenant = a_tenant(quirks=CALM)
    users = list(tenant.directory.live("user"))
    async with local(tenant, attributes={"manager": "manager"}) as source:
        known = await Known().read(source, ASKED)
        for user in users[:changes]:
            tenant.directory.update(user.id, {"jobTitle": "Gardener"})
        tenant.requests.clear()
        await known.follow(source, ASKED)
    spent = asked(tenant)
    apps = spent.pop("/servicePrincipals/{id}/appRoleAssignedTo", 0)
    spent["/$batch"] += apps  # one app alone goes without a batch
    assert spent == cost
    assert {key for key, one in known.people.items() if one.title == "Gardener"} == {
        user.id for user in users[:changes]
    }


async def test_ten_changes_and_their_reports_fit_into_one_request() -> None:
    tenant = a_tenant(quirks=CALM)
    managers = {user.manager for user in tenant.directory.live("user")}
    users = [user for user in tenant.directory.live("user") if user.id not in managers][:10]
    async with local(tenant) as source:
        known = await Known().read(source, changing(*TEAMS))
        for user in users:
            tenant.directory.update(user.id, {"jobTitle": "Gardener"})
        tenant.requests.clear()
        await known.follow(source, changing(*TEAMS))
    assert asked(tenant) == {"/users/delta": 1, "/groups/delta": 1, "/$batch": 1}
    assert tenant.counted("/v1.0/users/{id}/directReports") == tenant.counted("/v1.0/users/{id}") == 10


async def test_what_was_listed_anew_is_read_once_more_after_five_minutes() -> None:
    tenant, people, inner, _ = small()
    request = changing("outer")
    async with local(tenant) as source:
        known = await Known().read(source, request)
        tenant.directory.remove_member(inner.id, people[0].id)
        costs = []
        for wait in (0, 60, 250, 60):
            tenant.cell.clock.advance(wait)
            tenant.requests.clear()
            await known.follow(source, request)
            costs.append(asked(tenant)["/groups/{id}/transitiveMembers"])
    assert costs == [1, 0, 1, 0]


async def test_a_joiner_of_a_large_group_costs_no_reading_of_it_when_members_are_direct() -> None:
    tenant = a_tenant(quirks=CALM)
    [staff] = tenant.directory.named("All Staff")
    new = add(tenant, "newcomer")
    async with local(tenant, members="direct") as source:
        known = await Known().read(source, changing(*TEAMS))
        tenant.directory.add_member(staff.id, new.id)
        tenant.requests.clear()
        await known.follow(source, changing(*TEAMS))
    assert not asked(tenant).keys() & {"/groups/{id}/members", "/groups/{id}/transitiveMembers", "/users"}
    assert of(known, MembersPage) == [MembersPage(staff.id, [new.id])]


# ----------------------------------------------------------------------------------------------------------- what is told


async def test_people_come_whole_also_where_the_entry_is_not() -> None:
    """An entry of a round may hold no more than what changed: built from it alone the rest would be cleared."""
    graph = LocalGraph()
    graph.user("a", jobTitle="Baker", department="Bread", companyName="Acme")
    delta = f"{'https://graph.microsoft.com/v1.0'}/users/delta?$deltatoken="
    entry = {"id": "a", "jobTitle": "Chief", "department": None}

    def answer(request: httpx.Request) -> httpx.Response | None:
        if request.url.path == "/v1.0/users/delta":
            told = [entry] if request.url.params.get("$deltatoken") == "1" else []
            return httpx.Response(200, json={"value": told, "@odata.deltaLink": f"{delta}{1 if not told else 2}"})
        if "deletedItems" in request.url.path or "directReports" in request.url.path:
            return httpx.Response(200, json={"value": []})
        return None

    graph.intercept = answer
    async with opened(graph) as source:
        known = await Known().read(source, changing())
        await known.follow(source, changing())
    [person] = known.people.values()
    # What is read by id may come from a server that has not heard yet; what the round tells counts above it.
    assert (person.title, person.department, person.organization) == ("Chief", "", "Acme")


@pytest.mark.parametrize("turn", [0, 1, 2])
async def test_a_late_answer_by_id_does_not_undo_what_the_round_told(turn: int) -> None:
    tenant, people, *_ = small(replication_lag=60.0, lagging_reads=3)
    request = changing()
    async with local(tenant, attributes={"manager": []}) as source:
        known = await Known().read(source, request)
        for _ in range(turn):
            tenant.view()
        tenant.directory.update(people[0].id, {"accountEnabled": False})
        for _ in range(3):  # whichever read is the late one, the list's or that by id
            await known.follow(source, request)
            tenant.view()
        assert known.people[people[0].id].active is False


async def test_a_new_person_whom_no_server_shows_is_owed() -> None:
    graph = LocalGraph()
    graph.user("a")
    told = [[{"id": "b", "displayName": "B"}], [], []]

    def answer(request: httpx.Request) -> httpx.Response | None:
        if request.url.path == "/v1.0/users/delta":
            place = int(request.url.params.get("$deltatoken", "latest").replace("latest", "0"))
            value = told[place - 1] if place else []
            link = f"https://graph.microsoft.com/v1.0/users/delta?$deltatoken={place + 1}"
            return httpx.Response(200, json={"value": value, "@odata.deltaLink": link})
        return httpx.Response(200, json={"value": []}) if "deletedItems" in request.url.path else None

    graph.intercept = answer
    async with opened(graph, attributes={"manager": []}) as source:
        known = await Known().read(source, changing())
        await known.follow(source, changing())
        assert set(known.people) == {"a"}
        graph.user("b")
        await known.follow(source, changing())
        assert set(known.people) == {"a", "b"}
        before = len(graph.asked())
        await known.follow(source, changing())
        assert graph.asked()[before:] == ["/users/delta"], "owed no longer"


async def test_the_deleted_are_told_gone_both_softly_and_for_good() -> None:
    tenant, people, *_ = small()
    async with local(tenant) as source:
        known = await Known().read(source, changing("plain"))
        tenant.directory.delete(people[0].id)
        tenant.directory.delete(people[1].id)
        tenant.directory.purge(people[1].id)
        await known.follow(source, changing("plain"))
        assert of(known, GonePage) == [GonePage(people=tuple(sorted([people[0].id, people[1].id])))]
        tenant.directory.restore(people[0].id)
        await known.follow(source, changing("plain"))
    assert people[0].id in known.people
    assert people[1].id not in known.people


async def test_a_managers_new_name_and_their_leaving_reach_their_reports() -> None:
    tenant, people, *_ = small()
    boss, report = people[0].id, people[4].id
    tenant.directory.set_manager(report, boss)
    async with local(tenant) as source:
        known = await Known().read(source, changing())
        assert known.people[report].manager == "p0@acme.example"
        tenant.directory.update(boss, {"userPrincipalName": "anna@acme.example"})
        await known.follow(source, changing())
        assert known.people[report].manager == "anna@acme.example"
        tenant.directory.delete(boss)
        await known.follow(source, changing())
        assert known.people[report].manager == ""


async def test_leaving_is_told_when_members_are_direct() -> None:
    tenant, people, inner, outer = small()
    async with local(tenant, members="direct") as source:
        known = await Known().read(source, changing("outer"))
        tenant.directory.remove_member(outer.id, people[2].id)
        tenant.directory.add_member(inner.id, people[4].id)
        await known.follow(source, changing("outer"))
    assert of(known, MembersLeftPage) == [MembersLeftPage(outer.id, [people[2].id])]
    assert of(known, MembersPage) == [], "the group within is none of its direct members"


async def test_a_change_deep_inside_reads_the_outer_group_anew() -> None:
    tenant, people, inner, outer = small()
    async with local(tenant) as source:
        known = await Known().read(source, changing("outer", "plain"))
        tenant.directory.add_member(inner.id, people[4].id)
        tenant.directory.remove_member(inner.id, people[0].id)
        await known.follow(source, changing("outer", "plain"))
    [page] = of(known, MembersPage)
    assert (page.group, page.whole) == (outer.id, True)
    assert set(page.members) == {people[1].id, people[2].id, people[4].id}


async def test_a_group_that_is_nested_anew_is_watched_from_then_on() -> None:
    tenant, people, _, outer = small()
    deep = group(tenant, "deep", people[4])
    shell = group(tenant, "shell", deep)
    async with local(tenant) as source:
        known = await Known().read(source, changing("outer"))
        tenant.directory.add_member(outer.id, shell.id)
        await known.follow(source, changing("outer"))
        assert people[4].id in known.members[outer.id]
        tenant.directory.remove_member(deep.id, people[4].id)
        await known.follow(source, changing("outer"))
        assert people[4].id not in known.members[outer.id]


async def test_members_hidden_from_the_app_are_not_taken_for_nobody_in_a_round() -> None:
    tenant, people, *_ = small()
    secret = group(tenant, "secret", people[0])
    tenant.directory.update(secret.id, {"visibility": "HiddenMembership"})
    async with local(tenant) as source:
        known = await Known().read(source, changing("secret"))
        tenant.directory.remove_member(secret.id, people[0].id)
        with pytest.raises(CrosskeyError, match="hidden"):
            await known.follow(source, changing("secret"))


async def test_apps_are_told_only_where_somebody_else_is_assigned() -> None:
    tenant, people, _, outer = small()
    desk = tenant.directory.create("servicePrincipal", {"displayName": "Desk", "appId": tenant.cell.guid()})
    tenant.assignments.assign(desk.id, outer.id)
    request = changing(apps=("Desk",))
    async with local(tenant) as source:
        known = await Known().read(source, request)
        assert known.members[desk.id] == {people[2].id}
        await known.follow(source, request)
        assert of(known, MembersPage) == []
        tenant.directory.add_member(outer.id, people[3].id)
        await known.follow(source, request)
        assert known.members[desk.id] == {people[2].id, people[3].id}
        tenant.assignments.assign(desk.id, people[4].id)
        await known.follow(source, request)
        assert known.members[desk.id] == {people[2].id, people[3].id, people[4].id}
        tenant.directory.delete(desk.id)
        with pytest.raises(CursorExpiredError, match="app that mappings name was deleted"):
            await known.follow(source, request)


async def test_rounds_have_no_findings_about_all_people() -> None:
    tenant, people, *_ = small()
    async with local(tenant) as source:
        known = await Known().read(source, changing())
        tenant.directory.update(people[0].id, {"userType": "Guest"})
        await known.follow(source, changing())
    assert known.warnings == (), "one guest of one person is no tenant of guests"


# --------------------------------------------------------------------------------------------------------- places lost


@pytest.mark.parametrize(
    "form", ["gone", "gone_sync_state", "bad_request", "bad_request_resync", "not_found", "not_found_resync"]
)
@pytest.mark.parametrize("how", ["seven days", "tenant moved"])
async def test_a_lost_place_is_told_in_every_documented_form(form: str, how: str) -> None:
    tenant, *_ = small(expired_delta=form)
    async with local(tenant) as source:
        known = await Known().read(source, changing("plain"))
        if how == "seven days":
            tenant.cell.clock.advance(604_801)
        else:
            tenant.expire_deltas()
        with pytest.raises(CursorExpiredError) as caught:
            await known.follow(source, changing("plain"))
        assert "read anew" in caught.value.fix
        await known.read(source, changing("plain"))
        await known.follow(source, changing("plain"))


async def test_the_groups_place_can_be_lost_alone() -> None:
    tenant, *_ = small()
    async with local(tenant) as source:
        known = await Known().read(source, changing("plain"))
        tenant.quirks = EntraQuirks(faults=(Fault(kind="error", path="/v1.0/groups/delta", status=410),))
        with pytest.raises(CursorExpiredError):
            await known.follow(source, changing("plain"))


@pytest.mark.parametrize(("times", "works"), [(1, True), (100, False)])
async def test_a_pages_token_that_ends_starts_the_round_again(times: int, works: bool) -> None:
    tenant, people, *_ = small(delta_page=1, faults=())
    async with local(tenant) as source:
        known = await Known().read(source, changing())
        for one in people:
            tenant.directory.update(one.id, {"jobTitle": "Baker"})
        tenant.quirks = EntraQuirks(
            delta_page=1, faults=(Fault(kind="expired_page", path="/v1.0/users/delta", skip=2, times=times),)
        )
        if works:
            await known.follow(source, changing())
            assert {one.title for one in known.people.values()} == {"Baker"}
        else:
            with pytest.raises(CursorExpiredError):
                await known.follow(source, changing())


@pytest.mark.parametrize("cursor", ["", "{", "null", "[]", '{"version":1}', "\ud800"])
async def test_what_is_no_cursor_is_an_expired_one(cursor: str) -> None:
    async with opened(LocalGraph()) as source:
        with pytest.raises(CursorExpiredError, match="cannot be read"):
            await anext(source.read_changes(cursor, changing()))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": 2}, "another version"),
        ({"tenant": "00000000-0000-4000-8000-000000000000"}, "another tenant"),
        ({"mark": "0"}, "other settings"),
        ({"users": "https://graph.example.com/v1.0/users/delta?$deltatoken=x"}, "another host"),
        ({"users": "https://graph.microsoft.com.evil.example/v1.0/users/delta"}, "another host"),
        ({"streams": [{"ids": ["g"], "link": "https://graph.example.com/v1.0/groups/delta"}]}, "another host"),
    ],
)
async def test_a_cursor_that_is_not_for_this_place_gets_no_token(change: dict[str, Any], said: str) -> None:
    tenant, *_ = small()
    async with local(tenant) as source:
        known = await Known().read(source, changing("plain"))
        cursor = json.dumps({**json.loads(known.cursor), **change})
        tenant.requests.clear()
        with pytest.raises(CursorExpiredError, match=said):
            await anext(source.read_changes(cursor, changing("plain")))
    assert tenant.requests == []


@pytest.mark.parametrize(
    ("request_", "settings"),
    [
        (changing("plain", "outer"), {}),
        (replace(changing("plain"), attributes=frozenset({"officeLocation"})), {}),
        (changing("plain"), {"members": "direct"}),
        (changing("plain"), {"guests": "active"}),
        (changing("plain"), {"attributes": {"email": ["mail", "userPrincipalName"]}}),
    ],
)
async def test_a_cursor_is_for_its_own_request_and_settings(request_: Any, settings: dict[str, Any]) -> None:
    tenant, *_ = small()
    async with local(tenant) as source:
        known = await Known().read(source, changing("plain"))
    async with local(tenant, **settings) as source:
        with pytest.raises(CursorExpiredError, match="other settings"):
            await known.follow(source, request_)


async def test_a_delta_token_of_another_tenant_is_an_expired_one() -> None:
    first, *_ = small()
    second = EntraTenant(clock=FakeClock(), seed=8)
    add(second, "stranger")
    async with local(first) as source:
        known = await Known().read(source, changing())
    async with local(second) as source:
        with pytest.raises(CursorExpiredError, match="another tenant"):
            await known.follow(source, changing())
        taken = json.dumps(
            {**json.loads((await Known().read(source, changing())).cursor), "users": json.loads(known.cursor)["users"]}
        )
        with pytest.raises(CursorExpiredError, match="no longer tells"):
            await anext(source.read_changes(taken, changing()))


async def test_links_to_another_host_are_neither_kept_nor_followed() -> None:
    tenant, *_ = small(link_host="graph.example.com")
    async with local(tenant) as source:
        with pytest.raises(ContractError):
            await Known().read(source, changing())


async def test_a_round_without_a_place_for_the_next_is_refused() -> None:
    graph = LocalGraph()
    graph.user("a")
    graph.intercept = lambda request: (
        httpx.Response(200, json={"value": []})
        if "delta" in request.url.path or "deleted" in request.url.path
        else None
    )
    async with opened(graph) as source:
        with pytest.raises(ContractError, match="without saying where the next round starts"):
            await Known().read(source, changing())


async def test_throttling_and_faults_on_the_way_change_nothing() -> None:
    faults = (Fault(kind="throttled", every=3, wait=2.128), Fault(kind="error", every=5, status=503))
    results: list[Any] = []
    request = changing("All Staff", "Service Desk", apps=("Acme Service Desk",))
    for quirks in ({}, {"faults": faults}):
        tenant = a_tenant(Company.generate(people=60, groups=6), quirks=quirks)
        users = list(tenant.directory.live("user"))
        async with local(tenant) as source:
            known = await Known().read(source, request)
            for user in users[:15]:
                tenant.directory.update(user.id, {"jobTitle": "Gardener"})
            tenant.directory.delete(users[20].id)
            await known.follow(source, request)
        results.append(known.told())
    assert results[0] == results[1]


async def test_a_refused_permission_is_no_expired_place() -> None:
    tenant, *_ = small()
    async with local(tenant) as source:
        known = await Known().read(source, changing("plain"))
    tenant.applications.consent(tenant.application, {"GroupMember.Read.All"})
    async with local(tenant) as source:
        with pytest.raises(CrosskeyError, match=r"User\.Read\.All is missing"):
            await known.follow(source, changing("plain"))


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "@removed", "members@delta", "manager@delta", "jobTitle", "x"]), inner)
    ),
    max_leaves=8,
)


@given(st.lists(JUNK, max_size=3), st.sampled_from(["users", "groups"]), JUNK)
async def test_whatever_graph_answers_is_an_error_of_ours_or_no_error(told: Any, where: str, single: Any) -> None:
    graph = LocalGraph()
    graph.user("a")
    graph.group("g", ["a"])
    spoiled: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response | None:
        path = request.url.path
        if path.endswith("/delta"):
            value = told if spoiled and where in path else []
            return httpx.Response(
                200, json={"value": value, "@odata.deltaLink": f"https://graph.microsoft.com{path}?$deltatoken=x"}
            )
        if "deletedItems" in path or "directReports" in path:
            return httpx.Response(200, json=single if spoiled and "direct" in path else {"value": []})
        return httpx.Response(200, json=single) if spoiled and "x-in-batch" in request.headers else None

    graph.intercept = answer
    async with opened(graph) as source:
        known = await Known().read(source, changing("g"))
        spoiled.append("from now on")
        with contextlib.suppress(CrosskeyError):
            await known.follow(source, changing("g"))


# --------------------------------------------------------------------------------------------------- groups of a person


@pytest.mark.parametrize(("members", "names"), [("transitive", {"inner", "outer"}), ("direct", {"inner"})])
async def test_the_groups_of_one_person_cost_one_request(members: str, names: set[str]) -> None:
    tenant, people, *_ = small()
    async with local(tenant, members=members) as source:
        found = await source.groups_of(Subject(source.issuer, people[0].id))
    assert {tenant.directory.find(key).name for key in found} == names
    assert sum("token" not in seen.path for seen in tenant.requests) == 1


async def test_roles_are_no_groups_and_a_second_page_is_followed() -> None:
    who = "87d349ed-44d7-43e1-9a83-5f2406dee5bd"
    graph = LocalGraph(size=2)
    types = ["group", "directoryRole", "group", "administrativeUnit", "group"]
    graph.lists[f"/users/{who}/transitiveMemberOf"] = [
        {"@odata.type": f"#microsoft.graph.{kind}", "id": f"g{place}"} for place, kind in enumerate(types)
    ]
    async with opened(graph) as source:
        assert await source.groups_of(Subject(ISSUER, who)) == {"g0", "g2", "g4"}


async def test_groups_that_cannot_be_told_are_an_error() -> None:
    who = "87d349ed-44d7-43e1-9a83-5f2406dee5bd"
    graph = LocalGraph()
    async with opened(graph) as source:
        with pytest.raises(RejectedError, match="404"):
            await source.groups_of(Subject(ISSUER, who))
        with pytest.raises(ConfigError, match="does not belong to this tenant"):
            await source.groups_of(Subject("https://acme.okta.com", who))
        graph.intercept = lambda _: refusal(503, "serviceNotAvailable")
        with pytest.raises(RetryableError):
            await source.groups_of(Subject(ISSUER, who))


# ------------------------------------------------------------------------------------------------------ documented rounds


class Documented(httpx.AsyncBaseTransport):
    """The rounds of Microsoft's documentation in their order; what is asked beside them is made of what they tell.

    Of one round the documentation gives two answers, a quiet one and one that tells something: here they are two rounds.
    """

    def __init__(self, name: str) -> None:
        told = [step["json"] for step in recording(name) if "json" in step]  # two pages are abridged beyond reading
        place = next(number for number, answer in enumerate(told) if "@odata.deltaLink" in answer)
        self.first, self.rounds = told[: place + 1], told[place + 1 :]
        self.path = httpx.URL(self.first[0]["@odata.nextLink"]).path
        self.rows: dict[str, dict[str, Any]] = {}
        for row in (row for answer in told for row in answer["value"]):
            self.rows.setdefault(row["id"], {}).update(row)
        self.start = {row["id"]: dict(row) for answer in self.first for row in answer["value"]}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        if "oauth2" in request.url.path:
            return httpx.Response(200, json={"access_token": "t", "expires_in": 3599})
        if request.url.path == "/v1.0/$batch":
            items = json.loads(request.content)["requests"]
            answers = [self._one(httpx.URL("https://graph.microsoft.com/v1.0" + item["url"])) for item in items]
            bodies = [
                {"id": item["id"], "status": 200, "headers": {}, "body": body}
                for item, body in zip(items, answers, strict=True)
            ]
            return httpx.Response(200, json={"responses": bodies})
        return httpx.Response(200, json=self._one(request.url))

    def _one(self, url: httpx.URL) -> dict[str, Any]:
        if url.path == self.path:
            return self._told(url)
        if url.path.endswith("/delta"):
            return {"value": [], "@odata.deltaLink": f"https://graph.microsoft.com{url.path}?$deltatoken=x"}
        head, _, key = url.path.rpartition("/")
        if head == self.path.removesuffix("/delta") and key in self.rows:
            return {name: value for name, value in self.rows[key].items() if "@" not in name}
        if url.path == self.path.removesuffix("/delta"):
            plain = [{n: v for n, v in row.items() if "@" not in n} for row in self.start.values()]
            return {"value": plain}
        return {"value": [{"id": "known", "accountEnabled": True}] if url.path == "/v1.0/users" else []}

    def _told(self, url: httpx.URL) -> dict[str, Any]:
        if url.params.get("$deltatoken") == "latest":
            return {"value": [], "@odata.deltaLink": self.first[-1]["@odata.deltaLink"]}
        if "$deltatoken" in url.params:
            return self.rounds.pop(0)
        return self.first.pop(0)


async def test_the_documented_rounds_of_users() -> None:
    documented = Documented("users-delta-sequence.json")
    known = Known()
    async with opened(documented, attributes={"manager": []}) as source:
        await known.read(source, changing())
        assert len(known.people) == 6
        await known.follow(source, changing())
        assert len(known.pages) == 1, "a quiet round"
        await known.follow(source, changing())
    assert documented.rounds == []
    assert of(known, GonePage) == [GonePage(people=("8ffff70c-1c63-4860-b963-e34ec660931d",))]
    [page] = of(known, PeoplePage)
    assert [person.display_name for person in page.people] == ["Testuser7"]
    assert len(known.people) == 6


async def test_the_documented_rounds_of_groups() -> None:
    documented = Documented("groups-delta-sequence.json")  # whose quiet round ends in the very link it began with
    request = changing(*(row["displayName"] for row in documented.start.values()))
    known = Known()
    async with opened(documented, members="direct") as source:
        start = (await known.read(source, request)).cursor
        await known.follow(source, request)
        assert len(known.pages) == 1, "a quiet round"
        assert known.cursor != start
        await known.follow(source, request)
    assert documented.rounds == []
    key = "2e5807ce-58f3-4a94-9b37-ffff2e085957"
    assert of(known, MembersPage) == [MembersPage(key, ["37de1ae3-408f-4702-8636-20824abda004"])]
    assert of(known, MembersLeftPage) == [MembersLeftPage(key, ["632f6bb2-3ec8-4c1f-9073-0027a8c6859"])]
    assert known.groups[key].description == "A test group for change tracking"
