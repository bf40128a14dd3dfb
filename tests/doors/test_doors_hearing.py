"""What providers send to end sessions, delivered as they deliver it: whoever is inside is out at the next click."""

from __future__ import annotations

import json

import pytest
from doors_bench import house
from sso_bench import ADA, CLIENT, PUBLIC
from sso_provider import signed

from crosskey.settings import Secret

SSF = "https://schemas.openid.net/secevent"
EVENTS = "/agents/signals/security-events"
SETTINGS = {"signal_secret": Secret("canary-push-secret"), "signal_audience": "https://desk.acme.example/ssf"}


@pytest.fixture(params=["oidc", "okta"])
async def doors(tmp_path, request):
    async with house(tmp_path, flow=request.param, settings=SETTINGS) as opened:
        yield opened


async def inside(doors, **claims):
    ada = doors.browser()
    await ada.sign_in(**claims)
    assert (await ada.verify()).status_code == 200
    doors.clock.advance(5)
    return ada


def token(doors, kind, said=None, *, family="caep", typ="secevent+jwt", **changes):
    claims = {
        "iss": doors.provider.issuer,
        "aud": "https://desk.acme.example/ssf",
        "iat": doors.now,
        "jti": "event-1",
        "events": {f"{SSF}/{family}/event-type/{kind}": said or {}},
        **changes,
    }
    return signed({name: value for name, value in claims.items() if value is not None}, header={"typ": typ})


async def push(doors, set_, authorization="canary-push-secret"):
    headers = {"content-type": "application/secevent+jwt", "accept": "application/json", "authorization": authorization}
    return await doors.browser().send("POST", EVENTS, content=set_, headers=headers, host="internal:8480")


def final(doors, sub="ada"):
    """The subject as the final SSF 1.0 has it: at the top of the token, times in seconds."""
    return {"sub_id": {"format": "iss_sub", "iss": doors.provider.issuer, "sub": sub}}


def okta(doors, sub="ada", at=None):
    """The subject as Okta has it today: in the event, times in milliseconds."""
    subject = {"format": "iss_sub", "iss": doors.provider.issuer, "sub": sub}
    return {"subject": subject, "event_timestamp": (at or doors.now) * 1000, "initiating_entity": "admin"}


@pytest.mark.parametrize("authorization", ["canary-push-secret", "Bearer canary-push-secret"])
@pytest.mark.parametrize("shape", ["final", "okta"])
async def test_a_session_that_was_revoked_ends(doors, shape, authorization):
    ada = await inside(doors)
    if shape == "final":
        set_ = token(doors, "session-revoked", {"event_timestamp": doors.now}, **final(doors))
    else:
        set_ = token(doors, "session-revoked", okta(doors))
    answer = await push(doors, set_, authorization)
    assert (answer.status_code, answer.content, answer.headers["cache-control"]) == (202, b"", "no-store")
    refused = await ada.verify()
    assert (refused.status_code, refused.headers["x-auth-reason"]) == (401, "session-revoked")
    assert (await ada.get("/agents")).headers["location"] == "/agents/sign-in"
    assert doors.looks == 1  # the directory may say more
    with doors.book as book:
        [channel] = book.channels()
        assert (channel.channel, channel.count, channel.ended_at) == ("security-event", 1, doors.clock.now())


@pytest.mark.parametrize(
    ("family", "kind", "said"),
    [
        ("risc", "account-disabled", {"reason": "hijacking"}),
        ("risc", "account-purged", {}),
        ("caep", "credential-change", {"credential_type": "password", "change_type": "update"}),
        ("caep", "assurance-level-change", {"change_direction": "decrease"}),
    ],
)
async def test_other_events_of_a_leaver_end_it_too(doors, family, kind, said):
    ada = await inside(doors)
    assert (await push(doors, token(doors, kind, said, family=family, **final(doors)))).status_code == 202
    assert ((await ada.verify()).status_code, doors.inside()) == (401, 0)


async def test_somebody_else_stays_inside(doors):
    ada, portal = await inside(doors), doors.browser()
    await portal.sign_in("portal", sub="bo")
    assert (await push(doors, token(doors, "session-revoked", okta(doors, "bo")))).status_code == 202
    assert (await ada.verify()).status_code == 200


async def test_an_event_of_before_the_session_ends_nothing(doors):
    ada = await inside(doors)
    late = token(doors, "session-revoked", okta(doors, at=doors.now - 60))
    assert (await push(doors, late)).status_code == 202
    assert (await ada.verify()).status_code == 200


