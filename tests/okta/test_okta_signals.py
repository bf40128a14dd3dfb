"""Event hooks in: each request has its answer, whatever it is, and nothing but ids comes out."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from okta_door import opened

from crosskey.connector.signal import ReceivesSignals, SignalAnswer, SignalRequest
from crosskey.settings import Secret

SECRET = "long-random-hook-secret"
ADA, BOB = "00uada00000000005d7", "00ubob00000000005d7"


def answered(request: SignalRequest, secret: str | None = SECRET) -> SignalAnswer:
    async def ask() -> SignalAnswer:
        async with opened(None, hook_secret=None if secret is None else Secret(secret)) as source:
            assert isinstance(source, ReceivesSignals)
            return source.receive(request)

    return asyncio.run(ask())


def event(name: str, *targets: tuple[str, str], uuid: str = "u1", result: str | None = "SUCCESS") -> dict[str, Any]:
    named = [
        {"type": kind, "id": key, "alternateId": "ada@acme.example", "displayName": "Ada Example"}
        for kind, key in targets
    ]
    outcome = None if result is None else {"result": result, "reason": None}
    return {
        "uuid": uuid,
        "eventType": name,
        "published": "2026-01-05T09:00:00.123Z",
        "outcome": outcome,
        "target": named,
    }


def post(*events: dict[str, Any], secret: str = SECRET, **changes: Any) -> SignalRequest:
    body = {"eventType": "com.okta.event_hook", "eventId": "e1", "data": {"events": list(events)}, **changes}
    return SignalRequest(method="POST", headers={"authorization": secret}, body=json.dumps(body).encode())


def test_the_challenge_comes_back_as_json() -> None:
    answer = answered(SignalRequest(method="GET", headers={"x-okta-verification-challenge": "xyz-123"}))
    assert (answer.verdict, answer.code, answer.status) == ("challenge", "okta-hook-challenge", 200)
    assert (answer.content_type, answer.body) == ("application/json", b'{"verification":"xyz-123"}')


@pytest.mark.parametrize("value", ["", "a b", "x" * 513, "line\nbreak", "ü"])
def test_a_get_without_a_proper_challenge_is_refused(value: str) -> None:
    answer = answered(SignalRequest(method="GET", headers={"x-okta-verification-challenge": value}))
    assert (answer.verdict, answer.code, answer.status, answer.body) == ("refused", "okta-hook-no-challenge", 400, b"")


@pytest.mark.parametrize("secret", [None, ""])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_without_a_secret_of_ours_nobody_is_heard(method: str, secret: str | None) -> None:
    request = SignalRequest(
        method=method, headers={"x-okta-verification-challenge": "x", "authorization": ""}, body=b"{}"
    )
    answer = answered(request, secret=secret)
    assert (answer.verdict, answer.code, answer.status) == ("refused", "okta-hook-unconfigured", 403)


@pytest.mark.parametrize("given_secret", ["", "wrong", SECRET + " ", SECRET.upper(), "geheim-ü", "\ud800"])
def test_a_wrong_secret_is_refused(given_secret: str) -> None:
    answer = answered(post(event("user.lifecycle.suspend", ("User", ADA)), secret=given_secret))
    assert (answer.verdict, answer.code, answer.status) == ("refused", "okta-hook-secret", 401)
    assert (answer.people, answer.events) == (frozenset(), ())


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", ""])
def test_other_methods_are_refused(method: str) -> None:
    answer = answered(SignalRequest(method=method, headers={"authorization": SECRET}))
    assert (answer.code, answer.status) == ("okta-hook-method", 405)


@pytest.mark.parametrize(
    ("body", "code", "status"),
    [
        (b"", "okta-hook-malformed", 400),
        (b"not json", "okta-hook-malformed", 400),
        (b'{"eventType": "\xff"}', "okta-hook-malformed", 400),
        (b'{"eventType":"com.okta.event_hook"}', "okta-hook-malformed", 400),
        (b'{"eventType":"com.okta.event_hook","data":{"events":[7]}}', "okta-hook-malformed", 400),
        (b"[" * 100_000, "okta-hook-malformed", 400),
        (b"\xff\xfe", "okta-hook-malformed", 400),
        (b'{"eventType":"other","data":{"events":[]}}', "okta-hook-foreign", 400),
        (b" " * (1 << 20) + b"{}", "okta-hook-too-large", 413),
    ],
)
def test_bodies_that_are_no_delivery(body: bytes, code: str, status: int) -> None:
    answer = answered(SignalRequest(method="POST", headers={"authorization": SECRET}, body=body))
    assert (answer.verdict, answer.code, answer.status) == ("refused", code, status)


def test_people_are_found_whatever_the_order_of_targets() -> None:
    answer = answered(
        post(
            event("group.user_membership.add", ("UserGroup", "00g1"), ("User", ADA), uuid="u1"),
            event("user.lifecycle.deactivate", ("User", BOB), uuid="u2"),
            event("user.lifecycle.deactivate", ("User", BOB), uuid="u2"),
        )
    )
    assert (answer.verdict, answer.code, answer.status) == ("accepted", "okta-hook-events", 200)
    assert (answer.people, answer.changes) == ({ADA, BOB}, True)
    assert answer.events == ("u1", "u2"), "a doubled event is one"


def test_a_person_alone_asks_for_no_round() -> None:
    answer = answered(post(event("user.account.update_profile", ("User", ADA))))
    assert (answer.people, answer.changes) == ({ADA}, False)


@pytest.mark.parametrize(
    "kind", ["group.lifecycle.delete", "group.application_assignment.add", "application.lifecycle.deactivate"]
)
def test_what_names_no_person_asks_for_a_round(kind: str) -> None:
    answer = answered(post(event(kind, ("UserGroup", "00g1"), ("AppInstance", "0oa1"))))
    assert (answer.people, answer.changes) == (frozenset(), True)


@pytest.mark.parametrize("result", ["FAILURE", "SKIPPED", None])
def test_only_what_succeeded_counts(result: str | None) -> None:
    answer = answered(post(event("user.lifecycle.suspend", ("User", ADA), result=result)))
    assert (answer.verdict, answer.code) == ("accepted", "okta-hook-nothing")
    assert (answer.people, answer.changes) == (frozenset(), False)


def test_an_event_nobody_asked_for_is_taken_and_left() -> None:
    answer = answered(post(event("user.session.start", ("User", ADA))))
    assert (answer.verdict, answer.people, answer.changes, answer.events) == ("accepted", frozenset(), False, ("u1",))


def test_no_name_address_or_secret_is_in_any_answer() -> None:
    answer = answered(post(event("user.lifecycle.suspend", ("User", ADA))))
    for word in ("ada@", "Ada", SECRET):
        assert word not in repr(answer)


@given(
    method=st.sampled_from(["GET", "POST", "OPTIONS"]),
    headers=st.dictionaries(
        st.sampled_from(["authorization", "x-okta-verification-challenge", "content-type"]),
        st.one_of(st.just(SECRET), st.text(max_size=20)),
    ),
    body=st.one_of(
        st.binary(max_size=60), st.just(json.dumps({"eventType": "com.okta.event_hook", "data": {}}).encode())
    ),
)
def test_whatever_comes_there_is_an_answer(method: str, headers: dict[str, str], body: bytes) -> None:
    answer = answered(SignalRequest(method=method, headers=headers, body=body))
    assert answer.status in (200, 400, 401, 405)
    assert (answer.verdict == "refused") is (answer.status != 200)
