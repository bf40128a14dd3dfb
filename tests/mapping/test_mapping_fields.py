"""What becomes of attribute values on their way into fields."""

# ruff: noqa: RUF001 - letters that look alike are what is tested

from __future__ import annotations

import pytest
from mapping_desk import compile_toml, map_one, someone

from crosskey.connector.target import FieldSpec, KindSpec


def fields(rules: str, **attributes):
    """The fields of somebody with those attributes; ``name`` is always written."""
    return map_one(f'[fields]\nname = "display_name"\n{rules}', someone(**attributes))


@pytest.mark.parametrize(
    "rule",
    ['"title"', '"{{ title }}"', '{ from = "title" }', '{ template = "{{ title }}" }', '"{{ title | trim }}"'],
)
def test_the_ways_to_take_an_attribute_agree(rule):
    assert fields(f"title = {rule}", title=" Engineer ").fields["title"] == "Engineer"


def test_each_field_says_which_rule_made_it():
    desired = fields('title = "{{ title }}"\nphonenumber = "work_phone"\nisserviceaccount = { value = false }')
    assert desired.why == {
        "": "everyone (map.user.scope)",
        "name": "map.user.fields.name: display_name",
        "title": "map.user.fields.title: {{ title }}",
        "phonenumber": "map.user.fields.phonenumber: work_phone",
        "isserviceaccount": "map.user.fields.isserviceaccount: false",
    }


def test_constants():
    desired = fields('isserviceaccount = { value = true }\ncostprice = { value = 12.5 }\ntitle = { value = "Staff" }')
    assert desired.fields == {"name": "Ada Byron", "isserviceaccount": True, "costprice": 12.5, "title": "Staff"}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("  Ada  ", "Ada"),
        ("Jose\u0301", "José"),
        ("Ada\x00\x07 Byron", "Ada Byron"),
        ("12 High St\r\nLeeds", "12 High St Leeds"),
        ("a\ud800b", "ab"),
        ("\u3000田中\u3000", "田中"),
        ("Зоя Ким", "Зоя Ким"),
        ("محمد\u200cرضا", "محمد\u200cرضا"),
        ("ญาญ่า", "ญาญ่า"),
        ("O’Neil-Čapek", "O’Neil-Čapek"),
        ("👩\u200d🔧 Ada", "👩\u200d🔧 Ada"),
    ],
)
def test_text_is_cleaned_and_names_of_any_script_pass(given, kept):
    assert fields("", display_name=given).fields["name"] == kept


def test_long_text_is_cut_between_code_points_and_the_reason_says_so():
    desired = fields('title = "title"', title="𝔸" * 19 + " " + "𝔹" * 5)
    assert desired.fields["title"] == "𝔸" * 19
    assert desired.why["title"] == "map.user.fields.title: title (cut to 20 characters)"
    assert "cut" not in fields('title = "title"', title="𝔸" * 20).why["title"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (3, "3"),
        (3.0, "3"),
        (2.5, "2.5"),
        (None, ""),
        (["a", "", 2, None, True], "a, 2, true"),
    ],
)
def test_other_types_become_text_alike_when_copied_and_printed(value, text):
    for rule in ('"extra.x"', '"{{ extra.x }}"', "\"{{ extra['x'] }}{{ extra.none }}\""):
        assert fields(f"title = {rule}", extra={"x": value}).fields["title"] == text


@pytest.mark.parametrize("value", [{"a": 1}, [["a"]], 10**30])
def test_what_has_no_text_is_a_problem(value):
    for rule in ('"extra.x"', '"{{ extra.x }}!"'):
        desired = fields(f"title = {rule}", extra={"x": value})
        assert "title" not in desired.fields
        assert desired.problem.startswith("map.user.fields.title: ")
        assert "cannot be written as text" in desired.problem


@pytest.mark.parametrize(
    ("value", "flag"), [(True, True), ("Yes", True), ("1", True), (" FALSE", False), (0, False), ("no", False)]
)
def test_flags(value, flag):
    for rule in ('"extra.x"', '"{{ extra.x | trim }}"'):
        assert fields(f"isserviceaccount = {rule}", extra={"x": value}).fields["isserviceaccount"] is flag


@pytest.mark.parametrize(("value", "number"), [(3, 3), (2.5, 2.5), (" 12 ", 12), ("-3.50", -3.5)])
def test_numbers(value, number):
    assert fields('costprice = "extra.x"', extra={"x": value}).fields["costprice"] == number


@pytest.mark.parametrize(
    ("rule", "value", "said"),
    [
        ("isserviceaccount", "maybe", '"maybe" is neither true nor false'),
        ("isserviceaccount", 2, "is neither true nor false"),
        ("costprice", "12 pounds", '"12 pounds" is not a number'),
        ("costprice", True, "true is not a number"),
        ("costprice", float("nan"), "not a finite number"),
        ("costprice", "٣", "is not a number"),
    ],
)
def test_wrong_types_are_that_persons_problem(rule, value, said):
    desired = fields(f'{rule} = "extra.x"', extra={"x": value})
    assert desired.in_scope
    assert desired.problem.startswith(f"map.user.fields.{rule}: ")
    assert said in desired.problem
    assert rule not in desired.fields


def test_absent_text_is_written_empty_absent_flags_and_numbers_are_left_alone():
    desired = fields('title = "title"\nisserviceaccount = "extra.vip"\ncostprice = "extra.cost"')
    assert desired.fields == {"name": "Ada Byron", "title": ""}
    assert desired.why["costprice"] == "map.user.fields.costprice: extra.cost (empty for this person: left as it is)"
    assert desired.problem == ""


@pytest.mark.parametrize(("rule", "source"), [('"email"', "email"), ('"{{ email | lower }}"', "{{ email | lower }}")])
def test_an_empty_required_field_names_the_attribute_and_what_to_do(rule, source):
    kind = KindSpec(name="user", summary="", fields=(FieldSpec(name="emailaddress", required=True),))
    desired = map_one(f"[fields]\nemailaddress = {rule}", someone(email=" \t"), kind=kind)
    assert desired.problem == (
        f"map.user.fields.emailaddress: emailaddress is required, but {source} is empty for this person; "
        "fill it in at the source, or leave such people out with a condition in scope"
    )
    assert desired.fields == {}


def test_all_problems_of_a_person_are_told():
    desired = fields('isserviceaccount = "extra.x"', display_name="", extra={"x": "maybe"})
    assert "map.user.fields.name: " in desired.problem
    assert "; map.user.fields.isserviceaccount: " in desired.problem


def test_answers_come_in_order_and_do_not_share_what_a_caller_may_change():
    mapping = compile_toml('[fields]\nname = "display_name"\n[default]\nsite = "Acme / Main"')
    first, second = mapping([someone(display_name="A"), someone(display_name="B")])
    assert (first.fields["name"], second.fields["name"]) == ("A", "B")
    first.why.clear()
    first.references.clear()
    assert second.references == mapping([someone()])[0].references == {"site": ("1",)}
    assert "name" in second.why
