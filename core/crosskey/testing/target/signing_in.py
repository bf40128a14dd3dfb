"""Targets that say when somebody last signed in: fresh, of that account alone, and never a guess."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from crosskey.testing.scene import Scene
from crosskey.testing.target.base import TargetCase
from crosskey.testing.tiers import must

__all__ = ("SigningIn",)


class SigningIn(TargetCase):
    """Tests of :meth:`crosskey.TellsSignIns.last_sign_in`."""

    @must(ability="last_sign_in", hooks=("sign_in",))
    async def test_each_sign_in_is_told(self, scene: Scene) -> None:
        """Proves that ``last_sign_in`` moves on with each sign-in of that account, asked by one and the same connector.

        A login that is to open the door when all else fails is proven by it. When it fails, look for answers that are
        kept, for other people's sign-ins, and for a word that the vendor keeps for "never".
        """
        for kind in self.tried():
            account, other = await self.made(scene, kind, 1), await self.made(scene, kind, 2)
            async with scene.open() as target:
                before = await target.last_sign_in(kind.name, account.key)
                assert before is None, f"nobody signed in to {kind.name} {account.key} yet, and it told {before}"
                told: list[datetime] = []
                for _ in range(2):
                    scene.clock.advance(90.0)
                    self.service(scene).sign_in(kind.name, account.key)
                    at = await target.last_sign_in(kind.name, account.key)
                    assert at is not None, f"somebody signed in to {kind.name} {account.key}, and it is not told"
                    assert at.tzinfo is not None, "the moment bears no time zone: by which clock is it?"
                    told.append(at)
                assert told[0] < told[1], f"the second sign-in is told as {told[1]}, the first was {told[0]}"
                stray = await target.last_sign_in(kind.name, other.key)
                assert stray is None, f"{kind.name} {other.key} is told to have signed in; another one did"

    @must(ability="last_sign_in")
    async def test_nobody_signed_in_where_there_is_no_account(self, scene: Scene) -> None:
        """Proves that ``None`` comes for a key that nobody has.

        When it fails, look at the vendor's word for "no such record".
        """
        for kind in self.tried():
            account = await self.made(scene, kind, 1)
            async with scene.open() as target:
                told = await target.last_sign_in(kind.name, self.missing_key(account.key))
            assert told is None, f"there is no such {kind.name}, and it is told to have signed in at {told}"

    @must(ability="last_sign_in", hooks=("sign_in",))
    async def test_what_cannot_be_asked_is_not_told_as_never(self, scene: Scene) -> None:
        """Proves that ``None`` never comes of a refusal or a breakdown.

        When it fails, let the client's errors through.
        """
        for kind in self.tried():
            account = await self.made(scene, kind, 1)
            self.service(scene).sign_in(kind.name, account.key)

            async def signed_in(target: Any, name: str = kind.name, key: str = account.key) -> bool:  # noqa: ANN401 - a target that tells sign-ins
                return await target.last_sign_in(name, key) is not None

            await self.disturbed(scene, signed_in, expected=True, what=f"last_sign_in() of {kind.name}")
