"""Sign-in set up at Okta and at Halo, from nothing to nothing left to do."""

from __future__ import annotations

import stat

from setup_bench import AGENTS

from crosskey_sandbox.okta import OktaQuirks
from crosskey_sandbox.okta.quirks import Fault


def client_of(stage, client_id):
    return stage.org.apps.clients[client_id]


def test_from_nothing_both_sides_are_made_and_the_second_plan_is_empty(bench, stage):
    before = bench.differences()
    assert before["label"] == ("none", "crosskey desk agents")
    assert before["group"] == ("not assigned", "Service Desk")
    assert before["client secret"][0] == "none"
    assert "single sign-on" in before
    assert not stage.org.apps.clients

    made = bench.apply()
    client = client_of(stage, made["client_id"])
    assert client.settings["redirect_uris"] == [
        f"{stage.halo_url}/auth/account/openidresponse",
        "https://desk.acme.example/agents/callback/okta",
    ]
    assert client.settings["grant_types"] == ["authorization_code", "implicit"]
    (group,) = stage.org.apps.groups(made["client_id"])
    assert stage.org.groups.find(group.id).profile["name"] == "Service Desk"

    (record,) = stage.desk.tables["SingleSignOnApplication"].values()
    assert (record.name, record.client_id, record.active) == ("crosskey desk agents (okta)", made["client_id"], False)
    assert record.new_client_secret == client.secret == bench.secret
    assert stat.S_IMODE((bench.folder / "agents.secret").stat().st_mode) == 0o600

    assert any(made["client_id"] in duty for duty in made["duties"])
    bench.settle(made["client_id"])
    assert bench.differences() == {}
    assert bench.apply()["written"] == 0
    assert len(stage.org.apps.clients) == 1


def test_an_app_that_is_there_is_adopted_and_what_somebody_added_stays(bench, stage):
    made = bench.apply()
    client = client_of(stage, made["client_id"])
    client.settings["redirect_uris"] = ["https://elsewhere.acme.example/back"]
    stage.org.apps.rename(made["client_id"], "Service desk")
    bench.settle(made["client_id"])

    found = bench.differences()
    assert found["redirect_uris"][0] == "https://elsewhere.acme.example/back"
    assert "label" not in found  # whoever names it by its client id may call it what they like
    bench.apply()
    assert client_of(stage, made["client_id"]).settings["redirect_uris"][0] == "https://elsewhere.acme.example/back"
    assert bench.differences() == {}


def test_drift_at_either_vendor_is_shown_and_mended(bench, stage):
    made = bench.apply()
    bench.settle(made["client_id"])
    client_of(stage, made["client_id"]).settings["redirect_uris"].pop(0)
    (group,) = stage.org.apps.groups(made["client_id"])
    stage.org.apps.unassign_group(made["client_id"], group.id)
    (record,) = stage.desk.tables["SingleSignOnApplication"].values()
    stage.desk.edit(record, client_id="0oaforeign")

    found = bench.differences()
    assert set(found) == {"redirect_uris", "group", "client_id", "client secret"}
    assert found["client_id"] == ("0oaforeign", made["client_id"])
    bench.apply()
    assert bench.differences() == {}


def test_two_apps_of_our_name_are_refused_with_both_ids(bench, stage):
    first = bench.apply()["client_id"]
    twin = stage.org.apps.create("oidc_client", "crosskey desk agents", "OPENID_CONNECT")
    run = bench("sso", "plan", "--json")
    assert (run.code, run.error["code"]) == (2, "okta-app-twice")
    assert first in run.error["fix"]
    assert twin.id in run.error["fix"]


def test_an_app_of_another_kind_is_never_written_to(bench, stage):
    other = next(app for app in stage.org.apps.roll if app.name != "oidc_client")
    bench.settle(other.id)
    run = bench("sso", "apply", "--yes", "--json")
    assert (run.code, run.error["code"]) == (2, "okta-app-kind")


def test_a_lost_answer_is_looked_at_before_anything_is_made_again(bench, stage):
    stage.org.quirks = OktaQuirks(faults=(Fault(kind="truncated", path="/api/v1/apps", skip=1, times=1),))
    run = bench("sso", "apply", "--yes", "--json")
    assert (run.code, run.error["code"]) == (4, "uncertain"), run
    assert "looks at what is there" in run.error["fix"]
    assert len(stage.org.apps.clients) == 1

    made = bench.apply()
    assert len(stage.org.apps.clients) == 1
    assert bench.secret == client_of(stage, made["client_id"]).secret
    assert [kind for kind, _ in bench.noted()] == [
        *("sign-in.intended", "sign-in.unclear"),
        *("sign-in.intended", "sign-in.set-up"),
        *("sign-in.intended", "sign-in.set-up"),
    ]


def test_a_credential_that_may_only_read_is_told_which_role_it_lacks(bench, stage):
    run = bench("sso", "apply", "--yes", "--json", OKTA_TOKEN=stage.okta_token)
    assert (run.code, run.error["code"]) == (3, "okta-E0000006")
    assert "Application Administrator" in run.error["fix"]
    assert not stage.org.apps.clients
    assert not stage.desk.tables["SingleSignOnApplication"]


def test_an_unset_place_for_the_secret_is_a_duty_and_no_secret_is_made(bench):
    bench.edit('client_secret = { file = "agents.secret" }', 'client_secret = { env = "NOT_THERE" }')
    made = bench.apply()
    assert any("client_secret = { file" in duty for duty in made["duties"])
    assert made["stored"] == ""


def test_no_secret_is_in_what_is_said_or_kept(bench, stage):
    bench("sso", "plan")
    made = bench.apply("--send-secret")
    bench("sso", "plan")
    secret = client_of(stage, made["client_id"]).secret
    assert secret
    assert all(secret not in text for text in bench.said)
    for file in (bench.folder / ".crosskey").iterdir():
        assert secret.encode() not in file.read_bytes(), file


def test_a_swap_sets_the_other_provider_up_and_leaves_the_old_one_until_the_new_one_is_on(bench, stage):
    old = bench.apply()["client_id"]
    (record,) = stage.desk.tables["SingleSignOnApplication"].values()
    stage.desk.edit(record, active=True, allowed_entities=2)
    secret = bench.secret
    (bench.folder / "agents.secret").unlink()

    bench.write("entra", AGENTS)
    before = bench.plan()
    assert (before["provider"], before["app"]["client_id"]) == ("entra", "")
    assert [each["field"] for each in before["desk"]["differences"]] == ["single sign-on"]

    made = bench.apply()
    rows = {row.name: row for row in stage.desk.tables["SingleSignOnApplication"].values()}
    new = rows["crosskey desk agents (entra)"]
    assert (new.client_id, new.active, new.allowed_entities) == (made["client_id"], False, 2)
    assert rows["crosskey desk agents (okta)"].active  # people still sign in somewhere
    assert bench.secret not in ("", secret)
    assert stage.org.apps.find(old).status == "ACTIVE"  # of the old provider nothing is touched
    bench.settle(made["client_id"])
    door = bench.plan()
    assert not door["app"]["differences"]
    assert not door["desk"]["differences"]
    assert any("stays on until then" in duty for duty in door["duties"])

    stage.desk.edit(new, active=True)
    assert bench.differences() == {"crosskey desk agents (okta): active": ("yes", "no")}
    bench.apply()
    assert bench.differences() == {}
    rows = {row.name: row for row in stage.desk.tables["SingleSignOnApplication"].values()}
    assert (rows["crosskey desk agents (okta)"].active, rows["crosskey desk agents (entra)"].active) == (False, True)
