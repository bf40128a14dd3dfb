"""What a team writes about its doors, and what is wrong with it, all at once."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sso_bench import CLIENT, SECRET, opened, section_of
from sso_provider import ISSUER, FakeProvider, answering, public, rsa

from crosskey.config import DOORS, DoorSettings, load_config
from crosskey.connector.sso import EndsLogins, HearsSignals, RefreshesLogins, SsoFlowSpec
from crosskey.errors import ConfigError
from crosskey.plugins import load_plugins
from crosskey.plugins.checks import CORE_KEYS
from crosskey.settings import Secret
from crosskey.sso import client_credential

PLUGINS = load_plugins()

BASE = """
[source.corp]
use = "okta"
url = "https://acme.okta.example"
token = { env = "OKTA_TOKEN" }

[target.desk]
use = "halo"
url = "https://acme.halo.example"
client_id = "x"
client_secret = { env = "HALO_SECRET" }

[map.user]
[map.agent]
"""

OPEN = """
[sso.agents]
enabled = true
public_url = "https://desk.acme.example"
client_id = "0oa1"
client_secret = { env = "DOOR_SECRET" }
"""


def loaded(tmp_path, text, **parts):
    path = tmp_path / "crosskey.toml"
    path.write_text(BASE + text, encoding="utf-8")
    return load_config(path, PLUGINS, resolve_secrets=False, **parts)


def problems(tmp_path, text):
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    return {problem.path: problem.code for problem in caught.value.problems}


def test_a_door_takes_over_what_its_source_says(tmp_path):
    """So whoever swaps the section of the source swaps the doors."""
    config = loaded(tmp_path, OPEN)
    [door] = config.doors.values()
    assert (door.provided.value.name, door.settings.url, door.source) == ("okta", "https://acme.okta.example", "corp")
    assert (door.kind, door.idle, door.lasts) == ("agent", timedelta(minutes=30), timedelta(hours=10))
    other = loaded(tmp_path, OPEN.replace("[sso.agents]", '[sso.portal]\nuse = "oidc"\nissuer = "https://id.example"'))
    portal = other.doors["portal"]
    assert (portal.provided.value.name, portal.kind, portal.lasts) == ("oidc", "user", timedelta(hours=24))


def test_doors_are_off_unless_they_are_switched_on(tmp_path):
    assert loaded(tmp_path, "").doors == {}
    closed = OPEN.replace("enabled = true\n", "")
    assert not loaded(tmp_path, closed).doors["agents"].rules.enabled


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('[sso.agent]\nuse = "okta"', "sso.agent"),
        (OPEN.replace('public_url = "https://desk.acme.example"', ""), "sso.agents.public_url"),
        (OPEN.replace("https://desk.acme", "http://desk.acme"), "sso.agents.public_url"),
        (OPEN + 'kind = "robot"', "sso.agents.kind"),
        (OPEN + 'mfa = "maybe"', "sso.agents.mfa"),
        (OPEN + 'idle = "1s"', "sso.agents.idle"),
        (OPEN + 'idle = "2h"\nlasts = "1h"', "sso.agents.idle"),
        (OPEN + 'source = "nowhere"', "sso.agents.source"),
        (OPEN + "unheard = 1", "sso.agents.unheard"),
        (OPEN + 'client_secret = "in plain"', ""),
        (OPEN.replace('client_secret = { env = "DOOR_SECRET" }', ""), "sso.agents.client_secret"),
        (OPEN + 'scopes = ["profile"]', "sso.agents.scopes"),
        (OPEN + 'use = "saml"', "sso.agents.use"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path, text, path):
    if not path:
        with pytest.raises(ConfigError):
            loaded(tmp_path, text)
        return
    assert path in problems(tmp_path, text)


def test_all_that_is_wrong_is_told_at_once(tmp_path):
    found = problems(tmp_path, OPEN + 'mfa = "maybe"\nunheard = 1\nidle = 7')
    assert {"sso.agents.mfa", "sso.agents.unheard", "sso.agents.idle"} <= found.keys()


def test_secrets_of_doors_are_read_only_by_who_serves_them(tmp_path, monkeypatch):
    monkeypatch.setenv("OKTA_TOKEN", "x")
    monkeypatch.setenv("HALO_SECRET", "x")
    path = tmp_path / "crosskey.toml"
    path.write_text(BASE + OPEN, encoding="utf-8")
    load_config(path, PLUGINS)
    with pytest.raises(ConfigError) as caught:
        load_config(path, PLUGINS, serving=True)
    assert [problem.path for problem in caught.value.problems] == ["sso.agents.client_secret"]


def test_what_the_core_reads_itself_no_flow_may_claim():
    assert CORE_KEYS[SsoFlowSpec] == {"use", *DoorSettings.__struct_encode_fields__}
    for provided in PLUGINS.sso_flows.values():
        claimed = set(provided.value.settings.__struct_encode_fields__)
        assert claimed & CORE_KEYS[SsoFlowSpec] == set()
        assert set(provided.value.inherits) <= claimed


def test_no_secret_is_taken_over_from_a_source():
    for provided in PLUGINS.sso_flows.values():
        for key in provided.value.inherits:
            assert "Secret" not in str(provided.value.settings.__annotations__[key])
    assert DOORS == ("agents", "portal")


# --------------------------------------------------------------------------------------------------------------- flows


@pytest.mark.parametrize(("server", "issuer"), [("", ISSUER), ("default", f"{ISSUER}/oauth2/default")])
async def test_okta_by_org_and_by_custom_server(tmp_path, server, issuer):
    """People bear the org's name whichever server signs them in."""
    provider = FakeProvider()
    provider.issuer = provider.metadata["issuer"] = issuer
    async with opened(tmp_path, section_of("okta", server=server), provider) as bench:
        admitted = await bench.sign_in({"sub": "ada"})
        assert admitted.session.person.issuer == ISSUER
        assert re.fullmatch(r"[A-Za-z0-9,._-]+", bench.asked["state"]), "Okta takes no other letters"
        assert "acr_values" not in bench.asked


