"""Calls: what goes out, what comes back typed, and which error each answer becomes."""

from __future__ import annotations

import json

import httpx
import msgspec
import pytest
from http_script import Script

from crosskey.errors import AuthError, ConfigError, ContractError, CrosskeyError, RejectedError, UncertainError


class User(msgspec.Struct):
    id: str
    age: int = 0


async def test_a_call_decodes_the_body_and_brings_what_came_around_it(client_for):
    server = Script(
        httpx.Response(200, json=[{"id": "u1", "unknown": 1}], headers={"Date": "Mon, 05 Jan 2026 09:00:00 GMT"})
    )
    async with client_for(server) as client:
        reply = await client.call("GET", "/api/v1/users", decode=list[User], params={"limit": 200, "q": "a b"})
    assert reply.value == [User("u1")]
    assert (reply.status, str(reply.url)) == (200, "https://acme.example.test/api/v1/users?limit=200&q=a+b")
    assert reply.date is not None
    assert reply.date.isoformat() == "2026-01-05T09:00:00+00:00"
    request = server.requests[0]
    assert request.headers["accept-encoding"] == "gzip"
    assert request.headers["user-agent"].startswith("crosskey")


async def test_bodies_are_json_of_anything_msgspec_knows_or_a_form(client_for):
    server = Script(httpx.Response(201, json={"id": "1"}))
    async with client_for(server) as client:
        await client.call("POST", "/a", decode=User, json=[User("x", 3)])
        await client.call("POST", "/b", decode=User, json=None)
        await client.call("POST", "/c", decode=User, form={"grant_type": "client_credentials", "scope": "a b"})
        await client.call(
            "POST", "/d", decode=User, json={}, headers={"Content-Type": "application/json; charset=utf-8"}
        )
    structs, null, form, charset = server.requests
    assert json.loads(structs.content) == [{"id": "x", "age": 3}]
    assert structs.headers["content-type"] == "application/json"
    assert null.content == b"null"
    assert form.content == b"grant_type=client_credentials&scope=a+b"
    assert form.headers["content-type"] == "application/x-www-form-urlencoded"
    assert charset.headers["content-type"] == "application/json; charset=utf-8"


async def test_an_empty_body_counts_as_null(client_for):
    server = Script(httpx.Response(204))
    async with client_for(server) as client:
        assert (await client.call("DELETE", "/a", decode=type(None))).value is None
        with pytest.raises(ContractError, match="without a body"):
            await client.call("GET", "/a", decode=User)


async def test_a_byte_order_mark_before_json_is_ignored(client_for):
    async with client_for(Script(httpx.Response(200, content=b'\xef\xbb\xbf{"id":"u1"}'))) as client:
        assert (await client.call("GET", "/a", decode=User)).value.id == "u1"


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (401, AuthError, "credential-refused"),
        (403, AuthError, "permission-denied"),
        (400, RejectedError, "http-400"),
        (404, RejectedError, "http-404"),
        (409, RejectedError, "http-409"),
        (422, RejectedError, "http-422"),
        (301, ContractError, "redirected"),
        (304, ContractError, "redirected"),
    ],
)
async def test_a_final_status_is_one_error_and_one_request(client_for, status, kind, code):
    server = Script(httpx.Response(status, json={"error": "no", "error_description": "not for you"}))
    async with client_for(server) as client:
        with pytest.raises(kind) as caught:
            await client.call("GET", "/api/v1/users/00u1a2b3c4d5", decode=User)
    assert (caught.value.code, caught.value.where) == (code, "source.corp")
    assert caught.value.fix or kind is RejectedError
    assert "GET /api/v1/users/{id}" in str(caught.value)
    assert len(server.requests) == 1
    if kind is RejectedError:
        assert caught.value.status == status
    if status != 301 and status != 304:
        assert "no: not for you" in str(caught.value)


async def test_the_plugin_explains_and_its_failure_does_no_harm(client_for):
    server = Script(httpx.Response(400, json={"errorSummary": "Api validation failed: login"}))
    async with client_for(server, explain=lambda answer: json.loads(answer.content)["errorSummary"]) as client:
        with pytest.raises(RejectedError, match="answered 400: Api validation failed: login"):
            await client.call("GET", "/a", decode=User)
    async with client_for(server, explain=lambda answer: 1 / 0) as client:
        with pytest.raises(RejectedError, match="GET /a answered 400"):
            await client.call("GET", "/a", decode=User)


