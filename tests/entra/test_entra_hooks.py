"""Change notifications: the handshake, what is believed, what is looked at, and subscriptions from first to last."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from entra_door import TENANT, LocalGraph, opened, refusal
from entra_hook import a_hook
from hypothesis import given
from hypothesis import strategies as st
from test_entra_company import local
from test_entra_history import add, group

from crosskey.connector.signal import SignalRequest, Subscription
from crosskey.errors import AuthError, ConfigError, RejectedError
from crosskey.settings import Secret
from crosskey_sandbox.entra import READ_EVERYTHING, EntraQuirks, EntraTenant
from fake_clock import FakeClock

STATE = "a-random-state-of-thirty-two-chars"
ANNA, BERT = "87d349ed-44d7-43e1-9a83-5f2406dee5bd", "4782e723-f4f4-4af3-a76e-25e3bab0d896"
SUBSCRIPTION = "7f105c7d-2dc5-4530-97cd-4e7ae6534c07"


def notification(kind: str = "User", key: str = ANNA, **changes: Any) -> dict[str, Any]:
    return {
        "subscriptionId": SUBSCRIPTION,
        "clientState": STATE,
        "changeType": "updated",
        "resource": f"{kind}s/{key}",
        "tenantId": TENANT,
        "subscriptionExpirationDateTime": "2026-01-30T09:00:00Z",
        "resourceData": {"@odata.type": f"#Microsoft.Graph.{kind}", "@odata.id": f"{kind}s/{key}", "id": key},
        **changes,
    }


def post(*items: Any, body: bytes | None = None, **query: str) -> SignalRequest:
    content = json.dumps({"value": items}).encode() if body is None else body
    return SignalRequest(method="POST", query=query, body=content)


@pytest.fixture
async def source() -> Any:
    async with opened(LocalGraph(), hook_secret=Secret(STATE)) as opened_source:
        yield opened_source


# ------------------------------------------------------------------------------------------------------------ receiving


async def test_the_handshake_gives_the_token_back_as_plain_text(source: Any) -> None:
    answer = source.receive(post(body=b"", validationToken="Validation: is <it> you? 100%"))
    assert (answer.verdict, answer.status, answer.content_type) == ("challenge", 200, "text/plain")
    assert answer.body == b"Validation: is <it> you? 100%"
    assert not answer.people
    assert not answer.changes


@pytest.mark.parametrize("token", ["", "x" * 2049, "two\r\nlines", "\x00"])
async def test_what_is_no_token_is_not_given_back(source: Any, token: str) -> None:
    answer = source.receive(post(body=b"", validationToken=token))
    assert (answer.verdict, answer.body) == ("refused", b"")


async def test_people_are_named_and_groups_ask_for_a_round(source: Any) -> None:
    answer = source.receive(post(notification(), notification(key=BERT.upper()), notification("Group", "g")))
    assert (answer.verdict, answer.status, answer.code) == ("accepted", 202, "entra-hook")
    assert answer.people == {ANNA, BERT}
    assert answer.changes
    assert not answer.renew
    assert answer.events == (), "Graph gives these no id: two changes of one person must not look like one"


async def test_an_id_is_told_where_graph_gives_one(source: Any) -> None:
    assert source.receive(post(notification(id="n-1"), notification(id=None))).events == ("n-1",)


@pytest.mark.parametrize(
    ("event", "renew", "changes"),
    [
        ("reauthorizationRequired", True, False),
        ("subscriptionRemoved", True, True),
        ("missed", False, True),
        ("somethingNew", False, False),
    ],
)
async def test_lifecycle_notifications(source: Any, event: str, renew: bool, changes: bool) -> None:
    item = {"subscriptionId": SUBSCRIPTION, "clientState": STATE, "tenantId": TENANT, "lifecycleEvent": event}
    answer = source.receive(post(item))
    assert (answer.status, answer.renew, answer.changes, answer.people) == (202, renew, changes, frozenset())


@pytest.mark.parametrize(
    ("request_", "code", "status"),
    [
        (post(notification(clientState="another")), "entra-hook-secret", 403),
        (post(notification(clientState=None)), "entra-hook-secret", 403),
        (post(notification(clientState="")), "entra-hook-secret", 403),
        (post(notification(tenantId="00000000-0000-4000-8000-000000000000")), "entra-hook-tenant", 403),
        (post(body=b"{"), "entra-hook-malformed", 400),
        (post(body=b""), "entra-hook-malformed", 400),
        (post(body=b'{"value": []}'), "entra-hook-malformed", 400),
        (post(body=b'{"value": [{"clientState": 7}]}'), "entra-hook-malformed", 400),
        (post(body=b'{"value": [{"clientState": "\\ud800"}]}'), "entra-hook-malformed", 400),
        (post(body=b"[" * 100_000), "entra-hook-malformed", 400),
        (post(body=b" " * 1_048_577), "entra-hook-too-large", 413),
        (post(*[notification()] * 5_001, body=None), "entra-hook-too-large", 413),
        (SignalRequest(method="GET"), "entra-hook-method", 405),
    ],
)
async def test_what_is_refused(source: Any, request_: SignalRequest, code: str, status: int) -> None:
    answer = source.receive(request_)
    assert (answer.verdict, answer.code, answer.status) == ("refused", code, status)
    assert not answer.people
    assert not answer.changes


async def test_a_stranger_in_a_delivery_takes_nobody_along(source: Any) -> None:
    answer = source.receive(post(notification(), notification(key=BERT, clientState="another")))
    assert answer.people == {ANNA}


@pytest.mark.parametrize("secret", [None, Secret("")])
async def test_without_a_secret_nothing_is_taken_and_no_handshake_made(secret: Any) -> None:
    async with opened(LocalGraph(), hook_secret=secret) as source:
        for request in (post(notification(clientState="")), post(body=b"", validationToken="hello")):
            assert source.receive(request).code == "entra-hook-off"


async def test_a_secret_that_cannot_be_read_now_refuses_and_raises_nothing() -> None:
    def locked() -> str:
        raise ConfigError("the key ring is locked")

    async with opened(LocalGraph(), hook_secret=Secret(locked)) as source:
        assert source.receive(post(notification())).verdict == "refused"


@given(
    st.binary(max_size=300)
    | st.recursive(
        st.none() | st.booleans() | st.text(max_size=5) | st.integers(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["value", "clientState", "tenantId", "resourceData", "id", "lifecycleEvent"]), inner
            )
        ),
    ).map(lambda value: json.dumps(value).encode())
)
async def test_no_body_raises_or_is_believed(body: bytes) -> None:
    async with opened(LocalGraph(), hook_secret=Secret(STATE)) as source:
        assert source.receive(post(body=body)).verdict == "refused"


# -------------------------------------------------------------------------------------------------------- subscriptions


def a_tenant(**quirks: Any) -> EntraTenant:
    tenant = EntraTenant(clock=FakeClock(), quirks=EntraQuirks(**quirks))
    tenant.applications.consent(tenant.application, {*READ_EVERYTHING, "Group.Read.All"})
    return tenant


async def test_from_subscribing_to_a_notification_and_to_the_end() -> None:
    tenant = a_tenant()
    anna = add(tenant, "anna")
    staff = group(tenant, "Staff")
    with a_hook() as hook:
        async with local(tenant, hook_secret=Secret(STATE)) as source:
            hook.source = source
            made = await source.subscribe(hook.url)
            assert [(one.about, one.url, one.state) for one in made] == [
                ("users", hook.url, "active"),
                ("groups", hook.url, "active"),
            ]
            assert {one.expires_at - tenant.cell.clock.now() for one in made} == {timedelta(days=28)}
            assert await source.subscribe(hook.url) == made, "again changes nothing"
            assert sorted(await source.subscriptions(), key=lambda one: one.id) == sorted(made, key=lambda one: one.id)

            hook.answers.clear()
            tenant.directory.update(anna.id, {"jobTitle": "Baker"})
            tenant.directory.add_member(staff.id, anna.id)
            assert tenant.courier.deliver() == 2
            assert {frozenset({anna.id}), frozenset()} == {answer.people for answer in hook.answers}
            assert [answer.changes for answer in hook.answers if not answer.people] == [True]

            tenant.cell.clock.advance(27.5 * 86_400)
            hook.answers.clear()
            tenant.courier.deliver()
            assert [answer.renew for answer in hook.answers] == [True, True]
            renewed = await source.renew(made[0])
            assert renewed.expires_at == tenant.cell.clock.now() + timedelta(days=28)

            tenant.cell.clock.advance(86_400)
            assert [one.about for one in await source.subscriptions()] == ["users"], "the other one lapsed"
            again = await source.subscribe(hook.url)
            assert [one.id == made[0].id for one in again] == [True, False]
            for one in (*again, made[1]):
                await source.unsubscribe(one)
            assert await source.subscriptions() == []


async def test_the_secret_never_comes_back() -> None:
    tenant = a_tenant()
    with a_hook() as hook:
        async with local(tenant, hook_secret=Secret(STATE)) as source:
            hook.source = source
            assert STATE not in repr(await source.subscribe(hook.url))


async def test_the_permission_that_is_missing_is_named() -> None:
    tenant = a_tenant()
    tenant.applications.consent(tenant.application, READ_EVERYTHING)
    with a_hook() as hook:
        async with local(tenant, hook_secret=Secret(STATE)) as source:
            hook.source = source
            with pytest.raises(AuthError) as caught:
                await source.subscribe(hook.url)
    assert caught.value.code == "entra-permission"
    assert "Group.Read.All" in caught.value.fix


async def test_an_address_that_does_not_answer_is_said() -> None:
    tenant = a_tenant()
    with a_hook() as hook:
        async with local(tenant, hook_secret=Secret(STATE)) as source:
            hook.source, hook.status = source, 404
            with pytest.raises(RejectedError) as caught:
                await source.subscribe(hook.url)
            assert hook.url in caught.value.fix
            assert await source.subscriptions() == []


@pytest.mark.parametrize(
    ("secret", "url", "code"),
    [
        (None, "https://hooks.acme.example/corp", "entra-hook-secret"),
        (Secret("x" * 129), "https://hooks.acme.example/corp", "entra-hook-secret"),
        (Secret(STATE), "http://hooks.acme.example/corp", "entra-hook-address"),
    ],
)
async def test_what_cannot_work_is_refused_before_graph_is_asked(secret: Any, url: str, code: str) -> None:
    graph = LocalGraph()
    async with opened(graph, hook_secret=secret) as source:
        with pytest.raises(ConfigError) as caught:
            await source.subscribe(url)
    assert caught.value.code == code
    assert graph.asked() == []


async def test_removing_fails_only_where_it_is_not_known_to_be_gone() -> None:
    graph = LocalGraph()
    graph.intercept = lambda request: refusal(400, "InvalidRequest") if request.method == "DELETE" else None
    async with opened(graph, hook_secret=Secret(STATE)) as source:
        with pytest.raises(RejectedError):
            await source.unsubscribe(Subscription(id=SUBSCRIPTION, url="", state="active"))
