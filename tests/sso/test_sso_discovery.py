"""Metadata and keys: exactly the configured issuer, no redirect, no private address, and no weaker than at set-up."""

from __future__ import annotations

import asyncio
import json
import socket

import httpx
import pytest
from sso_bench import at_once, opened, section_of
from sso_provider import ISSUER, answering, ec, public, rsa, signed, unreachable

from crosskey.clock import SystemClock
from crosskey.connector.refusal import SsoRefused
from crosskey.errors import ConfigError, ContractError
from crosskey.http.addresses import CheckedAddresses, is_public
from crosskey.sso.context import DoorContext
from crosskey.sso.keys import COOL_DOWN, FRESH, USABLE, read_keys


@pytest.fixture
async def bench(tmp_path):
    async with opened(tmp_path) as bench:
        yield bench


async def cannot_begin(bench, code):
    with pytest.raises(SsoRefused) as caught:
        await bench.begin()
    bench.expect(caught.value, code)
    assert bench.asked == {}, "nobody was sent anywhere"
    return caught.value


# ------------------------------------------------------------------------------------------------------------ metadata


async def test_a1_metadata_of_another_issuer(bench):
    bench.provider.metadata["issuer"] = "https://evil.example"
    await cannot_begin(bench, "issuer-mismatch")


@pytest.mark.parametrize(
    "said",
    [
        f"{ISSUER}/",
        ISSUER.upper(),
        f"{ISSUER}:443",
        "https://id.\u0430cme.example",
        "http://id.acme.example",
        "",
        None,
        [ISSUER],
    ],
)
async def test_a2_an_issuer_that_looks_the_same(bench, said):
    bench.provider.metadata["issuer"] = said
    await cannot_begin(bench, "issuer-mismatch")


async def test_a3_an_endpoint_elsewhere_is_told_at_set_up_and_may_not_appear_later(bench, tmp_path):
    await bench.begin()
    assert (await bench.flow.discover()).foreign == ()
    bench.clock.advance(FRESH.total_seconds() + 1)
    bench.provider.metadata["token_endpoint"] = "https://evil.example/token"
    bench.asked = {}
    await cannot_begin(bench, "endpoint-moved")
    assert bench.book.unpin(ISSUER), "a person may allow it"
    await bench.begin()
    assert (await bench.flow.discover()).foreign == ("https://evil.example/token",)


async def test_a3_a_host_that_is_allowed(tmp_path):
    async with opened(tmp_path, section_of(hosts=("tokens.acme.example",))) as bench:
        await bench.begin()
        bench.clock.advance(FRESH.total_seconds() + 1)
        bench.provider.metadata["token_endpoint"] = "https://tokens.acme.example/token"
        await bench.sign_in()
        assert [request.url.host for request in bench.provider.asked("/token")] == ["tokens.acme.example"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a4_a_redirect_is_not_followed(bench, status):
    location = {"location": "http://169.254.169.254/latest/meta-data"}
    bench.provider.faults["openid-configuration"] = answering(status, headers=location)
    await cannot_begin(bench, "metadata-redirect")
    assert {request.url.host for request in bench.provider.requests} == {"id.acme.example"}


PRIVATE = [
    "127.0.0.1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "192.0.2.1",
    "198.18.0.1",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "ff02::1",
    "2001:db8::1",
    "::ffff:10.0.0.1",
    "2002:a00:1::1",
    "64:ff9b::a00:1",
]


@pytest.mark.parametrize("address", PRIVATE)
async def test_a5_a_name_that_leads_into_a_private_network(address):
    assert not is_public(address)
    sent: list[httpx.Request] = []

    async def resolve(host, port):
        return ["93.184.215.14", address]

    transport = CheckedAddresses(httpx.MockTransport(sent.append), "sso.agents", resolve)
    with pytest.raises(ContractError) as caught:
        await transport.handle_async_request(httpx.Request("GET", f"{ISSUER}/keys"))
    assert (caught.value.code, sent) == ("address-refused", [])


async def test_a5_the_address_that_was_checked_is_the_one_that_is_connected_to():
    answers = [["93.184.215.14"], ["127.0.0.1"]]
    sent: list[httpx.Request] = []

    async def resolve(host, port):
        return answers.pop(0)

    def answer(request):
        sent.append(request)
        return httpx.Response(200)

    transport = CheckedAddresses(httpx.MockTransport(answer), "sso.agents", resolve)
    await transport.handle_async_request(httpx.Request("GET", f"{ISSUER}/keys"))
    [request] = sent
    assert (request.url.host, request.headers["host"]) == ("93.184.215.14", "id.acme.example")
    assert request.extensions["sni_hostname"] == "id.acme.example", "the certificate must be for the name"
    assert answers == [["127.0.0.1"]], "looked up once"


async def test_a5_a_name_without_an_address():
    async def resolve(host, port):
        return []

    transport = CheckedAddresses(httpx.MockTransport(answering()), "sso.agents", resolve)
    with pytest.raises(ContractError):
        await transport.handle_async_request(httpx.Request("GET", ISSUER))


async def test_a5_a_name_that_means_nothing():
    async def resolve(host, port):
        raise OSError

    transport = CheckedAddresses(httpx.MockTransport(answering()), "sso.agents", resolve)
    with pytest.raises(httpx.ConnectError):
        await transport.handle_async_request(httpx.Request("GET", ISSUER))


@pytest.mark.parametrize("private", [False, True])
async def test_a5_doors_keep_to_public_addresses_unless_told_otherwise(bench, monkeypatch, private):
    """By the real stack: a name that leads to this machine is refused before anything is connected to."""

    def this_machine(host, port, *args, **kwargs):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 1))]

    monkeypatch.setattr(socket, "getaddrinfo", this_machine)
    context = DoorContext(section_of(rules={"private_addresses": private}), bench.book, clock=SystemClock())
    async with context.http(ISSUER) as client:
        with pytest.raises((ContractError, httpx.ConnectError)) as caught:
            await client.get("/")
    assert isinstance(caught.value, httpx.ConnectError) == private


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint"])
async def test_a6_an_endpoint_in_clear_text(bench, name):
    bench.provider.metadata[name] = "http://id.acme.example/x"
    await cannot_begin(bench, "endpoint-insecure")


