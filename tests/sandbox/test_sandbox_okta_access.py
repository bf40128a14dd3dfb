"""The local Okta's credentials: API tokens, service apps, DPoP, roles and scopes."""

import pytest
from sandbox_okta_client import BASE, TOKEN_URL, Service, client, code, ec, ids, new_org, rsa

from crosskey_sandbox.okta import NO_ROLE, READ_ONLY, SUPER_ADMIN, Rights

USERS = "/api/v1/users"


async def test_a_wrong_api_token_is_401_without_rate_headers():
    async with client(new_org(), "00wrong") as http:
        answer = await http.get(USERS)
    assert code(answer) == (401, "E0000011")
    assert answer.headers["www-authenticate"] == "SSWS"
    assert not [name for name in answer.headers if name.startswith("x-rate")]


async def test_a_token_stops_when_its_owner_leaves_or_it_is_revoked():
    org = new_org(people=1)
    token = org.access.add_token(owner="p0000")
    async with client(org, token) as http, client(org) as root:
        assert (await http.get(USERS)).status_code == 200
        org.users.deactivate("p0000")
        assert code(await http.get(USERS)) == (401, "E0000011")
        org.access.revoke_token(org.api_token)
        assert code(await root.get(USERS)) == (401, "E0000011")


async def test_no_credentials_at_all_are_refused():
    async with client(new_org(), authorization="") as http:
        assert code(await http.get(USERS)) == (403, "E0000005")


async def test_a_read_only_role_reads_and_does_not_write():
    org = new_org(people=1)
    async with client(org, org.access.add_token(READ_ONLY)) as http:
        assert len((await http.get(USERS)).json()) == 1
        answer = await http.post(f"{USERS}/p0000/lifecycle/suspend")
    assert code(answer) == (403, "E0000006")
    assert "x-rate-limit-limit" in answer.headers


async def test_without_a_role_the_users_list_is_an_empty_success_and_the_rest_is_403():
    org = new_org(people=3)
    token = org.access.add_token(SUPER_ADMIN)
    org.access.set_rights(token, NO_ROLE)
    async with client(org, token) as http:
        for query in ("", "?limit=1", '?filter=status eq "DEPROVISIONED"', "?search=status pr"):
            answer = await http.get(USERS + query)
            assert (answer.status_code, answer.json()) == (200, [])
        for path in ("/api/v1/groups", f"{USERS}/p0000", "/api/v1/apps", "/api/v1/org"):
            assert code(await http.get(path)) == (403, "E0000006")


async def test_an_administrator_of_some_groups_sees_those_and_their_members_only():
    org = new_org(people=3)
    group = org.groups.create("London Office")
    org.groups.add_member(group.id, "p0001")
    token = org.access.add_token(Rights(groups=frozenset({group.id, org.groups.everyone.id})))
    org.access.set_rights(token, Rights(groups=frozenset({group.id})))
    async with client(org, token) as http:
        assert [row["profile"]["firstName"] for row in (await http.get(USERS)).json()] == ["p0001"]
        assert ids([(await http.get("/api/v1/groups")).json()]) == [group.id]
        assert code(await http.get(f"{USERS}/p0000")) == (404, "E0000007")
        assert code(await http.get(f"/api/v1/groups/{org.groups.everyone.id}")) == (404, "E0000007")


async def test_the_handshake_gives_a_bound_token_that_works_with_fresh_proofs():
    service = Service(new_org(people=2))
    answer = await service.token()
    given = answer.json()
    assert (given["token_type"], given["expires_in"]) == ("DPoP", 3600)
    assert given["scope"] == "okta.users.read okta.groups.read okta.apps.read"
    assert "refresh_token" not in given
    for _ in range(2):
        listed = await service.get(f"{USERS}?limit=1", given["access_token"])
        assert (listed.status_code, len(listed.json())) == (200, 1)
    # the nonce of the answer serves the next token at once
    again = await service.ask(proof=service.proof(TOKEN_URL, method="POST", nonce=answer.headers["dpop-nonce"]))
    assert again.status_code == 200


