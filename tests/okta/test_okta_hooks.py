"""Event hooks at Okta: made, mended, verified and removed; and what they deliver is understood by the same source."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from okta_door import an_org, app_of, local, opened, people_of
from okta_recordings import Replay
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crosskey.connector.signal import ManagesSubscriptions, SignalAnswer, SignalRequest, Subscription
from crosskey.errors import AuthError, ConfigError, RejectedError
from crosskey.settings import Secret
from crosskey_okta.settings import HOOKS_SCOPE, NEEDED_SCOPES
from crosskey_okta.signals import HOOK_EVENTS
from crosskey_sandbox.okta import SUPER_ADMIN, OktaOrg
from crosskey_sandbox.okta.syslog import HOOKABLE
from crosskey_sandbox.server import serving

SECRET = "canary-hook-secret"


@asynccontextmanager
async def desk(org: OktaOrg, **changes: Any) -> AsyncIterator[tuple[Any, str, list[SignalAnswer]]]:
    """The open source, and an address where what Okta pushes reaches that same source."""
    answers: list[SignalAnswer] = []
    async with local(org, **{"hook_secret": Secret(SECRET), **changes}) as source:

        async def hook(request: Request) -> Response:
            answer = source.receive(
                SignalRequest(method=request.method, headers=dict(request.headers), body=await request.body())
            )
            answers.append(answer)
            return Response(answer.body, status_code=answer.status, media_type=answer.content_type)

        with serving(Starlette(routes=[Route("/hooks/corp", hook, methods=["GET", "POST"])])) as url:
            yield source, f"{url}/hooks/corp", answers


def paths(org: OktaOrg) -> list[str]:
    return [f"{seen.method} {seen.path}" for seen in org.requests]


def test_only_what_hooks_can_tell_is_asked_for() -> None:
    assert set(HOOK_EVENTS) <= HOOKABLE
    assert len(set(HOOK_EVENTS)) == len(HOOK_EVENTS)


async def test_a_hook_is_made_verified_and_what_it_delivers_is_heard() -> None:
    org = an_org()
    [ada] = people_of(org, 1)
    async with desk(org) as (source, url, answers):
        assert isinstance(source, ManagesSubscriptions)
        [made] = await source.subscribe(url)
        assert (made.url, made.state, made.expires_at) == (url, "active", None)
        assert [answer.verdict for answer in answers] == ["challenge"]
        org.users.suspend(ada)
        org.hooks.courier.settle()
        assert (answers[-1].verdict, answers[-1].people) == ("accepted", {ada})
        assert await source.subscriptions() == [made]
    assert [hook.headers for hook in org.hooks.roll] == [{"Authorization": SECRET}]


async def test_subscribing_again_changes_nothing() -> None:
    org = an_org()
    async with desk(org) as (source, url, _):
        first = await source.subscribe(url)
        org.requests.clear()
        assert await source.subscribe(url) == first
    assert paths(org) == ["GET /api/v1/eventHooks"]


async def test_another_address_and_other_events_are_mended_and_verified_again() -> None:
    org = an_org()
    async with desk(org) as (source, url, _):
        [old] = await source.subscribe(url)
        [moved] = await source.subscribe(f"{url}?v=2")
        assert (moved.id, moved.url, moved.state) == (old.id, f"{url}?v=2", "active")
        [hook] = org.hooks.roll
        hook.wanted.events.items.pop()
        hook.status = "INACTIVE"
        assert [found.state for found in await source.subscriptions()] == ["lapsed"]
        [mended] = await source.subscribe(f"{url}?v=2")
    assert mended.state == "active"
    assert set(hook.wanted.events.items) == set(HOOK_EVENTS)
    assert len(org.hooks.roll) == 1


async def test_renewing_writes_a_new_secret() -> None:
    org = an_org()
    async with desk(org) as (source, url, _):
        [old] = await source.subscribe(url)
    async with desk(org, hook_secret=Secret("another-secret")) as (source, url, _):
        renewed = await source.renew(Subscription(id=old.id, url=url, state="lapsed"))
    assert renewed.state == "active"
    assert [hook.headers for hook in org.hooks.roll] == [{"Authorization": "another-secret"}]


async def test_unsubscribing_leaves_nothing_and_again_is_no_error() -> None:
    org = an_org()
    async with desk(org) as (source, url, _):
        [made] = await source.subscribe(url)
        await source.unsubscribe(made)
        await source.unsubscribe(made)
        assert await source.subscriptions() == []
    assert len(org.hooks.roll) == 0


async def test_hooks_of_others_are_left_alone() -> None:
    org = an_org()
    async with desk(org) as (source, url, _):
        [ours] = await source.subscribe(url)
        [hook] = org.hooks.roll
        other = org.hooks.create(
            type(hook.wanted)("crosskey source.other", hook.wanted.events, hook.wanted.channel), ""
        )
        assert await source.subscriptions() == [ours]
        assert await source.subscribe(url) == [ours]
    assert other.verification_status == "UNVERIFIED"


async def test_an_address_that_cannot_answer_is_said_and_found_again() -> None:
    org = an_org()
    async with local(org, hook_secret=Secret(SECRET)) as source:
        for _ in range(2):
            with pytest.raises(RejectedError, match="could not verify the event hook") as caught:
                await source.subscribe("https://desk.acme.example/hooks/corp")
            assert caught.value.code == "okta-hook-unverified"
            assert "reachable from the internet" in caught.value.fix
        assert [found.state for found in await source.subscriptions()] == ["unverified"]
    assert len(org.hooks.roll) == 1


async def test_without_a_secret_no_hook_is_made() -> None:
    org = an_org()
    async with local(org) as source:
        with pytest.raises(ConfigError, match="open to anybody") as caught:
            await source.subscribe("https://desk.acme.example/hooks/corp")
    assert caught.value.where == "source.corp.hook_secret"
    assert not org.requests


async def test_a_missing_scope_and_a_small_role_are_told_apart() -> None:
    org = an_org()
    async with local(org, **app_of(org)) as source:
        with pytest.raises(AuthError) as caught:
            await source.subscriptions()
    assert HOOKS_SCOPE in caught.value.fix
    scopes = (*NEEDED_SCOPES, HOOKS_SCOPE)
    async with local(org, scopes=scopes, **app_of(org, scopes=scopes)) as source:
        with pytest.raises(AuthError) as caught:
            await source.subscriptions()
    assert "Super Administrator" in caught.value.fix
    assert "Read-Only" not in caught.value.fix
    async with desk(org, scopes=scopes, **app_of(org, scopes=scopes, rights=SUPER_ADMIN)) as (source, url, _):
        assert [made.state for made in await source.subscribe(url)] == ["active"]


async def test_a_recorded_hook_is_read() -> None:
    name = "sdk-python/event-hooks/create_get_event_hook.yaml"
    hook = "/api/v1/eventHooks/whosfap1ldvY2Za8f4x6"
    replay = Replay().add(name)
    async with opened(replay, hook_secret=Secret(SECRET)) as source:
        made = Subscription(id="whosfap1ldvY2Za8f4x6", url="https://www.example.com/eventHooks", state="unverified")
        await source.unsubscribe(made)
    assert replay.asked() == [f"POST {hook}/lifecycle/deactivate", f"DELETE {hook}"]
    replay = Replay().add(name).synthetic("GET", "/api/v1/eventHooks", [])
    replay.borrow(name, 200, f"{hook}/lifecycle/verify", method="POST")
    async with opened(replay, hook_secret=Secret(SECRET)) as source:
        [found] = await source.subscribe("https://www.example.com/eventHooks")
    assert found == Subscription(id=made.id, url=made.url, state="unverified", about="2 event types"), (
        "verification was not recorded: the borrowed answer is the one before it"
    )
