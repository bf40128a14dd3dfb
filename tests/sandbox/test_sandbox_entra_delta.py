"""The local Graph's delta queries: first rounds, later rounds, removals, and tokens that end."""

from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox_entra_client import (
    BASE,
    EVERYTHING,
    Mirror,
    add,
    bearer,
    client,
    code,
    group,
    new_tenant,
    rows,
    walk,
)

from crosskey_sandbox.entra import EntraTenant
from fake_clock import FakeClock

USERS = "/v1.0/users/delta?$select=displayName,mail,accountEnabled,jobTitle"
GROUPS = "/v1.0/groups/delta?$select=displayName,members"


def key(tenant, name):
    return tenant.directory.find(f"{name}@acme.example").id


# ---------------------------------------------------------------------------------------------------------- first round


async def test_the_first_round_tells_everything_with_an_empty_page_before_and_after():
    tenant = new_tenant(people=250)
    async with client(tenant) as http:
        pages = await walk(http, USERS)
    assert [len(page["value"]) for page in pages] == [0, 200, 50, 0]
    assert [sorted(page)[1:] for page in pages] == [["@odata.nextLink", "value"]] * 3 + [["@odata.deltaLink", "value"]]
    assert pages[0]["@odata.context"] == f"{BASE}/v1.0/$metadata#users(displayName,mail,accountEnabled,jobTitle)"
    assert pages[1]["@odata.context"] == f"{BASE}/v1.0/$metadata#users"
    assert len({row["id"] for row in rows(pages)}) == 250
    assert len(pages[0]["@odata.nextLink"]) > 2000
    assert "$select" not in pages[0]["@odata.nextLink"]


@pytest.mark.parametrize("empty", [0, 1, 5])
async def test_as_many_empty_pages_as_the_service_likes(empty):
    tenant = new_tenant(people=2, first_round_empty_pages=empty, later_empty_pages=3)
    mirror = Mirror()
    async with client(tenant) as http:
        pages = await mirror.follow(http, USERS)
        assert [len(page["value"]) for page in pages].count(0) == empty
        assert mirror.pages == empty + 1
        await mirror.follow(http)
    assert mirror.pages == 4


async def test_what_was_never_set_is_left_out_and_the_id_always_comes():
    tenant = new_tenant()
    user = add(tenant, "ann", mail=None, businessPhones=[])
    async with client(tenant) as http:
        found = rows(await walk(http, "/v1.0/users/delta?$select=displayName,mail,businessPhones"))
        default = rows(await walk(http, "/v1.0/users/delta"))
        answer = await http.get("/v1.0/users/delta")
    assert found == [{"displayName": "ann", "id": user.id}]
    assert default == [{"displayName": "ann", "userPrincipalName": "ann@acme.example", "id": user.id}]
    assert answer.headers["preference-applied"] == "odata.track-changes"


async def test_who_is_in_the_bin_or_gone_is_told_in_the_first_round_already():
    tenant = new_tenant(people=3)
    binned, gone = tenant.directory.delete("p0000@acme.example"), tenant.directory.delete("p0001@acme.example")
    tenant.directory.purge(gone.id)
    async with client(tenant) as http:
        found = {row["id"]: row for row in rows(await walk(http, USERS))}
        tenant.quirks = type(tenant.quirks)(removed_in_first_round=False)
        assert len(rows(await walk(http, USERS))) == 1
    assert found[binned.id] == {"id": binned.id, "@removed": {"reason": "changed"}}
    assert found[gone.id] == {"id": gone.id, "@removed": {"reason": "deleted"}}


async def test_groups_tell_their_members_by_type_and_deleted_ones_as_removed():
    tenant = new_tenant(people=2)
    inner = group(tenant, "inner")
    outer = group(tenant, "outer", *tenant.directory.live("user"), inner)
    tenant.directory.delete("p0001@acme.example")
    async with client(tenant) as http:
        found = {row["id"]: row for row in rows(await walk(http, "/v1.0/groups/delta"))}
        without = rows(await walk(http, "/v1.0/groups/delta?$select=displayName"))
    assert "members@delta" not in found[inner.id]
    assert [(row["@odata.type"], row.get("@removed")) for row in found[outer.id]["members@delta"]] == [
        ("#microsoft.graph.user", None),
        ("#microsoft.graph.user", {"reason": "deleted"}),
        ("#microsoft.graph.group", None),
    ]
    assert not any("members@delta" in row for row in without)


