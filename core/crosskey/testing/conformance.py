"""What all conformance classes share: which plugin, over which fake, which tests are left out and why."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from crosskey.testing.clock import StuckError, VirtualClock, play
from crosskey.testing.fakes import FakeVendor, provides
from crosskey.testing.scene import Declared, Scene, declared
from crosskey.testing.tiers import Needs, Story, needs_of

if TYPE_CHECKING:
    from crosskey.clock import Clock

__all__ = ("Conformance", "stories_of")


class Conformance:
    """Base of the conformance classes. Write a subclass whose name begins with ``Test``.

    ``plugin`` is the module that the package's entry point names, ``use`` the name of ``use = "…"``. ``settings`` are
    the lines of the section as they stand in a configuration; what its secret references read is in ``secrets``, by
    their argument. ``skips`` leaves tests out: name → reason, for a reader who wants to trust the plugin.
    """

    plugin: ClassVar[str] = ""
    use: ClassVar[str] = ""
    settings: ClassVar[str] = ""
    secrets: ClassVar[Mapping[str, str]] = {}
    skips: ClassVar[Mapping[str, str]] = {}

    kind: ClassVar[str] = ""
    folder: Path
    """A folder of the running test's own."""

    def __init_subclass__(cls, **rest: Any) -> None:  # noqa: ANN401 - passed on
        super().__init_subclass__(**rest)
        known = stories_of(cls)
        for name, reason in cls.skips.items():
            if name not in known:
                raise TypeError(f'{cls.__name__}.skips names "{name}", and there is no such test in the kit')
            if len(reason.split()) < 3:
                raise TypeError(f'{cls.__name__}.skips["{name}"] needs a reason that a reader understands')
        for name in known:
            if needs_of(getattr(cls, name)) is None:
                raise TypeError(
                    f"{cls.__name__}.{name} hides a test of the kit: leave it out with a reason instead, "
                    f'skips = {{"{name}": "why"}}'
                )

    @pytest.fixture(autouse=True)
    def _own_folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def vendor(self, clock: Clock) -> FakeVendor:
        """A new fake, as every test begins with it. ``clock`` is the time that the plugin sees."""
        raise NotImplementedError

    def scene(self) -> Scene:
        """A new scene."""
        clock = VirtualClock()
        fake = self.vendor(clock)
        return Scene(self._declared(), fake, clock, settings=self.settings, secrets=self.secrets, folder=self.folder)

    def _declared(self) -> Declared:
        return declared(self.kind, self.plugin, self.use)

    async def prepare(self, scene: Scene) -> None:
        """What every test of this kind finds in the fake when it begins."""

    def run_story(self, story: Story, needs: Needs) -> None:
        """Run one test of the kit, or say why it is left out."""
        __tracebackhide__ = True
        reason = self.skips.get(story.__name__, "")
        if reason:
            pytest.skip(reason)
        scene = self.scene()
        try:
            lacking = play(lambda: self._lacking(scene, needs), scene.clock)
        except StuckError as error:
            pytest.fail(f"opening it hangs: {error}")
        if lacking:
            pytest.skip(lacking)
        self._ask_for_hooks(scene, story.__name__, needs)

        async def whole() -> None:
            await self.prepare(scene)
            await story(self, scene)

        try:
            play(whole, scene.clock)
        except StuckError as error:
            pytest.fail(f"{error}. Look for something that waits for what never comes.")
        except SystemExit as error:
            pytest.fail(f"the plugin wanted to end the process (SystemExit {error.code}): raise an error instead")

    @classmethod
    def left_out(cls, folder: Path) -> dict[str, str]:
        """For each test why it is left out, empty where it runs: what a run says, without running it."""
        one = cls()
        one.folder = folder
        scene, stories = one.scene(), stories_of(cls)
        lacking = {needs.ability: needs for needs in stories.values()}
        lacked = {ability: play(lambda: one._lacking(scene, needs), scene.clock) for ability, needs in lacking.items()}  # noqa: B023 - called at once
        return {
            name: cls.skips.get(name, "") or lacked[needs.ability] or one._unequipped(scene, needs)
            for name, needs in stories.items()
        }

    def _unequipped(self, scene: Scene, needs: Needs) -> str:
        missing = [f"{hook}()" for hook in needs.hooks if not provides(scene.fake, hook)]
        return f"{type(scene.fake).__name__} has no {' and '.join(missing)}" if missing else ""

    async def _lacking(self, scene: Scene, needs: Needs) -> str:
        """Why a test says nothing about this plugin; empty when it does."""
        if not needs.ability:
            return ""
        async with scene.open() as connector:
            if callable(getattr(connector, needs.ability, None)):
                return ""
        return f"the {self.kind} has no {needs.ability}()"

    def _ask_for_hooks(self, scene: Scene, name: str, needs: Needs) -> None:
        __tracebackhide__ = True
        missing = self._unequipped(scene, needs)
        if missing and needs.tier == "should":
            pytest.skip(missing)
        if missing:
            pytest.fail(
                f"{missing}, which this test needs. Add it, or leave the test out with a reason: "
                f'skips = {{"{name}": "why it cannot be tried"}}'
            )


def stories_of(cls: type) -> dict[str, Needs]:
    """The tests of the kit that a class has, by name, in the order in which they stand in the kit."""
    found: dict[str, Needs] = {}
    for base in reversed(cls.__mro__):
        for name, value in vars(base).items():
            if (needs := needs_of(value)) is not None:
                found[name] = needs
    return found
