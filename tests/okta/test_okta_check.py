"""``check`` says what works and what is missing, each with its fix, and raises nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from okta_door import an_org, app_of, group_of, local, opened, people_of

from crosskey.errors import Diagnostic
from crosskey.settings import Secret
from crosskey_okta.settings import HOOKS_SCOPE, LOG_SCOPE, NEEDED_SCOPES
from crosskey_sandbox.okta import NO_ROLE, Fault, OktaOrg, Rights
from fake_clock import FakeClock


async def checked(org: OktaOrg, **changes: Any) -> dict[str, Diagnostic]:
    """The findings by code."""
    async with local(org, **changes) as source:
        findings = await source.check()
    assert all(finding.path.startswith("source.corp") for finding in findings)
    assert all(finding.fix for finding in findings if finding.severity in ("error", "warning"))
    return {finding.code: finding for finding in findings}


def errors(findings: dict[str, Diagnostic]) -> set[str]:
    return {code for code, finding in findings.items() if finding.severity == "error"}


@pytest.fixture
def org() -> OktaOrg:
    org = an_org()
    people = people_of(org, 3)
    group_of(org, "Staff", people)
    return org


async def test_all_is_well_with_a_good_token(org: OktaOrg) -> None:
    [owner] = people_of(org, 1, prefix="admin")
    findings = await checked(org, token=Secret(org.access.add_token(owner=owner)))
    assert {finding.severity for finding in findings.values()} == {"ok"}
    assert set(findings) == {"okta-host", "okta-users", "okta-token", "okta-groups", "okta-apps", "okta-log"}
    assert "Identity Engine" in findings["okta-host"].summary
    assert "admin0@example.com" in findings["okta-token"].summary
    assert len(org.requests) <= 9


async def test_all_is_well_with_a_good_app(org: OktaOrg) -> None:
    scopes = (*NEEDED_SCOPES, LOG_SCOPE)
    findings = await checked(org, **app_of(org, scopes=scopes), scopes=scopes)
    assert {finding.severity for finding in findings.values()} == {"ok"}
    assert {"okta-dpop", "okta-log"} <= findings.keys()


async def test_without_the_log_all_is_well_and_it_is_mentioned(org: OktaOrg) -> None:
    finding = (await checked(org, **app_of(org)))["okta-log"]
    assert finding.severity == "info"
    assert f'add "{LOG_SCOPE}" to source.corp.scopes, and grant' in finding.fix
    asked = (await checked(org, **app_of(org), scopes=(*NEEDED_SCOPES, LOG_SCOPE)))["okta-log"]
    assert (asked.severity, asked.fix.startswith(f"grant {LOG_SCOPE}")) == ("info", True)
    org.quirks = type(org.quirks)(faults=(Fault(kind="error", path="/api/v1/logs"),))
    assert (await checked(org))["okta-log"].severity == "info"


async def test_a_hook_that_crosskey_cannot_set_up_is_mentioned(org: OktaOrg) -> None:
    secret = {"hook_secret": Secret("hook-secret")}
    finding = (await checked(org, **app_of(org), **secret))["okta-hooks"]
    assert (finding.severity, "by hand" in finding.fix) == ("info", True)
    scopes = (*NEEDED_SCOPES, HOOKS_SCOPE)
    assert "okta-hooks" not in await checked(org, **app_of(org, scopes=scopes), scopes=scopes, **secret)
    assert "okta-hooks" not in await checked(org, **app_of(org))


async def test_a_classic_org_is_named(org: OktaOrg) -> None:
    org.quirks = type(org.quirks)(identity_engine=False)
    assert "Classic" in (await checked(org))["okta-host"].summary


async def test_a_bad_token_is_one_finding_and_not_five(org: OktaOrg) -> None:
    findings = await checked(org, token=Secret("00wrong"))
    assert errors(findings) == {"okta-E0000011"}
    assert "Security > API > Tokens" in findings["okta-E0000011"].fix
    assert "00wrong" not in str(findings)


async def test_an_app_without_a_role_sees_nobody(org: OktaOrg) -> None:
    findings = await checked(org, **app_of(org, rights=NO_ROLE))
    assert errors(findings) >= {"okta-sees-nobody"}
    assert 'the role "Read-Only Administrator"' in findings["okta-sees-nobody"].fix


async def test_each_missing_scope_is_named(org: OktaOrg) -> None:
    findings = await checked(org, **app_of(org, scopes=["okta.users.read"]))
    assert "okta.groups.read" in findings["okta-groups.read"].summary
    assert findings["okta-groups.read"].severity == "error"
    assert "grant okta.groups.read" in findings["okta-groups.read"].fix
    assert findings["okta-apps.read"].severity == "warning", "apps matter only when mappings name one"
    assert "okta-users" in findings


async def test_without_the_users_scope_the_rest_is_still_checked(org: OktaOrg) -> None:
    findings = await checked(org, **app_of(org, scopes=["okta.groups.read", "okta.apps.read"]))
    assert "grant okta.users.read" in findings["okta-insufficient-scope"].fix
    assert findings["okta-groups"].severity == "ok"


async def test_a_scope_nobody_asked_for_is_to_be_added(org: OktaOrg) -> None:
    findings = await checked(org, **app_of(org), scopes=("okta.users.read",))
    assert findings["okta-groups.read"].fix == 'add "okta.groups.read" to source.corp.scopes'


async def test_an_admin_of_some_groups_sees_only_a_part(org: OktaOrg) -> None:
    staff = org.groups.named("Staff")[0].id
    findings = await checked(org, token=Secret(org.access.add_token(Rights(groups=frozenset({staff})))))
    assert findings["okta-partial"].severity == "warning"


async def test_a_tiny_rate_share_comes_with_an_estimate(org: OktaOrg) -> None:
    org.quirks = type(org.quirks)(limits={"users": 5})
    finding = (await checked(org))["okta-rate"]
    assert "5 times a minute" in finding.summary
    assert "10 minutes" in finding.detail


async def test_a_wrong_clock_is_a_warning(org: OktaOrg) -> None:
    clock = FakeClock(org.cell.clock.now() + timedelta(seconds=300))
    assert "300 s ahead" in (await checked(org, clock=clock))["clock"].summary


async def test_the_admin_host_works_and_is_noted(org: OktaOrg) -> None:
    findings = await checked(org, url="https://acme-admin.okta.com/admin/dashboard")
    assert not errors(findings)
    assert findings["okta-url-corrected"].fix == 'write url = "https://acme.okta.com"'


async def test_a_status_with_a_typo_is_a_warning(org: OktaOrg) -> None:
    findings = await checked(org, statuses={"SUSPENED": "active"})
    assert 'Did you mean "SUSPENDED"?' in findings["okta-status"].summary


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, html="<html><title>Sign in</title></html>"),
        httpx.Response(404, json={"message": "no"}),
        httpx.Response(200, json={"some": "other API"}),
        httpx.Response(302, headers={"location": "https://login.example.com/"}),
    ],
)
async def test_a_host_that_is_not_okta_never_sees_the_credential(answer: httpx.Response) -> None:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return answer

    async with opened(httpx.MockTransport(handle)) as source:
        [finding] = await source.check()
    assert finding.code == "okta-host"
    assert finding.severity == "error"
    assert finding.path == "source.corp.url"
    assert all("authorization" not in request.headers for request in seen)


async def test_an_unreachable_host_is_a_finding() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route", request=request)

    async with opened(httpx.MockTransport(handle)) as source:
        [finding] = await source.check()
    assert finding.severity == "error"
    assert finding.code == "unreachable"


async def test_a_gateway_in_the_way_is_a_finding(org: OktaOrg) -> None:
    org.quirks = type(org.quirks)(faults=(Fault(kind="html", path="/api/v1/", status=200),))
    findings = await checked(org)
    assert errors(findings) == {"bad-body"}