async def test_a6_an_issuer_in_clear_text(tmp_path):
    async with opened(tmp_path, section_of(issuer="http://id.acme.example")) as bench:
        await cannot_begin(bench, "endpoint-insecure")
    with pytest.raises(ConfigError):
        section_of(rules={"public_url": "http://desk.acme.example"})


@pytest.mark.parametrize(
    "url",
    [
        "https://user@id.acme.example/x",
        "https:///x",
        "https://id.acme.example/x#y",
        "https://id.\u0430cme.example/x",
        "https://[x",
        "x",
        7,
    ],
)
async def test_a6_what_is_no_address(bench, url):
    bench.provider.metadata["token_endpoint"] = url
    with pytest.raises(SsoRefused) as caught:
        await bench.begin()
    assert caught.value.code in ("metadata-invalid", "endpoint-insecure")


async def test_a7_metadata_that_cannot_be_used(bench):
    ordinary = json.dumps(bench.provider.metadata).encode()
    for content, kind in [
        (b"<html>", "text/html"),
        (ordinary, "text/plain"),
        (b"[]", "application/json"),
        (b"{", "application/json"),
        (b'{"issuer": "' + b"x" * 600_000 + b'"}', "application/json"),
        (b" " * 2_000_000, "application/json"),
        (b'{"a":' * 50 + b"1" + b"}" * 50, "application/json"),
        (ordinary[:-1] + b', "issuer": "https://id.acme.example"}', "application/json"),
        (b'{"issuer": "https://id.acme.example"}', "application/json"),
    ]:
        bench.provider.faults["openid-configuration"] = answering(200, content=content, headers={"content-type": kind})
        await cannot_begin(bench, "metadata-invalid")


