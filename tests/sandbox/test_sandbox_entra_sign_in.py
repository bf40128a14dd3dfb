"""The local Entra's sign-in host: who gets a token, and how the others are refused."""

import base64
import re
from datetime import timedelta

import pytest
from sandbox_entra_client import BASE, GUID, SCOPE, assertion, client, code, new_tenant, pair

from crosskey_sandbox.entra import Federation

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ISSUER = "https://issuer.example"


async def ask(tenant, *, at=None, headers=None, **form):
    app = tenant.application
    base = {"grant_type": "client_credentials", "client_id": app.client_id, "scope": SCOPE}
    if not form.keys() & {"client_secret", "client_assertion"}:
        base["client_secret"] = app.client_secret
    data = {name: value for name, value in {**base, **form}.items() if value is not None}
    async with client(tenant) as http:
        del http.headers["authorization"]
        return await http.post(f"/{at or tenant.id}/oauth2/v2.0/token", data=data, headers=headers)


def aadsts(answer):
    body = answer.json()
    assert body["error_description"].startswith(f"AADSTS{body['error_codes'][0]}: ")
    return answer.status_code, body["error"], body["error_codes"]


async def test_a_secret_gives_a_token_that_opens_graph_until_it_ends():
    tenant = new_tenant(people=1)
    answer = await ask(tenant)
    body = answer.json()
    assert list(body) == ["token_type", "expires_in", "ext_expires_in", "access_token"]
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3599)
    async with client(tenant) as http:
        http.headers["authorization"] = f"Bearer {body['access_token']}"
        assert (await http.get("/v1.0/users")).status_code == 200
        tenant.cell.clock.advance(3599)
        late = await http.get("/v1.0/users")
    assert code(late) == (401, "InvalidAuthenticationToken")
    assert late.headers["www-authenticate"].startswith('Bearer realm="", authorization_uri=')


async def test_the_tenant_goes_by_its_id_and_by_its_domains():
    tenant = new_tenant()
    for name in (tenant.id.upper(), "acme.example", "acme.onmicrosoft.example"):
        assert (await ask(tenant, at=name)).status_code == 200


