"""What goes wrong in real life, against a tenant that checks: what is said, and that nobody is taken for a leaver."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from entra_door import opened, read_all
from test_entra_company import local
from test_entra_credentials import KEY, certificate, pem_of
from test_entra_history import add

from changes_fold import followed, read_whole
from crosskey.connector.source import ReadRequest
from crosskey.errors import AuthError, ConfigError, ContractError
from crosskey.settings import Secret
from crosskey_sandbox.entra import READ_EVERYTHING, EntraTenant, entra_app
from fake_clock import FakeClock


@pytest.fixture
def tenant() -> EntraTenant:
    made = EntraTenant(clock=FakeClock())
    add(made, "anna")
    return made


async def test_an_expired_secret(tenant: EntraTenant) -> None:
    app = tenant.applications.register("crosskey", READ_EVERYTHING)
    tenant.applications.add_secret(app, "once good", expires=tenant.cell.clock.now() - timedelta(days=1))
    async with local(tenant, client_id=app.client_id, client_secret=Secret("once good")) as source:
        with pytest.raises(AuthError) as caught:
            await read_all(source)
        [finding] = [one for one in await source.check() if one.severity == "error"]
    assert caught.value.code == finding.code == "entra-aadsts7000222"
    assert "has expired" in caught.value.message
    assert "make a new one" in caught.value.fix
    assert "once good" not in str(caught.value)


async def test_another_companys_tenant(tenant: EntraTenant) -> None:
    changes: dict[str, Any] = {
        "tenant": "00000000-0000-4000-8000-000000000001",
        "client_id": tenant.application.client_id,
        "client_secret": Secret(tenant.application.client_secret),
    }
    async with opened(httpx.ASGITransport(app=entra_app(tenant)), clock=tenant.cell.clock, **changes) as source:
        with pytest.raises(ConfigError) as caught:
            await read_all(source)
    assert caught.value.code == "entra-aadsts90002"
    assert caught.value.where == "source.corp.tenant"


async def test_consent_that_was_never_given_or_taken_back(tenant: EntraTenant) -> None:
    tenant.applications.consent(tenant.application, ())
    async with local(tenant) as source:
        with pytest.raises(AuthError, match=r"User\.Read\.All is missing"):
            await read_all(source)
        tenant.applications.consent(tenant.application, READ_EVERYTHING)
    async with local(tenant) as source:
        await read_all(source)
        tenant.applications.remove(tenant.application)  # its token still lives
        with pytest.raises(ConfigError) as caught:  # so another one is asked for, and refused
            await read_all(source)
    assert caught.value.code == "entra-aadsts700016"


async def test_a_tenant_of_guests_only() -> None:
    tenant = EntraTenant(clock=FakeClock())
    for number in range(3):
        tenant.directory.update(add(tenant, f"guest{number}").id, {"userType": "Guest"})
    async with local(tenant) as source:
        everything = await read_all(source)
    assert {person.active for person in everything.people.values()} == {None}, "nobody is given or loses an account"
    assert "all 3 of 3 people are guests" in everything.warnings["entra-guests-only"]


@pytest.mark.parametrize("minutes", [-45, -6, 0, 6, 45])
async def test_the_assertion_of_a_machine_whose_clock_is_off(tenant: EntraTenant, minutes: int) -> None:
    now = tenant.cell.clock.now()
    pem = pem_of(certificate(ends=now + timedelta(days=300)))
    app = tenant.applications.register("crosskey", READ_EVERYTHING, certificates=[pem])
    changes: dict[str, Any] = {
        "tenant": tenant.id,
        "client_id": app.client_id,
        "certificate": Secret(pem + pem_of(KEY)),
    }
    ours = FakeClock(now + timedelta(minutes=minutes))
    async with opened(httpx.ASGITransport(app=entra_app(tenant)), clock=ours, **changes) as source:
        assert (await read_all(source)).people
        told = {one.code for one in await source.check() if one.severity == "warning"}
    assert ("clock" in told) is (minutes != 0)


def spoiling(tenant: EntraTenant, path: str, rows: list[dict[str, Any]], *, since: Callable[[], bool]) -> Any:
    """The source over a tenant whose answers at ``path`` hold these rows, once ``since`` says so."""
    app = httpx.ASGITransport(app=entra_app(tenant))

    async def spoiled(request: httpx.Request) -> httpx.Response:
        answer = await app.handle_async_request(request)
        if not (request.url.path.endswith(path) and since()):
            return answer
        await answer.aread()
        return httpx.Response(200, json={**answer.json(), "value": rows})

    credential = {
        "tenant": tenant.id,
        "client_id": tenant.application.client_id,
        "client_secret": Secret(tenant.application.client_secret),
    }
    return opened(httpx.MockTransport(spoiled), clock=tenant.cell.clock, **credential)


@pytest.mark.parametrize("row", [{}, {"id": None}, {"id": 7}])
async def test_somebody_in_the_recycle_bin_who_has_no_id(tenant: EntraTenant, row: dict[str, Any]) -> None:
    binned = "/directory/deletedItems/microsoft.graph.user"
    async with spoiling(tenant, binned, [row], since=lambda: True) as source:
        with pytest.raises(ContractError):
            await read_whole(source, ReadRequest(changes=True))


@pytest.mark.parametrize("removed", [None, "deleted", []])
async def test_a_removal_of_another_shape_is_no_removal(tenant: EntraTenant, removed: object) -> None:
    known = None
    row = {"id": next(iter(tenant.directory.live("user"))).id, "@removed": removed}
    async with spoiling(tenant, "/users/delta", [row], since=lambda: known is not None) as source:
        known = await read_whole(source, ReadRequest(changes=True))
        with pytest.raises(ContractError):
            await followed(source, known, ReadRequest(changes=True))
