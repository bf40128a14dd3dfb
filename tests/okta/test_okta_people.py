"""Okta rows as neutral people."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from okta_door import Everything, opened, read_all, wanting

from crosskey.errors import ConfigError
from crosskey.model import PERSON_ATTRIBUTES, Person
from crosskey_okta.people import People
from crosskey_okta.status import Statuses

FULL = {
    "login": "ada@example.com",
    "email": "ada.l@example.com",
    "firstName": "Ada",
    "middleName": "King",
    "lastName": "Lovelace",
    "displayName": "Ada Lovelace",
    "nickName": "Ada",
    "title": "Analyst",
    "department": "Engines",
    "organization": "Acme",
    "division": "North",
    "costCenter": "C-1",
    "employeeNumber": "0042",
    "userType": "employee",
    "managerId": "00u9",
    "manager": "Charles",
    "primaryPhone": "+44 20 7946 0000",
    "mobilePhone": "+44 7700 900000",
    "streetAddress": "1 Example Street",
    "city": "London",
    "state": "Greater London",
    "zipCode": "N1",
    "countryCode": "GB",
    "locale": "en_GB",
    "timezone": "Europe/London",
}


async def read(*profiles: dict[str, Any], extra: Any = (), status: str = "ACTIVE", **settings: Any) -> Everything:
    rows = [{"id": f"00u{index}", "status": status, "profile": profile} for index, profile in enumerate(profiles)]

    def answer(request: httpx.Request) -> httpx.Response:
        plain = request.url.path == "/api/v1/users" and "filter" not in request.url.params
        return httpx.Response(200, json=rows if plain else [])

    async with opened(httpx.MockTransport(answer), **settings) as source:
        return await read_all(source, wanting(attributes=extra))


async def one(profile: dict[str, Any], **changes: Any) -> Person:
    return (await read(profile, **changes)).people["00u0"]


async def test_every_neutral_attribute_has_its_place_in_the_base_profile() -> None:
    person = await one(FULL)
    empty = [name for name in Person.__struct_fields__ if getattr(person, name) in ("", None)]
    assert empty == []
    assert (person.user_name, person.email) == ("ada@example.com", "ada.l@example.com")
    assert (person.given_name, person.middle_name, person.family_name) == ("Ada", "King", "Lovelace")
    assert (person.locality, person.region, person.postal_code, person.country) == (
        "London",
        "Greater London",
        "N1",
        "GB",
    )
    assert (person.work_phone, person.mobile_phone) == ("+44 20 7946 0000", "+44 7700 900000")
    assert person.locale == "en-GB", "a language tag, whatever separator Okta uses"
    assert (person.employee_number, person.cost_center, person.user_type) == ("0042", "C-1", "employee")
    assert person.extra == {}


@pytest.mark.parametrize("empty", [None, ""])
async def test_null_empty_and_absent_are_one(empty: str | None) -> None:
    nothing = await one({})
    assert await one(dict.fromkeys(FULL, empty)) == nothing
    assert nothing.display_name == nothing.email == ""


async def test_without_a_display_name_there_are_first_and_last_name() -> None:
    assert (await one({"firstName": "李", "lastName": "小龍"})).display_name == "李 小龍"
    assert (await one({"lastName": "Ng"})).display_name == "Ng"
    assert (await one({"firstName": "A", "lastName": "B", "displayName": "Dr B"})).display_name == "Dr B"


async def test_the_manager_is_an_id_or_else_a_name() -> None:
    assert (await one(FULL)).manager == "00u9"
    assert (await one({**FULL, "managerId": None})).manager == "Charles"
    assert (await one(FULL, extra={"manager"})).extra == {"manager": "Charles"}


async def test_custom_attributes_keep_their_type() -> None:
    values = {
        "badge": 7,
        "rate": 1.5,
        "remote": False,
        "skills": ["a", "b"],
        "note": None,
        "secondEmail": "a@b.example",
    }
    wanted = {*values, "absent"}
    person = await one({**FULL, **values}, extra=wanted)
    assert person.extra == {**values, "note": "", "absent": ""}
    assert (await one({**FULL, **values}, extra=None)).extra == {**values, "note": ""}
    assert (await one({**FULL, **values}, extra={"badge"})).extra == {"badge": 7}


async def test_neutral_attributes_can_come_from_elsewhere() -> None:
    profile = {**FULL, "badge": 7, "remote": True, "skills": ["a", "b"], "weird name!": "x"}
    moved = {"employee_number": "badge", "title": "remote", "division": "skills", "nick_name": "weird name!"}
    person = await one(profile, attributes=moved)
    assert (person.employee_number, person.title, person.division, person.nick_name) == ("7", "true", "a, b", "x")
    assert person.department == "Engines"


@pytest.mark.parametrize(
    ("status", "active"),
    [
        ("STAGED", False),
        ("PROVISIONED", True),
        ("ACTIVE", True),
        ("RECOVERY", True),
        ("PASSWORD_EXPIRED", True),
        ("LOCKED_OUT", True),
        ("SUSPENDED", False),
        ("DEPROVISIONED", False),
    ],
)
async def test_the_safe_default_of_every_status(status: str, active: bool) -> None:
    person = await one(FULL, status=status)
    assert (person.active, person.status) == (active, status)


async def test_statuses_can_be_given_another_meaning() -> None:
    meanings = {"staged": "active", "SUSPENDED": "ignore", "ACTIVATING": "active"}
    assert (await one(FULL, status="STAGED", statuses=meanings)).active is True
    assert (await one(FULL, status="SUSPENDED", statuses=meanings)).active is None
    everything = await read(FULL, status="ACTIVATING", statuses=meanings)
    assert everything.people["00u0"].active is True
    assert everything.complete is not None
    assert everything.complete.warnings == ()


async def test_an_unknown_status_changes_nothing_and_is_counted() -> None:
    everything = await read(FULL, FULL, FULL, status="TELEPORTED")
    assert {person.active for person in everything.people.values()} == {None}
    assert everything.complete is not None
    [warning] = everything.complete.warnings
    assert "TELEPORTED (3)" in warning.summary
    assert "[source.corp.statuses] TELEPORTED" in warning.fix


async def test_an_attribute_that_nobody_has_is_probably_a_typo() -> None:
    everything = await read({"badge": 1}, {}, extra={"badge", "bagde"})
    assert everything.complete is not None
    [warning] = everything.complete.warnings
    assert '"bagde"' in warning.summary
    assert "Profile Editor" in warning.fix


@pytest.mark.parametrize("name", ["", 'a"b', "a\\b", "a\nb"])
async def test_a_name_that_no_attribute_can_have_is_refused(name: str) -> None:
    for wrong in ({"extra": {name}}, {"attributes": {"title": name}}):
        with pytest.raises(ConfigError, match="no Okta attribute can be called"):
            await read({}, **wrong)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)
NAMES = st.text(min_size=1).filter(lambda name: name not in FULL and name.isprintable() and not set(name) & set('"\\'))
NEUTRAL = st.none() | st.text()


@given(
    profile=st.fixed_dictionaries({}, optional=dict.fromkeys(FULL, NEUTRAL)),
    custom=st.dictionaries(NAMES, JSON, max_size=4),
)
def test_any_profile_becomes_a_person(profile: dict[str, Any], custom: dict[str, Any]) -> None:
    names = [*custom, "title"]
    moved = {"title": names[0], "division": names[-1]}
    for extra in (frozenset(custom), None):
        people = People(
            issuer="i", instance="source.corp", statuses=Statuses({}, "source.corp"), overrides=moved, extra=extra
        )
        row = msgspec.json.encode({"id": "00u0", "status": "ACTIVE", "profile": profile | custom})
        person = people.person(people.one.decode(row))
        assert all(isinstance(getattr(person, name), str) for name in PERSON_ATTRIBUTES)
        kept = {name: "" if value is None else value for name, value in custom.items()}
        for name, value in kept.items():
            if extra is not None or name != names[0]:  # what is mapped is not extra too, unless it is asked for
                assert person.extra[name] == value
