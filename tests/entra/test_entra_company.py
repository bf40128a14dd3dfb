"""A whole made-up company, read from the local Entra: what is told there is what arrives, and what Okta told before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from entra_door import Everything, opened, read_all, wanting
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from test_entra_credentials import KEY, certificate, pem_of

from crosskey.context import InstanceContext
from crosskey.errors import AuthError, CrosskeyError
from crosskey.model import PERSON_ATTRIBUTES, Person, Subject
from crosskey.settings import Secret
from crosskey_okta import OktaSettings
from crosskey_okta import crosskey_sources as okta_sources
from crosskey_sandbox.company import Company
from crosskey_sandbox.entra import EntraQuirks, EntraTenant, Fault, Federation, entra_app, leave, move, tenant_of
from crosskey_sandbox.okta import okta_app
from crosskey_sandbox.okta.staffing import org_of
from fake_clock import FakeClock

TEAMS = ("All Staff", "London Office", "Service Desk", "Managers")
COMPANY = Company.generate(people=1000, groups=40)


def a_tenant(company: Company = COMPANY, **options: Any) -> EntraTenant:
    quirks = EntraQuirks(**options.pop("quirks", {}))
    return tenant_of(company, clock=FakeClock(), quirks=quirks, **options)


@asynccontextmanager
async def local(tenant: EntraTenant, **changes: Any) -> AsyncIterator[Any]:
    """The open source over a local tenant, in this process."""
    if not {"certificate", "federated_token_file"} & changes.keys():
        changes.setdefault("client_secret", Secret(tenant.application.client_secret))
    options = {"tenant": tenant.id, "client_id": tenant.application.client_id, **changes}
    transport = httpx.ASGITransport(app=entra_app(tenant))
    async with opened(transport, clock=tenant.cell.clock, **options) as source:
        yield source


@asynccontextmanager
async def okta(company: Company) -> AsyncIterator[Any]:
    """The same company as Okta tells it."""
    org = org_of(company, clock=FakeClock())
    context = InstanceContext(
        "source.corp", clock=org.cell.clock, transport=lambda _: httpx.ASGITransport(app=okta_app(org))
    )
    settings = OktaSettings(url="https://acme.okta.com", token=Secret(org.api_token))
    async with okta_sources()[0].open(settings, context) as source:
        yield source


async def test_everybody_arrives_whatever_their_script() -> None:
    tenant = a_tenant()
    async with local(tenant) as source:
        everything = await read_all(source, wanting(*TEAMS, attributes=["userType"]))
    told = {
        user.id: (user.values["displayName"], user.values.get("mail") or "", user.values.get("surname") or "")
        for user in tenant.directory.live("user")
    }
    assert {key: (one.display_name, one.email, one.family_name) for key, one in everything.people.items()} == told
    for team in TEAMS:
        [group] = tenant.directory.named(team)
        live = {member.id for member in tenant.view().members(group.id)}
        assert everything.members[group.id] == live
    assert tenant.counted("/v1.0/users") == 2
    assert tenant.counted("/v1.0/$batch") == 1


def comparable(person: Person) -> dict[str, object]:
    """What a mapping may read, but for what only one vendor keeps: time zones, and its own word for the state."""
    kept = set(PERSON_ATTRIBUTES) - {"status", "timezone"}
    return {name: getattr(person, name) for name in kept} | {"active": person.active}


def by_name(everything: Everything, names: set[str]) -> dict[str, set[str]]:
    people = everything.people
    return {
        group.name: {people[one].user_name for one in everything.members[key] if people[one].user_name in names}
        for key, group in everything.groups.items()
        if key in everything.members
    }


async def test_a_mapping_written_for_okta_sees_the_same_people_and_members() -> None:
    async with okta(COMPANY) as source:
        before = await read_all(source, wanting(*TEAMS, apps=["Acme Service Desk"]))
    async with local(a_tenant()) as source:
        after = await read_all(source, wanting(*TEAMS, apps=["Acme Service Desk"]))
    were = {person.user_name: comparable(person) for person in before.people.values()}
    are = {person.user_name: comparable(person) for person in after.people.values()}
    assert len(were) == 1000
    assert {name: are[name] for name in were} == were
    # Okta takes apps from people whom it deactivates, so that only the others can be compared.
    active = {name for name, person in were.items() if person["active"]}
    assert by_name(after, active) == by_name(before, active)
    strangers = [person for person in after.people.values() if person.user_name not in were]
    assert {person.active for person in strangers if "#EXT#" in person.user_name} == {None, True}


async def test_groups_within_groups_hold_the_same_people_however_they_nest() -> None:
    async def members(*, nested: bool, how: str) -> dict[str, set[str]]:
        tenant = a_tenant(nested=nested)
        async with local(tenant, members=how) as source:
            everything = await read_all(source, wanting(*TEAMS))
        return by_name(everything, {person.user_name for person in everything.people.values()})

    flat = await members(nested=False, how="direct")
    assert await members(nested=False, how="transitive") == flat
    assert await members(nested=True, how="transitive") == flat
    assert await members(nested=True, how="direct") != flat


async def test_a_ring_of_groups_ends_and_is_told() -> None:
    tenant = a_tenant(Company.generate(people=50, groups=5))
    [staff], [both] = tenant.directory.named("All Staff"), tenant.directory.named("Staff and Partners")
    tenant.directory.add_member(staff.id, both.id)
    async with local(tenant) as source:
        everything = await read_all(source, wanting("All Staff", "Staff and Partners"))
    assert everything.members[staff.id] == everything.members[both.id]
    assert '"All Staff", "Staff and Partners"' in everything.warnings["entra-group-ring"]


async def test_leavers_are_disabled_or_gone_and_come_back_as_the_same_person() -> None:
    tenant = a_tenant(Company.generate(people=50, groups=5))
    disabled, deleted = (user.id for user in list(tenant.directory.live("user"))[:2])
    leave(tenant, disabled)
    leave(tenant, deleted, delete=True)
    async with local(tenant) as source:
        everything = await read_all(source)
        assert everything.people[disabled].active is False
        assert deleted not in everything.people
        assert await source.find(Subject(source.issuer, deleted)) is None
        tenant.directory.restore(deleted)
        back = await source.find(Subject(source.issuer, deleted))
        assert back is not None
        assert back.subject.id == deleted


async def test_somebody_who_moves_is_read_anew() -> None:
    tenant = a_tenant(Company.generate(people=200, groups=10))
    [berlin] = tenant.directory.named("Berlin Office")
    who = next(user.id for user in tenant.directory.live("user") if user.values.get("city") == "London")
    move(tenant, who, "Berlin")
    async with local(tenant) as source:
        everything = await read_all(source, wanting("Berlin Office"))
    assert everything.people[who].locality == "Berlin"
    assert who in everything.members[berlin.id]


FAULTS = {
    "throttled": Fault(kind="throttled", every=3, wait=2.128),
    "error": Fault(kind="error", every=4),
    "html": Fault(kind="html", every=4),
    "expired_page": Fault(kind="expired_page", times=2),
}


@pytest.mark.parametrize("fault", sorted(FAULTS))
async def test_faults_on_the_way_change_nothing(fault: str) -> None:
    async with local(a_tenant()) as source:
        calm = await read_all(source, wanting(*TEAMS, apps=["Acme Service Desk", "Acme Wiki"]))
    quirks = {"faults": (FAULTS[fault],), "page_cap": 90, "decimal_retry_after": True}
    tenant = a_tenant(quirks=quirks)
    async with local(tenant) as source:
        rough = await read_all(source, wanting(*TEAMS, apps=["Acme Service Desk", "Acme Wiki"]))
    assert (rough.people, rough.groups, rough.members) == (calm.people, calm.groups, calm.members)


@pytest.mark.parametrize("kind", ["truncated", "html"])
async def test_answers_that_stay_broken_end_the_read_with_an_error(kind: Any) -> None:
    quirks = {"faults": (Fault(kind=kind, path="/v1.0/users", status=200 if kind == "html" else None),)}
    async with local(a_tenant(Company.generate(people=50, groups=5), quirks=quirks)) as source:
        with pytest.raises(CrosskeyError, match="GET /users"):
            await read_all(source)


async def test_a_small_share_of_resource_units_is_enough() -> None:
    tenant = a_tenant(quirks={"units": 20, "page_cap": 90})
    async with local(tenant) as source:
        everything = await read_all(source, wanting(*TEAMS))
    assert len(everything.people) > 1000
    assert tenant.cell.clock.elapsed < 60
    refused = sum(seen.status == 429 and not seen.batched for seen in tenant.requests)
    assert refused <= 5, "of forty: slowed down before the limit, not by running into it"


async def test_links_to_another_host_are_not_followed() -> None:
    tenant = a_tenant(quirks={"link_host": "graph.example.com"})
    async with local(tenant) as source:
        with pytest.raises(CrosskeyError, match="not a host of this instance"):
            await read_all(source)


@pytest.mark.parametrize("missing", ["User.Read.All", "GroupMember.Read.All", "Application.Read.All"])
async def test_check_and_read_name_what_was_not_consented(missing: str) -> None:
    tenant = a_tenant(Company.generate(people=50, groups=5))
    tenant.applications.consent(
        tenant.application, {"User.Read.All", "GroupMember.Read.All", "Application.Read.All"} - {missing}
    )
    async with local(tenant) as source:
        found = [one for one in await source.check() if one.code == "entra-permission"]
        assert found
        assert all(missing in one.fix for one in found)
        with pytest.raises(AuthError, match=missing.replace(".", r"\.")):
            await read_all(source, wanting("All Staff", apps=["Acme Wiki"]))


async def test_check_is_content_with_the_least_permissions() -> None:
    async with local(a_tenant(Company.generate(people=50, groups=5))) as source:
        found = await source.check()
    assert {one.severity for one in found} == {"ok"}
    assert any('"Acme"' in one.summary for one in found)


async def test_a_certificate_is_accepted() -> None:
    tenant = a_tenant(Company.generate(people=50, groups=5))
    app = tenant.applications.register("crosskey", certificates=[pem_of(certificate())])
    async with local(
        tenant, client_id=app.client_id, certificate=Secret(pem_of(certificate()) + pem_of(KEY))
    ) as source:
        assert (await read_all(source)).people


async def test_a_federated_token_is_accepted(tmp_path: Any) -> None:
    tenant = a_tenant(Company.generate(people=50, groups=5))
    key = RSAKey.generate_key(2048, auto_kid=True)
    trust = Federation(issuer="https://ci.example.com", subject="crosskey", keys=KeySet([key]).as_dict(private=False))
    app = tenant.applications.register("crosskey", federations=[trust])
    now = int(tenant.cell.clock.now().timestamp())
    claims = {"iss": trust.issuer, "sub": trust.subject, "aud": trust.audience, "nbf": now, "exp": now + 600}
    (tmp_path / "token").write_text(jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key, algorithms=["RS256"]))
    async with local(tenant, client_id=app.client_id, federated_token_file=str(tmp_path / "token")) as source:
        assert (await read_all(source)).people
