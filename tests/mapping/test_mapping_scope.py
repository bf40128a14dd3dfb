"""Who is in scope, and how that is explained."""

from __future__ import annotations

from datetime import timedelta

import pytest
from mapping_desk import NAME, compile_toml, map_one, someone

from crosskey.connector.mapper import LeaverPolicy, MatchKey


def test_without_scope_everyone_is_in_scope():
    desired = map_one(NAME, someone())
    assert desired.in_scope
    assert desired.why[""] == "everyone (map.user.scope)"


@pytest.mark.parametrize(
    ("scope", "candidate", "inside", "why"),
    [
        ('groups = ["All Staff"]', someone("All Staff"), True, 'in group "All Staff"'),
        ('groups = ["All Staff"]', someone("Other"), False, 'not in any of "All Staff"'),
        ('groups = ["A", "B"]', someone("B"), True, 'in group "B"'),
        ('groups = ["A", "B"]', someone("B", "A"), True, 'in group "A"'),
        ('groups = ["A"], apps = ["Desk"]', someone(apps=("Desk",)), True, 'in app "Desk"'),
        ('groups = ["A"], apps = ["Desk"]', someone(), False, 'not in any of "A", app "Desk"'),
        ("where = \"user_type != 'service'\"", someone(), True, "where \"user_type != 'service'\""),
        (
            "where = \"user_type != 'service'\"",
            someone(user_type="service"),
            False,
            "where \"user_type != 'service'\" is false",
        ),
        (
            'groups = ["A"], where = "department == \'IT\'"',
            someone("A", department="IT"),
            True,
            'in group "A" and where "department == \'IT\'"',
        ),
        (
            'groups = ["A"], where = "department == \'IT\'"',
            someone("A", department="HR"),
            False,
            "where \"department == 'IT'\" is false",
        ),
        ('groups = ["A"], where = "department == \'IT\'"', someone(department="IT"), False, 'not in any of "A"'),
        ('groups = ["A"], except_groups = ["X"]', someone("A", "X"), False, 'in excepted group "X"'),
        ('except_groups = ["X"]', someone("A"), True, "everyone"),
        (
            'groups = ["A", "B", "C", "D", "E", "F", "G"]',
            someone(),
            False,
            'not in any of "A", "B", "C", "D", "E" and 2 more',
        ),
    ],
)
def test_scope_says_who_and_why(scope, candidate, inside, why):
    desired = map_one(f"scope = {{ {scope} }}\n{NAME}", candidate)
    assert desired.in_scope is inside
    assert desired.why[""] == f"{why} (map.user.scope)"


def test_out_of_scope_nothing_is_evaluated():
    rules = """
    scope = { groups = ["Staff"] }
    [fields]
    name = "{{ email.split('@')[5] }}"
    """
    desired = map_one(rules, someone())
    assert (desired.in_scope, desired.fields, desired.references, desired.problem) == (False, {}, {}, "")


def test_inactive_people_are_evaluated_like_others():
    desired = map_one(NAME, someone(active=False))
    assert desired.in_scope
    assert desired.fields == {"name": "Ada Byron"}


def test_a_scope_condition_that_fails_for_somebody_holds_that_person_instead_of_dropping_them():
    desired = map_one(f'scope = {{ where = "extra.level > 3" }}\n{NAME}', someone(extra={"level": "high"}))
    assert desired.in_scope
    assert desired.problem.startswith("map.user.scope.where: extra.level > 3 fails for this person")
    assert desired.fields == {}


def test_rules_tell_what_the_source_must_bring():
    mapping = compile_toml("""
    scope = { groups = ["Staff"], apps = ["Desk"], except_groups = ["Guests"], where = "extra.level == 3" }
    match = ["extra.badge"]
    [fields]
    name = "{{ extra['legal name'] | default(display_name) }}"
    staffid = "extra.badge"
    title = "{% if 'Leads' in groups and 'Old' not in groups %}Lead{% endif %}"
    [[assign]]
    groups = ["London"]
    app = "Chat"
    site = "Acme / London"
    """)
    assert mapping.groups == {"Staff", "Guests", "Leads", "Old", "London"}
    assert mapping.apps == {"Desk", "Chat"}
    assert mapping.attributes == {"level", "badge", "legal name"}
    assert mapping.managed == {"site"}
    assert mapping.match == (MatchKey("extra.badge", ("staffid",)),)


def test_groups_that_only_other_mappings_name_make_no_difference():
    rules = 'scope = { groups = ["A"] }\n[fields]\nname = "{{ groups | join(\'+\') }}"\ntitle = "{{ \'B\' in groups }}"'
    desired = map_one(rules, someone("B", "Foreign", "A"))
    assert desired.fields == {"name": "A+B", "title": "true"}


def test_match_keys_name_every_field_that_may_hold_the_attribute():
    mapping = compile_toml("""
    match = ["email", "employee_number"]
    [fields]
    name = "display_name"
    emailaddress = "{{ email }}"
    staffid = { from = "employee_number", write = "on_create" }
    phonenumber = "employee_number"
    """)
    assert mapping.match == (
        MatchKey("email", ("emailaddress", "email2", "email3")),
        MatchKey("employee_number", ("staffid", "phonenumber")),
    )


def test_leavers_and_ownership():
    mapping = compile_toml("""
    leavers = { do = "keep", after = "7d" }
    [fields]
    name = "display_name"
    title = { from = "title", write = "on_create" }
    staffid = { template = "{{ employee_number | lower }}", write = "if_empty" }
    """)
    assert mapping.leavers == LeaverPolicy(do="keep", after=timedelta(days=7))
    assert mapping.fields == {"name": "always", "title": "on_create", "staffid": "if_empty"}
    assert compile_toml(NAME).leavers == LeaverPolicy()
