"""Pseudonyms, lint and shapes, rule by rule."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosskey.cassettes import Pseudonyms, compare, lint
from crosskey.cassettes.tape import Exchange, template

KEY = b"k" * 32


def clean(*texts: str) -> list[str]:
    pseudonyms = Pseudonyms(key=KEY)
    pseudonyms.learn(texts)
    return [pseudonyms.text(text) for text in texts]


ADA = {
    "id": "00u1abcdEFGH23456789",
    "displayName": "Ada King",
    "firstName": "Ada",
    "lastName": "King",
    "email": "Ada.King@acme.com",
    "mobilePhone": "+49 170 1234567",
    "employeeNumber": "E-1001",
    "department": "Engineering",
    "title": "Lead",
}


def test_the_same_person_is_the_same_invention_everywhere():
    body, address, other = clean(
        json.dumps(ADA),
        "https://desk.acme.example/api/Users?search=ada.king%40acme.com",
        json.dumps([{"emailaddress": "ada.king@acme.com", "name": "Ada King"}]),
    )
    fresh = json.loads(body)
    assert fresh["email"].endswith(".example")
    assert address.endswith(fresh["email"].replace("@", "%40"))
    assert json.loads(other)[0] == {"emailaddress": fresh["email"], "name": fresh["displayName"]}
    assert fresh["displayName"] == f"{fresh['firstName']} {fresh['lastName']}"
    for word in ("Ada King", "acme.com", "King", "1234567", "1001"):
        assert word not in body + address + other


def test_what_rules_are_about_stays():
    fresh = json.loads(clean(json.dumps(ADA))[0])
    assert {name: fresh[name] for name in ("id", "department", "title")} == {
        name: ADA[name] for name in ("id", "department", "title")
    }


def test_a_site_keeps_its_name_and_a_person_does_not():
    site, person = clean('{"id":1,"name":"London"}', '{"id":2,"name":"Ada King","emailaddress":"ada@acme.com"}')
    assert json.loads(site)["name"] == "London"
    assert json.loads(person)["name"] != "Ada King"


MAILS = st.lists(st.from_regex(r"[a-z]{1,6}@(acme|corp)\.com", fullmatch=True), unique=True, max_size=60)


@given(MAILS, st.lists(st.text(alphabet="0123456789E-", min_size=1, max_size=6), unique=True, max_size=60))
def test_different_values_stay_different(mails, numbers):
    body = json.dumps([{"mail": mail} for mail in mails] + [{"employeeId": number} for number in numbers])
    fresh = json.loads(clean(body)[0])
    assert len({each.get("mail") or each["employeeId"] for each in fresh}) == len(mails) + len(numbers)
    assert not {each.get("mail") for each in fresh} & set(mails)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda each: st.lists(each) | st.dictionaries(st.text(), each),
    )
)
def test_any_json_keeps_its_shape(value):
    before = json.dumps(value)
    after = json.loads(clean(before)[0]) if isinstance(value, dict | list) else value
    assert shape(after) == shape(value)


def shape(value):
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items()}
    return [shape(one) for one in value] if isinstance(value, list) else type(value)


TAPE = """\
{label}
interactions:
- request:
    body: {sent}
    headers: {sent_headers}
    method: GET
    uri: {uri}
  response:
    body: {{string: '{body}'}}
    headers: {headers}
    status: {{code: 200, message: OK}}