async def test_a7_metadata_that_drips(bench):
    """The deadline of the whole exchange is the stack's; what it comes to is a refusal."""

    def slow(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("late", request=request)

    bench.provider.faults["openid-configuration"] = slow
    await cannot_begin(bench, "provider-unreachable")


async def test_d7_metadata_that_drops_pkce_after_it_was_seen(bench):
    await bench.begin()
    bench.clock.advance(FRESH.total_seconds() + 1)
    del bench.provider.metadata["code_challenge_methods_supported"]
    bench.asked = {}
    await cannot_begin(bench, "pkce-dropped")
    bench.provider.metadata["code_challenge_methods_supported"] = ["plain"]
    bench.book.unpin(ISSUER)
    await cannot_begin(bench, "pkce-dropped")
    del bench.provider.metadata["code_challenge_methods_supported"]
    for _ in range(2):
        await bench.begin()
        assert bench.asked["code_challenge_method"] == "S256", "some providers support it and do not say so"
        bench.clock.advance(FRESH.total_seconds() + 1)
    bench.provider.metadata["code_challenge_methods_supported"] = "S256"
    bench.asked = {}
    await cannot_begin(bench, "metadata-invalid")


async def test_d5_a_provider_is_held_to_telling_its_name(bench):
    bench.provider.metadata["authorization_response_iss_parameter_supported"] = True
    for _ in range(2):
        await bench.begin()
        bench.clock.advance(FRESH.total_seconds() + 1)
    bench.provider.metadata["authorization_response_iss_parameter_supported"] = False
    bench.asked = {}
    await cannot_begin(bench, "endpoint-moved")


# ---------------------------------------------------------------------------------------------------------------- keys


async def test_a8_keys_are_where_the_metadata_says(bench):
    await bench.sign_in()
    assert len(bench.provider.asked("/keys")) == 1


async def test_a9_keys_rotated_between_two_sign_ins(bench):
    await bench.sign_in()
    bench.provider.keys = [public(rsa("two"))]
    await bench.begin()
    await bench.come_back(signed(bench.claims(), key=rsa("two"), header={"kid": "two"}))
    assert len(bench.provider.asked("/keys")) == 2


async def test_a10_keys_rotated_between_discovery_and_signing(bench):
    await bench.begin()
    await bench.flow.discover()
    bench.provider.keys = [public(rsa("two"))]
    await bench.come_back(signed(bench.claims(), key=rsa("two"), header={"kid": "two"}))
    assert bench.inside == 1


async def test_a11_unknown_keys_do_not_make_us_ask_again_and_again(bench):
    await bench.sign_in()
    for number in range(100):
        await bench.begin()
        await bench.refuses("key-unknown", signed(bench.claims(), header={"kid": f"made-up-{number}"}))
    assert len(bench.provider.asked("/keys")) == 2
    bench.clock.advance(COOL_DOWN.total_seconds() + 1)
    await bench.begin()
    await bench.refuses("key-unknown", signed(bench.claims(), header={"kid": "made-up"}))
    assert len(bench.provider.asked("/keys")) == 3


async def test_a11_a_thousand_at_once(bench):
    await bench.sign_in()
    await bench.begin()
    bench.provider.id_token = signed(bench.claims(), header={"kid": "made-up"})
    token = bench.provider.id_token
    provider = await bench.flow.discover()
    await at_once(*(bench.flow._verify(token, "id", provider, audience="door-client") for _ in range(1000)))
    assert len(bench.provider.asked("/keys")) == 2


def test_a12_which_keys_may_be_used():
    def usable(entry):
        return [key.kid for key in read_keys({"keys": [entry]})]

    good = public(rsa())
    assert usable(good) == ["one"]
    assert usable(public(rsa(), use=None, alg="RS256", key_ops=["verify"])) == ["one"]
    for changes in (
        {"use": "enc"},
        {"key_ops": ["encrypt"]},
        {"key_ops": 7},
        {"key_ops": "verify"},
        {"n": 7},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"d": "AQAB"},
        {"n": "AQAB"},
        {"n": None},
        {"n": "====", "e": "AQAB"},
        {"e": "AQ"},
        {"e": "AQAAAAE"},
        {"e": "Ag"},
        {"kid": 7},
        {"alg": ["RS256"]},
        {"kty": "EC"},
        {"kty": "OKP"},
    ):
        assert usable(public(rsa(), **changes)) == [], changes
    assert usable(public(rsa("small", 1024))) == []
    assert usable(public(ec())) == ["curve"]
    assert usable(public(ec(), crv="P-384")) == []
    assert usable(public(ec(), y=public(ec("else"))["y"])) == [], "a point that is on no curve"
    assert usable(public(ec("k1", "secp256k1"))) == []
    assert usable("text") == []


def test_a12_keys_that_share_a_name_are_nobodys():
    twins = [public(rsa()), public(rsa("two"), kid="one"), public(rsa("three"))]
    assert [key.kid for key in read_keys({"keys": twins})] == ["three"]


@pytest.mark.parametrize("document", [{}, {"keys": {}}, {"keys": [public(rsa())] * 101}])
def test_a12_what_is_no_key_set(document):
    with pytest.raises(SsoRefused) as caught:
        read_keys(document)
    assert caught.value.code == "keys-invalid"


async def test_a12_a_key_of_another_kind_does_not_verify(bench):
    bench.provider.keys = [public(rsa(), alg="RS512"), public(ec("one"))]
    await bench.begin()
    await bench.refuses("key-unknown")


async def test_a13_the_keys_cannot_be_had(bench):
    await bench.begin()
    bench.provider.faults["/keys"] = unreachable
    refused = await bench.refuses("provider-unreachable")
    assert (refused.reason.page, refused.reason.status) == ("later", 503)


async def test_a13_the_keys_that_are_known_are_good_for_a_day(bench):
    await bench.sign_in()
    bench.provider.faults["/keys"] = unreachable
    bench.provider.faults["openid-configuration"] = unreachable
    bench.clock.advance(USABLE.total_seconds() - 60)
    await bench.sign_in()
    bench.clock.advance(120)
    with pytest.raises(SsoRefused) as caught:
        await bench.begin()
    assert caught.value.code == "provider-unreachable"


async def test_a13_old_keys_alone_are_not_believed(bench):
    await bench.sign_in()
    bench.provider.faults["/keys"] = unreachable
    bench.clock.advance(USABLE.total_seconds() + 60)
    await bench.begin()
    await bench.refuses("provider-unreachable")


async def test_a13_a_provider_that_is_back_is_heard_within_seconds(bench):
    bench.provider.faults["openid-configuration"] = unreachable
    await cannot_begin(bench, "provider-unreachable")
    del bench.provider.faults["openid-configuration"]
    await bench.begin()


async def test_metadata_is_asked_for_once_an_hour(bench):
    for _ in range(3):
        await bench.sign_in()
    await asyncio.gather(*(bench.flow.discover() for _ in range(20)))
    assert len(bench.provider.asked("openid-configuration")) == 1
    bench.clock.advance(FRESH.total_seconds() + 1)
    await bench.sign_in()
    assert len(bench.provider.asked("openid-configuration")) == 2
