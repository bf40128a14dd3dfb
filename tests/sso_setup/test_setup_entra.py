"""Sign-in set up at Entra ID, from nothing to nothing left to do."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from setup_bench import AGENTS, MANAGES, Bench

from crosskey.connector.sign_in import SignInApp
from crosskey.context import InstanceContext
from crosskey.settings import Secret
from crosskey_entra import EntraSettings, crosskey_sources
from crosskey_sandbox.entra import READ_EVERYTHING, EntraQuirks, EntraTenant, entra_app
from crosskey_sandbox.entra.quirks import Fault
from fake_clock import FakeClock


@pytest.fixture
def bench(tmp_path, stage):
    return Bench(tmp_path, stage, source="entra")


def registration_of(stage, client_id):
    return stage.tenant.registrations.by_app_id(client_id)


def principal_of_tenant(tenant, client_id):
    (found,) = [each for each in tenant.directory.live("servicePrincipal") if each.values["appId"] == client_id]
    return found


def principal_of(stage, client_id):
    return principal_of_tenant(stage.tenant, client_id)


def test_from_nothing_everything_is_made_and_the_second_plan_is_empty(bench, stage):
    assert set(bench.differences()) == {
        *("app registration", "redirectUris", "optional claims", "assignment required", "group"),
        *("client secret", "single sign-on"),
    }
    made = bench.apply()
    registration = registration_of(stage, made["client_id"])
    assert registration.values["web"]["redirectUris"] == [
        f"{stage.halo_url}/auth/account/azureresponse",
        "https://desk.acme.example/agents/callback/entra",
    ]
    assert registration.values["signInAudience"] == "AzureADMyOrg"
    principal = principal_of(stage, made["client_id"])
    assert principal.values["appRoleAssignmentRequired"] is True
    (assignment,) = stage.tenant.assignments.to(principal)
    assert assignment.principal_display_name == "Service Desk"
    assert registration.secrets == [bench.secret]
    assert any("admin consent" in duty for duty in made["duties"])

    bench.settle(made["client_id"])
    assert bench.differences() == {}
    assert bench.apply()["written"] == 0


def test_what_somebody_added_to_the_registration_stays(bench, stage):
    made = bench.apply()
    bench.settle(made["client_id"])
    values = registration_of(stage, made["client_id"]).values
    values["web"] = {"redirectUris": ["https://elsewhere.acme.example/back"], "logoutUrl": "https://x.acme.example"}
    values["optionalClaims"] = {"idToken": [{"name": "ctry"}], "accessToken": []}
    assert set(bench.differences()) == {"redirectUris", "optional claims"}
    bench.apply()
    values = registration_of(stage, made["client_id"]).values
    assert values["web"]["redirectUris"][0] == "https://elsewhere.acme.example/back"
    assert values["web"]["logoutUrl"] == "https://x.acme.example"
    assert values["optionalClaims"]["idToken"][0] == {"name": "ctry"}
    assert bench.differences() == {}


def test_a_lost_answer_is_looked_at_before_anything_is_made_again(bench, stage):
    # the first request is the look-up by name
    stage.tenant.quirks = EntraQuirks(faults=(Fault(kind="truncated", path="/v1.0/applications", skip=1, times=1),))
    run = bench("sso", "apply", "--yes", "--json")
    assert (run.code, run.error["code"]) == (4, "uncertain"), run
    made = bench.apply()
    assert list(stage.tenant.registrations.made.values()) == [registration_of(stage, made["client_id"])]


def test_groups_that_the_credential_may_not_assign_become_a_duty(bench, stage):
    stage.tenant.applications.consent(stage.tenant.application, {*READ_EVERYTHING, MANAGES[0]})
    made = bench.apply()
    assert any("assign Service Desk" in duty for duty in made["duties"])
    assert not stage.tenant.assignments.to(principal_of(stage, made["client_id"]))
    bench.settle(made["client_id"])
    assert set(bench.differences()) == {"group"}


def test_without_the_permission_nothing_is_made_and_the_permission_is_named(bench, stage):
    stage.tenant.applications.consent(stage.tenant.application, READ_EVERYTHING)
    run = bench("sso", "apply", "--yes", "--json")
    assert (run.code, run.error["code"]) == (3, "entra-permission")
    assert "Application.ReadWrite.OwnedBy" in run.error["fix"]
    assert not stage.tenant.registrations.made


def test_no_secret_is_in_what_is_said_or_kept(bench, stage):
    made = bench.apply("--send-secret")
    bench("sso", "plan")
    (secret,) = registration_of(stage, made["client_id"]).secrets
    assert all(secret not in text for text in bench.said)
    for file in (bench.folder / ".crosskey").iterdir():
        assert secret.encode() not in file.read_bytes(), file


def test_a_portal_door_names_the_portal_and_its_own_group(tmp_path, stage):
    doors = AGENTS.replace("[sso.agents]", "[sso.portal]").replace("agents.secret", "portal.secret")
    made = Bench(tmp_path, stage, source="entra", doors=doors).apply()
    assert registration_of(stage, made["client_id"]).name == "crosskey desk portal"
    (assignment,) = stage.tenant.assignments.to(principal_of(stage, made["client_id"]))
    assert assignment.principal_display_name == "All Staff"


def test_servers_that_do_not_see_what_was_just_made_are_asked_again():
    clock = FakeClock()
    tenant = EntraTenant(clock=clock, quirks=EntraQuirks(fresh_misses=3))
    app = tenant.applications.register("sync", {*READ_EVERYTHING, *MANAGES}, secret="synthetic")
    settings = EntraSettings(tenant=tenant.id, client_id=app.client_id, client_secret=Secret("synthetic"))
    wanted = SignInApp(door="agents", name="desk", client_id="", redirect_uris=("https://a.example/back",))
    wire = httpx.ASGITransport(app=entra_app(tenant))

    async def set_up():
        context = InstanceContext("source.corp", clock=clock, transport=lambda _: wire)
        async with crosskey_sources()[0].open(settings, context) as source:
            return await source.set_up_sign_in(wanted)

    before = clock.now()
    made = asyncio.run(set_up())
    assert principal_of_tenant(tenant, made.client_id).values["appRoleAssignmentRequired"] is True
    assert 30 <= (clock.now() - before).total_seconds() <= 120
