"""The desk's side where a version knows no list of applications, or makes none by API; and doors that lack something."""

from __future__ import annotations

import pytest
from setup_bench import AGENTS

from crosskey_sandbox.halo import Fault, HaloQuirks, SingleSignOnApplication


def test_before_the_list_the_values_to_type_are_told_and_nothing_is_written(bench, stage):
    stage.desk.quirks = HaloQuirks(single_sign_on="control")
    made = bench.apply()
    (duty,) = [duty for duty in made["duties"] if "Identity Management > Okta" in duty]
    assert stage.okta_url in duty
    assert made["client_id"] in duty
    assert not stage.desk.writes

    bench.settle(made["client_id"])
    stage.desk.control |= {
        "okta_url": stage.okta_url,
        "okta_client_id": made["client_id"],
        "enableoktasinglesignon": True,
    }
    door = bench.plan()
    assert not door["duties"]
    stage.desk.control["okta_client_id"] = "0oaforeign"
    assert any("Identity Management" in duty for duty in bench.plan()["duties"])


def test_a_desk_that_wants_a_type_gets_its_record_from_a_person_and_is_adopted_then(bench, stage):
    stage.desk.quirks = HaloQuirks(single_sign_on="typed")
    made = bench.apply()
    assert any("make it by hand" in duty for duty in made["duties"])
    assert not stage.desk.tables["SingleSignOnApplication"]

    stage.desk.put(  # a person at the desk, who typed the wrong address
        "SingleSignOnApplication",
        SingleSignOnApplication(id=9, name="crosskey desk agents (okta)", type=4, client_id=made["client_id"]),
    )
    bench.settle(made["client_id"])
    assert set(bench.differences()) == {"oidc_url", "scope"}
    bench.apply()
    (record,) = stage.desk.tables["SingleSignOnApplication"].values()
    assert (record.oidc_url, record.type, record.active) == (stage.okta_url, 4, False)
    assert bench.differences() == {}


def test_a_configuration_without_a_door_is_told_what_to_write(bench):
    bench.write("okta", "")
    run = bench("sso", "plan", "--json")
    assert (run.code, run.error["code"]) == (2, "sso-no-door")


def test_an_address_that_anybody_could_read_is_refused(bench):
    bench.edit("https://desk.acme.example", "http://desk.acme.example")
    run = bench("sso", "plan", "--json")
    assert run.code == 2


def test_what_a_person_reads_shows_each_field_and_the_checklist(bench):
    run = bench("sso", "plan")
    assert run.code == 0
    for text in ("redirect_uris", "For a person to do:", "[ ]", "crosskey sso apply"):
        assert text in run.out
    applied = bench("sso", "apply", "--yes")
    assert "the client secret is stored at { file" in applied.out


def test_nothing_is_set_up_while_writes_are_stopped_or_where_the_rails_allow_none(bench, stage):
    run = bench("sso", "apply", "--yes", "--json", CROSSKEY_STOP="moving")
    assert (run.code, run.error["code"]) == (6, "stopped")
    bench.write("okta", AGENTS)
    bench.edit("[rails]\n", '[rails]\nmay = "observe"\n')
    run = bench("sso", "apply", "--yes", "--json")
    assert (run.code, run.error["code"]) == (6, "ceiling")
    assert not stage.org.apps.clients


def test_nobody_is_asked_where_nobody_can_answer(bench):
    run = bench("sso", "apply")
    assert run.code == 2
    assert "--yes" in run.err


@pytest.mark.parametrize("content", ["", "kept-by-hand"])
def test_a_secret_that_is_there_already_is_never_replaced(bench, stage, content):
    kept = bench.folder / "agents.secret"
    kept.write_text(content, encoding="utf-8")
    kept.chmod(0o600)
    run = bench("sso", "apply", "--yes", "--json")
    assert kept.read_text(encoding="utf-8") == content
    assert run.code == (0 if content else 2), run


def test_an_answer_that_the_desk_lost_is_looked_for_before_another_record_is_made(bench, stage):
    stage.desk.faults.add(Fault(effect="lost_after", resource="SingleSignOnApplication"))
    run = bench("sso", "apply", "--yes", "--json")
    assert (run.code, run.error["code"]) == (4, "uncertain"), run
    made = bench.apply()
    (record,) = stage.desk.tables["SingleSignOnApplication"].values()
    assert (record.client_id, record.new_client_secret) == (made["client_id"], bench.secret)


def test_a_right_that_the_desk_lacks_is_named(bench, stage):
    stage.desk.quirks = HaloQuirks(forbidden=("SingleSignOnApplication",))
    run = bench("sso", "plan", "--json")
    assert (run.code, run.error["code"]) == (3, "halo-forbidden")
    assert "Administrator" in run.error["fix"]


def test_a_secret_is_sent_again_when_somebody_asks_for_it(bench, stage):
    made = bench.apply()
    bench.settle(made["client_id"])
    (record,) = stage.desk.tables["SingleSignOnApplication"].values()
    stage.desk.edit(record, new_client_secret="of-last-year")
    bench.apply()
    (record,) = stage.desk.tables["SingleSignOnApplication"].values()
    assert record.new_client_secret == "of-last-year"
    bench.apply("--send-secret")
    (record,) = stage.desk.tables["SingleSignOnApplication"].values()
    assert record.new_client_secret == bench.secret


def test_the_plan_of_accounts_notices_drift_at_an_open_door_and_asks_nothing_for_a_closed_one(bench, stage):
    made = bench.apply()
    bench.settle(made["client_id"])
    (record,) = stage.desk.tables["SingleSignOnApplication"].values()
    stage.desk.edit(record, client_id="0oaforeign")
    stage.org.requests.clear()
    run = bench("plan", "--json")
    assert (run.json["sign_in"], "Sign-in of" in run.out) == ([], False)
    asked = len(stage.org.requests)

    bench.edit("[sso.agents]\n", "[sso.agents]\nenabled = true\n")
    assert "Sign-in of sso.agents differs in 2 fields: crosskey sso plan" in bench("plan").out
    [notice] = bench("plan", "--json").json["sign_in"]
    assert notice == {"door": "sso.agents", "differences": 2, "problem": "", "fix": "crosskey sso plan"}
    stage.org.requests.clear()
    bench.edit("enabled = true\n", "")
    bench("plan")
    assert len(stage.org.requests) == asked
