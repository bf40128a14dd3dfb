"""A full read: its requests, its guards, and how it refuses to end early."""

from __future__ import annotations

from collections import Counter

import httpx
import pytest
from okta_door import URL, Everything, an_org, group_of, local, opened, people_of, read_all, wanting

from crosskey.clock import SystemClock
from crosskey.errors import AuthError, ConfigError, ContractError, RetryableError
from crosskey.model import Subject
from crosskey.settings import Secret
from crosskey_sandbox.okta import NO_ROLE, Fault, OktaOrg, okta_app
from crosskey_sandbox.server import serving


def paths(org: OktaOrg) -> Counter[str]:
    return Counter(seen.path for seen in org.requests)


async def test_a_full_read_costs_its_pages_and_nothing_more() -> None:
    org = OktaOrg()
    people = people_of(org, 450)
    gone = people_of(org, 201, status="DEPROVISIONED", prefix="gone")
    for number in range(250):
        org.groups.create(f"Group {number}")
    group_of(org, "Big", people[:401])
    group_of(org, "Exactly a page", people[:200])
    empty = group_of(org, "Empty", [])
    app = org.apps.create("halo", "Service Desk")
    for person in people[:3]:
        org.apps.assign_user(app.id, person)
    with serving(okta_app(org)) as url:
        async with opened(None, url=url, clock=SystemClock(), token=Secret(org.api_token)) as source:
            everything = await read_all(source, wanting("Big", "Exactly a page", "Empty", apps=["Service Desk"]))
    assert paths(org) == {
        "/api/v1/users": 3 + 2,
        "/api/v1/groups": 2,
        "/api/v1/groups/{id}/users": 3 + 1 + 1,
        "/api/v1/apps": 1,
        "/api/v1/apps/{id}/users": 1,
    }
    assert set(everything.people) == {*people, *gone}
    assert everything.rows == 651, "nobody came twice"
    assert everything.members[empty] == set()
    assert everything.members[app.id] == set(people[:3])
    assert sorted(len(members) for members in everything.members.values()) == [0, 3, 200, 401]
    assert {person.subject.issuer for person in everything.people.values()} == {url}


@pytest.mark.parametrize("joined", [False, True])
async def test_both_forms_of_link_are_followed_to_the_end(joined: bool) -> None:
    org = an_org(joined_links=joined)
    people_of(org, 601)
    async with local(org) as source:
        everything = await read_all(source)
    assert len(everything.people) == 601


async def test_apps_are_asked_for_only_when_a_mapping_names_one() -> None:
    org = an_org()
    people_of(org, 1)
    async with local(org) as source:
        await read_all(source)
    assert "/api/v1/apps" not in paths(org)


async def test_people_are_asked_for_without_credentials_and_links() -> None:
    org, seen = an_org(), list[httpx.Request]()
    people_of(org, 1)
    inner = httpx.ASGITransport(app=okta_app(org))

    async def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return await inner.handle_async_request(request)

    async with opened(httpx.MockTransport(handle), token=Secret(org.api_token)) as source:
        await read_all(source)
    users = [request for request in seen if request.url.path == "/api/v1/users"]
    assert len(users) == 2
    assert all("omitCredentials,omitCredentialsLinks" in request.headers["content-type"] for request in users)


async def test_rows_that_come_twice_over_moving_pages_are_passed_on() -> None:
    org = an_org(page_overlap=3)
    people_of(org, 500)
    async with local(org) as source:
        everything = await read_all(source)
    assert len(everything.people) == 500
    assert everything.rows > 500


async def test_a_read_that_sees_nobody_is_an_error_and_never_complete() -> None:
    org = an_org()
    people_of(org, 5)
    org.access.set_rights(org.api_token, NO_ROLE)
    async with local(org) as source:
        with pytest.raises(AuthError) as caught:
            await read_all(source)
    assert "Read-Only Administrator" in caught.value.fix


async def test_an_empty_list_of_people_is_an_error_even_when_groups_are_visible() -> None:
    answers = {"/api/v1/users": [], "/api/v1/groups": [{"id": "00g1", "profile": {"name": "Everyone"}}]}
    async with opened(httpx.MockTransport(lambda r: httpx.Response(200, json=answers[r.url.path]))) as source:
        with pytest.raises(AuthError, match="no people at all") as caught:
            await read_all(source)
    assert caught.value.code == "okta-sees-nobody"
    assert "Read-Only Administrator" in caught.value.fix


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(kind="truncated", path="/api/v1/users", skip=2), ContractError),
        (Fault(kind="html", path="/api/v1/users", skip=2, status=200), ContractError),
        (Fault(kind="error", path="/api/v1/users", skip=2, status=500), RetryableError),
        (Fault(kind="truncated", path="/api/v1/groups"), ContractError),
    ],
)
async def test_a_read_never_ends_early(fault: Fault, error: type[Exception]) -> None:
    org = an_org(faults=(fault,))
    people_of(org, 450)
    async with local(org) as source:
        everything = Everything()
        with pytest.raises(error):
            await read_all(source, into=everything)
    assert everything.people or everything.groups
    assert everything.complete is None


async def test_a_burst_of_server_errors_is_survived() -> None:
    org = an_org(faults=(Fault(kind="error", path="/api/v1/", every=3, times=4, status=503),))
    people_of(org, 450)
    async with local(org) as source:
        assert len((await read_all(source)).people) == 450


