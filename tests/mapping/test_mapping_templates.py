"""What templates and conditions can do, and what they cannot."""

from __future__ import annotations

import pytest
from mapping_desk import NAME, compile_toml, map_one, problems, someone


def printed(template: str, *groups: str, **attributes) -> str:
    desired = map_one(f"[fields]\nname = '''x{template}'''", someone(*groups, **attributes))
    assert desired.problem == ""
    return str(desired.fields["name"])[1:]


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ given_name | upper }}", "ADA"),
        ("{{ given_name.lower() }}", "ada"),
        ("{{ family_name | title }}", "Byron"),
        ("{{ nick_name | default(given_name) }}", "Ada"),
        ("{{ given_name | d('nobody') }}", "Ada"),
        ("{{ extra.none | default('nothing') }}", "nothing"),
        ("{{ extra.level | default(1) }}", "3"),
        ("{{ extra.off | default('on', true) }}", "on"),
        ("{{ email | domain }}", "example.com"),
        ("{{ user_name | domain }}", ""),
        ("{{ department | split_first(' - ') }}", "IT"),
        ("{{ title | split_first(' - ') }}", "Engineer"),
        ("{{ department | replace('IT', 'Tech') | truncate(6, true, '') }}", "Tech -"),
        ("{{ email.split('@')[0] }}", "ada"),
        ("{{ family_name[:1] }}. {{ given_name }}", "b. Ada"),
        ("{{ {'London': 'LON', 'Leeds': 'LDS'}.get(locality, '?') }}", "LON"),
        ("{% if locality == 'London' %}in{% elif title %}t{% else %}out{% endif %}", "in"),
        ("{{ 'yes' if active else 'no' }}", "yes"),
        ("{{ active }}", "true"),
        ("{{ subject_id }}", "u1"),
        ("{{ extra.tags }}", "a, b"),
        ("{{ extra.tags | join('/') }}", "a/b"),
        ("{{ extra['the level'] | int + 1 }}", "5"),
        ("{{ extra.items }}{{ extra.get }}", "thing"),
        ("{{ groups | join(' ') }}{{ 'Z' in groups or 'Y' in groups }}", "false"),
        ("{{ extra.none is string and not extra.none }}", "true"),
        ("{{ given_name ~ '-' ~ extra.level }}", "Ada-3"),
    ],
)
def test_templates(template, text):
    extra = {"level": 3, "off": False, "tags": ["a", "b"], "the level": "4", "items": "thing"}
    made = printed(
        template,
        given_name="Ada",
        family_name="byron",
        department="IT - Support",
        title="Engineer",
        locality="London",
        extra=extra,
    )
    assert made == text


def test_groups_are_printed_in_one_order():
    template = "{{ groups | join(' ') }}{{ 'Z' in groups and 'B' in groups and 'A' in groups }}"
    assert printed(template, "Z", "A", "B") == "A B Ztrue"