async def test_a_large_group_is_spread_over_pages():
    tenant = new_tenant(people=25, delta_members=10, first_round_empty_pages=0)
    large = group(tenant, "large", *tenant.directory.live("user"))
    group(tenant, "small", tenant.directory.find("p0000@acme.example"))
    async with client(tenant) as http:
        pages = await walk(http, GROUPS)
    slices = [row for row in rows(pages) if row["id"] == large.id]
    assert [len(row["members@delta"]) for row in slices] == [10, 10, 5]
    assert {row["displayName"] for row in slices} == {"large"}
    assert len({member["id"] for row in slices for member in row["members@delta"]}) == 25
    assert [len(page["value"]) for page in pages] == [1, 1, 2]


async def test_only_the_ids_of_a_filter():
    tenant = new_tenant(people=3)
    mirror = Mirror()
    wanted = [key(tenant, "p0000"), key(tenant, "p0002")]
    text = " or ".join(f"id eq '{one}'" for one in wanted)
    async with client(tenant) as http:
        await mirror.follow(http, f"{USERS}&$filter={text}")
        assert set(mirror.objects) == set(wanted)
        for one in ("p0001", "p0002"):
            tenant.directory.update(f"{one}@acme.example", {"jobTitle": "Head"})
        assert [row["id"] for row in rows(await mirror.follow(http))] == [wanted[1]]
        for bad in ("department eq 'IT'", " or ".join(["id eq 'x'"] * 51)):
            assert code(await http.get(f"{USERS}&$filter={bad}")) == (400, "Request_UnsupportedQuery")


@pytest.mark.parametrize("option", ["$top=10", "$orderby=displayName", "$expand=manager", "$search=x"])
async def test_options_that_delta_does_not_take(option):
    async with client(new_tenant()) as http:
        assert code(await http.get(f"{USERS}&{option}")) == (400, "Request_UnsupportedQuery")


async def test_properties_kept_elsewhere_cannot_be_tracked():
    async with client(new_tenant()) as http:
        assert code(await http.get("/v1.0/users/delta?$select=skills")) == (501, "NotImplemented")
        assert code(await http.get("/v1.0/users/delta?$select=nickName")) == (400, "BadRequest")


async def test_from_now_on_gives_only_a_delta_link():
    tenant = new_tenant(people=3)
    mirror = Mirror()
    async with client(tenant) as http:
        assert rows(await mirror.follow(http, f"{USERS}&$deltaToken=latest")) == []
        assert mirror.pages == 1
        tenant.directory.update("p0001@acme.example", {"jobTitle": "Head"})
        assert [row["jobTitle"] for row in rows(await mirror.follow(http))] == ["Head"]


# --------------------------------------------------------------------------------------------------------- later rounds


async def test_a_quiet_round_is_one_empty_page():
    tenant = new_tenant(people=300)
    mirror = Mirror()
    async with client(tenant) as http:
        await mirror.follow(http, USERS)
        assert rows(await mirror.follow(http)) == []
    assert mirror.pages == 1


async def test_only_tracked_properties_surface_and_a_cleared_one_is_null():
    tenant = new_tenant(people=2)
    mirror = Mirror()
    async with client(tenant) as http:
        await mirror.follow(http, USERS)
        tenant.directory.update("p0000@acme.example", {"department": "IT"})
        tenant.directory.update("p0000@acme.example", {"mail": "p0000@acme.example"})  # what it was
        assert rows(await mirror.follow(http)) == []
        tenant.directory.update("p0001@acme.example", {"mail": None, "accountEnabled": False})
        (row,) = rows(await mirror.follow(http))
    assert row == {"id": key(tenant, "p0001"), "displayName": "p0001", "mail": None, "accountEnabled": False}


async def test_minimal_answers_hold_only_what_changed():
    tenant = new_tenant(people=1)
    mirror = Mirror()
    async with client(tenant) as http:
        await mirror.follow(http, USERS)
        tenant.directory.update("p0000@acme.example", {"jobTitle": "Head"})
        fresh = add(tenant, "fresh")
        http.headers["prefer"] = "return=minimal"
        changed, created = rows(await mirror.follow(http))
    assert changed == {"jobTitle": "Head", "id": key(tenant, "p0000")}
    assert created == {"displayName": "fresh", "mail": fresh.values["mail"], "accountEnabled": True, "id": fresh.id}


