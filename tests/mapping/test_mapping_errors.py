"""Everything that can be wrong with the rules of a kind: told at once, with place, close match and fix."""

from __future__ import annotations

import pytest
from mapping_desk import NAME, USER, compile_toml, problems

from crosskey.connector.target import FieldSpec, KindSpec, ReferenceSpec
from crosskey.errors import ConfigError, ExitCode


@pytest.mark.parametrize(
    ("rules", "path", "finding"),
    [
        (
            '[fields]\nname = "display_name"\nnmae = "email"',
            "map.user.fields.nmae",
            'kind "user" has no field "nmae". Did you mean "name"?',
        ),
        (
            '[fields]\nname = "display_name"\nsite = "locality"',
            "map.user.fields.site",
            '"site" is a reference of kind "user", not a field\n  fix: give it in [[map.user.assign]] or in default',
        ),
        ('[fields]\nname = "displayName"', "map.user.fields.name", 'Did you mean "display_name"?'),
        (
            '[fields]\nname = "Everybody"',
            "map.user.fields.name",
            'fix: write an attribute, a template such as "{{ email }}", or { value = "Everybody" }',
        ),
        ('[fields]\nname = "extra."', "map.user.fields.name", 'there is no attribute "extra."'),
        (
            '[fields]\nemailaddress = "email"',
            "map.user.fields",
            'which no rule writes\n  fix: [map.user.fields] name = "<attribute>"',
        ),
        (
            f"{NAME}\nisserviceaccount = false",
            "map.user.fields.isserviceaccount",
            "fix: write a constant as isserviceaccount = { value = false }",
        ),
        (
            f'{NAME}\ntitle = {{ from = "title", value = "x" }}',
            "map.user.fields.title",
            "a field takes exactly one of from, template and value. This one has 2.",
        ),
        (f'{NAME}\ntitle = {{ write = "on_create" }}', "map.user.fields.title", "This one has none."),
        (
            f"{NAME}\ntitle = {{ value = 3 }}",
            "map.user.fields.title",
            'this field holds text, not 3\n  fix: write text in quotes, such as value = "…"',
        ),
        (
            f'{NAME}\nisserviceaccount = {{ value = "no" }}',
            "map.user.fields.isserviceaccount",
            'this field holds true or false, not "no"\n  fix: write value = true or value = false',
        ),
        (
            f"{NAME}\ncostprice = {{ value = true }}",
            "map.user.fields.costprice",
            "this field holds a number, not true\n  fix: write a number without quotes, such as value = 3",
        ),
        (f"{NAME}\ncostprice = {{ value = inf }}", "map.user.fields.costprice", "not a finite number"),
        (
            f'{NAME}\ntitle = {{ value = "Assistant Vice President" }}',
            "map.user.fields.title",
            "this text has 24 characters; the field takes 20",
        ),
        ('[fields]\nname = { value = " " }', "map.user.fields.name", "this field is required, and empty here"),
        (
            f'{NAME}\n[[assign]]\ngroup = "A"\nsiet = "London"',
            "map.user.assign[0].siet",
            'kind "user" has no reference "siet". Did you mean "site"?',
        ),
        (
            f'{NAME}\n[[assign]]\ngroop = "A"\nsite = "London"',
            "map.user.assign[0].groop",
            'Did you mean "group" or "groups"?',
        ),
        (
            f'{NAME}\n[[assign]]\ntitle = "Boss"',
            "map.user.assign[0].title",
            '"title" is a field of kind "user", not a reference\n  fix: write it under [map.user.fields]',
        ),
        (
            f'{NAME}\n[[assign]]\nsite = "Acme / Main"\n[[assign]]\ngroup = "A"\nsite = "Acme / Lodnon"',
            "map.user.assign[1].site",
            'the target has no site named "Acme / Lodnon". Did you mean "Acme / London"',
        ),
        (f'{NAME}\n[default]\nsite = "Main"', "map.user.default.site", '2 sites are named "Main"'),
        (f'{NAME}\n[default]\nroles = ["Reader", "Administrator"]', "map.user.default.roles", '"Administrator"'),
        (f'{NAME}\n[default]\nsite = ["London", "Leeds"]', "map.user.default.site", "an account has one site"),
        (f'{NAME}\n[default]\nroles = ["Reader", ""]', "map.user.default.roles", "a name here is empty"),
        (f"{NAME}\n[default]\nroles = []", "map.user.default.roles", "a name here is empty"),
        (f'{NAME}\n[[assign]]\ngroup = "A"', "map.user.assign[0]", 'this rule gives nothing. Known: "roles", "site".'),
        (f'{NAME}\n[[assign]]\ngroups = []\nsite = "London"', "map.user.assign[0].groups", "this list is empty"),
        (f'{NAME}\n[[assign]]\napp = " "\nsite = "London"', "map.user.assign[0].app", "a name here is empty"),
        (
            f'{NAME}\n[[assign]]\nwhere = ["active", "title"]\nsite = "London"',
            "map.user.assign[0].where",
            "a condition is one text",
        ),
        (f"scope = {{ groups = [] }}\n{NAME}", "map.user.scope.groups", "this list is empty"),
        (f'scope = {{ except_groups = [""] }}\n{NAME}', "map.user.scope.except_groups", "a name here is empty"),
        (
            f'match = ["emial"]\n{NAME}',
            "map.user.match",
            'there is no attribute "emial" to match by. Did you mean "email"',
        ),
        (f'match = ["active"]\n{NAME}', "map.user.match", 'there is no attribute "active" to match by'),
        (
            f'match = ["email"]\n{NAME}\nemailaddress = "{{{{ email | lower }}}}"',
            "map.user.match",
            'no field is exactly that attribute\n  fix: [map.user.fields] emailaddress = "email" (or remove',
        ),
        (
            f'match = ["extra.badge"]\n{NAME}',
            "map.user.match",
            'fix: [map.user.fields] <field> = "extra.badge" (or remove it from match)',
        ),
    ],
)
def test_each_problem_names_place_and_fix(rules, path, finding):
    found = problems(rules)
    assert list(found) == [path]
    assert finding in found[path]


