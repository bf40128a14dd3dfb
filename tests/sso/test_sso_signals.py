"""What providers send to end sessions: security events and token revocations."""

from __future__ import annotations

import json

import pytest
from sso_bench import ADA, CLIENT, ISSUER, opened, section_of
from sso_provider import b64, public, raw_signed, rsa, signed

from crosskey.connector.sso import SignalMessage
from crosskey.settings import Secret
from crosskey.sso.doorkeeper import Doorkeeper

CAEP = "https://schemas.openid.net/secevent/caep/event-type/"
RISC = "https://schemas.openid.net/secevent/risc/event-type/"
SSF = "https://schemas.openid.net/secevent/ssf/event-type/"
SHARED = "canary-signal-secret"
ENDPOINT = "https://desk.acme.example/agents/signals/token-revocation"
EVENT = {"typ": "secevent+jwt"}
REVOCATION = {"typ": "global-token-revocation+jwt"}


@pytest.fixture
async def bench(tmp_path):
    async with opened(tmp_path, section_of(signal_secret=Secret(SHARED))) as bench:
        yield bench


def person(**changes):
    return {"format": "iss_sub", "iss": ISSUER, "sub": "ada", **changes}


def event_claims(bench, kind=f"{CAEP}session-revoked", said=None, **changes):
    whole = {
        "iss": ISSUER,
        "aud": CLIENT,
        "iat": bench.now,
        "jti": f"event-{bench.now}",
        "sub_id": person(),
        "events": {kind: said or {}},
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not None}


async def push(bench, claims, *, authorization=f"Bearer {SHARED}", header=None, **parts):
    token = signed(claims, header={**EVENT, **(header or {})}, **parts)
    return await bench.hear("security-event", token, authorization=authorization)


async def inside(bench, **claims):
    admitted = await bench.sign_in(claims)
    bench.clock.advance(2)
    return admitted.ticket


# ------------------------------------------------------------------------------------------------------------ believed


async def test_i1_an_event_that_is_in_order(bench):
    await inside(bench)
    reply = await push(bench, event_claims(bench))
    assert (reply.status, reply.body, reply.code, bench.inside) == (202, b"", "ended", 0)
    assert reply.look == {ADA}


@pytest.mark.parametrize(
    ("changes", "err"),
    [
        ({"iss": "https://evil.example"}, "invalid_issuer"),
        ({"iss": None}, "invalid_issuer"),
        ({"aud": "another"}, "invalid_audience"),
        ({"aud": [CLIENT, "x"]}, "invalid_audience"),
        ({"exp": 2**31}, "invalid_request"),
        ({"jti": None}, "invalid_request"),
        ({"iat": None}, "invalid_request"),
        ({"events": None}, "invalid_request"),
        ({"events": {}}, "invalid_request"),
        ({"events": {f"{CAEP}session-revoked": {}, f"{CAEP}credential-change": {}}}, "invalid_request"),
        ({"events": {f"{CAEP}session-revoked": 7}}, "invalid_request"),
        ({"sub_id": None}, "invalid_request"),
        ({"sub_id": "ada"}, "invalid_request"),
        ({"sub_id": {"format": "iss_sub", "iss": ISSUER}}, "invalid_request"),
        ({"sub_id": person(sub=7)}, "invalid_request"),
        ({"sub_id": person(sub="")}, "invalid_request"),
        ({"sub_id": person(sub="a" * 256)}, "invalid_request"),
        ({"jti": "j" * 256}, "invalid_request"),
        ({"jti": 7}, "invalid_request"),
        ({"sub_id": {"iss": ISSUER, "sub": "ada"}}, "invalid_request"),
    ],
)
async def test_i1_an_event_that_is_not(bench, changes, err):
    await inside(bench)
    reply = await push(bench, event_claims(bench, **changes))
    assert (reply.status, bench.inside) == (400, 1)
    body = json.loads(reply.body)
    assert (body["err"], body["description"]) == (err, reply.code)


async def test_i1_signed_by_nobody_or_somebody_else(bench):
    await inside(bench)
    claims = event_claims(bench)
    for reply in (
        await push(bench, claims, key=rsa("thief")),
        await push(bench, claims, key=rsa("thief"), header={"kid": "thief"}),
        await push(bench, claims, alg="RS512"),
    ):
        assert (reply.status, json.loads(reply.body)["err"]) == (400, "invalid_key")
    unsigned = f"{b64(json.dumps({'alg': 'none', **EVENT}))}.{b64(json.dumps(claims))}."
    reply = await bench.hear("security-event", unsigned, authorization=SHARED)
    assert (reply.status, bench.inside) == (400, 1)


