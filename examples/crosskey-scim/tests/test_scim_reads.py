"""Reading users: everybody, once, whatever happens meanwhile; and single ones by id, marker or what they hold."""

from __future__ import annotations

import httpx
import pytest
from crosskey import AccountsComplete, AccountsRequest, ContractError, Lookup, RetryableError
from scim_service import Service, change

EVERYBODY = AccountsRequest(kinds=frozenset({"user"}), references={"user": frozenset({"member_of"})})


async def read(service, request=EVERYBODY, **settings):
    accounts, ends = {}, []
    async with service.opened(**settings) as target:
        async for page in target.read(request):
            if isinstance(page, AccountsComplete):
                ends.append(page)
            else:
                assert not ends
                accounts |= {account.key: account for account in page.accounts}
    (end,) = ends
    return accounts, end


async def test_users_come_with_fields_and_groups(service):
    key = service.add_user(
        "ada",
        externalId="ck-1",
        active=False,
        name={"givenName": "Ada", "familyName": "King"},
        emails=[{"type": "home", "value": "ada@home.example"}, {"type": "work", "value": "ada@acme.example"}],
        phoneNumbers=[{"type": "mobile", "value": "tel:+44-1"}],
        addresses=[{"type": "work", "locality": "London"}],
    )
    desk = service.add_group("Desk", key)
    accounts, end = await read(service)
    ada = accounts[key]
    assert (ada.marker, ada.active, ada.label, end.counts) == ("ck-1", False, "ada", {"user": 1})
    told = {name: value for name, value in ada.fields.items() if value}
    assert told == {
        "user_name": "ada",
        "given_name": "Ada",
        "family_name": "King",
        "email": "ada@acme.example",
        "mobile_phone": "tel:+44-1",
        "locality": "London",
    }
    assert ada.references == {"member_of": (desk,)}
    assert ada.created_at is not None


async def test_groups_are_read_only_for_mappings_that_give_any(service):
    service.add_user("ada")
    accounts, _ = await read(service, AccountsRequest(kinds=frozenset({"user"})))
    assert [account.references for account in accounts.values()] == [{}]
    assert "GET /Groups" not in service.log


@pytest.mark.parametrize("count", [0, 1, 4, 5, 6, 13])
async def test_every_page_is_read(service, count):
    made = {service.add_user(f"user-{number}") for number in range(count)}
    accounts, end = await read(service, page_size=5)
    assert accounts.keys() == made
    assert end.counts == {"user": count}


async def test_a_service_may_give_less_than_was_asked_for(service):
    service.config.filter.max_results = 3
    for number in range(8):
        service.add_user(f"user-{number}")
    accounts, _ = await read(service, page_size=100)
    assert len(accounts) == 8


async def test_whoever_is_deleted_between_two_pages_hides_nobody(service):
    keys = [service.add_user(f"user-{number}") for number in range(9)]
    first = min(keys)

    def once(request: httpx.Request) -> None:
        if request.url.path == "/v2/Users" and request.url.params["startIndex"] == "3" and first in keys:
            service.drop(first)
            keys.remove(first)

    service.before = once
    accounts, _ = await read(service, page_size=3)
    assert accounts.keys() >= set(keys)


async def test_a_list_that_never_holds_still_is_no_list(service):
    for number in range(9):
        service.add_user(f"user-{number}")
    count = 0

    def busy(_: httpx.Request) -> None:
        nonlocal count
        count += 1
        service.add_user(f"newcomer-{count}")

    service.before = busy
    with pytest.raises(RetryableError, match="changes while it is read"):
        await read(service, page_size=3)


async def test_a_list_that_ends_before_its_total_is_refused(service):
    service.spoil = lambda request, _: (
        httpx.Response(200, json={"totalResults": 5, "Resources": []}) if request.url.path == "/v2/Users" else None
    )
    with pytest.raises(ContractError, match="promises 5 resources and shows 0"):
        await read(service)


async def test_a_list_that_begins_again_and_again_has_an_end(service):
    for number in range(9):
        service.add_user(f"user-{number}")

    def first_page(request: httpx.Request, answer: httpx.Response) -> httpx.Response | None:
        if request.url.path != "/v2/Users":
            return None
        return httpx.Response(200, json={**answer.json(), "Resources": pages[0]})

    pages = [(await _rows(service))[:3]]
    service.spoil = first_page
    with pytest.raises(RetryableError):
        await read(service, page_size=3)


async def _rows(service):
    rows = [one for one in service.storage.resources if one.meta.resource_type == "User"]
    return sorted((one.model_dump() for one in rows), key=lambda row: row["id"])


async def test_a_user_without_an_id_is_refused(service):
    service.spoil = lambda request, _: (
        httpx.Response(200, json={"totalResults": 1, "Resources": [{"userName": "ada"}]})
        if request.url.path == "/v2/Users"
        else None
    )
    with pytest.raises(ContractError, match="without an id"):
        await read(service)


# ------------------------------------------------------------------------------------------------------------- look-ups


@pytest.mark.parametrize("can_filter", [True, False])
async def test_single_users_are_found_by_id_marker_and_value(can_filter):
    service = Service(filter=can_filter)
    ada = service.add_user("ada", externalId="ck-1", active=False)
    joerg = service.add_user("joerg", emails=[{"type": "work", "value": "Joerg@acme.example"}])
    ute = service.add_user('ute "the boss" \\o/')
    service.add_user("nobody")
    desk = service.add_group("Desk", ute)
    lookup = Lookup(
        kind="user",
        keys=(ute, "gone"),
        markers=("ck-1", "ck-2"),
        values={"email": ("joerg@acme.example",), "user_name": ('ute "the boss" \\o/',)},
        references=frozenset({"member_of"}),
    )
    async with service.opened() as target:
        found = {account.key: account for account in await target.look_up(lookup)}
    assert found.keys() >= {ada, joerg, ute}
    assert found[ute].references == {"member_of": (desk,)}
    assert found[ada].active is False
    if can_filter:
        assert len(found) == 3
        assert service.log.count("GET /Users") == 1


async def test_a_service_that_refuses_a_filter_is_read_whole(service):
    ada = service.add_user("ada", externalId="ck-1")
    service.spoil = lambda request, _: httpx.Response(400) if "filter" in request.url.params else None
    async with service.opened() as target:
        assert ada in [account.key for account in await target.look_up(Lookup(kind="user", markers=("ck-1",)))]
        assert (await target.find(change("create", 1))).key == ada


async def test_a_created_user_is_found_by_its_marker_alone(service):
    key = service.add_user("ada", externalId="ck-1")
    async with service.opened() as target:
        assert (await target.find(change("create", 1))).key == key
        assert await target.find(change("create", 2, fields={"user_name": (None, "ada")})) is None
        assert (await target.find(change("update", 1, key))).key == key
        assert await target.find(change("update", 1, "gone")) is None


async def test_two_users_with_one_marker_are_told(service):
    service.add_user("ada", externalId="ck-1")
    service.add_user("ada-2", externalId="ck-1")
    async with service.opened() as target:
        with pytest.raises(ContractError, match="2 users bear the same external id"):
            await target.find(change("create", 1))


async def test_the_catalogue_names_groups_without_asking_for_members(service):
    desk = service.add_group("Desk", service.add_user("ada"))
    async with service.opened() as target:
        assert (await target.catalogue()).resolve("group", "desk") == desk
