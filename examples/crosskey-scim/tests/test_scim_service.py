"""What the tests run against is a SCIM service, and what a service says of itself is believed."""

from __future__ import annotations

import httpx
import pytest
from crosskey import AuthError, RetryableError
from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_tester import Status, check_server
from scim_service import Clock, Service, change


@pytest.mark.parametrize("can", [{}, {"patch": False}])
def test_the_service_of_these_tests_is_one(can):
    client = WSGISCIMClient(Service(**can).wsgi, base_url="http://localhost/v2")
    results = check_server(client)
    assert [str(result) for result in results if result.status in (Status.ERROR, Status.CRITICAL)] == []
    assert len([result for result in results if result.status is Status.SUCCESS]) > 40


async def test_what_a_service_says_of_itself_is_asked_once_and_for_the_schema_never(service):
    async with service.opened(attributes=("urn:acme:2.0:User:badge",)) as target:
        (kind,) = (await target.schema()).kinds
        assert service.log == []
        await target.catalogue()
        await target.catalogue()
    assert service.log[:3] == ["GET /ServiceProviderConfig", "GET /ResourceTypes", "GET /Schemas"]
    assert service.log[3:] == ["GET /Groups", "GET /Groups"]
    names = {field.name for field in kind.fields}
    assert {"user_name", "email", "mobile_phone", "street_address", "department", "urn:acme:2.0:User:badge"} <= names
    assert [field.name for field in kind.fields if field.required] == ["user_name"]


async def test_a_check_names_the_fields_that_a_service_does_not_have_or_lets_nobody_write(service):
    def poorer(request: httpx.Request, answer: httpx.Response) -> httpx.Response | None:
        if request.url.path != "/v2/Schemas":
            return None
        schemas = answer.json()
        for schema in schemas["Resources"]:
            kept = [one for one in schema["attributes"] if one["name"] not in ("nickName", "addresses")]
            for attribute in kept:
                attribute["mutability"] = "readOnly" if attribute["name"] == "title" else attribute["mutability"]
            schema["attributes"] = kept
        return httpx.Response(200, json=schemas)

    service.spoil = poorer
    async with service.opened(attributes=("urn:acme:2.0:User:badge",)) as target:
        (finding,) = [one for one in await target.check() if one.code == "scim-fields"]
    missing = "nick_name, title, street_address, locality, region, postal_code, country, urn:acme:2.0:User:badge"
    assert finding.summary == f"users of this service have no {missing}, or nobody may write it"


async def test_attributes_of_an_extension_are_written_and_read_under_their_full_names(service):
    department = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"
    async with service.opened(attributes=(department,)) as target:
        fields = {"user_name": (None, "ada"), department: (None, "Desk")}
        (outcome,) = await target.apply([change("create", 1, fields=fields)])
        account = await target.find(change("create", 1))
    assert (outcome.result, outcome.message, account.fields[department]) == ("applied", "", "Desk")


@pytest.mark.parametrize("status", [403, 404, 405])
async def test_of_a_service_that_says_nothing_the_standard_is_assumed(service, status):
    hidden = ("/v2/ServiceProviderConfig", "/v2/ResourceTypes", "/v2/Schemas")
    service.spoil = lambda request, _: httpx.Response(status) if request.url.path in hidden else None
    async with service.opened() as target:
        found = await target.check()
    assert [(one.severity, one.code) for one in found] == [
        ("ok", "scim-users"),
        ("ok", "scim-writes"),
        ("warning", "scim-silent"),
        ("ok", "scim-groups"),
    ]
    assert found[1].summary == "users are changed by PUT"


async def test_a_check_says_what_is_there_and_how_it_is_written(service):
    service.add_user("ada")
    async with service.opened() as target:
        found = await target.check()
    assert [one.summary for one in found] == ["1 users", "users are changed by PATCH, guarded by ETags", "0 groups"]


async def test_a_check_tells_what_cannot_be_filtered():
    async with Service(filter=False).opened() as target:
        assert "scim-no-filter" in [one.code for one in await target.check()]


@pytest.mark.parametrize(("status", "code"), [(401, "credential-refused"), (500, "server-error")])
async def test_a_check_never_raises_for_what_it_can_name(service, status, code):
    service.spoil = lambda *_: httpx.Response(status)
    async with service.opened() as target:
        assert [one.code for one in await target.check()] == [code]
        with pytest.raises(AuthError if status == 401 else RetryableError):
            await target.catalogue()


async def test_a_request_that_came_too_soon_is_repeated_when_the_service_says_so(service):
    refused = [httpx.Response(429, headers={"Retry-After": "7"})]
    service.instead = lambda request: refused.pop() if refused and request.url.path == "/v2/Groups" else None
    clock = Clock()
    async with service.opened(clock) as target:
        assert (await target.catalogue()).entries == ()
    assert service.log.count("GET /Groups") == 2
    assert 7 <= clock.elapsed < 60


async def test_a_budget_spreads_requests_over_minutes(service):
    clock = Clock()
    async with service.opened(clock, requests_per_minute=4) as target:
        for _ in range(6):
            await target.catalogue()
    assert len(service.log) == 9
    assert clock.elapsed >= 60