async def test_i1_a_small_key(bench):
    await inside(bench)
    bench.provider.keys = [public(rsa("small", 1024))]
    reply = await push(bench, event_claims(bench), key=rsa("small", 1024), header={"kid": "small"})
    assert (reply.status, bench.inside) == (400, 1)


async def test_i1_of_a_stream_that_is_not_ours(tmp_path):
    section = section_of("okta", signal_secret=Secret(SHARED), signal_stream="stream-1")
    async with opened(tmp_path, section) as bench:
        for stream, status in (("stream-2", 400), ("stream-1", 202)):
            claims = event_claims(bench, f"{SSF}verification", sub_id={"format": "opaque", "id": stream}, jti=stream)
            assert (await push(bench, claims)).status == status


@pytest.mark.parametrize("typ", ["JWT", None, "logout+jwt", "at+jwt", "global-token-revocation+jwt"])
async def test_i2_another_token_as_an_event(bench, typ):
    await inside(bench)
    reply = await push(bench, event_claims(bench), header={"typ": typ})
    assert (reply.status, reply.code, bench.inside) == (400, "typ-refused", 1)


async def test_i2_an_event_as_another_token(bench):
    await inside(bench)
    event = signed(event_claims(bench, exp=bench.now + 60), header=EVENT)
    assert (await bench.hear("back-channel", event)).code == "typ-refused"
    assert (await bench.hear("token-revocation", event, endpoint=ENDPOINT)).code == "typ-refused"
    assert (await bench.hear("security-event", bench.provider.id_token, authorization=SHARED)).code == "typ-refused"
    assert (await bench.hear("front-channel", event)).code == "signal-body"
    await bench.begin()
    await bench.refuses("typ-refused", signed(bench.claims(), header=EVENT))
    assert bench.inside == 1


async def test_i3_the_same_event_twice(bench):
    await inside(bench)
    claims = event_claims(bench)
    assert (await push(bench, claims)).code == "ended"
    bench.clock.advance(1)
    await inside(bench)
    reply = await push(bench, claims)
    assert (reply.status, reply.code, bench.inside) == (202, "repeated", 1)


async def test_i3_an_event_from_before_the_session(bench):
    late = event_claims(bench, said={"event_timestamp": bench.now - 100})
    await inside(bench)
    reply = await push(bench, late)
    assert (reply.status, bench.inside) == (202, 1)


async def test_i3_events_out_of_order(bench):
    first = event_claims(bench, jti="first")
    bench.clock.advance(10)
    await inside(bench)
    second = event_claims(bench, jti="second")
    await push(bench, second)
    assert bench.inside == 0
    bench.clock.advance(10)
    await inside(bench)
    await push(bench, first)
    assert bench.inside == 1


async def test_i4_both_shapes(bench):
    await inside(bench)
    final = event_claims(bench, said={"event_timestamp": bench.now}, jti="final")
    await push(bench, final)
    assert bench.inside == 0
    bench.clock.advance(1)
    await inside(bench)
    said = {"subject": {"subject_type": "iss-sub", "iss": ISSUER, "sub": "ada"}, "event_timestamp": bench.now * 1000}
    today = event_claims(bench, said=said, sub_id=None, jti="today")
    await push(bench, today)
    assert bench.inside == 0


@pytest.mark.parametrize("stamp", [2**62, -1, "soon", None, True, 1e18])
async def test_i4_a_time_that_cannot_be_ends_no_later_session(bench, stamp):
    await inside(bench)
    await push(bench, event_claims(bench, said={"event_timestamp": stamp}))
    assert bench.inside == 0
    bench.clock.advance(1)
    await inside(bench)
    assert bench.inside == 1


