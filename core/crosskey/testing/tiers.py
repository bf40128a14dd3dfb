"""How much a test counts: ``must`` keeps people and accounts safe, ``should`` is what a good plugin does besides."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal

import msgspec

__all__ = ("Needs", "Tier", "must", "needs_of", "should")

Tier = Literal["must", "should"]


class Needs(msgspec.Struct, frozen=True):
    """What a test needs: an ``ability`` of the connector (an optional method) and hooks of the fake."""

    tier: Tier
    ability: str = ""
    hooks: tuple[str, ...] = ()


Story = Callable[[Any, Any], Awaitable[None]]


def must(*, ability: str = "", hooks: Sequence[str] = ()) -> Callable[[Story], Callable[[Any], None]]:
    """Mark a test that no plugin may leave out without a written reason."""
    return _tier(Needs("must", ability, tuple(hooks)))


def should(*, ability: str = "", hooks: Sequence[str] = ()) -> Callable[[Story], Callable[[Any], None]]:
    """Mark a test of what a good plugin does."""
    return _tier(Needs("should", ability, tuple(hooks)))


def needs_of(test: object) -> Needs | None:
    """What a test of the kit needs; ``None`` for anything else."""
    found = getattr(test, "crosskey_needs", None)
    return found if isinstance(found, Needs) else None


def _tier(needs: Needs) -> Callable[[Story], Callable[[Any], None]]:
    def decorate(story: Story) -> Callable[[Any], None]:
        def test(self: Any) -> None:  # noqa: ANN401 - the test class, which is declared elsewhere
            __tracebackhide__ = True
            self.run_story(story, needs)

        for name in ("__name__", "__qualname__", "__module__", "__doc__"):  # not __wrapped__: pytest reads parameters
            setattr(test, name, getattr(story, name))
        setattr(test, "crosskey_needs", needs)  # noqa: B010 - functions declare no attributes
        return test

    return decorate
