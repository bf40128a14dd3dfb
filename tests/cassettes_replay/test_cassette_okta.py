"""The Okta source over its cassettes: typed people, groups and members, waits and refusals."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from cassette_cases import HOOK_URL, ISSUER, company
from crosskey.connector.source import GonePage
from crosskey.errors import AuthError
from crosskey.model import Subject

STATUSES = {"active": "ACTIVE", "staged": "STAGED", "invited": "PROVISIONED", "suspended": "SUSPENDED",
            "deactivated": "DEPROVISIONED", "locked_out": "LOCKED_OUT", "password_expired": "PASSWORD_EXPIRED",
            "recovering": "RECOVERY"}  # fmt: skip


async def test_a_full_read(replay) -> None:
    read = await replay("okta/full-read")
    people, staff = company(), {person.user_name: person for person in read.people.values()}
    assert {person.login for person in people.people} == set(staff)
    assert read.pages == [25, 10, 1], "two pages of the plain list, one of the deactivated"
    for person in people.people:
        told = staff[person.login]
        assert (told.display_name, told.email, told.title) == (person.display_name, person.email, person.title)
        assert (told.department, told.locality, told.employee_number) == (
            person.department, person.office, person.employee_number,
        )  # fmt: skip
        assert told.status == STATUSES[person.status]
        assert told.extra == {"floor": person.floor or ""}
        assert told.subject.issuer == ISSUER
    by_number = {person.number: person.login for person in people.people}
    for name in ("All Staff", "Service Desk"):
        [team] = [team for team in people.teams if team.name == name]
        logins = {read.people[member].user_name for member in read.members[read.groups[name].id]}
        assert logins == {by_number[number] for number in team.members}
    app = read.groups["Acme Service Desk"]
    assert app.kind == "app"
    gone = {person.subject.id for person in read.people.values() if person.status == "DEPROVISIONED"}
    assert read.members[app.id] == read.members[read.groups["All Staff"].id] - gone, "leavers lose their apps"
    assert read.complete.server_time == datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


async def test_a_service_app_learns_dpop_and_reads(replay) -> None:
    read = await replay("okta/oauth-dpop-read")
    assert Counter(person.status for person in read.people.values()) == {"ACTIVE": 3}
    assert read.members[read.groups["Service Desk"].id] == set(read.people)


async def test_check_finds_everything_in_place(replay) -> None:
    assert await replay("okta/check") == dict.fromkeys(
        ("okta-host", "okta-users", "okta-token", "okta-groups", "okta-apps", "okta-log"), "ok"
    )


async def test_a_used_up_minute_is_waited_for(replay) -> None:
    read = await replay("okta/rate-limited")
    assert len(read.people) == 3
    assert replay.clock.elapsed == 18, "17 s by the recorded headers, and one more"


async def test_an_empty_200_is_a_missing_role(replay) -> None:
    with pytest.raises(AuthError, match="lacks an admin role") as caught:
        await replay("okta/empty-without-role")
    assert caught.value.code == "okta-sees-nobody"


async def test_somebody_who_left_is_found_and_nobody_is_not(replay) -> None:
    left, never = await replay("okta/find-gone")
    assert (left.active, left.status, left.email) == (False, "DEPROVISIONED", "person2@example.com")
    assert left.subject == Subject(ISSUER, left.subject.id)
    assert never is None


async def test_changes_are_followed_and_a_quiet_round_brings_nothing_new(replay) -> None:
    first, second, pages = await replay("okta/changes")
    assert second == first, "the read was made after it all happened"
    statuses = {person.user_name.partition("@")[0]: person.status for person in first.people.values()}
    assert statuses == {"person1": "ACTIVE", "person2": "DEPROVISIONED", "person4": "ACTIVE"}
    assert {group.name for group in first.groups.values()} == {"Everyone", "Service Desk", "Night shift"}
    assert not [page for page in pages if isinstance(page, GonePage)], "the log is not told twice"
    assert pages[-1].cursor == second.cursor


async def test_a_hook_that_nobody_answers_is_unverified_and_can_be_removed(replay) -> None:
    [hook] = await replay("okta/event-hook")
    assert (hook.url, hook.state, hook.expires_at) == (HOOK_URL, "unverified", None)
