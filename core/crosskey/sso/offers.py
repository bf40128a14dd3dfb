"""What each step of the roll-out offers at a door: the provider's button, the desk's own way in, or neither asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from crosskey.journal import Step

__all__ = ("OFFERS", "Offer", "Way", "offer_for")

Way = Literal["provider", "local"]
"""A way in: by the identity provider, or by the desk's own sign-in."""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """``ways``, the first one first; ``equal``: both are buttons, else what follows is a link. ``at_once``: nobody is
    asked, unless they were here a moment ago.
    """

    ways: tuple[Way, ...]
    at_once: bool = False
    equal: bool = False


_PROVIDER: Final[tuple[Way, ...]] = ("provider",)
_BESIDE: Final = Offer(ways=("local", "provider"), equal=True)

OFFERS: Final[Mapping[Step, Offer]] = {
    "test": Offer(ways=("local",)),
    "button": _BESIDE,
    "pilot": _BESIDE,
    "default": Offer(ways=("provider", "local")),
    "redirect": Offer(ways=("provider", "local"), at_once=True),
    "enforced": Offer(ways=_PROVIDER, at_once=True),
}
"""By step; somebody of the pilot is treated at the step ``pilot`` as everybody is at ``enforced``."""


def offer_for(step: Step, *, pilot: bool) -> Offer:
    """What is offered to a browser; ``pilot``: somebody of the pilot signed in with it."""
    return OFFERS["enforced"] if step == "pilot" and pilot else OFFERS[step]
