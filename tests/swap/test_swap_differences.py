"""What only one of the two directories knows, and what the section says to make up for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from swap_bench import NO_ADDRESS, Program

from crosskey_sandbox.entra import leave


def with_settings(lines: str) -> Callable[[str], str]:
    """Further settings in the source's section."""
    return lambda text: text.replace('use = "entra"\n', f'use = "entra"\n{lines}\n', 1)


def with_time_zones(text: str) -> str:
    return text.replace("[map.user.fields]\n", '[map.user.fields]\nother2 = "timezone"\n', 1)


@pytest.fixture
def okta(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    return Program(tmp_path / "okta", monkeypatch, "okta")


@pytest.fixture
def entra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    return Program(tmp_path / "entra", monkeypatch, "entra")


async def test_entra_has_no_time_zones_unless_the_company_keeps_them_somewhere(okta: Program, entra: Program) -> None:
    """Graph has a time zone only in a person's mailbox settings, which a list of users cannot bring."""
    okta.configure("okta", with_time_zones)
    entra.configure("entra", with_time_zones)
    await okta.run("apply")
    await entra.run("apply")
    zones = {user["other2"] for user in okta.users()}
    assert {"Europe/London", "Europe/Berlin"} < zones
    assert {user["other2"] for user in entra.users()} == {""}
    assert [{**user, "other2": ""} for user in okta.users()] == entra.users(), "nothing else differs"

    for person in entra.company.people:
        kept = {"extensionAttribute3": person.timezone}
        entra.tenant.directory.update(person.login, {"onPremisesExtensionAttributes": kept})
    place = with_settings('attributes = { timezone = "extensionAttribute3" }')
    many = ("max_disable = {", "max_change = { count = 100 }\nmax_disable = {")  # a zone for everybody, on purpose
    entra.configure("entra", lambda text: place(with_time_zones(text)).replace(*many))
    await entra.run("apply")
    assert entra.users() == okta.users()


async def test_guests_are_left_alone_unless_the_section_says_otherwise(okta: Program, entra: Program) -> None:
    """Okta has none. A guest of Entra's comes from another company; whether that one works here, only the team knows."""
    [staff] = entra.tenant.directory.named("All Staff")
    guest = next(user for user in entra.tenant.directory.live("user") if user.values.get("userType") == "Guest")
    entra.tenant.directory.add_member(staff.id, guest.id)
    await okta.run("apply")
    left_alone = await entra.run("apply")
    assert entra.users() == okta.users()
    assert "entra-guests" in {notice.code for notice in left_alone.notices}

    entra.configure("entra", with_settings('guests = "inactive"'))
    assert (await entra.run("plan")).plan.size == 0, "whoever should have no account is given none"

    entra.configure("entra", with_settings('guests = "active"'))
    await entra.run("apply")
    [more] = [user for user in entra.users() if user not in okta.users()]
    assert more["emailaddress"] == guest.values["mail"]


async def test_the_sign_in_name_may_stand_in_for_an_address_that_is_missing(okta: Program, entra: Program) -> None:
    """Okta demands an e-mail address of nearly everybody; in Entra it is there only with a mailbox."""
    entra.configure("entra", with_settings('attributes = { email = ["mail", "userPrincipalName"] }'))
    await okta.run("apply")
    told = await entra.run("apply")
    [without] = [user for user in okta.users() if user not in entra.users()]
    [instead] = [user for user in entra.users() if user not in okta.users()]
    assert without["emailaddress"] == ""
    assert instead == {**without, "emailaddress": entra.company.people[NO_ADDRESS - 1].login}
    assert "entra-email-elsewhere" in {notice.code for notice in told.notices}


async def test_somebody_deleted_in_entra_is_a_leaver_as_somebody_deactivated_in_okta_is(
    okta: Program, entra: Program
) -> None:
    """Okta lists people whom it deactivated, Entra does not list those in its recycle bin: they are looked up by id."""
    await okta.run("apply")
    await entra.run("apply")
    leaver = okta.colleague("Service Desk")
    okta.leaves(leaver)
    leave(entra.tenant, leaver.login, delete=True)
    for program in (okta, entra):
        gone = await program.run("apply")
        assert gone.plan.header.counts == {"disable": 2}
        assert program.user(leaver)["inactive"] is True
        assert program.agent(leaver)["isdisabled"] is True
    assert entra.users() == okta.users()
    assert entra.agents() == okta.agents()
