from __future__ import annotations

import msgspec
import pytest
from halo_bench import a_desk, opened


async def check(desk, **keys):
    async with opened(desk, **keys) as target:
        findings = await target.check()
    assert desk.writes == []
    return {finding.code: finding for finding in findings}


def severities(findings):
    return {code: finding.severity for code, finding in findings.items() if finding.severity != "ok"}


async def test_a_desk_in_order_has_nothing_to_complain_of():
    findings = await check(a_desk())
    assert severities(findings) == {}
    assert "crosskey Integration" in findings["halo-signed-in"].summary
    assert "HaloITSM 2.216.1" in findings["halo-instance"].summary
    assert {"halo-users", "halo-sites", "halo-agents", "halo-agent-roles", "halo-teams"} <= findings.keys()


async def test_a_halopsa_is_named_as_such():
    desk = a_desk()
    desk.product = "psa"
    assert "HaloPSA 2.216.1" in (await check(desk))["halo-instance"].summary


async def test_a_credential_that_is_refused_is_the_only_finding():
    desk = a_desk()
    desk.application = msgspec.structs.replace(desk.application, client_secret="other")
    findings = await check(desk)
    assert severities(findings) == {"halo-client-secret": "error"}
    assert findings["halo-client-secret"].path == "target.desk.client_secret"


async def test_an_ordinary_agent_without_administrator_is_warned_of():
    desk = a_desk()
    jonas = next(agent for agent in desk.agents.values() if agent.name == "Jonas Brandt")
    desk.application = msgspec.structs.replace(desk.application, agent_id=jonas.id)
    findings = await check(desk)
    assert severities(findings) == {"halo-agent-licence": "warning", "halo-agent-rights": "warning"}
    assert "API-only" in findings["halo-agent-licence"].fix


@pytest.mark.parametrize("resource", ["Users", "Site", "Client", "Roles", "UserRoles", "Team", "TopLevel"])
async def test_each_list_that_is_forbidden_is_named_with_the_right_to_give(resource):
    findings = await check(a_desk(forbidden=(resource,)))
    assert severities(findings) == {"halo-forbidden": "error"}
    assert f"/api/{resource}" in findings["halo-forbidden"].summary
    assert "give the application and its agent" in findings["halo-forbidden"].fix


@pytest.mark.parametrize(
    ("resource", "code", "severity"),
    [
        ("Users", "halo-users", "warning"),
        ("Site", "halo-sites", "error"),
        ("Roles", "halo-agent-roles", "warning"),
        ("TopLevel", "halo-departments", "info"),
    ],
)
async def test_an_empty_list_is_suspected_to_be_a_missing_right(resource, code, severity):
    findings = await check(a_desk(hidden=(resource,)))
    assert severities(findings) == {code: severity}
    assert "visibility" in findings[code].fix


async def test_a_marker_field_that_others_use_is_warned_of():
    desk = a_desk()
    desk.add_user("Ada Example", 1, other5="Parking lot 7")
    findings = await check(desk)
    assert severities(findings) == {"halo-marker-taken": "warning"}
    assert findings["halo-marker-taken"].path == "target.desk.user_marker"
    assert severities(await check(desk, user_marker="other4")) == {}


async def test_a_marker_field_that_lists_do_not_show_is_warned_of():
    desk = a_desk(other5_listed=False)
    first = next(user for user in desk.users.values() if not user.general)
    desk.edit(first, other5="ck-000000000000000000000001")
    findings = await check(desk)
    assert severities(findings) == {"halo-marker-not-listed": "warning"}


async def test_a_field_that_lists_do_not_show_is_warned_of():
    desk = a_desk(federated_identity_id="detail")
    first = next(user for user in desk.users.values() if not user.general)
    desk.edit(first, federated_identity_id="f-1")
    findings = await check(desk)
    assert severities(findings) == {"halo-not-listed": "warning"}
    assert "federated_identity_id" in findings["halo-not-listed"].summary


async def test_a_scope_that_was_asked_for_and_not_granted_is_warned_of():
    desk = a_desk()
    desk.application = msgspec.structs.replace(desk.application, scopes=frozenset({"all", "admin"}))
    assert severities(await check(desk, scope="all admin")) == {}