def test_values_that_are_equal_but_print_differently_are_not_mixed_up():
    mapping = compile_toml('[fields]\nname = "x{{ extra.x }}"')
    values = (1, True, 1.5, 1.0, "1", "true", 0, False)
    desired = mapping([someone(extra={"x": value}) for value in values])
    assert [one.fields["name"] for one in desired] == ["x1", "xtrue", "x1.5", "x1", "x1", "xtrue", "x0", "xfalse"]


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("x{{ email.split('@')[5] }}", "fails for this person: list object has no element 5"),
        ("x{{ extra.level + 1 }}", "fails for this person: can only concatenate str"),
        ("x{{ extra.table }}", "a table cannot be written as text"),
        ("x{{ display_name | replace('A', email | replace('a', extra.long)) }}", "the most is 4000"),
    ],
)
def test_a_template_that_has_no_answer_for_somebody_is_that_persons_problem(template, said):
    mapping = compile_toml(f"[fields]\nname = '''{template}'''")
    bad = someone(extra={"level": "high", "table": {}, "long": "b" * 5000})
    desired = mapping([bad])[0]
    assert desired.in_scope
    assert desired.fields == {}
    assert desired.problem.startswith(f"map.user.fields.name: {template} ") or desired.problem.startswith(
        f"map.user.fields.name: {template}: "
    )
    assert said in desired.problem


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{% for x in range(10) %}{{ x }}{% endfor %}", "a loop ({% for %}) is not available in rules"),
        ("{% set x = email %}{{ x }}", "{% set %} is not available in rules"),
        ("{{ email * 1000000 }}", "multiplication (*) is not available"),
        ("{{ 'a' * 1000000000 }}", "multiplication (*) is not available"),
        ("{{ '%1000000000d' % 1 }}", "the % operator is not available"),
        ("{{ 9 ** 9 ** 9 }}", "the ** operator is not available"),
        ("{% include 'x' %}", "{% include %} is not available"),
        ("{% macro x() %}{% endmacro %}", "{% macro %} is not available"),
        ("{{ range(9) }}", "range() is not available in rules"),
        ("{{ email.ljust(1000000) }}", "the method .ljust() is not available"),
        ("{{ email.uper() }}", 'Did you mean "upper"'),
        ("{{ email.__class__ }}", '".__class__" is not available'),
        ("{{ email.__class__.__mro__() }}", "the method .__mro__() is not available"),
        ("{{ email.split(*groups) }}", "* and ** in a call are not available"),
        ("{{ email | center(1000000) }}", 'there is no filter "center"'),
        ("{{ email | lowr }}", 'there is no filter "lowr". Did you mean "lower"'),
        ("{{ email is callable }}", 'there is no test "callable"'),
        ("{{ dispaly_name }}", 'there is no attribute "dispaly_name". Did you mean "display_name"'),
        ("{{ displayName }}", 'Did you mean "display_name"'),
        ("{{ zzz }}", "written extra.<name>"),
        ("{{ extra }}", "extra is read by name"),
        ("{{ extra[email] }}", "extra is read by name"),
        ("{{ extra[''] }}", "extra is read by name"),
        ("{{ self }}", 'there is no attribute "self"'),
        ("{{ email\n}}{{ fine }}", "line 2: there is no attribute"),
    ],
)
def test_what_rules_must_not_do_is_said_beforehand(template, said):
    found = problems(f"[fields]\nname = '''x{template}'''")
    assert said in found["map.user.fields.name"]
    assert template in found["map.user.fields.name"]


@pytest.mark.parametrize(
    ("rules", "path", "said"),
    [
        ("[fields]\nname = '{{ email '", "map.user.fields.name", "the template cannot be read (line 1)"),
        (
            "[fields]\nname = '''Ada\n{{ email | }}'''",
            "map.user.fields.name",
            "the template cannot be read (line 2)",
        ),
        ("[fields]\nname = '{% if email %}'", "map.user.fields.name", "the template cannot be read (line 1)"),
        (
            f"scope = {{ where = \"user_type = 'x'\" }}\n{NAME}",
            "map.user.scope.where",
            "fix: compare with ==, such as department == 'IT'",
        ),
        (
            f'scope = {{ where = "{{{{ active }}}}" }}\n{NAME}',
            "map.user.scope.where",
            "fix: write a condition without {{ }}",
        ),
        (
            f'scope = {{ where = "active and" }}\n{NAME}',
            "map.user.scope.where",
            "the condition cannot be read (line 1): unexpected 'end of template'",
        ),
        (
            f'scope = {{ where = "activ" }}\n{NAME}',
            "map.user.scope.where",
            'there is no attribute "activ". Did you mean "active"',
        ),
        (f'{NAME}\n[[assign]]\nwhere = "x"\nsite = "London"', "map.user.assign[0].where", 'no attribute "x"'),
        (f'{NAME}\n[[assign]]\nwhere = " "\nsite = "London"', "map.user.assign[0].where", "this condition is empty"),
        (f'scope = {{ where = "" }}\n{NAME}', "map.user.scope.where", "this condition is empty"),
    ],
)
def test_what_cannot_be_read_is_said_with_line_and_fix(rules, path, said):
    assert said in problems(rules)[path]
