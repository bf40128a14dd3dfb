"""``crosskey sso test``, and that a second factor is required only where tests showed that it does its work."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from doors_bench import House, house
from sso_bench import ADA, BO, CLIENT, CODE, section_of
from sso_provider import signed

from crosskey.config import ServeSettings
from crosskey.connector.refusal import SsoRefused
from crosskey.errors import ConfigError
from crosskey.sso.differing import differences
from crosskey.web.doors import rehearsal

LOCAL = "http://localhost:8490"


class Stand:
    """A journal with a door that is off, and tests of it."""

    def __init__(self, tmp_path, **rules):
        section = section_of(rules={"enabled": False, **rules})
        self.house = House(tmp_path / "kept" / "journal.sqlite", [section], ServeSettings())

    async def test(self, *, mfa=False, claims=None, **parameters):
        opened = self.house
        async with rehearsal(
            opened.config, "agents", LOCAL, mfa=mfa, clock=opened.clock, transport=lambda instance: opened.provider
        ) as stage:
            transport = httpx.ASGITransport(stage.app)
            async with httpx.AsyncClient(transport=transport, base_url=LOCAL) as client:
                start = await client.get(stage.start)
                asked = dict(parse_qsl(urlsplit(start.headers["location"]).query))
                assert asked["redirect_uri"] == stage.callback == f"{LOCAL}/agents/callback/oidc"
                whole = {
                    "iss": opened.provider.issuer,
                    "sub": "ada",
                    "aud": CLIENT,
                    "iat": opened.now,
                    "exp": opened.now + 3600,
                    "nonce": asked["nonce"],
                    **(claims or {}),
                }
                opened.provider.id_token = signed(whole)
                cookie = start.headers["set-cookie"].partition(";")[0]
                sent = urlencode({"code": CODE, "state": asked["state"], **parameters})
                page = await client.get(f"{stage.callback}?{sent}", headers={"cookie": cookie})
            assert opened.inside() == 0
            return page, stage.outcome.result()


async def test_a_test_says_whose_account_it_would_be(tmp_path):
    stand = Stand(tmp_path)
    page, came_to = await stand.test(claims={"email": "ada@acme.example", "amr": ["pwd", "mfa"]})
    assert (page.status_code, came_to.code, came_to.standing.key) == (200, "tested", "7")
    assert came_to.identity.subject == ADA
    assert (came_to.identity.mfa.verdict, came_to.identity.mfa.because != "") == ("proven", True)
    assert "ada@acme.example" not in str(came_to.claims)
    assert "set-cookie" not in page.headers
    assert "session" in page.text.lower()


async def test_a_test_says_why_not(tmp_path):
    stand = Stand(tmp_path)
    _, came_to = await stand.test(claims={"sub": BO.id, "amr": ["mfa"]})
    assert (came_to.code, came_to.standing.elsewhere) == ("account-elsewhere", ("user",))
    page, refused = await stand.test(error="access_denied")
    assert isinstance(refused, SsoRefused)
    assert (page.status_code, refused.code, refused.reference in page.text) == (403, "provider-refused", True)


async def test_g7_a_second_factor_is_required_only_after_both_tests(tmp_path):
    """A provider may ignore the demand, or never say what it did: the door stays closed rather than seem safe."""

    async def closed(with_whom):
        with pytest.raises(ConfigError, match=with_whom) as caught:
            async with house(tmp_path, agents={"mfa": "required"}):
                pass
        assert (caught.value.code, caught.value.where) == ("mfa-unproven", "sso.agents.mfa")

    await closed("with a second factor nor by")
    stand = Stand(tmp_path)
    _, came_to = await stand.test(claims={"amr": ["pwd"]})
    assert came_to.code == "tested"  # nobody required it: this shows nothing
    await closed("with a second factor nor by")
    _, came_to = await stand.test(mfa=True, claims={"amr": ["pwd"]})
    assert came_to.code == "mfa-missing"
    await closed("by somebody with a second factor")
    _, came_to = await stand.test(mfa=True, claims={"amr": ["pwd", "mfa"]})
    assert (came_to.code, came_to.identity.mfa.verdict) == ("tested", "proven")
    async with house(tmp_path, agents={"mfa": "required"}) as doors:
        ada = doors.browser()
        page = await ada.sign_in(amr=["pwd"])
        assert (page.status_code, "mfa-missing" in page.text, doors.inside()) == (403, True, 0)
        retry = "/agents/sign-in/start?prompt=login"
        assert f'href="{retry}"' in page.text
        ada.sent(await ada.get(retry))
        assert ada.asked["prompt"] == "login"
        await ada.back({"amr": ["pwd", "mfa"]})
        assert (await ada.verify()).headers["x-auth-mfa"] == "proven"


# ---------------------------------------------------------------------------------------------- what differs from policy


@pytest.mark.parametrize(
    ("rules", "mfa", "claims", "step", "differs"),
    [
        ({}, False, {"auth_time": 0}, "button", {}),
        ({}, False, {}, "button", {"age of the sign-in": "the token has none"}),
        ({}, False, {"auth_time": -11 * 3600}, "button", {"age of the sign-in": "11h ago"}),
        ({}, True, {"auth_time": 0, "amr": ["mfa"]}, "test", {"second factor": "the test did"}),
        ({"mfa": "required"}, False, {"auth_time": 0, "amr": ["mfa"]}, "enforced", {}),
        ({"mfa": "required"}, False, {"auth_time": 0, "amr": ["pwd"]}, "button", {"second factor": "missing"}),
        ({}, False, {"auth_time": 0}, "redirect", {"second factor": 'mfa = "off"'}),
        ({}, False, {"auth_time": 0, "sub": "bo"}, "button", {"account": "one of the kind user"}),
        ({"kind": "user"}, False, {"auth_time": 0, "sub": "carl"}, "button", {"account": "none"}),
        ({}, False, {"auth_time": 0, "iat": -90}, "button", {"their clock": "-90.0 s"}),
    ],
)
async def test_what_differs_from_policy_is_told(tmp_path, rules, mfa, claims, step, differs):
    stand = Stand(tmp_path, **rules)
    now = stand.house.now
    moved = {name: value + now if name in ("auth_time", "iat", "exp") else value for name, value in claims.items()}
    _, came_to = await stand.test(mfa=mfa, claims=moved)
    section = stand.house.config.doors["agents"]
    found = differences(section, came_to, step, asked_for_mfa=mfa, now=stand.house.clock.now())
    assert {each.what for each in found} == set(differs), found
    for each in found:
        assert differs[each.what] in each.came


@pytest.mark.parametrize(
    ("claims", "parameters", "what"),
    [({"aud": "another"}, {}, {"client"}), ({"iss": "https://x.example"}, {}, {"issuer"}), ({}, {"error": "x"}, set())],
)
async def test_a_refusal_says_which_rule_it_is_about(tmp_path, claims, parameters, what):
    stand = Stand(tmp_path)
    _, refused = await stand.test(claims=claims, **parameters)
    section = stand.house.config.doors["agents"]
    found = differences(section, refused, "test", asked_for_mfa=False, now=stand.house.clock.now())
    assert {each.what for each in found} == what
    assert differences(section, SsoRefused("callback-mode"), "test", asked_for_mfa=False, now=stand.house.clock.now())


async def test_people_of_whom_the_sync_knows_nobody_differ(tmp_path):
    stand = Stand(tmp_path)
    stand.house.config.doors["agents"] = section_of(rules={"enabled": False}, people="https://other.example")
    _, came_to = await stand.test()
    section = stand.house.config.doors["agents"]
    found = differences(section, came_to, "test", asked_for_mfa=False, now=stand.house.clock.now())
    assert "https://other.example" in {each.what: each.came for each in found}["issuer"]