def test_all_problems_come_at_once():
    rules = """
    scope = { groups = [], where = "titel == 'x'" }
    match = ["employee_number"]
    [fields]
    nmae = "display_name"
    title = "{{ titel }}"
    phonenumber = "{{ titel }}"
    [[assign]]
    site = "Rome"
    [default]
    rolse = ["Reader"]
    """
    with pytest.raises(ConfigError) as refused:
        compile_toml(rules)
    assert refused.value.exit_code == ExitCode.CONFIG
    assert str(refused.value).startswith("map.user: the mapping has 9 problems\n- map.user.scope.groups: ")
    assert [problem.path for problem in refused.value.problems] == [
        "map.user.scope.groups",
        "map.user.scope.where",
        "map.user.fields.nmae",
        "map.user.fields.title",
        "map.user.fields.phonenumber",
        "map.user.fields",
        "map.user.match",
        "map.user.assign[0].site",
        "map.user.default.rolse",
    ]


def test_a_required_reference_that_no_rule_names():
    kind = KindSpec(
        name="user",
        summary="",
        fields=(FieldSpec(name="name"),),
        references=(ReferenceSpec(name="site", required=True),),
    )
    found = problems(NAME, kind=kind)["map.user"]
    assert 'an account of kind "user" needs a site, and no rule gives one' in found
    assert 'fix: [map.user] default = { site = "<name>" }' in found
    compile_toml(f'{NAME}\n[[assign]]\ngroup = "A"\nsite = "London"', kind=kind)


GROUP_A = '[[assign]]\ngroup = "A"\n'
GROUP_B = '[[assign]]\ngroup = "B"\n'
BOTH = '[[assign]]\ngroups = ["A", "B"]\n'
LONDON, LEEDS = 'site = "London"\n', 'site = "Leeds"\n'
IN_IT = "where = \"department == 'IT'\"\n"


@pytest.mark.parametrize(
    "rules",
    [
        GROUP_A + LONDON + GROUP_A + LEEDS,
        GROUP_A + LONDON + GROUP_A + IN_IT + LEEDS,
        GROUP_A + IN_IT + LONDON + GROUP_A + IN_IT + LEEDS,
        GROUP_A + LONDON + GROUP_A + 'site = "{{ locality }}"\n',
        "[[assign]]\n" + LONDON + GROUP_A + LEEDS,
        "[[assign]]\n" + LONDON + "[[assign]]\n" + LEEDS,
        BOTH + LONDON + GROUP_B + LEEDS,
        '[[assign]]\napp = "A"\n' + LONDON + '[[assign]]\napp = "A"\n' + LEEDS,
    ],
)
def test_a_rule_that_can_never_count_is_an_error(rules):
    found = problems(NAME + rules)
    assert list(found) == ["map.user.assign[1].site"]
    assert (
        "this never counts: map.user.assign[0] comes first and already gives the same people another site"
        in found["map.user.assign[1].site"]
    )


def test_a_rule_that_several_earlier_ones_forestall_is_an_error():
    assert list(problems(NAME + GROUP_A + LONDON + GROUP_B + LONDON + BOTH + LEEDS)) == ["map.user.assign[2].site"]


@pytest.mark.parametrize(
    "rules",
    [
        GROUP_A + LONDON + GROUP_B + LEEDS,
        GROUP_A + LONDON + BOTH + LEEDS,
        GROUP_A + LONDON + GROUP_A + LONDON,
        GROUP_A + IN_IT + LONDON + GROUP_A + LEEDS,
        GROUP_A + 'site = "{{ locality }}"\n' + GROUP_A + LEEDS,
        GROUP_A + LONDON + '[[assign]]\napp = "A"\n' + LEEDS,
        GROUP_A + 'roles = "Reader"\n' + GROUP_A + 'roles = "Approver"\n',
    ],
)
def test_rules_that_may_both_count_are_fine(rules):
    assert compile_toml(NAME + rules).managed


def test_nothing_is_called_dead_because_of_a_broken_rule():
    broken = '[[assign]]\ngroup = "A"\nwhere = "titel"\n' + LONDON + GROUP_A + LEEDS
    assert list(problems(NAME + broken)) == ["map.user.assign[0].where"]
    unknown = GROUP_A + LONDON + GROUP_A + 'site = "Rome"\n'
    assert list(problems(NAME + unknown)) == ["map.user.assign[1].site"]


def test_a_kind_without_references_says_so():
    kind = KindSpec(name="user", summary="", fields=USER.fields)
    assert (
        'kind "user" has no reference "site"'
        in problems(f'{NAME}\n[default]\nsite = "x"', kind=kind)["map.user.default.site"]
    )