async def test_a_link_to_a_foreign_host_is_not_followed_with_the_credential() -> None:
    org = an_org(canonical_host="evil.example.net")
    people_of(org, 300)
    async with local(org) as source:
        with pytest.raises(ContractError, match=r"evil\.example\.net") as caught:
            await read_all(source)
    assert 'hosts = ["…"] in [source.corp]' in caught.value.fix
    org.quirks = type(org.quirks)(canonical_host="acme-canonical.okta.com")
    async with local(org, hosts=("https://acme-canonical.okta.com/",)) as source:
        assert len((await read_all(source)).people) == 300


def flaky_pages(forget: int) -> tuple[httpx.MockTransport, list[str]]:
    """Two pages of people whose cursor is forgotten ``forget`` times."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(f"{request.url.path}?{request.url.query.decode()}")
        if request.url.path == "/api/v1/groups" or "filter" in request.url.params:
            return httpx.Response(200, json=[])
        if "after" not in request.url.params:
            link = f'<{URL}/api/v1/users?limit=200&after=x>; rel="next"'
            return httpx.Response(200, json=[{"id": "00u1", "status": "ACTIVE", "profile": {}}], headers={"link": link})
        if sum("after" in url for url in asked) <= forget:
            return httpx.Response(400, json={"errorCode": "E0000031", "errorSummary": "Invalid search criteria."})
        return httpx.Response(200, json=[{"id": "00u2", "status": "ACTIVE", "profile": {}}])

    return httpx.MockTransport(answer), asked


async def test_a_list_whose_cursor_okta_forgot_starts_again() -> None:
    transport, asked = flaky_pages(1)
    async with opened(transport) as source:
        everything = await read_all(source)
    assert set(everything.people) == {"00u1", "00u2"}
    assert asked.count("/api/v1/users?limit=200") == 2


async def test_a_cursor_that_stays_forgotten_ends_the_read() -> None:
    transport, _ = flaky_pages(9)
    async with opened(transport) as source:
        with pytest.raises(Exception, match="E0000031"):
            await read_all(source)


async def test_a_refusal_in_text_that_is_no_utf_8_is_a_refusal_all_the_same() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(403, content='{"errorSummary": "verweigert für crosskey"}'.encode("latin-1"))

    async with opened(httpx.MockTransport(answer)) as source:
        with pytest.raises(AuthError, match="answered 403"):
            await read_all(source)


async def test_large_member_pages_fall_back_when_okta_cannot_give_them() -> None:
    org = an_org(faults=(Fault(kind="error", path="/api/v1/groups/", times=5, status=500),))
    group = group_of(org, "Big", people_of(org, 450))
    async with local(org, member_page=1000) as source:
        everything = await read_all(source, wanting("Big"))
    assert len(everything.members[group]) == 450
    assert paths(org)["/api/v1/groups/{id}/users"] == 5 + 3


async def test_a_group_that_is_deleted_meanwhile_is_no_empty_group() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/v1/groups/00g1/users":
            return httpx.Response(404, json={"errorCode": "E0000007", "errorSummary": "Not found: 00g1 (UserGroup)"})
        rows = [{"id": "00g1", "status": "ACTIVE", "profile": {"name": "Staff"}}]
        return httpx.Response(200, json=rows)

    async with opened(httpx.MockTransport(answer)) as source:
        with pytest.raises(RetryableError, match="00g1 was deleted") as caught:
            await read_all(source, wanting("Staff"))
    assert caught.value.fix == "run again"


async def test_find_tells_a_person_from_nobody_and_from_a_refusal() -> None:
    org = an_org()
    [alive] = people_of(org, 1)
    [gone] = people_of(org, 1, status="DEPROVISIONED", prefix="gone")
    org.users.update_profile(alive, {"badge": 7})
    async with local(org) as source:
        person = await source.find(Subject(URL, alive))
        assert person.active is True
        assert person.extra["badge"] == 7
        assert (await source.find(Subject(URL, gone))).active is False
        org.users.delete(gone)
        assert await source.find(Subject(URL, gone)) is None
        with pytest.raises(ConfigError, match="does not belong"):
            await source.find(Subject("https://other.okta.com", alive))
        org.access.revoke_token(org.api_token)
        with pytest.raises(AuthError, match="wrong or dead"):
            await source.find(Subject(URL, gone))


@pytest.mark.parametrize("body", [{"errorCode": "E0000008", "errorSummary": "no path"}, {"message": "not here"}])
async def test_any_other_404_is_no_proof_that_somebody_is_gone(body: dict[str, str]) -> None:
    async with opened(httpx.MockTransport(lambda _: httpx.Response(404, json=body))) as source:
        with pytest.raises(Exception, match="404"):
            await source.find(Subject(URL, "00u1"))


@pytest.mark.parametrize("profile", [None, [], {"login": 7}, {"email": {"odd": 1}}])
async def test_a_profile_of_another_shape_is_a_broken_contract_wherever_it_comes(profile: object) -> None:
    row = {"id": "00u1", "status": "ACTIVE", "profile": profile}

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=row if request.url.path.endswith("/00u1") else [row])

    async with opened(httpx.MockTransport(answer)) as source:
        with pytest.raises(ContractError):
            await source.find(Subject(URL, "00u1"))
        with pytest.raises(ContractError):
            await read_all(source)
