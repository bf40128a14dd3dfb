"""Users as people: where attributes come from, who is active, what is said about oddities."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from entra_door import ISSUER, TENANT, LocalGraph, opened, read_all, refusal, wanting

from crosskey.errors import ConfigError, ContractError, RejectedError
from crosskey.model import Person, Subject

FULL = {
    "userPrincipalName": "ada@example.com",
    "displayName": "Ada Example",
    "givenName": "Ada",
    "surname": "Example",
    "mail": "ada.example@example.com",
    "jobTitle": "Engineer",
    "department": "R&D",
    "companyName": "Acme",
    "employeeOrgData": {"division": "North", "costCenter": "4711"},
    "employeeId": "E-1",
    "employeeType": "employee",
    "manager": {"@odata.type": "#microsoft.graph.user", "id": "m1", "userPrincipalName": "grace@example.com"},
    "businessPhones": ["+44 20 5550100"],
    "mobilePhone": "+44 7700 900100",
    "streetAddress": "1 Example Street",
    "city": "London",
    "state": "England",
    "postalCode": "N1 1AA",
    "country": "GB",
    "preferredLanguage": "en-GB",
}


ADA = "23fc542b-e0e2-4086-b182-47a78d691f0b"
GONE = "00000000-0000-4000-8000-000000000000"


async def one(extra: Any = (), *, attributes: dict[str, Any] | None = None, **properties: Any) -> Person:
    graph = LocalGraph()
    graph.user("ada", **properties)
    async with opened(graph, attributes=attributes or {}) as source:
        [person] = (await read_all(source, wanting(attributes=extra))).people.values()
    return person


async def test_every_neutral_attribute_has_its_property() -> None:
    assert await one(**FULL) == Person(
        subject=Subject(f"https://login.microsoftonline.com/{TENANT}/v2.0", "ada"),
        active=True,
        status="enabled",
        user_name="ada@example.com",
        display_name="Ada Example",
        given_name="Ada",
        family_name="Example",
        email="ada.example@example.com",
        title="Engineer",
        department="R&D",
        organization="Acme",
        division="North",
        cost_center="4711",
        employee_number="E-1",
        user_type="employee",
        manager="grace@example.com",
        work_phone="+44 20 5550100",
        mobile_phone="+44 7700 900100",
        street_address="1 Example Street",
        locality="London",
        region="England",
        postal_code="N1 1AA",
        country="GB",
        locale="en-GB",
    )


async def test_null_empty_and_absent_are_alike() -> None:
    nothing = {name: None for name in FULL if name not in ("userPrincipalName", "displayName", "mail")}
    empty = {
        name: [] if name == "businessPhones" else {} if name in ("employeeOrgData", "manager") else ""
        for name in nothing
    }
    assert await one(**nothing) == await one(**empty) == await one()


@pytest.mark.parametrize(
    ("enabled", "kind", "active", "status"),
    [
        (True, "Member", True, "enabled"),
        (False, "Member", False, "disabled"),
        (True, None, True, "enabled"),
        (None, "Member", None, "unknown"),
        (True, "Guest", None, "guest, enabled"),
        (False, "Guest", False, "guest, disabled"),
    ],
)
async def test_who_is_active(enabled: bool | None, kind: str | None, active: bool | None, status: str) -> None:
    person = await one(accountEnabled=enabled, userType=kind)
    assert (person.active, person.status) == (active, status)


async def test_extras_bring_properties_extensions_and_members_of_objects() -> None:
    badge = f"extension_{'0' * 32}_badge"
    person = await one(
        [
            "officeLocation",
            "extensionAttribute3",
            badge,
            "employeeOrgData.division",
            "manager.displayName",
            "floor",
            "tags",
        ],
        attributes={"extra.floor": "onPremisesExtensionAttributes.extensionAttribute15", "extra.tags": "otherMails"},
        officeLocation="London",
        onPremisesExtensionAttributes={"extensionAttribute3": "three", "extensionAttribute15": "7"},
        otherMails=["a@example.com", "b@example.com"],
        employeeOrgData={"division": "North", "costCenter": None},
        manager={"id": "m1", "displayName": "Grace Example"},
        **{badge: 4711},
    )
    assert person.extra == {
        "officeLocation": "London",
        "extensionAttribute3": "three",
        badge: 4711,
        "employeeOrgData.division": "North",
        "manager.displayName": "Grace Example",
        "floor": "7",
        "tags": ["a@example.com", "b@example.com"],
    }


async def test_an_attribute_may_come_from_elsewhere_in_order() -> None:
    person = await one(
        attributes={
            "nick_name": "extensionAttribute1",
            "timezone": ["extensionAttribute9", "usageLocation"],
            "work_phone": [],
            "user_type": "userType",
            "cost_center": "extensionAttribute2",
            "email": ["proxyAddresses", "mail"],
        },
        onPremisesExtensionAttributes={
            "extensionAttribute1": "Addie",
            "extensionAttribute9": "",
            "extensionAttribute2": 12,
        },
        usageLocation="GB",
        businessPhones=["+44 20 5550100"],
        proxyAddresses=["smtp:old@example.com", "SPO:x", "SMTP:primary@example.com"],
    )
    assert (person.nick_name, person.timezone, person.work_phone) == ("Addie", "GB", "")
    assert (person.user_type, person.cost_center, person.email) == ("Member", "12", "primary@example.com")


async def test_an_address_that_entra_made_up_is_no_mail_address() -> None:
    upn = "ada_example.org#EXT#@acme.onmicrosoft.com"
    for chain in ("userPrincipalName", ["mail", "userPrincipalName"]):
        assert (await one(attributes={"email": chain}, mail=None, userPrincipalName=upn)).email == ""
    assert (
        await one(
            attributes={"email": ["userPrincipalName", "otherMails"]},
            userPrincipalName=upn,
            otherMails=["ada@example.org"],
        )
    ).email == "ada@example.org"


@pytest.mark.parametrize(
    ("attributes", "said", "fix"),
    [
        ({"emial": "mail"}, 'Did you mean "email"', "extra.emial"),
        ({"email": "not a name"}, "no property of an Entra user", "jobTitle"),
        ({"extra.x": "a.b.c"}, "no property of an Entra user", "extension_"),
    ],
)
async def test_impossible_attributes_are_refused_before_anything_is_sent(
    attributes: dict[str, Any], said: str, fix: str
) -> None:
    graph = LocalGraph()
    with pytest.raises(ConfigError, match=said) as caught:
        async with opened(graph, attributes=attributes):
            raise AssertionError("opened")
    assert fix in caught.value.fix
    assert graph.requests == []


@pytest.mark.parametrize(("status", "code"), [(400, "BadRequest"), (501, "NotImplemented")])
async def test_a_property_that_graph_does_not_know_says_where_names_come_from(status: int, code: str) -> None:
    graph = LocalGraph()
    graph.user("ada")
    words = "Could not find a property named 'officelocaton' on type 'microsoft.graph.user'."
    graph.intercept = lambda request: (
        refusal(status, code, words) if "officelocaton" in request.url.params.get("$select", "") else None
    )
    async with opened(graph) as source:
        with pytest.raises(Exception, match="officelocaton") as caught:
            await read_all(source, wanting(attributes=["officelocaton"]))
    assert "extra.<name>" in str(caught.value)


async def test_an_attribute_that_nobody_has_is_told() -> None:
    graph = LocalGraph()
    graph.user("ada", officeLocation="London")
    async with opened(graph) as source:
        everything = await read_all(source, wanting(attributes=["officeLocation", "extensionAttribute4"]))
    assert set(everything.warnings) == {"entra-attribute-empty"}
    assert '"extensionAttribute4"' in everything.warnings["entra-attribute-empty"]


async def test_a_tenant_of_guests_only_is_told_as_such() -> None:
    graph = LocalGraph()
    graph.user("ada", userType="Guest")
    async with opened(graph) as source:
        everything = await read_all(source)
    assert "all 1 of 1 people are guests" in everything.warnings["entra-guests-only"]


async def test_find_gives_the_person_or_nobody() -> None:
    graph = LocalGraph()
    graph.user(ADA, officeLocation="London", accountEnabled=False)
    async with opened(graph) as source:
        person = await source.find(Subject(ISSUER, ADA))
        assert (person.active, person.extra["officeLocation"]) == (False, "London")
        assert await source.find(Subject(ISSUER, GONE)) is None
        with pytest.raises(ConfigError, match="does not belong to this tenant"):
            await source.find(Subject("https://acme.okta.com", ADA))


@pytest.mark.parametrize("id", ["00u1cagurdhtxqBdf4x7", "ada@example.com", "a/../b", ""])
async def test_an_id_of_another_vendor_is_refused_and_never_taken_for_gone(id: str) -> None:
    graph = LocalGraph()
    async with opened(graph) as source:
        with pytest.raises(ConfigError, match="no object id"):
            await source.find(Subject(ISSUER, id))
    assert not [request for request in graph.requests if "/users/" in request.url.path]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(404, content=b"<html><title>Not found</title></html>"), RejectedError),
        (httpx.Response(200, content=b"<html><title>Sign in</title></html>"), ContractError),
        (httpx.Response(200, json={"value": []}), ContractError),
        (refusal(404, ""), RejectedError),
    ],
)
async def test_what_is_no_clear_answer_proves_nothing(answer: httpx.Response, kind: type[Exception]) -> None:
    graph = LocalGraph()
    graph.intercept = lambda request: answer if "/users/" in request.url.path else None
    async with opened(graph) as source:
        with pytest.raises(kind):
            await source.find(Subject(ISSUER, ADA))
