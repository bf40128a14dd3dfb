"""What ``check`` finds: each missing permission by name, the wrong tenant, what ends soon."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from entra_door import CLIENT, TENANT, LocalGraph, opened, refusal
from test_entra_credentials import KEY, certificate, pem_of

from crosskey.errors import ExitCode
from crosskey.settings import Secret
from fake_clock import FakeClock


def a_tenant() -> LocalGraph:
    graph = LocalGraph()
    graph.user("ada")
    graph.group("g", ["ada"])
    graph.app("desk")
    graph.singles["/organization"] = {"value": [{"id": TENANT, "displayName": "Acme", "verifiedDomains": []}]}
    ends = ["2026-01-20T00:00:00Z", "2026-08-01T00:00:00.0000000Z"]
    graph.singles[f"/applications(appId='{CLIENT}')"] = {"passwordCredentials": [{"endDateTime": end} for end in ends]}
    return graph


async def findings(graph: LocalGraph, **changes: Any) -> dict[str, Any]:
    async with opened(graph, **changes) as source:
        found = await source.check()
    assert all(one.fix for one in found if one.severity == "error")
    assert all(one.path.startswith("source.corp") for one in found)
    return {f"{one.severity} {one.code}": one for one in found}


async def test_all_is_well() -> None:
    graph = a_tenant()
    found = await findings(graph)
    assert set(found) == {
        "ok entra-users",
        "ok entra-tenant",
        "ok entra-groups",
        "ok entra-apps",
        "ok entra-credential-ends",
    }
    assert '"Acme"' in found["ok entra-tenant"].summary
    assert "2026-08-01" in found["ok entra-credential-ends"].summary
    assert len(graph.requests) == 7
    assert {one.method for one in graph.requests[1:]} == {"GET"}


@pytest.mark.parametrize(
    ("path", "permission", "severity"),
    [
        ("/v1.0/users", "User.Read.All", "error"),
        ("/v1.0/groups", "GroupMember.Read.All", "error"),
        ("/v1.0/groups/g/transitiveMembers", "GroupMember.Read.All", "error"),
        ("/v1.0/servicePrincipals", "Application.Read.All", "warning"),
    ],
)
async def test_each_missing_permission_is_named(path: str, permission: str, severity: str) -> None:
    graph = a_tenant()
    graph.intercept = lambda request: refusal(403, "Authorization_RequestDenied") if request.url.path == path else None
    found = await findings(graph)
    finding = found[f"{severity} entra-permission"]
    assert permission in finding.summary
    assert permission in finding.fix
    assert "admin consent" in finding.fix
    assert finding.exit_code == ExitCode.AUTH
    assert len([one for one in found if one.endswith("entra-permission")]) == 1, "the others are still probed"


async def test_consent_for_nothing_names_every_permission() -> None:
    graph = a_tenant()
    graph.intercept = lambda request: (
        refusal(403, "Authorization_RequestDenied") if request.url.host == "graph.microsoft.com" else None
    )
    async with opened(graph) as source:
        found = await source.check()
    assert [one.severity for one in found] == ["error", "error", "warning"]
    named = "".join(one.fix for one in found)
    assert all(permission in named for permission in ("User.Read.All", "GroupMember.Read.All", "Application.Read.All"))


async def test_null_filled_people_and_groups_are_missing_permissions() -> None:
    graph = LocalGraph()
    graph.user("ada", accountEnabled=None, displayName=None)
    graph.group("g", displayName=None)
    async with opened(graph) as source:
        found = await source.check()
    missing = [one for one in found if one.code == "entra-permission" and one.severity == "error"]
    assert [one.exit_code for one in missing] == [ExitCode.AUTH] * 2
    assert "User.Read.All" in missing[0].fix
    assert "GroupMember.Read.All" in missing[1].fix


async def test_a_bad_credential_is_said_once() -> None:
    graph = a_tenant()
    body = {"error": "invalid_client", "error_codes": [7000222], "error_description": "AADSTS7000222: expired"}
    graph.intercept = lambda request: httpx.Response(401, json=body)
    found = await findings(graph)
    assert set(found) == {"error entra-aadsts7000222"}
    assert found["error entra-aadsts7000222"].exit_code == ExitCode.AUTH
    assert len(graph.requests) == 1


async def test_another_tenant_is_noticed() -> None:
    graph = a_tenant()
    graph.singles["/organization"]["value"][0]["id"] = "99999999-0000-4000-8000-000000000000"
    assert "99999999" in (await findings(graph))["error entra-tenant"].summary


async def test_a_tenants_name_is_not_worth_a_permission() -> None:
    graph = a_tenant()
    graph.intercept = lambda request: (
        refusal(403, "Authorization_RequestDenied")
        if request.url.path.startswith(("/v1.0/org", "/v1.0/appl"))
        else None
    )
    assert set(await findings(graph)) == {"ok entra-users", "ok entra-groups", "ok entra-apps"}


async def test_a_secret_that_ends_soon_is_told_ahead() -> None:
    graph = a_tenant()
    graph.singles[f"/applications(appId='{CLIENT}')"]["passwordCredentials"].pop()
    assert "ends on 2026-01-20" in (await findings(graph))["warning entra-credential-ends"].summary


@pytest.mark.parametrize(
    ("ends", "severity", "word"),
    [((2026, 2, 1), "warning", "ends"), ((2025, 12, 1), "warning", "ended"), ((2027, 1, 1), "ok", "is good until")],
)
async def test_a_certificate_that_ends_soon_is_told_ahead(ends: Any, severity: str, word: str) -> None:
    pem = pem_of(certificate(ends=datetime(*ends, tzinfo=UTC))) + pem_of(KEY)
    found = await findings(a_tenant(), certificate=Secret(pem))
    assert f"certificate {word}" in found[f"{severity} entra-credential-ends"].summary


async def test_a_wrong_clock_is_told() -> None:
    graph = a_tenant()
    async with opened(graph, clock=FakeClock(datetime(2026, 1, 5, 9, 10, tzinfo=UTC))) as source:
        [finding] = [one for one in await source.check() if one.severity == "warning"]
    assert "600 s ahead of" in finding.summary