async def test_a_leaver_goes_comes_back_and_is_gone():
    tenant = new_tenant(people=1)
    mirror = Mirror()
    who = key(tenant, "p0000")
    async with client(tenant, *EVERYTHING) as http:
        await mirror.follow(http, USERS)
        tenant.directory.delete(who)
        assert rows(await mirror.follow(http)) == [{"id": who, "@removed": {"reason": "changed"}}]
        tenant.directory.restore(who)
        assert rows(await mirror.follow(http))[0]["displayName"] == "p0000"
        tenant.directory.delete(who)
        tenant.directory.purge(who)
        assert rows(await mirror.follow(http)) == [{"id": who, "@removed": {"reason": "deleted"}}]


async def test_members_who_join_leave_and_are_deleted():
    tenant = new_tenant(people=3)
    team = group(tenant, "team", tenant.directory.find("p0000@acme.example"))
    mirror = Mirror()
    ids = [key(tenant, f"p000{number}") for number in range(3)]
    async with client(tenant) as http:
        await mirror.follow(http, GROUPS)
        tenant.directory.add_member(team.id, ids[1])
        tenant.directory.add_member(team.id, ids[2])
        tenant.directory.remove_member(team.id, ids[0])
        (row,) = rows(await mirror.follow(http))
        assert {(m["id"], m.get("@removed", {}).get("reason")) for m in row["members@delta"]} == {
            (ids[0], "deleted"),
            (ids[1], None),
            (ids[2], None),
        }
        tenant.directory.delete(ids[2])
        await mirror.follow(http)
        assert mirror.members[team.id] == {ids[1]}
        tenant.directory.restore(ids[2])
        await mirror.follow(http)
        assert mirror.members[team.id] == {ids[1], ids[2]}


async def test_a_group_that_comes_back_tells_all_its_members():
    tenant = new_tenant(people=2)
    team = group(tenant, "team", *tenant.directory.live("user"))
    mirror = Mirror()
    async with client(tenant) as http:
        await mirror.follow(http, GROUPS)
        tenant.directory.delete(team.id)
        assert rows(await mirror.follow(http)) == [{"id": team.id, "@removed": {"reason": "changed"}}]
        tenant.directory.restore(team.id)
        await mirror.follow(http)
    assert mirror.members[team.id] == {key(tenant, "p0000"), key(tenant, "p0001")}


async def test_a_group_may_be_silent_about_members_that_were_deleted():
    tenant = new_tenant(people=1, deleted_members_in_delta=False)
    group(tenant, "team", tenant.directory.find("p0000@acme.example"))
    mirror = Mirror()
    async with client(tenant) as http:
        await mirror.follow(http, GROUPS)
        tenant.directory.delete("p0000@acme.example")
        assert rows(await mirror.follow(http)) == []


async def test_membership_does_not_surface_when_it_is_not_selected():
    tenant = new_tenant(people=1)
    team = group(tenant, "team")
    mirror = Mirror()
    async with client(tenant) as http:
        await mirror.follow(http, "/v1.0/groups/delta?$select=displayName")
        tenant.directory.add_member(team.id, "p0000@acme.example")
        assert rows(await mirror.follow(http)) == []


async def test_a_nested_groups_change_is_its_own_and_not_its_parents():
    tenant = new_tenant(people=1)
    inner = group(tenant, "inner")
    group(tenant, "outer", inner)
    mirror = Mirror()
    async with client(tenant) as http:
        await mirror.follow(http, GROUPS)
        tenant.directory.add_member(inner.id, "p0000@acme.example")
        assert [row["id"] for row in rows(await mirror.follow(http))] == [inner.id]


