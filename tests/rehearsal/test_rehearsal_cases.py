"""``crosskey test`` over described people: what passes, what fails and says why, and what is no case at all."""

from __future__ import annotations

import json
import sys
from contextlib import chdir
from xml.etree import ElementTree as ET

import pytest
from cli_bench import run_here
from docs_pages import ROOT, blocks
from rehearsal_world import CONFIG, PEOPLE, Folder

from crosskey.errors import ExitCode
from crosskey.plugins import load_plugins
from crosskey.rehearsal import Expectation, checks, read_case, rehearse
from crosskey.testing import plans

TRUE = """
no = ["enable", "adopt"]
at_most = { disable = 1, update = 2 }
exactly = { create = 2, disable = 1 }
only_fields = { user = ["title", "site", "active"], agent = [] }
gets = { "cy.holt@acme.example" = { site = "Acme / Main" }, "di.wood@acme.example" = { title = "Dr" }, \
"new.face@acme.example" = { "agent.roles" = "Standard User", teams = ["2nd Line"] } }
loses = { "cy.holt@acme.example" = { site = "Acme / London" } }
does = { "bob.moss@acme.example" = "disable", "New Face" = "create" }
left_alone = ["ada.king@acme.example", "user:4711"]
held = ["ambiguous-match"]
held_people = { "t1" = "ambiguous-match" }
second_plan_empty = true
"""

FALSE = {
    'no = ["create", "disable"]': (
        "expected no disable",
        'disable user new-2 Bob Moss: switched off (left: status "inactive" in the source)',
    ),
    "at_most = { update = 1 }": ("expected at most 1 to update, not 2", "update user new-3 Cy Holt: site"),
    "exactly = { create = 3 }": ("expected exactly 3 to create, not 2", "create agent New Face"),
    'only_fields = { user = ["title"] }': (
        "expected that of a user only title changes",
        "site +Acme / Main, -Acme / London (map.user.default, crosskey.toml:17)",
    ),
    'gets = { "ada.king@acme.example" = { site = "Acme / London" } }': (
        'expected that ada.king@acme.example gets site "Acme / London"',
        "nothing is planned for ada.king@acme.example",
    ),
    'gets = { "di.wood@acme.example" = { title = "Lord" } }': (
        'expected that di.wood@acme.example gets title "Lord"',
        'title (empty) → "Dr" (map.user.fields.title: title, crosskey.toml:21)',
    ),
    'gets = { "cy.holt@acme.example" = { site = "Acme / Leeds" } }': (
        'expected that cy.holt@acme.example gets site "Acme / Leeds"',
        "site +Acme / Main, -Acme / London",
    ),
    'loses = { "cy.holt@acme.example" = { site = "Acme / Main" } }': (
        'expected that cy.holt@acme.example loses site "Acme / Main"',
        "update user new-3 Cy Holt",
    ),
    'does = { "cy.holt@acme.example" = "disable" }': ("expected cy.holt@acme.example to be in for disable", "update"),
    'left_alone = ["new.face@acme.example"]': ("expected new.face@acme.example to be left alone", "create agent"),
    "held = []": ("expected ambiguous-match to hold nothing", "held by ambiguous-match: Twin"),
    'held = ["mass-disable", "ambiguous-match"]': ("expected mass-disable to hold something", "held by"),
    'held_people = { "bob.moss@acme.example" = "ambiguous-match" }': (
        "expected bob.moss@acme.example to be held by ambiguous-match",
        "disable user new-2 Bob Moss",
    ),
}

WRONG = {
    'gets = { "adda.king@acme.example" = { site = "Acme / Main" } }': 'Did you mean "ada.king@acme.example"',
    'gets = { "ada.king@acme.example" = { syte = "Acme / Main" } }': 'Did you mean "site"',
    'gets = { "ada.king@acme.example" = { "usr.site" = "Acme / Main" } }': 'the target has no kind "usr"',
    'only_fields = { usr = ["title"] }': 'Did you mean "user"?',
    'only_fields = { user = ["titel"] }': 'Did you mean "title"',
    'held = ["mass-disabel"]': 'Did you mean "mass-disable"',
    'no = ["disabel"]': 'Did you mean "disable"?',
    'nno = ["disable"]': 'Did you mean "no"?',
    "second_plan_empty = false": "nothing is expected: whatever the plan is, the case would pass",
}

