"""A whole made-up company, read from the local Okta: what is told there is what arrives."""

from __future__ import annotations

import logging
from collections import Counter

import pytest
from okta_door import RSA, app_of, local, people_of, read_all, wanting

from crosskey.settings import Secret
from crosskey_sandbox.company import Company
from crosskey_sandbox.okta import Fault, OktaQuirks
from crosskey_sandbox.okta.staffing import org_of
from fake_clock import FakeClock


async def test_everybody_arrives_whatever_their_script() -> None:
    company = Company.generate(people=1000, groups=40)
    org = org_of(company, clock=FakeClock())
    teams = ("All Staff", "London Office", "Service Desk")
    async with local(org) as source:
        everything = await read_all(source, wanting(*teams, apps=["Acme Service Desk"]))
    told = Counter((user.profile["login"], user.status) for user in org.users.roll)
    assert Counter((person.user_name, person.status) for person in everything.people.values()) == told
    names = {user.id: (user.profile["firstName"], user.profile["lastName"]) for user in org.users.roll}
    assert {key: (one.given_name, one.family_name) for key, one in everything.people.items()} == names
    for team in teams:
        [group] = org.groups.named(team)
        assert everything.members[group.id] == set(org.groups.members(group.id).ids())
    app = next(app for app in org.apps.roll if app.label == "Acme Service Desk")
    assert everything.members[app.id] == set(org.apps.users(app.id).ids())
    assert everything.complete is not None
    assert everything.complete.warnings == ()


async def test_two_reads_of_an_unchanged_org_are_equal() -> None:
    org = org_of(Company.generate(people=300, groups=20), clock=FakeClock())
    async with local(org) as source:
        first, second = await read_all(source), await read_all(source)
    assert (first.people, first.groups) == (second.people, second.groups)


async def test_a_search_that_flaps_does_not_matter() -> None:
    """Lists and filters are read, never Okta's eventually consistent search."""
    org = org_of(Company.generate(people=300, groups=20), clock=FakeClock())
    org.quirks = OktaQuirks(search_flap=1, search_lag=3600.0)
    async with local(org) as source:
        everything = await read_all(source)
    assert len(everything.people) == len(org.users)
    assert org.searches == 0


async def test_no_secret_reaches_logs_or_errors(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    org = org_of(Company.generate(people=30, groups=3), clock=FakeClock())
    org.quirks = OktaQuirks(faults=(Fault(kind="error", every=3, times=3),))
    app = app_of(org)
    async with local(org, **app) as source:
        await read_all(source)
        grants = list(org.access.grants)
        org.access.grants.clear()
        org.access.client(app["client_id"]).keys.clear()  # pyright: ignore[reportOptionalMemberAccess]
        with pytest.raises(Exception, match="client id or key") as caught:
            await read_all(source)
        shown = f"{caught.value}{caught.value!r}{source!r}{caplog.text}"
    secrets = [*grants, RSA.as_pem(private=True).decode().splitlines()[3], "eyJ"]
    assert not [secret for secret in secrets if secret in shown]
    async with local(org, token=Secret(org.api_token)) as source:
        org.access.revoke_token(org.api_token)
        people_of(org, 1)
        with pytest.raises(Exception, match="wrong or dead") as caught:
            await read_all(source)
    assert org.api_token not in f"{caught.value}{caught.value!r}{caplog.text}"
