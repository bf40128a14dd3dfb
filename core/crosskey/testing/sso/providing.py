"""Sign-in flows: a provider that moves, gets weaker or breaks down signs nobody in; one that changes its keys does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crosskey.connector.sso import LogoutRequest, SignalMessage
from crosskey.errors import CrosskeyError
from crosskey.settings import Secret
from crosskey.testing.faults import BREAKDOWNS, REFUSALS, THROTTLES, UNREADABLE, answering
from crosskey.testing.scene import Scene
from crosskey.testing.sso.base import RETURN
from crosskey.testing.sso.provider import Claims, signing_key
from crosskey.testing.sso.verifying import Verifying
from crosskey.testing.tiers import must, should

__all__ = ("Providing",)

_EVENT = "http://schemas.openid.net/event/backchannel-logout"


class Providing(Verifying):
    """Tests of discovery, of keys, of bad days, and of what a flow may do besides signing in."""

    @must()
    async def test_metadata_of_somebody_else_is_refused(self, scene: Scene) -> None:
        """Proves that metadata must be of the configured issuer, with addresses that are encrypted, and of no redirect.

        When it fails, compare the issuer letter by letter before anything else of the metadata is used.
        """
        shown: dict[str, dict[str, Any]] = {
            "the metadata is of another issuer": {"issuer": "https://elsewhere.example"},
            "the token endpoint is not encrypted": {"token_endpoint": "http://id.example/kit/token"},
            "the keys are not encrypted": {"jwks_uri": "http://id.example/kit/keys"},
            "there is no token endpoint": {"token_endpoint": None},
            "PKCE methods are named, without S256": {"code_challenge_methods_supported": ["plain"]},
        }
        for what, members in shown.items():
            self.provider(scene).shown = members
            await self.refused(scene, what)
        self.provider(scene).shown = {}
        scene.wire.strike(answering(302, b"", location="https://elsewhere.example/metadata"))
        await self.refused(scene, "the metadata was redirected")

    @must()
    async def test_a_provider_that_was_seen_does_not_move_or_get_weaker(self, scene: Scene) -> None:
        """Proves that what was pinned at set-up stays: the token endpoint on its host, PKCE, and its name in answers.

        When it fails, use ``context.pins``: whoever takes the metadata over must not get codes or secrets.
        """
        provider = self.provider(scene)
        provider.shown = {"authorization_response_iss_parameter_supported": True}
        await self.identity(scene)
        moves: dict[str, dict[str, Any]] = {
            "the token endpoint moved to another host": {"token_endpoint": "https://elsewhere.example/kit/token"},
            "the keys moved to another host": {"jwks_uri": "https://elsewhere.example/kit/keys"},
            "PKCE is not named any more": {"code_challenge_methods_supported": []},
            "it does not say its name any more": {"authorization_response_iss_parameter_supported": False},
        }
        for what, members in moves.items():
            provider.shown = {"authorization_response_iss_parameter_supported": True, **members}
            await self.refused(scene, what)
            gone = [exchange.url for exchange in scene.wire.exchanges if "elsewhere.example" in exchange.url]
            assert not gone, f"{what}, and a request went to {gone[0]}"

    @must()
    async def test_keys_may_change_while_the_door_is_open(self, scene: Scene) -> None:
        """Proves that a key that the provider changed to is fetched, and that one it took back is believed no longer.

        When it fails, look at how long keys are kept, and at what is done about a ``kid`` that nobody knows yet.
        """
        provider = self.provider(scene)
        async with scene.open() as flow:
            first = await self.sign_in(scene, flow)
            assert not isinstance(first, CrosskeyError), f"a sign-in in which all is well was refused: {first}"
            old, provider.key = provider.key, signing_key("kit-2")
            provider.published = [old, provider.key]
            scene.clock.advance(3600.0)
            second = await self.sign_in(scene, flow)
            assert not isinstance(second, CrosskeyError), f"the provider changed its key, and was refused: {second}"
            provider.published, provider.key = [provider.key], old
            scene.clock.advance(2 * 86_400.0)
            third = await self.sign_in(scene, flow)
            assert isinstance(third, CrosskeyError), "a key that was taken back two days ago still signs people in"

    @must()
    async def test_a_provider_on_a_bad_day_signs_nobody_in_wrongly(self, scene: Scene) -> None:
        """Proves that refusals, breakdowns and unreadable answers end a sign-in with an error, or do it no harm.

        When it fails, look for what is taken for an answer although it is none.
        """
        expected = (await self.identity(scene)).subject
        spots = scene.wire.spots()
        assert spots, "a sign-in asked the provider for nothing"
        for spot in spots:
            for what, spoil in {**REFUSALS, **THROTTLES, **BREAKDOWNS, **UNREADABLE}.items():
                for times in (1, None):
                    scene.wire.calm()
                    scene.clock.advance(3600.0)
                    scene.wire.strike(spoil, spot, times=times)
                    async with scene.open() as flow:
                        found = await self.sign_in(scene, flow)
                    if not isinstance(found, CrosskeyError):
                        assert found.subject == expected, f"{spot} met {what}, and somebody else was signed in"
                    elif times is None:
                        assert found.message, f"{spot} met {what}, and the error says nothing"
        scene.wire.calm()

    @should()
    async def test_two_sign_ins_ask_for_metadata_and_keys_once(self, scene: Scene) -> None:
        """Proves that metadata and keys are kept for a while: a sign-in costs one request, the code's.

        When it fails, keep what was fetched in the open flow.
        """
        async with scene.open() as flow:
            await self.sign_in(scene, flow)
            scene.wire.calm()
            await self.sign_in(scene, flow)
        assert len(scene.wire.exchanges) <= 1, f"a second sign-in took {len(scene.wire.exchanges)} requests"

    @must(ability="refresh")
    async def test_a_sign_in_is_stood_by_or_ended(self, scene: Scene) -> None:
        """Proves that a refresh ends the session when the provider says no, or names somebody else, and else keeps it.

        When it fails, look at what ``invalid_grant`` comes to, and compare subject and issuer of a renewed token.
        """
        provider, identity = self.provider(scene), await self.identity(scene)
        token = identity.refresh_token or Secret("kit-refresh-token")
        about = {"subject": identity.subject, "issuer": identity.issuer, "sub": identity.sub}
        async with scene.open() as flow:
            assert await scene.refusal(flow.refresh(token, **about)) is None, "the provider stands by it: refused"
            provider.person = 2
            assert await scene.refusal(flow.refresh(token, **about)) is not None, "it was renewed for somebody else"
            provider.person = 1
            for what, spoil in {
                "invalid_grant": answering(400, b'{"error": "invalid_grant"}'),
                **REFUSALS,
                **BREAKDOWNS,
                **UNREADABLE,
            }.items():
                scene.wire.calm()
                scene.wire.strike(spoil)
                assert await scene.refusal(flow.refresh(token, **about)) is not None, f"{what}, and the session goes on"

    @must(ability="end_session")
    async def test_signing_out_leads_to_the_provider_and_back(self, scene: Scene) -> None:
        """Proves that the address for signing out is the provider's, with where to return, and ``None`` without one.

        When it fails, make it of the metadata alone.
        """
        request = LogoutRequest(return_to=RETURN, state="kit-state-of-signing-out")
        async with scene.open() as flow:
            sent = await flow.end_session(request)
        assert sent is not None, "the provider has an address for signing out, and the flow knows none"
        assert sent.url.startswith(f"{self.provider(scene).metadata()['end_session_endpoint']}?"), sent.url
        assert "kit-state-of-signing-out" in sent.url, f"the state is missing: {sent.url}"
        self.provider(scene).shown = {"end_session_endpoint": ""}
        async with scene.open() as flow:
            assert await flow.end_session(request) is None, "the provider has no address for signing out"

    @must(ability="hear")
    async def test_a_logout_token_ends_what_it_names_and_nothing_else_is_one(self, scene: Scene) -> None:
        """Proves that a back-channel logout is heard, and that a token which is wrong or of another kind is not.

        When it fails, verify logout tokens as ID tokens are, and by OpenID Connect Back-Channel Logout §2.6 besides.
        """
        provider, identity = self.provider(scene), await self.identity(scene)
        good = {key: value for key, value in provider.plain().items() if key not in ("auth_time", "email")}
        good |= {"jti": "kit-logout-1", "events": {_EVENT: {}}}

        async def heard(claims: Claims, sign: Callable[[Claims], str] = provider.signed) -> Any:  # noqa: ANN401 - or an error
            told: list[Any] = []

            async def whole() -> None:
                async with scene.open() as flow:
                    told.append(await flow.hear(SignalMessage(channel="back-channel", token=sign(claims))))

            return await scene.refusal(whole()) or told[0]

        event = await heard(good)
        assert not isinstance(event, CrosskeyError), f"a logout token in which all is well was refused: {event}"
        assert event.ends, "a logout ends nothing"
        assert event.sub == identity.sub, f"the logout is about {event.sub}, the token says {identity.sub}"
        assert event.sid == good["sid"], f"the logout is about the session {event.sid}, the token says {good['sid']}"
        stranger = signing_key("kit-stranger")
        wrong: dict[str, Claims] = {
            "it holds a nonce": {**good, "nonce": "kit-nonce"},
            "it is for another client": {**good, "aud": "another-client"},
            "it is of another issuer": {**good, "iss": "https://elsewhere.example"},
            "it names no event": {**good, "events": {}},
            "it is an ID token": provider.plain(nonce="kit-nonce"),
            "it names nobody": {key: value for key, value in good.items() if key not in ("sub", "sid")},
            "it has ended": {**good, "exp": good["iat"] - 3600},
        }
        for what, claims in wrong.items():
            assert isinstance(await heard(claims), CrosskeyError), f"a logout token was heard although {what}"
        forged = await heard(good, lambda claims: provider.signed_by(stranger, claims))
        assert isinstance(forged, CrosskeyError), "a logout token that a stranger signed was heard"
