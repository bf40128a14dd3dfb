"""One small company at all three vendors for each module; what was set up there is forgotten before each test."""

from __future__ import annotations

import pytest
from setup_bench import MANAGES, Bench

from crosskey_sandbox.entra import READ_EVERYTHING, EntraQuirks
from crosskey_sandbox.halo import HaloQuirks
from crosskey_sandbox.okta import OktaQuirks
from crosskey_sandbox.stage import on_stage


@pytest.fixture(scope="module")
def vendors():
    with on_stage(people=20, groups=40, entra_port=0) as stage:
        yield stage


@pytest.fixture
def stage(vendors):
    """The vendors without anything that an earlier test set up there."""
    org, desk, tenant = vendors.org, vendors.desk, vendors.tenant
    org.quirks, desk.quirks, tenant.quirks = OktaQuirks(), HaloQuirks(), EntraQuirks()
    for app in [app for app in org.apps.roll if app.name == "oidc_client"]:
        org.apps.set_active(app.id, active=False)
        org.apps.delete(app.id)
        org.apps.clients.pop(app.id, None)
    for key in list(desk.tables["SingleSignOnApplication"]):
        desk.drop("SingleSignOnApplication", key)
    desk.writes.clear()
    desk.control.clear()
    ours = {made.app_id for made in tenant.registrations.made.values()}
    for principal in [each for each in tenant.directory.live("servicePrincipal") if each.values.get("appId") in ours]:
        tenant.directory.delete(principal.id)
    tenant.registrations.made.clear()
    tenant.applications.consent(tenant.application, {*READ_EVERYTHING, *MANAGES})
    return vendors


@pytest.fixture
def bench(tmp_path, stage):
    return Bench(tmp_path, stage)