async def test_a_nonce_is_good_for_three_more_days():
    service = Service(new_org())
    nonce = (await service.ask(proof=service.proof(TOKEN_URL, method="POST"))).headers["dpop-nonce"]
    for days, status in ((3, 200), (1, 400)):
        service.org.cell.clock.advance(days * 86_400)
        answer = await service.ask(proof=service.proof(TOKEN_URL, method="POST", nonce=nonce))
        assert answer.status_code == status
    assert answer.json()["error"] == "use_dpop_nonce"


async def test_a_demanded_proof_that_is_missing():
    answer = await Service(new_org()).ask()
    assert answer.status_code == 400
    assert answer.json() == {
        "error": "invalid_dpop_proof",
        "error_description": "The DPoP proof JWT header is missing.",
    }


async def test_without_the_demand_a_bearer_token_is_given():
    service = Service(new_org(people=1), dpop=False)
    given = (await service.token()).json()
    assert given["token_type"] == "Bearer"
    assert (await service.get(USERS, given["access_token"])).status_code == 200


@pytest.mark.parametrize(
    "spoil",
    [
        {"htm": "GET"},
        {"htu": TOKEN_URL.replace("/oauth2", "//oauth2")},
        {"htu": f"{TOKEN_URL}?x=1"},
        {"iat": 1},
        {"jti": ""},
        {"typ": "JWT"},
        {"key": "ec"},
    ],
)
async def test_a_bad_proof_gets_no_token(spoil):
    service = Service(new_org())
    if spoil.get("key") == "ec":
        spoil = {"key": ec("proof")}
    answer = await service.ask(proof=service.proof(TOKEN_URL, method="POST", nonce=service.org.proofs.nonce, **spoil))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof")


async def test_elliptic_proofs_are_taken_where_the_organisation_does():
    service = Service(new_org(dpop_ecdsa=True))
    proof = service.proof(TOKEN_URL, method="POST", nonce=service.org.proofs.nonce, key=ec("proof"))
    assert (await service.ask(proof=proof)).status_code == 200


async def test_a_proof_and_an_assertion_are_good_once():
    service = Service(new_org())
    proof = service.proof(TOKEN_URL, method="POST", nonce=service.org.proofs.nonce)
    assertion = service.assertion()
    assert (await service.ask(proof=proof, assertion=assertion)).status_code == 200
    assert (await service.ask(proof=proof)).json()["error"] == "invalid_dpop_proof"
    assert (await service.ask(assertion=assertion)).json()["error"] == "invalid_client"


@pytest.mark.parametrize(
    "spoil",
    [
        {"aud": BASE},
        {"aud": f"{TOKEN_URL}/"},
        {"sub": "someone"},
        {"iss": "0oaUnknownUnknown5d7"},
        {"exp": 1},
        {"exp": 99_999_999_999},
        {"iat": 99_999_999_999},
        {"key": "foreign"},
    ],
)
async def test_a_bad_assertion_gets_no_token(spoil):
    service = Service(new_org(), dpop=False)
    if "key" in spoil:
        spoil = {"key": rsa(spoil["key"])}
    answer = await service.ask(assertion=service.assertion(**spoil))
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"grant_type": "authorization_code"}, 400, "unsupported_grant_type"),
        ({"client_assertion": "not-a-jwt"}, 401, "invalid_client"),
        ({"client_assertion_type": "", "client_secret": "x"}, 401, "invalid_client"),
        ({"scope": "okta.logs.read okta.roles.read"}, 400, "invalid_scope"),
        ({"scope": ""}, 400, "invalid_scope"),
    ],
)
async def test_a_bad_token_request(form, status, error):
    service = Service(new_org(), dpop=False)
    answer = await service.ask(**form)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


async def test_scopes_that_are_not_granted_are_quietly_left_out_and_show_later_as_403():
    service = Service(new_org(people=1), scopes=("okta.users.manage",), dpop=False)
    given = (await service.token(scope="okta.users.read okta.groups.read")).json()
    assert given["scope"] == "okta.users.read"
    assert (await service.get(USERS, given["access_token"])).status_code == 200
    refused = await service.get("/api/v1/groups", given["access_token"])
    assert code(refused) == (403, "E0000006")
    assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]
    assert 'scope="okta.groups.read"' in refused.headers["www-authenticate"]
    service.org.quirks = type(service.org.quirks)(empty_scope_error=True)
    assert (await service.get("/api/v1/groups", given["access_token"])).content == b""