version: 1
"""
SOUND = {
    "label": "# synthetic: made by hand",
    "sent": "null",
    "sent_headers": "{authorization: [Bearer REDACTED]}",
    "uri": "https://idp.example/api/v1/users",
    "body": '{"email": "ada@acme.example", "mobilePhone": "+1 202 555 0101"}',
    "headers": "{content-type: [application/json]}",
}


def written(tmp_path, **changed):
    file = tmp_path / "tape.yaml"
    file.write_text(TAPE.format(**{**SOUND, **changed}), encoding="utf-8")
    return file


def test_a_sound_cassette_has_no_findings(tmp_path):
    assert lint(written(tmp_path)) == []


@pytest.mark.parametrize(
    ("changed", "sort", "text"),
    [
        ({"label": "# mine"}, "label", "first line"),
        ({"sent_headers": "{authorization: [SSWS 00aBcDeFgHiJkLmNoPqRsT]}"}, "secret", "request header authorization"),
        ({"sent_headers": "{cookie: [sid=1]}"}, "secret", "request header cookie"),
        ({"headers": "{set-cookie: [sid=1], content-type: [application/json]}"}, "secret", "answer header set-cookie"),
        ({"uri": "https://idp.example/a?access_token=abcdef123456"}, "secret", "address"),
        ({"body": '{"access_token": "abcdefghijkl"}'}, "secret", "answer body"),
        ({"body": '{"k": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.abc"}'}, "secret", "answer body"),
        ({"body": '{"pem": "-----BEGIN RSA PRIVATE KEY-----"}'}, "secret", "answer body"),
        ({"sent": '"grant_type=client_credentials&client_secret=hunter2hunter2"', "sent_headers": "{content-type: [application/x-www-form-urlencoded]}"}, "secret", "request body"),
        ({"body": '{"email": "ada@acme.com"}'}, "person", "an e-mail address at acme.com"),
        ({"body": '{"workPhone": "+49 170 1234567"}'}, "person", "phone"),
        ({"uri": "https://idp.example/users?q=ada%40acme.com"}, "person", "an e-mail address at acme.com"),
    ],
)  # fmt: skip
def test_what_must_not_be_published_is_found_and_not_shown(tmp_path, changed, sort, text):
    found = lint(written(tmp_path, **changed))
    assert [(one.sort, text in one.text) for one in found] == [(sort, True)]
    assert "hunter2" not in str(found)
    assert "ada" not in str(found)


def exchange(body, uri="https://idp.example/users", status=200):
    return Exchange(method="GET", uri=uri, sent_headers={}, sent="", status=status, headers={}, body=json.dumps(body))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([{"a": 1}], [{"a": 2}], []),
        ([{"a": 1}], [{}], [("gone", "[].a")]),
        ([{"a": 1}], [{"a": "1"}], [("changed", "[].a")]),
        ([{"a": 1}], [{"a": None}], []),
        ([{"a": None}], [{"a": 1}], []),
        ([{"a": 1}], [{"a": 1, "b": 1}], [("new", "[].b")]),
        ([{"a": {"b": 1}}], [{"a": None}], []),
        ([{"a": {"b": 1}}], [{"a": {}}], [("gone", "[].a.b")]),
        ([{"a": 1}], [], []),
        ({"value": [{"a": 1}]}, {"items": [{"a": 1}]}, [("gone", "value")]),
    ],
)
def test_shapes_differ_where_a_plugin_could_break(before, after, expected):
    found = [(drift.sort, drift.path) for drift in compare([exchange(before)], [exchange(after)])]
    assert [each for each in found if each[0] != "new" or each in expected] == expected


def test_what_live_was_not_asked_is_told():
    drifts = compare([exchange([1], uri="https://idp.example/groups")], [exchange([1])])
    assert [(drift.sort, drift.breaks) for drift in drifts] == [("unasked", False)]


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("https://a.example/api/v1/users/00u1abcdEFGH23456789?x=1", "a.example/api/v1/users/{id}"),
        ("https://a.example/api/Users/12", "a.example/api/Users/{id}"),
        ("https://a.example/v1.0/users/ada@acme.example", "a.example/v1.0/users/{id}"),
        ("https://a.example/v1.0/servicePrincipals", "a.example/v1.0/servicePrincipals"),
    ],
)
def test_a_place_leaves_out_whatever_names_one_record(uri, place):
    assert template(uri) == place