async def test_an_event_that_comes_twice_is_heard_once(doors):
    await inside(doors)
    set_ = token(doors, "session-revoked", okta(doors))
    assert (await push(doors, set_)).status_code == 202
    doors.clock.advance(1)
    ada = await inside(doors)  # a new session, which the event that comes again says nothing of
    assert (await push(doors, set_)).status_code == 202
    assert (await ada.verify()).status_code == 200
    with doors.book as book:
        assert len([event for event in book.events() if event.kind == "signal.heard"]) == 1


@pytest.mark.parametrize("said", [{"state": "asked-for"}, {}], ids=["solicited", "unsolicited"])
async def test_a_verification_is_acknowledged_and_ends_nothing(doors, said):
    ada = await inside(doors)
    set_ = token(doors, "verification", said, family="ssf", sub_id={"format": "opaque", "id": "stream-1"})
    assert (await push(doors, set_)).status_code == 202
    assert ((await ada.verify()).status_code, doors.looks) == (200, 0)


@pytest.mark.parametrize("authorization", ["", "Bearer ", "canary", "Basic canary-push-secret"])
async def test_no_push_without_its_secret(doors, authorization):
    ada = await inside(doors)
    answer = await push(doors, token(doors, "session-revoked", okta(doors)), authorization)
    assert (answer.status_code, json.loads(answer.text)["err"]) == (401, "authentication_failed")
    assert (await ada.verify()).status_code == 200


@pytest.mark.parametrize(
    ("changes", "err"),
    [
        ({"aud": CLIENT}, "invalid_audience"),
        ({"iss": "https://evil.example"}, "invalid_issuer"),
        ({"jti": None}, "invalid_request"),
    ],
)
async def test_what_cannot_be_believed_is_said_in_the_words_of_the_standard(doors, changes, err):
    ada = await inside(doors)
    answer = await push(doors, token(doors, "session-revoked", okta(doors), **changes))
    assert (answer.status_code, json.loads(answer.text)["err"]) == (400, err)
    assert (await ada.verify()).status_code == 200


# ------------------------------------------------------------------------------------------- Global Token Revocation


@pytest.mark.parametrize("subject", ["iss_sub", "email"])
async def test_a_token_revocation_ends_everything_of_a_person(doors, subject):
    ada = await inside(doors, email="ada@acme.example")
    named = (
        {"format": "iss_sub", "iss": doors.provider.issuer, "sub": ADA.id}
        if subject == "iss_sub"
        else {"format": "email", "email": "Ada@acme.example"}
    )
    bearer = signed(
        {
            "iss": doors.provider.issuer,
            "sub": CLIENT,
            "aud": f"{PUBLIC}/agents/signals/token-revocation",
            "iat": doors.now,
            "exp": doors.now + 300,
            "jti": "revocation-1",
        },
        header={"typ": "global-token-revocation+jwt"},
    )
    headers = {"content-type": "application/json", "authorization": f"Bearer {bearer}"}
    answer = await doors.browser().send(
        "POST", "/agents/signals/token-revocation", content=json.dumps({"sub_id": named}), headers=headers
    )
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await ada.verify()).status_code == 401


# --------------------------------------------------------------------------------------------- front-channel logout


@pytest.mark.parametrize(
    ("query", "ends"),
    [
        ("", True),  # this browser's session, as the provider gave no `sid` (Front-Channel Logout 1.0 §2)
        ("?iss={iss}&sid=s-1", True),
        ("?sid=s-1", False),  # with either both must come
        ("?iss={iss}", False),
        ("?iss=https%3A%2F%2Fevil.example&sid=s-1", False),
        ("?iss={iss}&sid=s-2", False),
    ],
)
async def test_front_channel_logout_names_both_or_neither(doors, query, ends):
    ada = await inside(doors, sid="s-1")
    answer = await ada.get(f"/agents/logout/front-channel{query.format(iss=doors.provider.issuer)}")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert (await ada.verify()).status_code == (401 if ends else 200)
    with doors.book as book:
        assert [each.channel for each in book.channels()] == (["front-channel"] if ends else [])


async def test_front_channel_logout_without_a_session_ends_none_of_another_browser(doors):
    ada, frame = await inside(doors, sid="s-1"), doors.browser()
    await frame.get("/agents/logout/front-channel")
    assert (await ada.verify()).status_code == 200
