"""The service app: assertions, DPoP and its nonces, scopes, clocks; what is said when Okta refuses."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey
from okta_door import RSA, an_org, app_of, group_of, local, opened, people_of, read_all, wanting
from okta_recordings import Replay

from crosskey.clock import SystemClock
from crosskey.errors import AuthError
from crosskey.settings import Secret
from crosskey_sandbox.okta import Fault, OktaOrg, okta_app
from crosskey_sandbox.server import serving
from fake_clock import FakeClock

TOKEN = "/oauth2/v1/token"
EC = ECKey.generate_key("P-256", auto_kid=True)


async def test_dpop_is_learned_when_the_app_demands_it() -> None:
    org = OktaOrg()
    people = people_of(org, 450)
    group_of(org, "Everybody", people)
    with serving(okta_app(org)) as url:
        async with opened(None, url=url, clock=SystemClock(), **app_of(org)) as source:
            everything = await read_all(source, wanting("Everybody"))
    assert len(everything.people) == 450
    statuses = [seen.status for seen in org.requests if seen.path == TOKEN]
    assert statuses == [400, 400, 200], "no proof, no nonce, both"
    assert all(seen.status == 200 for seen in org.requests if seen.path != TOKEN), "every proof was fresh"


@pytest.mark.parametrize(("dpop", "statuses"), [(True, [400, 200]), (False, [400])])
async def test_dpop_can_be_set(dpop: bool, statuses: list[int]) -> None:
    org = an_org()
    people_of(org, 1)
    async with local(org, dpop=dpop, **app_of(org)) as source:
        if dpop:
            await read_all(source)
        else:
            with pytest.raises(AuthError, match="demands DPoP") as caught:
                await read_all(source)
            assert 'set it to "auto"' in caught.value.fix
    assert [seen.status for seen in org.requests if seen.path == TOKEN][: len(statuses)] == statuses


async def test_an_app_without_dpop_gets_a_bearer_token_at_once() -> None:
    org = an_org()
    people_of(org, 1)
    async with local(org, **app_of(org, dpop=False)) as source:
        await read_all(source)
    assert [seen.status for seen in org.requests if seen.path == TOKEN] == [200]


async def test_nonces_are_kept_and_learned_again_when_they_change() -> None:
    org = an_org(resource_nonce=True)
    [person] = people_of(org, 1)
    async with local(org, **app_of(org)) as source:
        await read_all(source)
        before = len(org.requests)
        await read_all(source)
        assert [seen.status for seen in org.requests[before:]] == [200] * 3, "token and both nonces are kept"
        org.proofs.rotate()
        assert person in (await read_all(source)).people
        org.cell.clock.advance(3000)  # beyond 80 % of the token's life
        before = len(org.requests)
        await read_all(source)
    assert [seen.status for seen in org.requests[before:] if seen.path == TOKEN] == [400, 200]


async def test_a_revoked_token_is_replaced_once() -> None:
    org = an_org()
    people_of(org, 1)
    async with local(org, **app_of(org)) as source:
        await read_all(source)
        org.access.grants.clear()
        assert len((await read_all(source)).people) == 1


@pytest.mark.parametrize("kind", ["minute_429", "concurrency_429", "error"])
async def test_a_retried_token_request_carries_a_fresh_assertion_and_proof(kind: Any) -> None:
    """The local org spends every jti, so a repeated assertion or proof would be refused."""
    org = an_org(faults=(Fault(kind=kind, path=TOKEN, every=2, times=4, status=500),))
    people_of(org, 1)
    async with local(org, **app_of(org)) as source:
        assert len((await read_all(source)).people) == 1


@pytest.mark.parametrize("off", [-4000, -120, 120, 4000])
async def test_a_wrong_clock_is_corrected_by_the_servers(off: int) -> None:
    org = an_org()
    people_of(org, 1)
    clock = FakeClock(org.cell.clock.now() + timedelta(seconds=off))
    async with local(org, clock=clock, **app_of(org)) as source:
        assert len((await read_all(source)).people) == 1


async def test_a_lost_role_is_not_a_lost_scope() -> None:
    org = an_org()
    people_of(org, 1)
    async with local(org, **app_of(org, scopes=["okta.users.read", "okta.groups.manage"])) as source:
        await read_all(source)  # .manage includes .read


@pytest.mark.parametrize("silent", [False, True])
async def test_a_scope_that_was_quietly_left_out_is_named(silent: bool) -> None:
    org = an_org(empty_scope_error=silent)
    people_of(org, 1)
    async with local(org, **app_of(org, scopes=["okta.users.read"])) as source:
        with pytest.raises(AuthError) as caught:
            await read_all(source)
    assert "grant okta.groups.read" in caught.value.fix


async def test_no_scope_at_all_is_named() -> None:
    org = an_org()
    async with local(org, **app_of(org, scopes=["okta.logs.read"])) as source:
        with pytest.raises(AuthError, match="none of the scopes") as caught:
            await read_all(source)
    assert "okta.users.read, okta.groups.read, okta.apps.read" in caught.value.fix


async def test_a_key_that_okta_does_not_know_is_said_so() -> None:
    org = an_org()
    mine = app_of(org)
    async with local(
        org, **{**mine, "private_key": Secret(RSAKey.generate_key(2048).as_pem(private=True).decode())}
    ) as source:
        with pytest.raises(AuthError, match="client id or key") as caught:
            await read_all(source)
    assert "source.corp.client_id, private_key and key_id" in caught.value.fix


async def test_an_elliptic_key_signs_assertions_too() -> None:
    org = an_org()
    people_of(org, 1)
    app = app_of(org, EC)
    async with local(
        org, **{**app, "private_key": Secret(json.dumps(EC.as_dict(private=True))), "key_id": ""}
    ) as source:
        assert len((await read_all(source)).people) == 1


async def test_the_recorded_handshake_is_followed_and_the_empty_list_refused() -> None:
    """Real Okta: use_dpop_nonce, then a token, then 200 and no people for an app without a role."""
    replay = Replay(again=True).add("sdk-python/oauth-dpop/dpop_api_request.yaml")
    replay.synthetic("GET", '/api/v1/users?filter=status eq "DEPROVISIONED"', [])
    replay.synthetic("GET", "/api/v1/groups", [])
    clock = FakeClock(datetime(2026, 3, 12, 4, 57, 45, tzinfo=UTC))
    credential = {"client_id": "0oa1", "private_key": Secret(RSA.as_pem(private=True).decode())}
    async with opened(replay, clock=clock, dpop=True, **credential) as source:
        with pytest.raises(AuthError, match="no people at all") as caught:
            await read_all(source)
    assert "Admin roles" in caught.value.fix
    first, second = [request for request in replay.requests if request.url.path == TOKEN]
    nonces = [claims_of(request.headers["dpop"]).get("nonce") for request in (first, second)]
    assert nonces == [None, "sanitized_dpop_nonce"]
    assert first.content != second.content, "a new assertion for each try"
    api = [request for request in replay.requests if request.url.path != TOKEN]
    assert all(request.headers["authorization"] == "DPoP eyJ-masked" for request in api)
    assert len({request.headers["dpop"] for request in api}) == len(api)


async def test_the_recorded_refusal_without_a_proof_is_understood() -> None:
    replay = Replay(again=True).add("sdk-python/oauth-dpop/private_key_auth_without_dpop.yaml")
    credential = {"client_id": "0oa1", "private_key": Secret(RSA.as_pem(private=True).decode())}
    async with opened(replay, **credential) as source:
        with pytest.raises(AuthError, match="demands DPoP"):
            await read_all(source)
    asked = [request for request in replay.requests if request.url.path == TOKEN]
    assert "dpop" not in asked[0].headers
    assert "dpop" in asked[1].headers, "it was tried with a proof"


def claims_of(proof: str) -> dict[str, Any]:
    payload = proof.split(".")[1]
    return json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


async def test_of_the_end_of_a_credential_only_what_is_known_is_told() -> None:
    async with opened(None) as source:
        [token] = await source.credentials()
    assert (token.expires_at, "30 days" in token.fix, "secretToken" in repr(token)) == (None, True, False)
    pem = RSA.as_pem(private=True).decode()
    jwk = json.dumps({**RSA.as_dict(private=True), "exp": 1_800_000_000})
    for text, year in ((pem, None), (json.dumps(RSA.as_dict(private=True)), None), (jwk, 2027)):
        async with opened(None, client_id="0oa1", private_key=Secret(text)) as source:
            [key] = await source.credentials()
        assert (key.expires_at.year if key.expires_at else None) == year
        assert RSA.as_dict(private=True)["d"] not in repr(key)