BAD_SCENES = {
    'people = [{ email = "a@acme.example", gruops = ["All Staff"], titel = "Dr" }]': ('"groups"', '"title"'),
    'people = [{ email = "a@acme.example", groups = ["All Stuff"] }]': ('Did you mean "All Staff"?',),
    'people = [{ title = "Dr" }]': ("nobody can tell who this is",),
    'people = [{ email = "a@acme.example" }, { email = "a@acme.example" }]': ("is described twice",),
    'people = [{ email = "a@acme.example", was = { activ = true } }]': ("people[0].was.activ", '"active"'),
    'people = [{ email = "a@acme.example", source = "crop" }]': ('Did you mean "corp"?',),
    'people = ["ada"]': ("expected a table",),
    'people = [{ email = "a@acme.example" }]\naccounts = [{ kind = "usr" }]': ('Did you mean "user"?',),
    'people = [{ email = "a@acme.example" }]\naccounts = [{ kind = "user", fields = { nam = "A" } }]': ('"name"',),
    'people = [{ email = "a@acme.example" }]\naccounts = [{ kind = "user", references = { sight = "A" } }]': (
        '"site"',
    ),
    'people = [{ email = "a@acme.example" }]\ncatalogue = { sites = ["Acme / Main"] }': ('"site"',),
    'people = [{ email = "a@acme.example" }]\ncatalogue = { site = ["Acme / Other"] }': (
        'no site named "Acme / Main"',
    ),
    'people = [{ email = "a@acme.example" }]\nallow = ["mass-disabel=3"]': ('Did you mean "mass-disable"',),
    "": ("nothing answers", "describe people"),
    'cassettes = ["nowhere.yaml"]': ("the cassette cannot be read",),
}