async def test_an_error_body_cannot_leak_a_token_or_flood_the_screen(client_for):
    said = "refused Bearer abcdef0123456789abcdef eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln " + "x" * 5000
    async with client_for(Script(httpx.Response(400, json={"error_description": said}))) as client:
        with pytest.raises(RejectedError) as caught:
            await client.call("GET", "/a", decode=User)
    assert "abcdef0123456789abcdef" not in str(caught.value)
    assert "eyJ" not in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (
            b"<!DOCTYPE html><html><head><title>Sign In</title>",
            "text/html",
            "a page instead of JSON (text/html): Sign In",
        ),
        (b"<h1>Bad gateway</h1>", "text/html", "<h1>Bad gateway</h1>"),
        (b'{"id": "u1", "age": 4', "application/json", "the body is not whole JSON (application/json, 21 bytes)"),
        (b'{"id": "canary-value", "age": "canary-age"}', "application/json", "Expected `int`, got `str` - at `$.age`"),
        (b"\xff\xfe\x00", "application/json", "the body is not UTF-8 (application/json)"),
        (b"[" * 1_000_000, "application/json", "nested too deeply"),
        (b'{"id": "caf\xe9"}', "application/json", "the body is not UTF-8 (application/json)"),
    ],
)
async def test_an_undecodable_answer_is_a_contract_error_with_evidence_and_without_content(
    client_for, body, kind, said
):
    server = Script(httpx.Response(200, content=body, headers={"Content-Type": kind}))
    async with client_for(server) as client:
        with pytest.raises(ContractError) as caught:
            await client.call("GET", "/api/v1/users/me", decode=User if body[:1] != b"[" else list[User])
    assert said in str(caught.value) or "another shape" in str(caught.value)
    assert "canary" not in str(caught.value)
    assert "GET /api/v1/users/me" in str(caught.value)


@pytest.mark.parametrize("body", [b"<html>", b'{"id": ', b'{"id": 5}', b""])
async def test_an_undecodable_answer_to_a_write_is_uncertain_and_not_sent_again(client_for, body):
    server = Script(httpx.Response(200, content=body))
    async with client_for(server) as client:
        with pytest.raises(UncertainError, match="whether it took effect is not known"):
            await client.call("POST", "/api/Users", decode=User, json=[])
    assert len(server.requests) == 1


@pytest.mark.parametrize("secret", ["00abc\n", "sécret-ключ"])
async def test_a_credential_that_cannot_be_a_header_is_never_quoted(client_for, secret):
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.LocalProtocolError(f"Illegal header value {secret!r}")

    class Auth(httpx.Auth):
        def auth_flow(self, request):
            request.headers["Authorization"] = f"SSWS {secret}"
            yield request

    async with client_for(handler, auth=Auth()) as client:
        with pytest.raises(ConfigError, match="character that HTTP does not allow") as caught:
            await client.call("GET", "/a", decode=User)
    assert secret.strip() not in str(caught.value)
    assert caught.value.__suppress_context__


async def test_a_header_with_letters_that_http_does_not_allow_is_never_quoted(client_for):
    bad = {"Authorization": "SSWS sécret-ключ"}
    server = Script(httpx.Response(200, json=1))
    with pytest.raises(ConfigError, match="character that HTTP does not allow") as caught:
        async with client_for(server, headers=bad):
            pass
    assert "ключ" not in str(caught.value)
    async with client_for(server) as client:
        with pytest.raises(ConfigError, match="character that HTTP does not allow"):
            await client.call("GET", "/a", decode=int, headers=bad)
    assert server.requests == []


async def test_an_address_that_is_none_is_a_contract_error(client_for):
    async with client_for(Script(httpx.Response(200, json=1))) as client:
        with pytest.raises(ContractError, match="not a URL"):
            await client.call("GET", "https://[::1/canary", decode=int)


async def test_a_redirect_names_the_host_and_nothing_is_followed(client_for):
    location = "https://login.evil.test/sso?token=canary-token"
    server = Script(httpx.Response(302, headers={"Location": location}))
    async with client_for(server) as client:
        with pytest.raises(ContractError, match=r"redirected \(302\) to login\.evil\.test") as caught:
            await client.call("GET", "/a", decode=User)
    assert "canary" not in str(caught.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("base", "code"),
    [
        ("http://acme.example.test", "url-insecure"),
        ("acme.example.test", "url"),
        ("ftp://acme.example.test", "url"),
        ("https://", "url"),
        ("https://user:pw@acme.example.test", "url"),
        ("https://acme.example.test?x=1", "url"),
        ("https://[::1", "url"),
    ],
)
async def test_an_address_that_cannot_be_is_refused_with_the_key_to_write(client_for, base, code):
    with pytest.raises(ConfigError) as caught:
        async with client_for(Script(httpx.Response(200)), base=base):
            pass
    assert caught.value.code == code
    assert "`url` in [source.corp]" in caught.value.fix
    assert "pw" not in str(caught.value)


async def test_clear_text_is_for_this_machine(client_for):
    for base in ("http://127.0.0.1:8801", "http://localhost:8801", "http://[::1]:8801"):
        async with client_for(Script(httpx.Response(200, json=1)), base=base) as client:
            assert (await client.call("GET", "/a", decode=int)).value == 1


async def test_cookies_are_not_kept(client_for):
    server = Script(httpx.Response(200, json=1, headers={"Set-Cookie": "sid=canary; Path=/"}))
    async with client_for(server) as client:
        reply = await client.call("GET", "/a", decode=int)
        await client.call("GET", "/a", decode=int)
    assert "cookie" not in server.requests[1].headers
    assert "set-cookie" not in reply.headers


async def test_every_error_of_the_stack_is_ours(client_for):
    for broken in (
        httpx.ReadError("x"),
        httpx.UnsupportedProtocol("x"),
        httpx.DecodingError("x"),
        httpx.ProxyError("x"),
    ):
        async with client_for(Script(broken)) as client:
            with pytest.raises(CrosskeyError) as caught:
                await client.call("GET", "/a", decode=User)
        assert caught.value.where == "source.corp"
        assert caught.value.fix
