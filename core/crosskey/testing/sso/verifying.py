"""Sign-in flows: whoever is vouched for is the person, and nothing that is wrong with an answer is let through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from crosskey.errors import CrosskeyError
from crosskey.testing.scene import Scene
from crosskey.testing.sso.base import RETURN, SsoCase
from crosskey.testing.sso.provider import Claims, signing_key
from crosskey.testing.tiers import must, should

__all__ = ("Verifying",)


def _without(name: str) -> Callable[[Claims], Claims]:
    return lambda claims: {key: value for key, value in claims.items() if key != name}


def _with(**changed: Any) -> Callable[[Claims], Claims]:  # noqa: ANN401 - any claims
    return lambda claims: {**claims, **changed}


def _later(name: str, seconds: float) -> Callable[[Claims], Claims]:
    return lambda claims: {**claims, name: claims.get("iat", 0) + seconds}


_WRONG: dict[str, Callable[[Claims], Claims]] = {
    "of another issuer": _with(iss="https://elsewhere.example"),
    "of an issuer with a slash more": lambda claims: {**claims, "iss": f"{claims['iss']}/"},
    "without an issuer": _without("iss"),
    "for another client": _with(aud="another-client"),
    "for nobody": _without("aud"),
    "for a further audience that nobody trusts": lambda claims: {**claims, "aud": [claims["aud"], "another-client"]},
    "given to another client": _with(azp="another-client"),
    "that has ended": _later("exp", -3600),
    "that never ends": _without("exp"),
    "whose end is no time": _with(exp="never"),
    "made in the future": _later("iat", 3600),
    "that says not when it was made": _without("iat"),
    "not valid yet": _later("nbf", 3600),
    "of another sign-in": _with(nonce="of-another-sign-in"),
    "of no sign-in": _without("nonce"),
    "whose access token is another": _with(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
    "whose code is another": _with(c_hash="AAAAAAAAAAAAAAAAAAAAAA"),
}


class Verifying(SsoCase):
    """Tests of :meth:`crosskey.SsoFlow.authorize` and :meth:`crosskey.SsoFlow.complete`."""

    @must()
    async def test_whoever_signs_in_is_vouched_for(self, scene: Scene) -> None:
        """Proves that a sign-in in which all is well comes to an identity of the person, the issuer and the client.

        When it fails, the refusal says what was missed: give the fake's ``claims`` what your provider's tokens hold.
        """
        provider, identity = self.provider(scene), await self.identity(scene)
        assert identity.subject.issuer, "the subject has no issuer"
        assert identity.subject.id, "the subject has no id"
        assert (identity.issuer, identity.client_id) == (provider.issuer, provider.client_id)
        assert identity.sub == provider.person_claims(1).get("sub"), f"sub is {identity.sub!r}, not what the token says"
        assert identity.expires_at > scene.clock.now(), "the identity ended before it began"
        assert identity.mfa.verdict == "unasked", f"nobody asked for a second factor, and mfa is {identity.mfa.verdict}"

    @must()
    async def test_a_person_is_the_same_under_another_address(self, scene: Scene) -> None:
        """Proves that people are told apart by the provider's immutable id, and never by an e-mail address.

        When it fails, look at which claim becomes ``Subject.id``: addresses are given to others one day.
        """
        first = await self.identity(scene)
        self.provider(scene).claims["email"] = "another.address@people.example"
        moved = await self.identity(scene)
        assert moved.subject == first.subject, "with another address, the same person is somebody else"
        self.provider(scene).person = 2
        self.provider(scene).claims["email"] = first.email
        other = await self.identity(scene)
        assert other.subject != first.subject, "another person with the same address is taken for the first"

    @must()
    async def test_the_browser_is_sent_with_all_that_protects_the_sign_in(self, scene: Scene) -> None:
        """Proves that the address holds state, nonce and a PKCE challenge (S256), and leads to the provider.

        When it fails, make the address of the provider's metadata and the request alone (RFC 9700).
        """
        request = self.login(scene)
        async with scene.open() as flow:
            url: str = (await flow.authorize(request)).url
        provider, asked = self.provider(scene), parse_qs(urlsplit(url).query)
        assert url.partition("?")[0] == provider.metadata()["authorization_endpoint"], f"it leads to {url[:80]}"
        wanted = {
            "client_id": provider.client_id,
            "redirect_uri": RETURN,
            "response_type": "code",
            "state": request.state,
            "nonce": request.nonce,
            "code_challenge": request.code_challenge,
            "code_challenge_method": "S256",
        }
        wrong = {name: asked.get(name) for name, value in wanted.items() if asked.get(name) != [value]}
        assert not wrong, f"the address should say {sorted(wrong)} otherwise: {wrong}"
        assert "openid" in asked.get("scope", [""])[0].split(), "the scope openid is not asked for"
        scene.note(url)

    @must()
    async def test_a_token_that_says_something_wrong_is_refused(self, scene: Scene) -> None:
        """Proves that issuer, audience, times, nonce and hashes of a token are each checked.

        When it fails, verify tokens by ``crosskey.sso.open_oidc``: one verifier for all flows.
        """
        for what, twist in _WRONG.items():
            self.provider(scene).twist = twist
            await self.refused(scene, f"the token is one {what}")

    @must()
    async def test_a_sign_in_that_is_too_old_is_refused(self, scene: Scene) -> None:
        """Proves that a door which asks for a recent sign-in (``max_age``) gets one, by ``auth_time`` of the token.

        When it fails, compare ``auth_time`` with the clock; a token without it does not say.
        """
        assert (await self.identity(scene, max_age=600)).authenticated_at is not None, "auth_time is not told"
        twists = {"is an hour old": _later("auth_time", -3600), "is of no time": _without("auth_time")}
        for what, twist in twists.items():
            self.provider(scene).twist = twist
            await self.refused(scene, f"the sign-in {what}", request=self.login(scene, max_age=600))

    @must()
    async def test_a_token_that_names_nobody_is_refused(self, scene: Scene) -> None:
        """Proves that a token whose ``sub`` is missing, empty or no text signs nobody in.

        When it fails, look at where the subject is made: ``str(None)`` is a name, too.
        """
        for what in (None, "", " ", 7, ["kit-person-1"], "x" * 300):
            self.provider(scene).twist = _with(sub=what)
            await self.refused(scene, f"the token's sub is {str(what)[:20]!r}")
        self.provider(scene).twist = _without("sub")
        await self.refused(scene, "the token has no sub")

    @must()
    async def test_a_token_that_the_provider_did_not_sign_is_refused(self, scene: Scene) -> None:
        """Proves that a token of another key, without a signature, signed with the public key, or altered is refused.

        When it fails, pin the algorithm in the flow, and take keys from the provider's key set only.
        """
        provider, stranger = self.provider(scene), signing_key("kit-stranger")
        ways: dict[str, Callable[[Claims], str]] = {
            "signed by a stranger": lambda claims: provider.signed_by(stranger, claims),
            "not signed at all": provider.unsigned,
            "signed with the public key as a secret": provider.signed_with_the_public_key,
            "altered after it was signed": provider.altered,
            "signed with a key that the token brings itself": lambda claims: _self_made(claims, stranger),
            "of another kind (logout)": lambda claims: provider.signed(claims, typ="logout+jwt"),
            "without its signature": lambda claims: provider.signed(claims).rpartition(".")[0] + ".",
            "no token": lambda _: "kit.no.token",
            "empty": lambda _: "",
        }
        for what, sign in ways.items():
            provider.sign = sign
            await self.refused(scene, f"the token is {what}")

    @must()
    async def test_what_the_browser_brings_is_not_believed(self, scene: Scene) -> None:
        """Proves that answers of others, errors, missing codes, and tokens through the browser are refused.

        When it fails, read the callback's parameters before the code is redeemed (RFC 9207, RFC 9700).
        """
        cases: dict[str, dict[str, str | None]] = {
            "the answer is of another provider": {"iss": "https://elsewhere.example"},
            "the provider refused": {"error": "access_denied", "code": None},
            "the provider refused, and a code came with it": {"error": "access_denied"},
            "no code came": {"code": None},
            "an empty code came": {"code": ""},
            "the code is of another sign-in": {"code": "kit-code-of-nobody"},
            "an access token came through the browser": {"access_token": "kit-access-token"},
        }
        for what, back in cases.items():
            await self.refused(scene, what, back=back)
        await self.refused(scene, "the code was stolen: the verifier is another", verifier="kit-other-verifier-" * 3)

    @must()
    async def test_a_code_is_good_for_one_sign_in(self, scene: Scene) -> None:
        """Proves that a code that was redeemed is redeemed again by nobody.

        When it fails, look for an answer of the token endpoint that is kept.
        """
        async with scene.open() as flow:
            first = await self.sign_in(scene, flow)
            assert not isinstance(first, CrosskeyError), f"a sign-in in which all is well was refused: {first}"
            used = await self.sign_in(scene, flow, back={"code": "kit-code-0-0"})
        assert isinstance(used, CrosskeyError), "a code that was used before signed somebody in"

    @must()
    async def test_a_second_factor_is_proven_or_not_and_never_guessed(self, scene: Scene) -> None:
        """Proves that a second factor that was asked for is ``proven`` only by the claims that prove it.

        When it fails, look at ``evidence``: a missing claim, or one of another type, proves nothing.
        """
        provider = self.provider(scene)
        assert (await self.identity(scene, mfa=True)).mfa.verdict == "missing", "asked for, not shown, and not missing"
        for name, value in self.proves.items():
            wrongs: tuple[object, ...] = ({"unheard": "of"}, 1, True, "", [], None)
            for wrong in wrongs:
                provider.twist = _with(**{**self.proves, name: wrong})
                found = (await self.identity(scene, mfa=True)).mfa.verdict
                assert found != "proven", f"{name} is {wrong!r}, where {value!r} proves a second factor: {found}"
        if self.proves:
            provider.twist = _with(**self.proves)
            assert (await self.identity(scene, mfa=True)).mfa.verdict == "proven", f"{dict(self.proves)} proves nothing"

    @should()
    async def test_nothing_of_a_sign_in_shows_in_what_is_printed(self, scene: Scene) -> None:
        """Proves that an identity hides its tokens: what is printed or logged by accident shows none.

        When it fails, put tokens into :class:`crosskey.Secret`.
        """
        identity = await self.identity(scene)
        for token in self.provider(scene).given:
            assert token not in repr(identity), "repr() of the identity shows the ID token"
        assert "kit-refresh-token" not in repr(identity), "repr() of the identity shows the refresh token"


def _self_made(claims: Claims, stranger: Any) -> str:  # noqa: ANN401 - a key
    from joserfc import jwt  # noqa: PLC0415 - as elsewhere: only where something is signed

    header = {"alg": "RS256", "kid": "kit-stranger", "jwk": stranger.as_dict(private=False)}
    return jwt.encode(header, claims, stranger, algorithms=["RS256"])
