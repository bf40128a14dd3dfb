from __future__ import annotations

import pytest
from sandbox_halo_client import anonymous, signed_in, small_desk, token

from crosskey_sandbox.halo import Application, HaloDesk, HaloQuirks
from fake_clock import FakeClock


@pytest.mark.parametrize("path", ["/api/authinfo", "/api/AuthInfo"])
async def test_discovery_needs_no_token(path):
    desk = small_desk()
    async with anonymous(desk) as client:
        answer = await client.get(path)
    assert answer.json() == {"auth_url": "http://desk.test/auth", "tenant_id": "sandbox"}


async def test_an_instance_without_discovery_answers_404():
    async with anonymous(small_desk(auth_info=False)) as client:
        assert (await client.get("/api/authinfo")).status_code == 404


async def test_openid_discovery_names_the_token_endpoint():
    async with anonymous(small_desk()) as client:
        document = (await client.get("/auth/.well-known/openid-configuration")).json()
    assert document["token_endpoint"] == "http://desk.test/auth/token"


async def test_a_token_answer_tells_type_life_and_scope():
    desk = small_desk()
    async with anonymous(desk) as client:
        answer = await token(client, desk, query="?tenant=sandbox", scope="all admin")
    body = answer.json()
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 3600, "admin all")


async def test_life_and_scope_may_be_left_out():
    desk = small_desk(tells_expiry=False, tells_scope=False)
    async with anonymous(desk) as client:
        assert set((await token(client, desk)).json()) == {"access_token", "token_type"}


@pytest.mark.parametrize("wrong", [{"client_id": "x"}, {"client_secret": "x"}, {"client_secret": ""}])
async def test_bad_credentials_are_invalid_client(wrong):
    desk = small_desk()
    async with anonymous(desk) as client:
        answer = await token(client, desk, **wrong)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("scope", ["read:users", "read:agents", "all read:sites", ""])
async def test_scopes_that_do_not_exist_are_invalid_scope(scope):
    desk = small_desk()
    async with anonymous(desk) as client:
        answer = await token(client, desk, scope=scope)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


async def test_a_scope_that_the_application_was_not_granted_is_invalid_scope():
    desk = HaloDesk(application=Application(scopes=frozenset({"read:customers"})))
    async with anonymous(desk) as client:
        assert (await token(client, desk, scope="read:customers")).status_code == 200
        assert (await token(client, desk, scope="edit:customers")).json()["error"] == "invalid_scope"


async def test_another_grant_is_refused():
    desk = small_desk()
    async with anonymous(desk) as client:
        answer = await token(client, desk, grant_type="password")
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


async def test_a_wrong_tenant_is_500_as_a_query_or_as_a_form_field():
    desk = small_desk()
    async with anonymous(desk) as client:
        assert (await token(client, desk, query="?tenant=other")).status_code == 500
        assert (await token(client, desk, tenant="other")).status_code == 500
        assert (await token(client, desk, tenant="sandbox")).status_code == 200


async def test_a_missing_tenant_is_500_only_where_it_is_required():
    desk = small_desk()
    async with anonymous(desk) as client:
        assert (await token(client, desk)).status_code == 200
        desk.quirks = HaloQuirks(tenant_required=True)
        assert (await token(client, desk)).status_code == 500


async def test_a_token_ends_after_its_life_and_when_revoked():
    clock = FakeClock()
    desk = small_desk(clock, token_life=60)
    async with signed_in(desk) as client:
        assert (await client.get("/api/Agent/me")).status_code == 200
        clock.advance(61)
        expired = await client.get("/api/Agent/me")
        assert (expired.status_code, expired.headers["www-authenticate"]) == (401, "Bearer")
    async with signed_in(desk) as client:
        desk.revoke_tokens()
        assert (await client.get("/api/Agent/me")).status_code == 401


async def test_without_a_token_everything_is_401():
    async with anonymous(small_desk()) as client:
        assert (await client.get("/api/Users")).status_code == 401
        assert (await client.get("/api/NoSuchThing")).status_code == 401


async def test_the_application_acts_as_its_agent():
    async with signed_in(small_desk()) as client:
        me = (await client.get("/api/agent/me")).json()
    assert (me["id"], me["isapiagent"], me["is_admin"]) == (2, True, True)


READS = ("Users", "Site", "Client", "Agent", "Team", "TopLevel", "Roles", "UserRoles")


@pytest.mark.parametrize(
    ("scope", "readable"),
    [
        ("all", READS),
        ("read:customers", ("Users", "Site", "Client", "Agent", "Team", "TopLevel")),
        ("all:standard", ("Users", "Site", "Client", "Agent", "Team", "TopLevel")),
        ("admin", ("Agent", "Team", "TopLevel", "Roles", "UserRoles")),
        ("read:tickets", ("Agent", "Team", "TopLevel")),
    ],
)
async def test_what_a_scope_lets_read(scope, readable):
    async with signed_in(small_desk(), scope) as client:
        statuses = {path: (await client.get(f"/api/{path}")).status_code for path in READS}
    assert statuses == {path: 200 if path in readable else 403 for path in READS}


@pytest.mark.parametrize(
    ("scope", "users", "agents"),
    [("all", 201, 201), ("edit:customers", 201, 403), ("read:customers", 403, 403), ("admin", 403, 201)],
)
async def test_what_a_scope_lets_write(scope, users, agents):
    async with signed_in(small_desk(), scope) as client:
        assert (await client.post("/api/Users", json=[{"name": "Ada", "site_id": 1}])).status_code == users
        assert (await client.post("/api/Agent", json=[{"name": "Ada"}])).status_code == agents


async def test_a_missing_right_is_403_without_a_body():
    async with signed_in(small_desk(forbidden=("Roles",))) as client:
        answer = await client.get("/api/Roles")
    assert (answer.status_code, answer.content) == (403, b"")


async def test_unknown_paths_are_404_and_other_methods_405():
    async with signed_in(small_desk()) as client:
        assert (await client.get("/api/Department")).status_code == 404
        assert (await client.put("/api/Users", json=[])).status_code == 405