async def test_a_secret_may_come_as_basic_authentication():
    tenant = new_tenant()
    app = tenant.application
    word = base64.b64encode(f"{app.client_id}:{app.client_secret}".encode()).decode()
    answer = await ask(tenant, client_id=None, client_secret=None, headers={"authorization": f"Basic {word}"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("at", "form", "expected"),
    [
        ("00000000-0000-0000-0000-000000000001", {}, (400, "invalid_request", [90002])),
        ("other.example", {}, (400, "invalid_request", [90002])),
        ("directoryid", {}, (400, "invalid_request", [900023])),
        ("common", {}, (400, "invalid_request", [50059])),
        (None, {"client_id": "nobody"}, (400, "unauthorized_client", [700016])),
        (None, {"client_id": None}, (400, "invalid_request", [900144])),
        (None, {"client_secret": "wrong"}, (401, "invalid_client", [7000215])),
        (None, {"client_secret": None}, (401, "invalid_client", [7000216])),
        (None, {"grant_type": "password"}, (400, "unsupported_grant_type", [70003])),
        (None, {"scope": "User.Read.All"}, (400, "invalid_scope", [70011])),
        (None, {"scope": f"{SCOPE} https://vault.example/.default"}, (400, "invalid_scope", [28002])),
        (None, {"scope": "https://graph.microsoft.us/.default"}, (400, "invalid_resource", [500011])),
        (None, {"client_assertion": "x", "client_assertion_type": JWT_BEARER}, (400, "invalid_request", [50027])),
    ],
)
async def test_a_refusal_carries_its_number(at, form, expected):
    tenant = new_tenant()
    answer = await ask(tenant, at=at, **form)
    assert aadsts(answer) == expected
    body = answer.json()
    assert re.fullmatch(GUID, body["trace_id"])
    assert re.fullmatch(GUID, body["correlation_id"])
    assert body["timestamp"] == "2026-01-05 09:00:00Z"
    assert body["error_uri"] == f"{BASE}/error?code={expected[2][0]}"
    assert answer.headers["cache-control"] == "no-store, no-cache"


async def test_an_expired_secret_is_told_apart_from_a_wrong_one_and_another_still_works():
    tenant = new_tenant()
    ends = tenant.cell.clock.now() + timedelta(days=1)
    app = tenant.applications.register("soon", secret="first", secret_expires=ends)
    tenant.cell.clock.advance(86_400)
    assert aadsts(await ask(tenant, client_id=app.client_id, client_secret="first"))[2] == [7000222]
    tenant.applications.add_secret(app, "second")
    assert (await ask(tenant, client_id=app.client_id, client_secret="second")).status_code == 200


# --------------------------------------------------------------------------------------------------------- certificates


class Signer:
    def __init__(self, tenant, *pems, federations=()):
        self.tenant = tenant
        self.app = tenant.applications.register("signer", certificates=pems, federations=federations)

    async def ask(self, header, key, **claims):
        now = self.tenant.cell.epoch()
        me, audience = self.app.client_id, f"{BASE}/{self.tenant.id}/oauth2/v2.0/token"
        base = {"iss": me, "sub": me, "aud": audience, "nbf": now, "iat": now, "exp": now + 600, "jti": "1"}
        word = assertion(header, {**base, **claims}, key)
        return await ask(self.tenant, client_id=me, client_assertion_type=JWT_BEARER, client_assertion=word)


async def test_a_certificate_signs_in_the_new_way_and_the_old_one():
    mine = pair("mine")
    signer = Signer(new_tenant(), mine.pem)
    for header in ({"alg": "PS256", "x5t#S256": mine.sha256}, {"alg": "RS256", "x5t": mine.sha1}):
        assert (await signer.ask(header, mine.key)).status_code == 200


async def test_the_domain_of_the_tenant_is_as_good_an_audience_as_its_id():
    mine = pair("mine")
    signer = Signer(new_tenant(), mine.pem)
    audience = f"{BASE}/acme.example/oauth2/v2.0/token"
    assert (await signer.ask({"alg": "PS256", "x5t#S256": mine.sha256}, mine.key, aud=audience)).status_code == 200


@pytest.mark.parametrize(
    ("claims", "number"),
    [
        ({"aud": "https://login.example/common/oauth2/v2.0/token"}, 700023),
        ({"exp": 0}, 700024),
        ({"nbf": 9_999_999_999}, 700024),
        ({"sub": "somebody else"}, 700027),
    ],
)
async def test_an_assertion_must_be_for_this_endpoint_now_and_about_its_signer(claims, number):
    mine = pair("mine")
    signer = Signer(new_tenant(), mine.pem)
    answer = await signer.ask({"alg": "PS256", "x5t#S256": mine.sha256}, mine.key, **claims)
    assert aadsts(answer) == (401, "invalid_client", [number])


async def test_a_certificate_that_is_not_registered_or_not_the_signing_one_is_refused():
    mine, other = pair("mine"), pair("other")
    signer = Signer(new_tenant(), mine.pem)
    for header, key in (
        ({"alg": "PS256", "x5t#S256": other.sha256}, other.key),
        ({"alg": "PS256", "x5t#S256": mine.sha256}, other.key),
        ({"alg": "PS256"}, mine.key),
    ):
        assert aadsts(await signer.ask(header, key)) == (401, "invalid_client", [700027])


async def test_an_expired_certificate_is_refused():
    old = pair("old", -30, -1)
    signer = Signer(new_tenant(), old.pem)
    answer = await signer.ask({"alg": "PS256", "x5t#S256": old.sha256}, old.key)
    assert aadsts(answer)[2] == [700027]
    assert "expired" in answer.json()["error_description"]


async def test_an_assertion_of_a_trusted_issuer_stands_in_for_a_secret():
    outside, other = pair("outside"), pair("other")
    keys = {"keys": [outside.key.as_dict(private=False)]}
    trusted = Federation(issuer=ISSUER, subject="job:1", keys=keys)
    signer = Signer(new_tenant(), federations=[trusted])
    good = {"iss": ISSUER, "sub": "job:1", "aud": "api://AzureADTokenExchange"}
    header = {"alg": "RS256", "kid": outside.key.kid}
    assert (await signer.ask(header, outside.key, **good)).status_code == 200
    for wrong in ({"sub": "job:2"}, {"iss": "https://else.example"}, {"aud": "api://other"}):
        assert aadsts(await signer.ask(header, outside.key, **good | wrong))[2] == [70021]
    assert aadsts(await signer.ask(header, other.key, **good))[2] == [700027]


# ------------------------------------------------------------------------------------------------- tokens and discovery


async def test_permissions_are_those_of_the_moment_a_token_was_given_out():
    tenant = new_tenant(people=1)
    app = tenant.applications.register("app", ["User.Read.All"])
    async with client(tenant) as http:
        http.headers["authorization"] = f"Bearer {tenant.applications.issue(app)[0]}"
        tenant.applications.consent(app, [])
        assert (await http.get("/v1.0/users")).status_code == 200
        http.headers["authorization"] = f"Bearer {tenant.applications.issue(app)[0]}"
        refused = await http.get("/v1.0/users")
        assert code(refused) == (403, "Authorization_RequestDenied")
        assert refused.headers["x-ms-resource-unit"] == "2"
        tenant.applications.remove(app)
        assert code(await http.get("/v1.0/users")) == (401, "Authorization_IdentityNotFound")


@pytest.mark.parametrize("word", ["", "Bearer nonsense", "Bearer a.b.c", "SSWS x"])
async def test_no_token_or_a_made_up_one_is_a_401_with_a_challenge(word):
    async with client(new_tenant()) as http:
        answer = await http.get("/v1.0/organization", headers={"authorization": word})
    assert code(answer) == (401, "InvalidAuthenticationToken")
    assert "www-authenticate" in answer.headers


def test_an_unknown_permission_cannot_be_granted():
    with pytest.raises(KeyError):
        new_tenant().applications.register("typo", ["User.Reed.All"])


async def test_discovery_names_the_tenant_by_id_and_any_tenant_by_a_template():
    tenant = new_tenant()
    async with client(tenant) as http:
        own = (await http.get("/acme.example/v2.0/.well-known/openid-configuration")).json()
        common = (await http.get("/common/v2.0/.well-known/openid-configuration")).json()
        other = await http.get("/other.example/v2.0/.well-known/openid-configuration")
        keys = await http.get(own["jwks_uri"])
    assert own["issuer"] == f"{BASE}/{tenant.id}/v2.0"
    assert own["token_endpoint"] == f"{BASE}/acme.example/oauth2/v2.0/token"
    assert own["subject_types_supported"] == ["pairwise"]
    assert common["issuer"] == f"{BASE}/{{tenantid}}/v2.0"
    assert aadsts(other)[2] == [90002]
    assert keys.json() == {"keys": []}
