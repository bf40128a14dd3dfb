from __future__ import annotations

import httpx
import msgspec
import pytest
from halo_bench import URL, DeskTransport, a_desk, opened, read_all

from crosskey.errors import AuthError, ConfigError, RetryableError
from crosskey.settings import Secret
from crosskey_sandbox.halo import Application


async def sign_in(desk, *, transport=None, **keys):
    async with opened(desk, transport=transport, **keys) as target:
        await target.seats()


class Scripted(DeskTransport):
    """The desk, with some paths answered otherwise."""

    def __init__(self, desk, **answers):
        super().__init__(desk)
        self.answers = answers
        self.seen = []

    async def handle_async_request(self, request):
        self.seen.append(request)
        for path, answer in self.answers.items():
            if request.url.path.endswith(path):
                return answer
        return await super().handle_async_request(request)


async def test_the_token_is_asked_where_the_instance_says_with_its_tenant():
    desk = a_desk()
    wire = Scripted(desk)
    await sign_in(desk, transport=wire)
    token = next(request for request in wire.seen if request.url.path == "/auth/token")
    assert token.url.params["tenant"] == desk.application.tenant
    assert b"grant_type=client_credentials" in token.content
    assert "authorization" not in token.headers


async def test_without_authinfo_the_hosted_default_is_used():
    desk = a_desk(auth_info=False)
    await sign_in(desk)
    assert desk.counts()["GET /api/InstanceInfo"] == 1


@pytest.mark.parametrize("effect", [404, 401, 200])
async def test_an_authinfo_that_says_nothing_useful_is_passed_over(effect):
    desk = a_desk()
    await sign_in(desk, transport=Scripted(desk, authinfo=httpx.Response(effect, text="<html>Sign in</html>")))
    assert desk.counts()["GET /api/InstanceInfo"] == 1


async def test_the_secret_is_not_sent_to_a_host_that_only_the_instance_names():
    desk = a_desk()
    wire = Scripted(desk, authinfo=httpx.Response(200, json={"auth_url": "https://evil.example/auth"}))
    with pytest.raises(AuthError, match="not sent there") as caught:
        await sign_in(desk, transport=wire)
    assert 'auth_url = "https://evil.example' in caught.value.fix
    assert {request.url.host for request in wire.seen} == {httpx.URL(URL).host}


async def test_an_authorisation_server_of_another_host_can_be_named():
    desk = a_desk()
    wire = Scripted(desk, authinfo=httpx.Response(200, json={"auth_url": "https://sign-in.example/auth"}))
    await sign_in(desk, transport=wire, auth_url="https://sign-in.example/auth")
    assert desk.counts()["GET /api/InstanceInfo"] == 1


async def test_a_wrong_secret_names_the_key_to_correct():
    with pytest.raises(AuthError, match="client_id and client_secret") as caught:
        await sign_in(a_desk(), client_secret=Secret("wrong-canary"))
    assert caught.value.where == "target.desk.client_secret"
    assert "wrong-canary" not in str(caught.value)


async def test_a_scope_that_is_not_granted_is_named():
    with pytest.raises(AuthError, match='does not grant the scope "read:agents"') as caught:
        await sign_in(a_desk(), scope="read:agents")
    assert 'scope = "all"' in caught.value.fix
    assert caught.value.where == "target.desk.scope"


async def test_a_wrong_tenant_names_the_right_one():
    with pytest.raises(AuthError, match='this instance is "sandbox"') as caught:
        await sign_in(a_desk(), tenant="other")
    assert 'tenant = "sandbox"' in caught.value.fix


async def test_a_missing_tenant_is_suspected_when_the_server_fails():
    with pytest.raises(RetryableError, match="no token could be fetched") as caught:
        await sign_in(a_desk(auth_info=False, tenant_required=True))
    assert "tenant" in caught.value.fix


async def test_a_page_instead_of_a_token_means_a_wrong_address():
    desk = a_desk()
    page = httpx.Response(200, text="<html><title>Portal</title></html>")
    with pytest.raises(AuthError, match="does not answer like a Halo") as caught:
        await sign_in(desk, transport=Scripted(desk, authinfo=httpx.Response(404), token=page))
    assert caught.value.where == "target.desk.url"