async def test_managers_surface_only_when_selected():
    tenant = new_tenant(people=3)
    first, second = key(tenant, "p0000"), key(tenant, "p0001")
    plain, mirror = Mirror(), Mirror()
    async with client(tenant) as http:
        await plain.follow(http, USERS)
        await mirror.follow(http, "/v1.0/users/delta?$select=displayName,manager")
        for boss, told in (
            (first, [{"@odata.type": "#microsoft.graph.user", "id": first}]),
            (second, [{"@odata.type": "#microsoft.graph.user", "id": second}]),
            ("", [{"@odata.type": "#microsoft.graph.user", "id": second, "@removed": {"reason": "deleted"}}]),
        ):
            tenant.directory.set_manager("p0002@acme.example", boss)
            (row,) = rows(await mirror.follow(http))
            assert row["manager@delta"] == told
        assert rows(await plain.follow(http)) == []


async def test_a_round_tells_the_moment_it_began_and_the_next_one_goes_on_from_there():
    tenant = new_tenant(people=3, delta_page=1, first_round_empty_pages=0)
    mirror = Mirror()
    async with client(tenant) as http:
        first = (await http.get(USERS)).json()
        tenant.directory.update("p0002@acme.example", {"jobTitle": "Head"})
        add(tenant, "fresh")
        rest = await mirror.follow(http, first["@odata.nextLink"])
        assert [row.get("jobTitle") for row in rows(rest)] == [None, None]
        assert [row["displayName"] for row in rows(await mirror.follow(http))] == ["p0002", "fresh"]


async def test_rows_can_come_again_on_the_next_page_and_in_the_next_round():
    tenant = new_tenant(people=5, delta_page=2, delta_overlap=1, delta_replay=2, first_round_empty_pages=0)
    mirror = Mirror()
    async with client(tenant) as http:
        pages = await mirror.follow(http, USERS)
        assert [len(page["value"]) for page in pages] == [2, 2, 2, 2]
        assert len(mirror.objects) == 5
        for number in range(3):
            tenant.directory.update(f"p000{number}@acme.example", {"jobTitle": "Head"})
        await mirror.follow(http)
        again = rows(await mirror.follow(http))
    assert [row["displayName"] for row in again] == ["p0001", "p0002"]


async def test_a_late_read_does_not_lose_what_it_did_not_see():
    tenant = new_tenant(people=1, replication_lag=5.0)
    mirror = Mirror()
    async with client(tenant) as http:
        await mirror.follow(http, USERS)
        tenant.directory.update("p0000@acme.example", {"jobTitle": "Head"})
        assert rows(await mirror.follow(http)) == []
        tenant.cell.clock.advance(5)
        assert [row["jobTitle"] for row in rows(await mirror.follow(http))] == ["Head"]


async def test_many_changes_come_in_pages():
    tenant = new_tenant(people=450)
    mirror = Mirror()
    async with client(tenant) as http:
        await mirror.follow(http, USERS)
        for user in list(tenant.directory.live("user")):
            tenant.directory.update(user.id, {"jobTitle": "Head"})
        pages = await mirror.follow(http)
    assert [len(page["value"]) for page in pages] == [200, 200, 50]
    assert {one["jobTitle"] for one in mirror.objects.values()} == {"Head"}


# --------------------------------------------------------------------------------------------------------------- tokens


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("gone", (410, "resyncRequired")),
        ("gone_sync_state", (410, "syncStateNotFound")),
        ("bad_request", (400, "syncStateNotFound")),
        ("bad_request_resync", (400, "resyncRequired")),
        ("not_found", (404, "syncStateNotFound")),
        ("not_found_resync", (404, "resyncRequired")),
    ],
)
async def test_a_delta_link_ends_after_seven_days_in_any_of_the_documented_ways(form, expected):
    tenant = new_tenant(people=1, expired_delta=form, token_life=10_000_000)
    mirror = Mirror()
    async with client(tenant) as http:
        await mirror.follow(http, USERS)
        tenant.cell.clock.advance(7 * 86_400)
        good = await http.get(mirror.link)
        assert good.status_code == 200
        tenant.cell.clock.advance(1)
        late = await http.get(mirror.link)
        assert code(late) == expected
        assert ("location" in late.headers) == (expected[0] == 410)
        if "location" in late.headers:
            assert late.headers["location"] == f"{BASE}/v1.0/users/delta?$deltatoken="
            assert len(rows(await walk(http, late.headers["location"]))) == 1
        assert (await http.get(good.json()["@odata.deltaLink"])).status_code == 200