@pytest.mark.parametrize(
    ("sub_id", "ends"),
    [
        ({"format": "email", "email": "Ada@ACME.example"}, True),
        ({"format": "email", "email": "bo@acme.example"}, False),
        (person(), True),
        (person(iss="https://evil.example"), False),
        (person(sub="bo"), False),
        ({"format": "complex", "user": person(), "session": {"format": "opaque", "id": "s1"}}, True),
        ({"format": "complex", "user": person(), "session": {"format": "opaque", "id": "s2"}}, False),
        ({"user": person()}, True),
        ({"format": "complex", "user": {"format": "phone_number", "phone_number": "+1"}}, False),
        ({"format": "opaque", "id": "ada"}, False),
        ({"format": "did", "url": "did:example:1"}, False),
    ],
)
async def test_i5_whom_an_event_names(bench, sub_id, ends):
    await inside(bench, email="ada@acme.example", sid="s1")
    reply = await push(bench, event_claims(bench, sub_id=sub_id))
    assert (reply.status, bench.inside) == (202, 0 if ends else 1)


async def test_i5_a_mail_ends_and_never_links(bench):
    await push(bench, event_claims(bench, sub_id={"format": "email", "email": "ada@acme.example"}))
    await bench.refuses_claims("not-provisioned", sub="mallory", email="ada@acme.example")


@pytest.mark.parametrize("state", ["opaque-state", None])
async def test_i6_tests_of_the_stream(bench, state):
    await inside(bench)
    said = {"state": state} if state else {}
    claims = event_claims(bench, f"{SSF}verification", said, sub_id={"format": "opaque", "id": "stream"})
    reply = await push(bench, claims)
    assert (reply.status, bench.inside) == (202, 1)
    assert [channel.channel for channel in bench.book.channels()] == ["security-event"]


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ", "Bearer wrong", "wrong", f"Basic {SHARED}", SHARED[:-1]]
)
async def test_i7_a_push_without_the_right_authorization(bench, authorization):
    await inside(bench)
    asked = len(bench.provider.asked("/keys"))
    reply = await push(bench, event_claims(bench), authorization=authorization)
    assert (reply.status, json.loads(reply.body)["err"]) == (401, "authentication_failed")
    assert (bench.inside, len(bench.provider.asked("/keys"))) == (1, asked)


async def test_i7_a_door_without_a_secret_takes_no_push(tmp_path):
    async with opened(tmp_path) as bench:
        await inside(bench)
        for authorization in ("", "Bearer ", "Bearer"):
            assert (await push(bench, event_claims(bench), authorization=authorization)).status == 401
        token = signed(event_claims(bench), header=EVENT)
        assert (await bench.hear("security-event", token, polled=True)).code == "ended", "what we fetched ourselves"


@pytest.mark.parametrize(
    ("kind", "said", "ends"),
    [
        (f"{CAEP}session-revoked", {}, True),
        (f"{CAEP}credential-change", {"change_type": "revoke"}, True),
        (f"{CAEP}credential-change", {"change_type": "create"}, False),
        (f"{CAEP}assurance-level-change", {"change_direction": "decrease"}, True),
        (f"{CAEP}assurance-level-change", {"change_direction": "increase"}, False),
        (f"{CAEP}device-compliance-change", {"current_status": "not-compliant"}, True),
        (f"{CAEP}device-compliance-change", {"current_status": "compliant"}, False),
        (f"{CAEP}token-claims-change", {"claims": {"role": "x"}}, False),
        (f"{RISC}account-disabled", {"reason": "hijacking"}, True),
        (f"{RISC}account-purged", {}, True),
        (f"{RISC}account-enabled", {}, False),
        (f"{RISC}account-credential-change-required", {}, True),
        (f"{RISC}credential-compromise", {"credential_type": "password"}, True),
        (f"{RISC}sessions-revoked", {}, True),
        (f"{RISC}identifier-changed", {"new-value": "x"}, False),
        ("https://evil.example/session-revoked", {}, False),
        (f"{SSF}stream-updated", {"status": "paused"}, False),
        (f"{CAEP}unheard-of", {}, False),
    ],
)
async def test_who_loses_what(bench, kind, said, ends):
    await inside(bench)
    reply = await push(bench, event_claims(bench, kind, said))
    assert (reply.status, bench.inside) == (202, 0 if ends else 1)


# ---------------------------------------------------------------------------------------------------- token revocation


def bearer(bench, **changes):
    whole = {
        "iss": ISSUER,
        "sub": CLIENT,
        "aud": ENDPOINT,
        "iat": bench.now,
        "exp": bench.now + 300,
        "jti": f"bearer-{bench.now}",
        **changes,
    }
    return signed({name: value for name, value in whole.items() if value is not None}, header=REVOCATION)