@pytest.mark.parametrize("flow", ["oidc", "okta"])
async def test_a_signature_in_place_of_the_secret(tmp_path, flow):
    key = Secret(rsa().as_pem(private=True).decode())
    async with opened(tmp_path, section_of(flow, client_secret=None, private_key=key)) as bench:
        await bench.sign_in()
        assert bench.provider.form()["client_assertion_type"].endswith("jwt-bearer")
        assert SECRET not in str(bench.provider.form())


@pytest.mark.parametrize("given", [{}, {"secret": Secret(SECRET), "private_key": Secret("canary-key")}])
def test_a_client_has_exactly_one_credential(given):
    with pytest.raises(ConfigError) as caught:
        client_credential(CLIENT, **{"secret": None, "private_key": None, **given}, instance="sso.agents")
    assert caught.value.where == "sso.agents.client_secret"
    assert "canary" not in str(caught.value)


async def test_okta_by_post(tmp_path):
    async with opened(tmp_path, section_of("okta", client_auth="post")) as bench:
        await bench.sign_in()
        assert bench.provider.form()["client_id"] == CLIENT


async def test_another_claim_names_the_person(tmp_path):
    async with opened(tmp_path, section_of(subject="employee", people=ISSUER)) as bench:
        assert (await bench.sign_in({"sub": "pairwise", "employee": "ada"})).session.key == "7"
        for employee in (None, "", 7):
            await bench.refuses_claims("sub-invalid", sub="ada", employee=employee)


async def test_flows_can_do_what_a_door_makes_use_of(tmp_path):
    async with opened(tmp_path) as bench:
        for ability in (EndsLogins, HearsSignals, RefreshesLogins):
            assert isinstance(bench.flow, ability)


async def test_a_transmitter_of_okta_belongs_to_the_org(tmp_path):
    provider = FakeProvider()
    provider.issuer = provider.metadata["issuer"] = f"{ISSUER}/oauth2/default"
    provider.metadata["jwks_uri"] = f"{ISSUER}/oauth2/default/v1/keys"
    provider.faults["/oauth2/default/v1/keys"] = answering(200, json={"keys": [public(rsa("custom"))]})
    section = section_of("okta", server="default", signal_secret=Secret("canary"))
    async with opened(tmp_path, section, provider) as bench:
        from sso_provider import signed

        claims = {"iss": ISSUER, "aud": CLIENT, "iat": bench.now, "jti": "1"}
        claims |= {"events": {"https://schemas.openid.net/secevent/caep/event-type/session-revoked": {}}}
        claims |= {"sub_id": {"format": "iss_sub", "iss": ISSUER, "sub": "ada"}}
        token = signed(claims, header={"typ": "secevent+jwt"})
        assert (await bench.hear("security-event", token, authorization="canary")).status == 202