async def test_a_token_that_is_refused_is_fetched_again_once():
    desk = a_desk()
    async with opened(desk) as target:
        await target.seats()
        desk.revoke_tokens()
        await target.seats()
    assert desk.counts()["POST /auth/token"] == 2


async def test_a_token_that_stays_refused_is_not_taken_for_a_missing_right():
    desk = a_desk()
    with pytest.raises(AuthError) as caught:
        await sign_in(desk, transport=Scripted(desk, InstanceInfo=httpx.Response(401)))
    assert caught.value.code == "credential-refused"
    assert desk.counts()["POST /auth/token"] == 2


async def test_a_token_is_renewed_before_it_dies():
    desk = a_desk(token_life=1000)
    async with opened(desk) as target:
        await target.seats()
        desk.clock.advance(801)
        await target.seats()
    assert desk.counts()["POST /auth/token"] == 2
    assert not [entry for entry in desk.requests if entry.status == 401]


async def test_an_hour_is_assumed_where_the_answer_names_no_life():
    desk = a_desk(tells_expiry=False, tells_scope=False)
    async with opened(desk) as target:
        await target.seats()
        desk.clock.advance(2800)
        await target.seats()
        assert desk.counts()["POST /auth/token"] == 1
        desk.clock.advance(100)
        await target.seats()
    assert desk.counts()["POST /auth/token"] == 2


async def test_the_budget_of_five_minutes_is_kept():
    desk = a_desk(budget=300, retry_after=False)
    desk.application = msgspec.structs.replace(desk.application, scopes=Application().scopes)
    async with opened(desk, requests_per_5_minutes=50) as target:
        for _ in range(120):
            await target.seats()
    assert 429 not in {entry.status for entry in desk.requests}
    assert desk.clock.elapsed >= 600


async def test_a_desk_that_is_over_its_budget_is_waited_for():
    desk = a_desk(budget=20, retry_after=False)
    for number in range(150):
        desk.add_user(f"Extra {number}", 1)
    async with opened(desk, page_size=5, requests_per_5_minutes=0) as target:
        accounts, _ = await read_all(target, "user")
    assert len(accounts) > 150
    assert 429 in {entry.status for entry in desk.requests}


# ---------------------------------------------------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    "url",
    [
        URL,
        f"{URL}/",
        f"{URL}/api",
        f"{URL}/api/",
        f"{URL}/auth",
        f"{URL}/auth/token",
        "acme.haloitsm.example",
        f" {URL} ",
    ],
)
async def test_addresses_as_people_paste_them(url):
    desk = a_desk()
    wire = Scripted(desk)
    await sign_in(desk, transport=wire, url=url)
    assert {str(request.url.copy_with(path="/", query=None)) for request in wire.seen} == {f"{URL}/"}
    assert {request.url.path for request in wire.seen} == {"/api/authinfo", "/auth/token", "/api/InstanceInfo"}


@pytest.mark.parametrize(
    ("url", "fix"),
    [
        ("http://acme.haloitsm.com", 'url = "https://acme.haloitsm.com"'),
        ("https://acme.haloitsm.com/portal/home", 'url = "https://acme.haloitsm.com"'),
        ("https://acme.halopsa.com?tab=1", 'url = "https://acme.halopsa.com"'),
        ("https://user:s3cret@acme.haloitsm.com", 'url = "https://acme.haloitsm.com"'),
        ("ftp://user:s3cret@acme.haloitsm.com", 'url = "https://acme.haloitsm.com"'),
        ("https://", 'url = "https://acme.haloitsm.com"'),
        ("https://[", 'url = "https://acme.haloitsm.com"'),
        ("https://acme.haloitsm.com:port", "https://"),
    ],
)
async def test_an_address_that_cannot_be_an_instance_is_refused_with_the_right_one(url, fix):
    with pytest.raises(ConfigError) as caught:
        await sign_in(a_desk(), url=url)
    assert caught.value.where == "target.desk.url"
    assert fix in caught.value.fix
    assert "s3cret" not in str(caught.value)
