"""What tests of sign-in flows share: a door, a browser, and sign-ins that go well or not."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, ClassVar, Final, cast

import msgspec
import pytest

from crosskey.connector.sso import Callback, Door, Identity, LoginRequest, Pinned
from crosskey.context import InstanceContext
from crosskey.errors import CrosskeyError
from crosskey.settings import Secret
from crosskey.testing.clock import VirtualClock
from crosskey.testing.conformance import Conformance
from crosskey.testing.scene import Scene
from crosskey.testing.sso.provider import FakeProvider, challenge_of

__all__ = ("RETURN", "SsoCase", "SsoScene")

RETURN: Final = "https://desk.example/sso/agents/callback"
_VERIFIER: Final = "kit-verifier-that-nobody-else-knows-0123456789abcdef"


class _Pins:
    """A :class:`crosskey.Pins` in memory."""

    def __init__(self) -> None:
        self._seen: dict[str, Pinned] = {}

    def pinned(self, issuer: str) -> Pinned | None:
        return self._seen.get(issuer)

    def pin(self, seen: Pinned) -> None:
        self._seen[seen.issuer] = seen


class _DoorContext(InstanceContext):
    door: Door = "agents"
    pins: _Pins


class SsoScene(Scene):
    """A door with what was pinned of its provider."""

    def __init__(self, *rest: Any, **more: Any) -> None:  # noqa: ANN401 - as the base
        super().__init__(*rest, **more)
        self.secrets = {**self.secrets, "the code verifier": _VERIFIER}
        self.pins = _Pins()

    @property
    def path(self) -> str:
        """The section that the flow is opened for."""
        return "sso.agents"

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Any]:
        """The open flow, a new one each time; what was pinned stays."""
        self.wire.begin()
        context = _DoorContext(self.path, clock=self.clock, transport=lambda _: self.wire)
        context.pins = self.pins
        async with self.what.spec.open(self.settings(), context) as flow:
            yield flow


class SsoCase(Conformance):
    """Base of the classes that test a sign-in flow over OpenID Connect.

    ``proves`` are claims that prove a second factor to this flow; empty: it never asks for one.
    """

    kind: ClassVar[str] = "sso flow"
    proves: ClassVar[Mapping[str, Any]] = {}

    def provider(self, scene: Scene) -> FakeProvider:
        """The fake."""
        return cast("FakeProvider", scene.fake)

    def scene(self) -> SsoScene:
        """A new scene."""
        clock = VirtualClock()
        fake = self.vendor(clock)
        return SsoScene(self._declared(), fake, clock, settings=self.settings, secrets=self.secrets, folder=self.folder)

    async def prepare(self, scene: Scene) -> None:
        """Look at the fake."""
        if not isinstance(scene.fake, FakeProvider):
            pytest.fail(f"{type(scene.fake).__name__} must be a FakeProvider: the kit signs tokens in its name")

    def login(self, scene: Scene, **more: Any) -> LoginRequest:  # noqa: ANN401 - as LoginRequest has them
        """A sign-in as the core asks for it, with a state and a nonce of its own."""
        number = len(self.provider(scene).given) + int(scene.clock.elapsed)
        plain = LoginRequest(
            redirect_uri=RETURN,
            state=f"kit-state-{number}-0123456789abcdef",
            nonce=f"kit-nonce-{number}-0123456789abcdef",
            code_challenge=challenge_of(_VERIFIER),
        )
        return msgspec.structs.replace(plain, **more)

    async def sign_in(
        self,
        scene: Scene,
        flow: Any,  # noqa: ANN401 - a flow
        request: LoginRequest | None = None,
        *,
        verifier: str = _VERIFIER,
        back: Mapping[str, str | None] | None = None,
    ) -> Identity | CrosskeyError:
        """Whom the flow vouches for, or the error. ``back`` changes what the browser brings (``None``: removes)."""
        request = request or self.login(scene)
        told: list[Identity] = []

        async def whole() -> None:
            sent = await flow.authorize(request)
            parameters: dict[str, str | None] = {**self.provider(scene).browser(sent.url), **(back or {})}
            callback = Callback(
                parameters={name: value for name, value in parameters.items() if value is not None},
                method="POST" if request.response_mode == "form_post" else "GET",
                request=request,
                code_verifier=Secret(verifier),
                asked_at=scene.clock.now(),
            )
            told.append(await flow.complete(callback))

        error = await scene.refusal(whole())
        if error is not None:
            signatures = [token.rpartition(".")[2][:40] for token in self.provider(scene).given]
            shown = [part for part in signatures if len(part) == 40 and part in str(error)]
            assert not shown, "an error shows a token: never quote one"
            return error
        return told[0]

    async def identity(self, scene: Scene, **more: Any) -> Identity:  # noqa: ANN401 - as LoginRequest has them
        """Whom a flow that was just opened vouches for. Fails the test where it refuses."""
        async with scene.open() as flow:
            found = await self.sign_in(scene, flow, self.login(scene, **more))
        if isinstance(found, CrosskeyError):
            pytest.fail(f"a sign-in in which all is well was refused: {type(found).__name__} [{found.code}] {found}")
        return found

    async def refused(self, scene: Scene, what: str, **how: Any) -> None:  # noqa: ANN401 - as sign_in has them
        """Fail unless a sign-in by a flow that was just opened is refused."""
        __tracebackhide__ = True
        async with scene.open() as flow:
            found = await self.sign_in(scene, flow, **how)
        if not isinstance(found, CrosskeyError):
            pytest.fail(f"{what}, and the flow vouches for {found.subject}: nobody may be signed in by that")