async def test_all_delta_links_can_end_at_once_even_in_the_middle_of_a_round():
    tenant = new_tenant(people=300)
    mirror = Mirror()
    async with client(tenant) as http:
        await mirror.follow(http, USERS)
        middle = (await http.get(USERS)).json()["@odata.nextLink"]
        tenant.expire_deltas()
        for link in (mirror.link, middle):
            assert code(await http.get(link)) == (410, "resyncRequired")
        await mirror.follow(http, USERS)
        assert rows(await mirror.follow(http)) == []


async def test_a_delta_link_of_another_tenant_or_collection_or_an_altered_one():
    tenant = new_tenant(people=1)
    other = EntraTenant(seed=8, clock=FakeClock())
    mirror = Mirror()
    async with client(tenant) as http, client(other) as stranger:
        await mirror.follow(http, USERS)
        assert code(await stranger.get(mirror.link)) == (410, "resyncRequired")
        for link in (mirror.link.replace("/users/", "/groups/"), mirror.link[:-4], mirror.link + "AAAA"):
            assert code(await http.get(link)) == (400, "Request_BadRequest")
        assert code(await http.get(f"{mirror.link}&$select=mail")) == (400, "Request_UnsupportedQuery")


# ------------------------------------------------------------------------------------------------------------- property

STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["join", "edit", "clear", "delete", "restore", "purge", "add", "drop", "disband", "read", "wait"]
        ),
        st.integers(0, 4),
        st.integers(0, 2),
    ),
    max_size=40,
)


def act(tenant, what, user, team, fresh):
    """One change; one that makes no sense at the moment does nothing."""
    directory = tenant.directory
    users, groups = list(directory.live("user")), list(directory.live("group"))
    some = users[user % len(users)].id if users else ""
    one = groups[team % len(groups)].id if groups else ""
    binned = [*directory.deleted("user"), *directory.deleted("group")]
    if what == "join":
        add(tenant, f"fresh{next(fresh)}")
    elif what in {"edit", "clear"} and some:
        directory.update(some, {"jobTitle": f"title {user}" if what == "edit" else None})
    elif what == "delete" and some:
        directory.delete(some)
    elif what == "disband" and one:
        directory.delete(one)
    elif what == "restore" and binned:
        directory.restore(binned[user % len(binned)].id)
    elif what == "purge" and binned:
        directory.purge(binned[user % len(binned)].id)
    elif what == "add" and some and one:
        directory.add_member(one, some)
    elif what == "drop" and some and one:
        directory.remove_member(one, some)
    elif what == "wait":
        tenant.cell.clock.advance(2)


@settings(max_examples=60)
@given(STEPS, st.booleans())
async def test_following_any_history_ends_in_what_the_lists_tell(steps, late):
    """Whatever happened in between, however the pages were cut, and whichever reads were behind."""
    tenant = new_tenant(
        people=4,
        delta_page=2,
        delta_members=2,
        delta_overlap=1,
        delta_replay=1,
        replication_lag=3.0 * late,
        lagging_reads=2,
    )
    people, first = list(tenant.directory.live("user")), group(tenant, "one")
    group(tenant, "two", people[0], people[1], first)
    group(tenant, "three", *people)
    users, groups, fresh = Mirror(), Mirror(), count(1)
    async with client(tenant) as http:
        await users.follow(http, USERS)
        await groups.follow(http, GROUPS)
        for what, user, team in steps:
            act(tenant, what, user, team, fresh)
            if what == "read":
                await users.follow(http)
                await groups.follow(http)
        tenant.cell.clock.advance(10)
        http.headers["authorization"] = f"Bearer {bearer(tenant)}"
        await users.follow(http)
        await groups.follow(http)
        assert set(users.objects) == {row["id"] for row in rows(await walk(http, "/v1.0/users"))}
        for row in rows(await walk(http, "/v1.0/users?$select=id,displayName,jobTitle")):
            assert users.objects[row["id"]].get("jobTitle") == row["jobTitle"]
        held = {}
        for row in rows(await walk(http, "/v1.0/groups?$select=id")):
            held[row["id"]] = {m["id"] for m in rows(await walk(http, f"/v1.0/groups/{row['id']}/members?$select=id"))}
    assert {key_: groups.members[key_] for key_ in groups.objects} == held