@pytest.fixture
def folder(tmp_path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    """The plan of the company in motion."""
    case = read_case(Folder(tmp_path_factory.mktemp("plan")).case('no = ["create"]'))
    return rehearse(case.scene, case.people, load_plugins())


def test_what_holds_passes(folder):
    folder.case(TRUE)
    run = folder.test()
    assert run.code == ExitCode.OK, run
    assert run.out.splitlines() == ["ok     case.toml  2 to create, 1 to disable, 2 to update", "1 case: 1 ok."]


def test_every_expectation_is_among_those_that_hold_and_has_its_assertion():
    keys = set(Expectation.__struct_fields__)
    assert {line.split(" =")[0] for line in TRUE.strip().splitlines()} == keys
    assert {line.split(" =")[0] for line in FALSE} == keys - {"second_plan_empty"}  # see below
    assert keys < set(checks.__all__)
    assert {f"assert_{key}" for key in keys} ^ {name for name in plans.__all__ if name.startswith("assert_")} == {
        "assert_case",
        "assert_held_people",
        "assert_held_person",
        "assert_no_disable",
    }


@pytest.mark.parametrize("expect", FALSE)
def test_what_does_not_hold_says_what_is_there_instead(plan, tmp_path, expect):
    case = read_case(Folder(tmp_path).case(expect))
    told = "\n".join(str(miss) for miss in checks.misses(plan, case.expect))
    for text in FALSE[expect]:
        assert text in told, told


@pytest.mark.parametrize("expect", WRONG)
def test_a_word_that_means_nothing_is_no_expectation(folder, expect):
    folder.case(expect)
    run = folder.test()
    assert (run.code, run.out.split()[0]) == (ExitCode.CONFIG, "error")
    assert WRONG[expect] in run.out
    assert "fix:" in run.out


@pytest.mark.parametrize("scene", BAD_SCENES)
def test_a_scene_with_a_mistake_is_refused_with_all_of_them(folder, scene):
    folder.case('no = ["disable"]', scene=scene)
    run = folder.test()
    assert (run.code, run.out.split()[0]) == (ExitCode.CONFIG, "error"), run
    for text in BAD_SCENES[scene]:
        assert text in run.out


def test_a_rule_change_is_judged_by_what_it_changes(folder):
    """The new rules read another attribute into one field: nothing else may move, and nobody may go."""
    folder.file("new.toml", CONFIG.replace('title = "title"', 'title = "department"'))
    people = 'people = [{ email = "ada@acme.example", title = "Dr", department = "IT", groups = ["All Staff"] }]'
    case = (
        'config = "new.toml"\nbefore = "crosskey.toml"\n{}\n[expect]\nno = ["disable"]\nonly_fields = {{ user = [{}] }}'
    )
    folder.file("good/case.toml", case.format(people, '"title"').replace('"new', '"../new').replace('"cro', '"../cro'))
    folder.file("bad/case.toml", case.format(people, "").replace('"new', '"../new').replace('"cro', '"../cro'))
    good, bad = folder.test("good"), folder.test("bad")
    assert (good.code, bad.code) == (ExitCode.OK, ExitCode.REJECTED)
    assert "1 to update" in good.out
    assert 'title "Dr" → "IT" (map.user.fields.title: department, new.toml:21)' in bad.out


def test_accounts_that_are_there_are_recognised_and_named_by_their_catalogue(folder):
    scene = """
people = [{ email = "ada@acme.example", groups = ["All Staff", "London Office"] }]
accounts = [{ kind = "user", key = "7", fields = { name = "Old", emailaddress = "ada@acme.example" }, \
references = { site = "Acme / Paris" } }]
"""
    folder.case('exactly = { adopt = 1 }\ngets = { "user:7" = { site = "Acme / London", name = "Ada" } }', scene=scene)
    assert folder.test().code == ExitCode.OK
    sites = 'catalogue = { site = ["Acme / Main", "Acme / London", "Acme / Paris"] }'
    folder.case('gets = { "user:7" = { site = "Acme / Lundon" } }', scene=f"{scene}\n{sites}")
    run = folder.test()
    assert run.code == ExitCode.CONFIG
    assert 'no site named "Acme / Lundon". Did you mean "Acme / London"' in run.out


def test_a_second_plan_that_is_not_empty_is_told(folder):
    """The grace of a leaver ends between the two plans, which are an hour apart."""
    folder.file(
        "crosskey.toml", CONFIG.replace('match = ["email"]\ndef', 'leavers = { after = "30m" }\nmatch = ["email"]\ndef')
    )
    folder.case("second_plan_empty = true", scene=PEOPLE)
    run = folder.test()
    assert run.code == ExitCode.REJECTED
    assert "expected the second plan to be empty\n         disable user new-2 Bob Moss: switched off" in run.out


def test_people_of_several_sources_are_one_human_in_a_case_too(folder):
    second = '[source.acquired]\nuse = "entra"\ntenant = "7c9e2f0a-0000-4000-8000-000000000001"\nclient_id = "a"\nclient_secret = { env = "NO" }\n'
    sync = '[sync]\nfrom = ["corp", "acquired"]\nto = "desk"\nsame = ["email"]\n'
    folder.file("crosskey.toml", f"{second}{sync}{CONFIG}")
    scene = """
people = [
  { email = "ada@acme.example", groups = ["All Staff"] },
  { email = "ada@acme.example", id = "e1", source = "acquired", title = "Dr", groups = ["London Office"] },
]
"""
    expect = 'exactly = { create = 1 }\ngets = { "ada@acme.example" = { site = "Acme / London", title = "Dr" } }'
    folder.case(expect, scene=scene)
    run = folder.test()
    assert run.code == ExitCode.OK, run


def test_the_engine_s_rails_stand_in_a_case_too(folder):
    """A leaver who is the last agent but one is held, until the case allows it, as a person would."""
    scene = """
people = [
  { email = "a@acme.example", groups = ["Service Desk"], active = false, was = { active = true } },
  { email = "b@acme.example", groups = ["Service Desk"] },
]
"""
    folder.case('held_people = { "a@acme.example" = "last-active" }\nno = ["disable"]', scene=scene)
    assert folder.test().code == ExitCode.OK
    folder.case('does = { "a@acme.example" = "disable" }\nheld = []', scene=f'{scene}\nallow = ["last-active=agent"]')
    assert folder.test().code == ExitCode.OK


def test_a_suite_goes_on_after_a_case_that_fails_and_one_that_is_none(folder):
    folder.case('no = ["disable"]', name="a/failing.toml")
    folder.case("nonsense = true", name="b/wrong.toml")
    folder.case("exactly = { create = 2 }", name="c/fine.toml")
    for name, depth in (("a/failing.toml", "../../"), ("b/wrong.toml", "../../"), ("c/fine.toml", "../../")):
        file = folder.path / "cases" / name
        file.write_text(file.read_text().replace("../crosskey.toml", f"{depth}crosskey.toml"))
    run = folder.test("--junit", "out/results.xml")
    assert run.code == ExitCode.CONFIG
    assert [line.split()[:2] for line in run.out.splitlines() if line[:2] in ("ok", "fa", "er")] == [
        ["failed", "a/failing.toml"],
        ["error", "b/wrong.toml"],
        ["ok", "c/fine.toml"],
    ]
    assert run.out.splitlines()[-1] == "3 cases: 1 ok, 1 failed, 1 error."
    root = ET.parse(folder.path / "out" / "results.xml").getroot()
    assert {name: root.get(name) for name in ("tests", "failures", "errors")} == {
        "tests": "3",
        "failures": "1",
        "errors": "1",
    }
    cases = {case.get("name"): [child.tag for child in case] for case in root.iter("testcase")}
    assert cases == {"a/failing.toml": ["failure"], "b/wrong.toml": ["error"], "c/fine.toml": []}
    assert "Bob Moss" in root.find(".//failure").text

    told = json.loads(folder.test("--json").out)
    assert [each["state"] for each in told] == ["failed", "error", "ok"]
    assert told[0]["misses"][0]["expected"] == "no disable"


def test_configurations_beside_cases_are_no_cases(folder):
    folder.case("exactly = { create = 2 }")
    folder.file("cases/other.toml", CONFIG)
    assert folder.test().out.splitlines()[-1] == "1 case: 1 ok."


@pytest.mark.parametrize(("words", "what"), [((), "is not there"), (("empty",), "holds no case")])
def test_a_suite_that_is_not_found_does_not_pass(folder, words, what):
    (folder.path / "empty").mkdir()
    run = folder.test(*words)
    assert run.code == ExitCode.CONFIG
    assert what in run.err
    assert "crosskey test FOLDER" in run.err


def test_nothing_is_left_behind(folder):
    folder.case(TRUE)
    before = sorted(folder.path.rglob("*"))
    folder.test()
    assert sorted(folder.path.rglob("*")) == before


def test_the_page_about_it_shows_cases_that_pass(tmp_path):
    """Its cases are played over the README's configuration; the one over a cassette is at least a case."""
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        from generate_testing import CASE, set_up
    finally:
        sys.path.remove(str(ROOT / "docs"))
    set_up(tmp_path)
    run = run_here(("test",), tmp_path, {})
    assert run.code == ExitCode.OK, run
    page = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    for found in CASE.finditer(page):
        file = tmp_path / found["name"]
        file.write_text(found["text"], encoding="utf-8")
        assert read_case(file).expect
    (code,) = [block.text for block in blocks(ROOT / "docs" / "testing.md", "python")]
    space: dict = {}
    exec(code, space)
    with chdir(tmp_path):
        space["test_london_gets_its_site"]()
