"""When the credential ends: told by itself, by its app registration, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from entra_door import CLIENT, LocalGraph, opened, refusal
from test_entra_company import local
from test_entra_credentials import KEY, certificate, pem_of

from crosskey.connector.credential import TellsCredentials
from crosskey.settings import Secret
from crosskey_sandbox.entra import READ_EVERYTHING, EntraTenant
from fake_clock import FakeClock


async def test_a_certificate_tells_its_end_without_a_request() -> None:
    graph = LocalGraph()
    ends = datetime(2026, 9, 1, tzinfo=UTC)
    async with opened(graph, certificate=Secret(pem_of(certificate(ends=ends)) + pem_of(KEY))) as source:
        assert isinstance(source, TellsCredentials)
        [told] = await source.credentials()
    assert (told.name, told.expires_at) == ("certificate", ends)
    assert "Certificates & secrets" in told.fix
    assert graph.requests == []


async def test_of_several_secrets_the_newest_counts() -> None:
    tenant = EntraTenant(clock=FakeClock())
    now = tenant.cell.clock.now()
    app = tenant.applications.register("desk", READ_EVERYTHING)
    for days in (30, 90):
        tenant.applications.add_secret(app, f"secret-of-{days}-days", expires=now + timedelta(days=days))
    async with local(tenant, client_id=app.client_id, client_secret=Secret(app.client_secret)) as source:
        [told] = await source.credentials()
    assert told.expires_at == now + timedelta(days=90)
    assert "secret-of" not in repr(told)


async def test_nothing_is_told_without_the_permission_and_nothing_raised() -> None:
    tenant = EntraTenant(clock=FakeClock())
    tenant.applications.consent(tenant.application, {"User.Read.All"})
    async with local(tenant) as source:
        [told] = await source.credentials()
    assert (told.name, told.expires_at) == ("newest client secret", None)


async def test_an_outage_raises_nothing() -> None:
    graph = LocalGraph()
    graph.intercept = lambda request: refusal(503, "serviceNotAvailable") if "appl" in request.url.path else None
    async with opened(graph) as source:
        assert [one.expires_at for one in await source.credentials()] == [None]
    graph.intercept = None
    graph.singles[f"/applications(appId='{CLIENT}')"] = {"passwordCredentials": [{"endDateTime": None}]}
    async with opened(graph) as source:
        assert [one.expires_at for one in await source.credentials()] == [None]


async def test_a_federated_token_has_no_end_worth_telling(tmp_path: Any) -> None:
    graph = LocalGraph()
    async with opened(graph, federated_token_file=str(tmp_path / "token")) as source:
        [told] = await source.credentials()
    assert (told.name, told.expires_at) == ("federated token", None)
    assert graph.requests == []