async def test_a_token_lives_an_hour():
    service = Service(new_org(people=1))
    token = (await service.token()).json()["access_token"]
    service.org.cell.clock.advance(3599)
    assert (await service.get(USERS, token)).status_code == 200
    service.org.cell.clock.advance(1)
    assert code(await service.get(USERS, token)) == (401, "E0000011")


@pytest.mark.parametrize(
    "spoil",
    [{"htm": "POST"}, {"htu": f"{BASE}{USERS}?limit=1"}, {"token": "other"}, {"token": None}, {"key": "client"}],
)
async def test_a_call_with_a_bad_proof(spoil):
    service = Service(new_org())
    token = (await service.token()).json()["access_token"]
    if "key" in spoil:
        spoil = {"key": rsa(spoil["key"])}
    renamed = {"method": spoil["htm"]} if "htm" in spoil else spoil
    answer = await service.get(USERS, token, **renamed)
    assert code(answer) == (401, "E0000011")
    assert answer.headers["www-authenticate"].startswith("DPoP ")
    assert 'error="invalid_dpop_proof"' in answer.headers["www-authenticate"]


async def test_a_bound_token_is_no_bearer_token_and_a_proof_is_not_used_twice():
    service = Service(new_org())
    token = (await service.token()).json()["access_token"]
    headers = {"authorization": f"DPoP {token}", "dpop": service.proof(BASE + USERS, token=token)}
    assert (await service.http.get(USERS, headers=headers)).status_code == 200
    assert code(await service.http.get(USERS, headers=headers)) == (401, "E0000011")
    bearer = await service.http.get(USERS, headers={"authorization": f"Bearer {token}"})
    assert 'error="invalid_dpop_proof"' in bearer.headers["www-authenticate"]


async def test_calls_too_can_demand_a_nonce():
    service = Service(new_org(resource_nonce=True))
    token = (await service.token()).json()["access_token"]
    first = await service.get(USERS, token)
    assert 'error="use_dpop_nonce"' in first.headers["www-authenticate"]
    assert (await service.get(USERS, token, nonce=first.headers["dpop-nonce"])).status_code == 200


async def test_me_is_nobody_for_a_service_app():
    service = Service(new_org(people=1), dpop=False)
    token = (await service.token()).json()["access_token"]
    assert code(await service.get(f"{USERS}/me", token)) == (404, "E0000007")


async def test_an_app_without_a_role_gets_an_empty_list():
    service = Service(new_org(people=3), rights=NO_ROLE)
    token = (await service.token()).json()["access_token"]
    answer = await service.get(f"{USERS}?limit=1", token)
    assert (answer.status_code, answer.json()) == (200, [])


async def test_the_organisation_tells_itself_before_any_credential():
    org = new_org()
    async with client(org, authorization="") as http:
        known = (await http.get("/.well-known/okta-organization")).json()
        assert (known["id"], known["pipeline"]) == (org.id, "idx")
        org.quirks = type(org.quirks)(identity_engine=False)
        assert (await http.get("/.well-known/okta-organization")).json()["pipeline"] == "v1"
        discovery = (await http.get("/.well-known/openid-configuration")).json()
        assert (discovery["issuer"], discovery["token_endpoint"]) == (BASE, TOKEN_URL)
        assert (await http.get("/oauth2/v1/keys")).json() == {"keys": []}
    async with client(org) as http:
        assert (await http.get("/api/v1/org")).json()["id"] == org.id
        schema = (await http.get("/api/v1/meta/schemas/user/default")).json()["definitions"]
        assert len(schema["base"]["properties"]) == 31
        assert schema["base"]["properties"]["login"]["minLength"] == 5
        assert schema["custom"]["properties"]["skills"]["type"] == "array"


async def test_an_emergency_rotation_refuses_every_older_nonce():
    service = Service(new_org())
    nonce = service.org.proofs.nonce
    service.org.proofs.rotate()
    answer = await service.ask(proof=service.proof(TOKEN_URL, method="POST", nonce=nonce))
    assert answer.json()["error"] == "use_dpop_nonce"
    assert answer.headers["dpop-nonce"] != nonce


@pytest.mark.parametrize("proof", ["rubbish", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
async def test_a_proof_that_is_no_signed_jwt(proof):
    answer = await Service(new_org()).ask(proof=proof)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof")
