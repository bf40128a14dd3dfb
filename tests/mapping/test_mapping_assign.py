"""References by rule: first rule wins for one thing, rules add up for a set."""

from __future__ import annotations

import pytest
from mapping_desk import CATALOGUE, NAME, USER, compile_toml, map_one, someone

from crosskey.connector.target import KindSpec, ReferenceSpec
from crosskey.model import Catalogue, CatalogueEntry


def assigned(rules: str, *groups: str, apps=(), **attributes):
    return map_one(f"{NAME}\n{rules}", someone(*groups, apps=apps, **attributes))


LONDON_THEN_LEEDS = """
[[assign]]
group = "London Office"
site = "Acme / London"
roles = ["Standard User"]
[[assign]]
groups = ["Leeds Office", "Bradford Office"]
site = "Acme / Leeds"
roles = ["Standard User", "Approver"]
[[assign]]
app = "Library"
roles = "Reader"
[default]
site = "Acme / Main"
"""


@pytest.mark.parametrize(
    ("groups", "apps", "site", "roles"),
    [
        ((), (), "1", ()),
        (("London Office",), (), "2", ("r1",)),
        (("Bradford Office",), (), "3", ("r1", "r2")),
        (("Leeds Office", "London Office"), (), "2", ("r1", "r2")),
        (("London Office",), ("Library",), "2", ("r1", "r3")),
        ((), ("Library",), "1", ("r3",)),
    ],
)
def test_the_first_rule_gives_the_site_and_all_rules_give_roles(groups, apps, site, roles):
    desired = assigned(LONDON_THEN_LEEDS, *groups, apps=apps)
    assert desired.references == {"site": (site,), "roles": roles}


def test_references_say_which_rules_gave_them():
    both = assigned(LONDON_THEN_LEEDS, "Leeds Office", "London Office")
    assert both.why["site"] == 'map.user.assign[0]: in group "London Office"'
    assert both.why["roles"] == (
        'map.user.assign[0]: in group "London Office"; map.user.assign[1]: in group "Leeds Office"'
    )
    neither = assigned(LONDON_THEN_LEEDS)
    assert neither.why["site"] == "map.user.default"
    assert "roles" not in neither.why


def test_conditions_and_rules_without_condition():
    rules = """
    [[assign]]
    group = "Office"
    where = "locality == 'London'"
    site = "Acme / London"
    [[assign]]
    where = "locality == 'Leeds'"
    site = "Acme / Leeds"
    [[assign]]
    site = "Acme / Main"
    """
    london = assigned(rules, "Office", locality="London")
    assert london.references["site"] == ("2",)
    assert london.why["site"] == 'map.user.assign[0]: in group "Office" and where "locality == \'London\'"'
    assert assigned(rules, locality="London").why["site"] == "map.user.assign[2]: always"
    assert assigned(rules, locality="Leeds").why["site"] == "map.user.assign[1]: where \"locality == 'Leeds'\""


def test_names_made_by_templates_are_looked_up_for_each_person():
    rules = """
    [[assign]]
    site = "{{ organization }} / {{ locality }}"
    roles = ["Standard User", "{{ extra.role }}"]
    """
    mapping = compile_toml(f"{NAME}\n{rules}")
    leeds, london = mapping(
        [
            someone(organization="Acme", locality="Leeds", extra={"role": " approver "}),
            someone(organization="ACME", locality="london"),
        ]
    )
    assert leeds.references == {"site": ("3",), "roles": ("r1", "r2")}
    assert london.references == {"site": ("2",), "roles": ("r1",)}


def test_a_name_that_a_template_made_and_nobody_knows_is_that_persons_problem():
    desired = assigned('[[assign]]\nsite = "Acme / {{ locality }}"', locality="Lodnon")
    assert desired.in_scope
    assert desired.problem.startswith(
        'map.user.assign[0].site: the target has no site named "Acme / Lodnon". Did you mean "Acme / London"'
    )


def test_an_ambiguous_name_that_a_template_made_is_that_persons_problem():
    desired = assigned('[[assign]]\nsite = "{{ locality }}"', locality="Main")
    assert '2 sites are named "Main": "Acme / Main" (id 1), "Zenith / Main" (id 4)' in desired.problem


def test_a_template_that_comes_out_blank_gives_nothing_and_the_next_rule_counts():
    rules = '[[assign]]\nsite = "{{ extra.site }}"\n[[assign]]\ngroup = "A"\nsite = "Acme / Leeds"'
    desired = assigned(rules, "A")
    assert desired.references["site"] == ("3",)
    assert desired.why["site"].startswith("map.user.assign[1]")


def test_the_default_may_be_a_template():
    desired = assigned('[default]\nsite = "{{ organization }} / Main"', organization="Zenith")
    assert desired.references == {"site": ("4",)}


def test_managed_references_that_no_rule_gives_are_there_and_empty():
    desired = assigned('[[assign]]\ngroup = "A"\nroles = "Reader"')
    assert desired.references == {"roles": ()}
    assert desired.problem == ""


def test_a_required_reference_that_no_rule_gives_is_that_persons_problem():
    kind = KindSpec(
        name="user", summary="", fields=USER.fields, references=(ReferenceSpec(name="site", required=True),)
    )
    desired = map_one(f'{NAME}\n[[assign]]\ngroup = "A"\nsite = "London"', someone(), kind=kind)
    assert desired.problem == ("no site: no assign rule gives this person one; add a rule, or map.user.default.site")
    assert map_one(f'{NAME}\n[[assign]]\ngroup = "A"\nsite = "London"', someone("A"), kind=kind).problem == ""


def test_a_required_reference_whose_rule_failed_is_told_once():
    kind = KindSpec(
        name="user", summary="", fields=USER.fields, references=(ReferenceSpec(name="site", required=True),)
    )
    desired = map_one(f'{NAME}\n[[assign]]\nsite = "{{{{ locality }}}}"', someone(locality="Rome"), kind=kind)
    assert desired.problem.startswith("map.user.assign[0].site: ")
    assert "no assign rule" not in desired.problem


def test_a_condition_that_fails_is_that_persons_problem():
    rules = '[[assign]]\nwhere = "extra.level > 3"\nsite = "London"\n[default]\nsite = "Acme / Main"'
    desired = assigned(rules, extra={"level": "high"})
    assert desired.problem.startswith("map.user.assign[0].where: extra.level > 3 fails for this person: ")
    assert assigned(rules, extra={"level": 4}).references["site"] == ("2",)


def test_each_kinds_roles_are_looked_up_in_their_own_listing():
    kind = KindSpec(
        name="agent",
        summary="",
        fields=USER.fields,
        references=(ReferenceSpec(name="roles", many=True, catalogue="agent_roles"),),
    )
    desired = map_one(f'{NAME}\n[default]\nroles = "Administrator"', someone(), kind=kind)
    assert desired.references == {"roles": ("a1",)}


def test_large_catalogues_are_searched_by_name_and_alias_and_still_suggest_the_neighbour():
    stores = (CatalogueEntry("site", f"s{n}", f"Store {n:05}", (f"Store X{n}",)) for n in range(5000))
    many = Catalogue((*CATALOGUE.entries, *stores))
    mapping = compile_toml(f'{NAME}\n[default]\nsite = "Store {{{{ postal_code }}}}"', catalogue=many)
    right, alias, wrong = mapping([someone(postal_code=code) for code in ("04321", "X77", "04321x")])
    assert right.references == {"site": ("s4321",)}
    assert alias.references == {"site": ("s77",)}
    assert '"Store 04321"' in wrong.problem
