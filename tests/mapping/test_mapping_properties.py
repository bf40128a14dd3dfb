"""What holds for whatever people a source may bring."""

from __future__ import annotations

import unicodedata
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from mapping_desk import CATALOGUE, NAME, compile_toml

from crosskey.connector.mapper import Candidate
from crosskey.model import PERSON_ATTRIBUTES, Person, Subject

GROUPS = ["A", "B", "C", "D", "Foreign"]
RULES = """
scope = { groups = ["A", "B"], apps = ["Desk"], where = "user_type != 'service'", except_groups = ["D"] }
[fields]
name = "{{ display_name }}"
emailaddress = "email"
title = "{{ title | default(extra.job) | upper }} {% if 'C' in groups %}({{ department[:3] }}){% endif %}"
phonenumber = "{{ work_phone.split(' ')[0] }}"
staffid = "extra.badge"
isserviceaccount = "extra.service"
costprice = "extra.cost"
[[assign]]
group = "A"
where = "extra.cost > 3"
site = "Acme / {{ locality }}"
[[assign]]
groups = ["B", "C"]
roles = ["Reader", "{{ extra.job }}"]
[default]
site = "Acme / Main"
"""
MAPPING = compile_toml(RULES)

odd_text = st.text(st.characters(), max_size=80) | st.sampled_from(
    ["", "service", "London", "\ud800", "e\u0301", "\x00", "\u202eabc", "İ", "ß" * 60, "1e5", "Reader"]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | odd_text
values = scalars | st.lists(scalars, max_size=3) | st.dictionaries(odd_text, scalars, max_size=2)


@st.composite
def candidates(draw: st.DrawFn) -> Candidate:
    attributes: dict[str, Any] = {name: draw(odd_text) for name in draw(st.sets(st.sampled_from(PERSON_ATTRIBUTES)))}
    extra = draw(st.dictionaries(st.sampled_from(["job", "badge", "service", "cost"]), values))
    person = Person(
        subject=Subject("https://acme.example.com", draw(odd_text)),
        active=draw(st.sampled_from([True, False, None])),
        extra=extra,
        **attributes,
    )
    return Candidate(person, draw(st.frozensets(st.sampled_from(GROUPS))), draw(st.frozensets(st.just("Desk"))))


@given(st.lists(candidates(), max_size=6))
def test_every_person_gets_one_answer_and_always_the_same(people):
    answers = MAPPING(people)
    assert len(answers) == len(people)
    assert answers == MAPPING(people)
    assert answers == [compile_toml(RULES)([person])[0] for person in people]


@given(candidates())
def test_answers_are_fit_for_a_target(candidate):
    (desired,) = MAPPING([candidate])
    assert desired.why[""]
    if not desired.in_scope:
        assert (desired.fields, desired.references, desired.problem) == ({}, {}, "")
        return
    if not desired.problem:
        assert set(desired.references) == {"site", "roles"}
        assert desired.fields["name"]
        assert desired.references["site"]
    known = {entry.id for entry in CATALOGUE.entries}
    for name, ids in desired.references.items():
        assert set(ids) <= known
        assert list(ids) == sorted(set(ids))
        assert name in desired.why or not ids
    for name, value in desired.fields.items():
        assert desired.why[name].startswith(f"map.user.fields.{name}: ")
        if isinstance(value, str):
            assert value == value.strip() == unicodedata.normalize("NFC", value)
            assert not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in value)
            msgspec.json.encode(value)
    assert len(str(desired.fields.get("name", ""))) <= 50


letters = st.text(st.characters(categories=("L", "M", "Nd"), codec="utf-8"), min_size=1, max_size=40)


@given(letters)
def test_names_of_any_script_pass_unharmed(name):
    person = Person(subject=Subject("https://acme.example.com", "u1"), active=True, display_name=name)
    (desired,) = compile_toml(NAME)([Candidate(person)])
    assert desired.fields["name"] == unicodedata.normalize("NFC", name)[:50]


SITES = {"Acme / Main": "1", "Acme / London": "2", "Acme / Leeds": "3", "Zenith / Main": "4"}
ROLES = {"Standard User": "r1", "Approver": "r2", "Reader": "r3"}

rules = st.fixed_dictionaries(
    {},
    optional={
        "groups": st.lists(st.sampled_from(GROUPS), min_size=1, max_size=3),
        "department": st.sampled_from(["IT", "HR"]),
        "site": st.sampled_from(sorted(SITES)),
        "roles": st.lists(st.sampled_from(sorted(ROLES)), min_size=1, max_size=3),
    },
)


@given(
    st.lists(rules, max_size=8),
    st.lists(st.tuples(st.frozensets(st.sampled_from(GROUPS)), st.sampled_from(["IT", "HR"])), min_size=1, max_size=8),
)
def test_precedence_is_that_of_a_plain_reading_of_the_rules(written, people):
    # Single references come from templates here: rules that can never count are no error then.
    written = [rule for rule in written if "site" in rule or "roles" in rule]
    text = NAME
    for rule in written:
        text += "[[assign]]\n"
        text += f"groups = {rule['groups']}\n" if "groups" in rule else ""
        text += f"where = \"department == '{rule['department']}'\"\n" if "department" in rule else ""
        text += f"site = \"{{{{ '{rule['site']}' }}}}\"\n" if "site" in rule else ""
        text += f"roles = {rule['roles']}\n" if "roles" in rule else ""
    mapping = compile_toml(f'{text}[default]\nsite = "Acme / Main"\nroles = "Reader"')
    batch = [
        Candidate(Person(subject=Subject("i", str(n)), active=True, display_name="x", department=department), groups)
        for n, (groups, department) in enumerate(people)
    ]
    for candidate, desired in zip(batch, mapping(batch), strict=True):
        holding = [
            rule
            for rule in written
            if ("groups" not in rule or candidate.groups & set(rule["groups"]))
            and rule.get("department", candidate.person.department) == candidate.person.department
        ]
        sites = [SITES[rule["site"]] for rule in holding if "site" in rule]
        roles = {ROLES[role] for rule in holding for role in rule.get("roles", [])}
        assert desired.references["site"] == ((*sites, "1")[0],)
        assert desired.references["roles"] == tuple(sorted(roles or {"r3"}))


@given(st.frozensets(st.sampled_from(GROUPS)), st.frozensets(st.sampled_from(GROUPS)))
def test_sets_add_up(one, other):
    text = NAME + "".join(
        f'[[assign]]\ngroup = "{group}"\nroles = "{role}"\n'
        for group, role in zip(GROUPS, [*ROLES, *ROLES], strict=False)
    )
    mapping = compile_toml(text)
    person = Person(subject=Subject("i", "u"), active=True, display_name="x")
    first, second, both = mapping([Candidate(person, groups) for groups in (one, other, one | other)])
    assert set(both.references["roles"]) == {*first.references["roles"], *second.references["roles"]}
