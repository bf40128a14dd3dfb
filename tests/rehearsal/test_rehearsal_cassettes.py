"""Cases over cassettes: recorded from the local vendors, played when those are gone."""

from __future__ import annotations

import pytest
from cli_bench import run_here
from docs_pages import ROOT
from rehearsal_world import Folder

from crosskey.errors import ConfigError, ExitCode
from crosskey.testing import plans
from crosskey_sandbox.stage import configuration, on_stage


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A folder with a configuration and the cassette of its first plan. The vendors are gone."""
    folder = Folder(tmp_path_factory.mktemp("recorded"))
    with on_stage(people=40, groups=12) as stage:
        folder.file("crosskey.toml", configuration(stage))
        words = ("cassette", "record", "monday.yaml", "--keep-people")
        done = run_here(words, folder.path, stage.secrets())
        assert done.code in (ExitCode.OK, ExitCode.REJECTED), done
        live = run_here(("plan", "--json"), folder.path, stage.secrets())
    folder.plan = live.json
    folder.office = next(
        group for group in ("London Office", "Berlin Office", "Paris Office") if group in folder.text()
    )
    return folder


SCENE = 'cassettes = ["../monday.yaml"]'


def test_the_plan_of_a_cassette_is_that_of_the_day_it_was_recorded(recorded):
    counts = ", ".join(f"{action} = {count}" for action, count in recorded.plan["plan"]["counts"].items())
    rails = ", ".join(f'"{rail}"' for rail in recorded.plan["plan"]["held_counts"])
    who = next(one["label"] for one in recorded.plan["changes"] if one["action"] == "create")
    recorded.case(
        f'exactly = {{ {counts} }}\nheld = [{rails}]\nno = ["disable"]\nsecond_plan_empty = true\n'
        f'gets = {{ "{who}" = {{ name = "{who}" }} }}',
        scene=SCENE,
    )
    run = recorded.test()
    assert run.code == ExitCode.OK, run


def test_a_request_that_was_not_recorded_is_told_with_the_nearest_and_the_fix(recorded):
    text = recorded.text()
    recorded.file(
        "crosskey-more.toml",
        text.replace('use = "okta"', 'use = "okta"\nmember_page = 7'),
    )
    case = recorded.case('no = ["disable"]', scene=SCENE, name="more/case.toml")
    case.write_text(
        case.read_text().replace("../crosskey.toml", "../../crosskey-more.toml").replace("../monday", "../../monday")
    )
    run = recorded.test("cases/more")
    assert run.code == ExitCode.CONFIG
    assert "no cassette answers GET http" in run.out
    assert "limit=7; it was asked for GET http" in run.out
    assert "source.corp (monday.yaml)" in run.out
    assert "crosskey cassette record FILE --overwrite" in run.out


def test_a_rule_change_over_a_cassette_changes_what_it_says_and_nothing_else(recorded):
    """What was recorded is applied by the old rules first, in memory; then the new rules plan."""
    text = recorded.text()
    recorded.file("new.toml", text.replace("[map.user.fields]\n", '[map.user.fields]\nnotes = "department"\n', 1))
    plan = plans.rehearse(
        recorded.path / "new.toml",
        before=recorded.path / "crosskey.toml",
        cassettes=[recorded.path / "monday.yaml"],
        allow=["mass-change=39"],
    )
    assert plan.counts.keys() == {"update"}
    plans.assert_no_disable(plan)
    plans.assert_only_fields(plan, "user", {"notes"})
    plans.assert_second_plan_empty(plan)
    with pytest.raises(
        AssertionError, match=r"that of a user only title changes\n  update user .* \(map.user.fields.notes"
    ):
        plans.assert_only_fields(plan, "user", {"title"})


def test_people_may_be_described_where_the_desk_is_recorded(recorded):
    people = [{"email": "ada.king@acme.example", "groups": ["All Staff", recorded.office]}]
    plan = plans.rehearse(recorded.path / "crosskey.toml", cassettes=[recorded.path / "monday.yaml"], people=people)
    city = recorded.office.removesuffix(" Office")
    plans.assert_gets(plan, "Ada King", "site", f"Acme / {city}")
    with pytest.raises(ConfigError, match='no site named "Acme / Atlantis"'):
        plans.assert_gets(plan, "Ada King", "site", "Acme / Atlantis")


def test_every_assertion_passes_and_fails_as_its_expectation_does(recorded):
    people = [
        {"email": "ada.king@acme.example", "groups": ["All Staff"], "was": {"groups": ["All Staff", recorded.office]}},
        {"email": "bob.moss@acme.example", "groups": ["All Staff"], "active": False, "was": {"active": True}},
    ]
    plan = plans.rehearse(recorded.path / "crosskey.toml", people=people)
    city = recorded.office.removesuffix(" Office")
    plans.assert_no(plan, "create", "adopt")
    plans.assert_at_most(plan, "disable", 1)
    plans.assert_exactly(plan, "disable", 1)
    plans.assert_loses(plan, "ada.king@acme.example", "site", f"Acme / {city}")
    plans.assert_does(plan, "bob.moss@acme.example", "disable")
    plans.assert_left_alone(plan, "user:4711")
    plans.assert_held(plan)
    plans.assert_second_plan_empty(plan)
    for fails in (
        lambda: plans.assert_no_disable(plan),
        lambda: plans.assert_at_most(plan, "disable", 0),
        lambda: plans.assert_exactly(plan, "disable", 2),
        lambda: plans.assert_gets(plan, "bob.moss@acme.example", "site", f"Acme / {city}"),
        lambda: plans.assert_does(plan, "ada.king@acme.example", "disable"),
        lambda: plans.assert_left_alone(plan, "ada.king@acme.example"),
        lambda: plans.assert_held(plan, "mass-disable"),
        lambda: plans.assert_held_person(plan, "bob.moss@acme.example", "mass-disable"),
    ):
        with pytest.raises(AssertionError, match="expected "):
            fails()


def test_a_case_can_stand_in_a_team_s_own_tests(recorded):
    people = 'people = [{ email = "ada.king@acme.example", groups = ["All Staff"] }]'
    plans.assert_case(recorded.case("exactly = { create = 1 }", scene=people, name="one.toml"))
    with pytest.raises(AssertionError, match="expected exactly 2 to create, not 1\n  create user Ada King"):
        plans.assert_case(recorded.case("exactly = { create = 2 }", scene=people, name="two.toml"))


def test_a_service_app_needs_no_key_to_be_answered_for(tmp_path):
    """Nobody has its private key in CI: what was recorded for a token bound to a key is played with a made-up one."""
    folder = Folder(tmp_path)
    head = folder.text().replace("https://acme.okta.com", "https://okta.example.test")
    head = head.replace('"0oa1"', '"0oaserviceapp000005d7"\nconcurrency = 1\nmember_page = 200')
    folder.file("crosskey.toml", head[: head.index("[map.user]")] + head[head.index("[map.agent]") :])
    cassette = ROOT / "cassettes" / "okta" / "oauth-dpop-read.yaml"
    scene = f'cassettes = ["{cassette}"]\ncatalogue = {{ "agent role" = ["Standard User"], team = ["2nd Line"] }}'
    folder.case('exactly = { create = 3 }\ngets = { "person1@example.com" = { roles = "Standard User" } }', scene=scene)
    run = folder.test()
    assert run.code == ExitCode.OK, run