async def revoke(bench, token=None, sub_id=None, *, body=None, **changes):
    whole = json.dumps({"sub_id": sub_id or person()}).encode() if body is None else body
    token = bearer(bench, **changes) if token is None else token
    return await bench.hear("token-revocation", token, endpoint=ENDPOINT, body=whole)


@pytest.mark.parametrize("sub_id", [person(), {"format": "email", "email": "ada@acme.example"}])
async def test_i8_a_revocation_that_is_in_order(bench, sub_id):
    await inside(bench, email="ada@acme.example")
    reply = await revoke(bench, sub_id=sub_id)
    assert (reply.status, reply.body, bench.inside) == (204, b"", 0)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"iss": "https://evil.example"}, 401),
        ({"aud": "https://desk.acme.example/portal/signals/token-revocation"}, 401),
        ({"aud": None}, 401),
        ({"exp": 1}, 401),
        ({"exp": None}, 401),
        ({"iat": None}, 401),
        ({"sub": "another-client"}, 403),
        ({"sub": None}, 403),
        ({"exp": "later"}, 401),
    ],
)
async def test_i8_a_bearer_with_one_thing_wrong(bench, changes, status):
    await inside(bench)
    assert ((await revoke(bench, **changes)).status, bench.inside) == (status, 1)


async def test_i8_a_bearer_that_lives_too_long(bench):
    await inside(bench)
    assert (await revoke(bench, exp=bench.now + 362)).status == 403
    assert bench.inside == 1


@pytest.mark.parametrize("typ", ["JWT", None, "secevent+jwt", "logout+jwt"])
async def test_i8_a_bearer_of_another_type(bench, typ):
    claims = {"iss": ISSUER, "sub": CLIENT, "aud": ENDPOINT, "iat": bench.now, "exp": bench.now + 60}
    assert (await revoke(bench, signed(claims, header={"typ": typ}))).status == 401


async def test_i8_no_bearer_or_one_that_nobody_signed(bench):
    assert (await revoke(bench, "")).status == 401
    assert (await revoke(bench, "a.b.c")).status == 401
    claims = json.dumps({"iss": ISSUER, "sub": CLIENT, "aud": ENDPOINT, "iat": bench.now, "exp": bench.now + 60})
    header = json.dumps({"alg": "RS256", "kid": "one", **REVOCATION})
    assert (await revoke(bench, raw_signed(header, claims, rsa("thief")))).status == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b"{}", 400),
        (b'{"sub_id": {}}', 400),
        (b'{"sub_id": {"format": "iss_sub", "iss": "x"}}', 400),
        (b'{"sub_id": {"format": "did", "url": "x"}}', 400),
        (b'{"sub_id": {"format": "email", "email": "a@b"}, "sub_id": {}}', 400),
        (json.dumps({"sub_id": person(sub="stranger")}).encode(), 404),
        (json.dumps({"sub_id": person(iss="https://evil.example")}).encode(), 404),
        (json.dumps({"sub_id": {"format": "email", "email": "nobody@acme.example"}}).encode(), 404),
    ],
)
async def test_i8_bodies(bench, body, status):
    await inside(bench)
    assert ((await revoke(bench, body=body)).status, bench.inside) == (status, 1)


async def test_i8_somebody_with_an_account_and_no_session(bench):
    assert (await revoke(bench)).status == 204


async def test_a_flow_that_hears_nothing(bench):
    class Deaf:
        async def discover(self):
            raise NotImplementedError

    keeper = Doorkeeper(bench.section, Deaf(), bench.book, bench.clock)
    reply = await keeper.hear(SignalMessage(channel="back-channel", token="x"))
    assert (reply.status, reply.code) == (400, "signal-refused")


async def test_a_message_that_breaks_the_reader_is_refused(bench, caplog):
    class Broken:
        async def hear(self, message):
            raise RuntimeError("a bug")

    keeper = Doorkeeper(bench.section, Broken(), bench.book, bench.clock)
    reply = await keeper.hear(SignalMessage(channel="back-channel", token="x"))
    assert (reply.status, reply.code) == (502, "provider-error")
    assert "could not be read" in caplog.text
