"""Rounds of changes: what they ask, what makes them start anew, and how apps are followed."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest
from okta_door import RSA, an_org, app_of, local, opened
from okta_rounds import (
    APP_USERS,
    APPS,
    GROUPS,
    LOGS,
    STAFF,
    USERS,
    an_hour_old,
    asked,
    of,
    request,
    round_of,
    without_log,
)

from changes_fold import NOTHING, Known, fold, followed, read_whole
from crosskey.connector.credential import TellsCredentials
from crosskey.connector.signal import ManagesSubscriptions, ReceivesSignals
from crosskey.connector.source import (
    ConfirmsMembership,
    FindsPeople,
    GonePage,
    PeoplePage,
    ReadComplete,
    ReadsChanges,
)
from crosskey.errors import CursorExpiredError
from crosskey.plugins import capabilities
from crosskey.settings import Secret
from crosskey_okta import crosskey_sources
from crosskey_okta.settings import LOG_SCOPE, NEEDED_SCOPES
from crosskey_sandbox.okta import Fault, OktaQuirks, okta_app
from fake_clock import FakeClock

# ----------------------------------------------------------------------------------------------------------------- cost


@pytest.mark.parametrize(("changed", "searches"), [(0, 1), (10, 1), (1000, 6)])
@pytest.mark.parametrize("log", [True, False])
async def test_a_round_costs_what_changed(changed: int, searches: int, log: bool) -> None:
    org, people, _ = an_hour_old(1200)
    async with local(org, **({} if log else without_log(org))) as source:
        known = await read_whole(source, STAFF)
        for person in people[1 : changed + 1]:
            org.users.update_profile(person, {"title": "Changed"})
        asked(org)
        pages, known = await round_of(source, known)
    assert asked(org) == {USERS: searches, GROUPS: 1} | ({LOGS: 1} if log else {})
    told = {person.subject.id for page in of(pages, PeoplePage) for person in page.people if person.title == "Changed"}
    assert told == set(people[1 : changed + 1])


async def test_a_read_that_shall_be_followed_costs_no_request_more() -> None:
    org, _, _ = an_hour_old(450)
    async with local(org) as source:
        plain = [page async for page in source.read(msgspec.structs.replace(STAFF, changes=False))]
        cost = asked(org)
        followed_up = [page async for page in source.read(STAFF)]
    assert asked(org) == cost
    assert plain[-1].cursor == ""
    assert followed_up[-1].cursor
    assert plain[-1].server_time == followed_up[-1].server_time


async def test_what_the_source_can_do_is_to_be_seen() -> None:
    async with local(an_org()) as source:
        for ability in (ReadsChanges, FindsPeople, ConfirmsMembership, ReceivesSignals, ManagesSubscriptions):
            assert isinstance(source, ability)
        assert isinstance(source, TellsCredentials)
        named = ("credentials", "find", "groups_of", "read_changes", "receive", "set_up_sign_in", "subscribe")
        assert capabilities(crosskey_sources()[0], source) == named


async def test_a_refused_log_is_tried_again_after_an_hour() -> None:
    org, _, _ = an_hour_old()
    scopes = (*NEEDED_SCOPES, LOG_SCOPE)
    app = app_of(org, dpop=False)  # asked for, and not granted
    async with local(org, scopes=scopes, **app) as source:
        known = await read_whole(source, STAFF)
        asked(org)
        known = await followed(source, known, STAFF)
        assert asked(org) == {USERS: 1, GROUPS: 1}, "the token says that the scope is missing"
    refusing = httpx.ASGITransport(app=okta_app(org))
    logs: list[int] = []

    async def handle(sent: httpx.Request) -> httpx.Response:
        if sent.url.path == LOGS:
            logs.append(1)
            return httpx.Response(403, json={"errorCode": "E0000006", "errorSummary": "No permission"})
        return await refusing.handle_async_request(sent)

    async with opened(httpx.MockTransport(handle), clock=org.cell.clock, token=Secret(org.api_token)) as source:
        known = await read_whole(source, STAFF)
        for wait, tries in ((60.0, 1), (60.0, 1), (3600.0, 1), (60.0, 2), (60.0, 2)):
            org.cell.clock.advance(wait)
            known = await followed(source, known, STAFF)
            assert len(logs) == tries


# --------------------------------------------------------------------------------------------------------------- cursor


async def test_time_is_oktas_and_never_this_machines() -> None:
    org, people, _ = an_hour_old()
    for off in (timedelta(days=400), timedelta(days=-400)):
        wrong = FakeClock(org.cell.clock.now() + off)
        async with local(org, clock=wrong) as source:
            known = await read_whole(source, STAFF)
            for turn in range(3):
                org.cell.clock.advance(600.0)
                org.users.update_profile(people[1], {"title": f"{off} {turn}"})
                known = await followed(source, known, STAFF)
                assert known.people[people[1]].title == f"{off} {turn}"


async def test_each_round_looks_back_two_minutes_behind_the_last_one() -> None:
    org, _, _ = an_hour_old()
    seen: list[httpx.Request] = []
    inner = httpx.ASGITransport(app=okta_app(org))

    async def handle(sent: httpx.Request) -> httpx.Response:
        seen.append(sent)
        return await inner.handle_async_request(sent)

    async with opened(httpx.MockTransport(handle), clock=org.cell.clock, token=Secret(org.api_token)) as source:
        known = await read_whole(source, STAFF)
        org.cell.clock.advance(600.0)
        seen.clear()
        await followed(source, known, STAFF)
    since = "2026-01-05T09:58:00.000Z"
    [search] = [sent.url.params["search"] for sent in seen if sent.url.path == USERS]
    assert search.startswith(f'lastUpdated ge "{since}" or statusChanged ge "{since}" or id eq "')
    [chosen] = [sent.url.params["filter"] for sent in seen if sent.url.path == GROUPS]
    assert chosen == f'lastUpdated gt "{since}" or lastMembershipUpdated gt "{since}"'
    [logs] = [sent.url.params for sent in seen if sent.url.path == LOGS]
    assert (logs["since"], logs["sortOrder"], "until" in logs) == (since, "ASCENDING", False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "garbage",
        "{}",
        "[]",
        '"x"',
        "null",
        '{"version":1}',
        '{"version":99}',
        '{"version":"1"}',
        "\udce9",
        "9" * 5000,
    ],
)
async def test_a_text_that_is_no_cursor_of_ours(text: str) -> None:
    org, _, _ = an_hour_old()
    async with local(org) as source:
        with pytest.raises(CursorExpiredError) as caught:
            await followed(source, Known(cursor=text), STAFF)
    assert caught.value.where == "source.corp"
    assert not org.requests


@pytest.mark.parametrize("name", ["since", "witness", "chosen", "stands", "apps_listed", "log", "log_refused"])
@pytest.mark.parametrize(
    "value", [None, 7, "x", "", [], {"Staff": 1}, "0001-01-01T00:00:00Z", "2026-01-05T10:00:00", "http://[", "a b"]
)
async def test_a_bent_cursor_is_expired_or_harmless(name: str, value: Any) -> None:
    org, _, _ = an_hour_old()
    async with local(org) as source:
        known = await read_whole(source, STAFF)
        bent = json.dumps(json.loads(known.cursor) | {name: value})
        with suppress(CursorExpiredError):
            await followed(source, replace(known, cursor=bent), STAFF)


async def test_a_cursor_belongs_to_its_request_its_org_and_its_settings() -> None:
    org, _, group = an_hour_old()
    async with local(org) as source:
        known = await read_whole(source, STAFF)
        assert await followed(source, known, msgspec.structs.replace(STAFF, changes=False)) == known
        others = (
            request(),
            request("Staff", apps=("Desk",)),
            request("Staff", pins={"Staff": group}),
            msgspec.structs.replace(STAFF, attributes=None),
            msgspec.structs.replace(STAFF, attributes=frozenset({"badge"})),
        )
        for other in others:
            with pytest.raises(CursorExpiredError):
                await followed(source, known, other)
    for changes in (
        {"issuer": "https://other.okta.com"},
        {"statuses": {"STAGED": "active"}},
        {"attributes": {"title": "rank"}},
    ):
        async with local(org, **changes) as source:
            with pytest.raises(CursorExpiredError):
                await followed(source, known, STAFF)


async def test_after_90_days_everything_is_read_again() -> None:
    org, _, _ = an_hour_old()
    async with local(org) as source:
        known = await read_whole(source, STAFF)
        org.cell.clock.advance(90 * 86_400)
        known = await followed(source, known, STAFF)
        org.cell.clock.advance(90 * 86_400 + 1)
        with pytest.raises(CursorExpiredError, match="90 days"):
            await followed(source, known, STAFF)
        now = await read_whole(source, STAFF)
        future = json.loads(now.cursor) | {"since": "2031-01-01T00:00:00Z"}
        with pytest.raises(CursorExpiredError, match="future"):
            await followed(source, Known(cursor=json.dumps(future)), STAFF)


async def test_no_secret_and_no_name_is_in_a_cursor() -> None:
    org, _, _ = an_hour_old()
    app = app_of(org, dpop=False, scopes=(*NEEDED_SCOPES, LOG_SCOPE))
    async with local(org, scopes=(*NEEDED_SCOPES, LOG_SCOPE), **app) as source:
        known = await followed(source, await read_whole(source, STAFF), STAFF)
    assert LOGS in known.cursor
    for word in (org.api_token, *org.access.grants, app["client_id"], "example.com", "Person"):
        assert word not in known.cursor
    assert RSA.as_pem(private=True).decode()[40:80] not in known.cursor


async def test_a_kept_link_to_another_host_gets_no_token() -> None:
    org, people, _ = an_hour_old()
    hosts: set[str] = set()
    inner = httpx.ASGITransport(app=okta_app(org))

    async def handle(sent: httpx.Request) -> httpx.Response:
        hosts.add(sent.url.host)
        return await inner.handle_async_request(sent)

    async with opened(httpx.MockTransport(handle), clock=org.cell.clock, token=Secret(org.api_token)) as source:
        known = await read_whole(source, STAFF)
        bent = json.loads(known.cursor) | {"log": "https://evil.example.net/api/v1/logs?after=1"}
        org.users.deactivate(people[1])
        pages, known = await round_of(source, replace(known, cursor=json.dumps(bent)))
        assert known.people[people[1]].active is False
        assert [warning.code for warning in pages[-1].warnings] == ["okta-log"]
        pages, _ = await round_of(source, known)
        assert pages[-1].warnings == (), "the log was begun anew"
    assert hosts == {"acme.okta.com"}


async def test_a_kept_link_that_okta_forgot_is_begun_anew_from_the_last_round() -> None:
    org, people, _ = an_hour_old()
    async with local(org) as source:
        known = await followed(source, await read_whole(source, STAFF), STAFF)
        place = json.loads(known.cursor)
        place["log"] = place["log"].replace("after=", "after=x")
        while not org.users.delete(people[1]):
            pass
        asked(org)
        pages, _ = await round_of(source, replace(known, cursor=json.dumps(place)))
    assert of(pages, GonePage) == [GonePage(people=(people[1],))]
    assert asked(org)[LOGS] == 3, "the refusal, what happened, the end"
    assert pages[-1].warnings == ()


@pytest.mark.parametrize("kind", ["error", "html", "truncated"])
async def test_a_round_never_ends_early_and_its_cursor_stays_good(kind: Any) -> None:
    org, people, _ = an_hour_old(450)
    async with local(org) as source:
        known = await read_whole(source, STAFF)
        for person in people:
            org.users.update_profile(person, {"title": "Changed"})
        org.quirks = OktaQuirks(faults=(Fault(kind=kind, path=USERS, skip=1, status=200 if kind == "html" else None),))
        pages: list[Any] = []
        with pytest.raises(Exception, match="."):
            async for page in source.read_changes(known.cursor, STAFF):
                pages.append(page)
        assert not of(pages, ReadComplete)
        org.quirks = OktaQuirks()
        known = await followed(source, known, STAFF)
    assert {person.title for person in known.people.values()} == {"Changed"}


async def test_only_a_full_read_wonders_that_nobody_has_an_attribute() -> None:
    org, people, _ = an_hour_old()
    wanted = msgspec.structs.replace(STAFF, attributes=frozenset({"badge"}))
    async with local(org) as source:
        whole = [page async for page in source.read(wanted)]
        org.users.set_status(people[1], "UNHEARD_OF")  # pyright: ignore[reportArgumentType]  a status of tomorrow
        pages, _ = await round_of(source, fold(NOTHING, whole), wanted)
    assert [warning.code for warning in whole[-1].warnings] == ["okta-attribute-empty"]
    assert [warning.code for warning in pages[-1].warnings] == ["okta-status-unknown"]


# ----------------------------------------------------------------------------------------------------------------- apps


async def test_the_users_of_an_app_are_listed_in_each_round_without_the_log() -> None:
    org, people, _ = an_hour_old()
    desk = org.apps.create("halo", "Desk").id
    wanted = request("Staff", apps=("Desk",))
    async with local(org, **without_log(org)) as source:
        known = await read_whole(source, wanted)
        org.apps.assign_user(desk, people[0])
        org.apps.assign_user(desk, people[1])
        known = await followed(source, known, wanted)
        org.apps.unassign_user(desk, people[1])
        asked(org)
        known = await followed(source, known, wanted)
        assert asked(org) == {USERS: 1, GROUPS: 1, APPS: 1, APP_USERS: 1}
        assert known.members[desk] == {people[0]}


async def test_with_the_log_apps_are_listed_when_something_happened_and_once_an_hour() -> None:
    org, people, group = an_hour_old()
    desk = org.apps.create("halo", "Desk").id
    wanted = request("Staff", apps=("Desk",))
    async with local(org) as source:
        org.cell.clock.advance(600.0)
        known = await read_whole(source, wanted)
        listed = []
        for happens in (
            lambda: None,
            lambda: org.apps.assign_user(desk, people[0]),
            lambda: None,
            lambda: org.apps.assign_group(desk, group),
            lambda: org.users.deactivate(people[1]),
            lambda: None,
        ):
            org.cell.clock.advance(300.0)
            happens()
            asked(org)
            known = await followed(source, known, wanted)
            listed.append(asked(org)[APP_USERS])
            assert known.members[desk] == (await read_whole(source, wanted)).members[desk]
        assert listed == [0, 1, 0, 1, 1, 1], "a round looks back at what the last one saw"
        for _ in range(4):
            org.cell.clock.advance(1300.0)
            asked(org)
            known = await followed(source, known, wanted)
            listed.append(asked(org)[APP_USERS])
    assert listed[6:] == [0, 0, 0, 1]
