"""What the round under way is doing, and when it last moved."""

from __future__ import annotations

from typing import Final

from crosskey.clock import Clock

__all__ = ("Progress",)

_APPLYING: Final = "Applying"


class Progress:
    """An engine observer that only remembers."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.doing = "beginning"
        self.moved = clock.monotonic()

    def phase(self, name: str, total: int | None) -> None:  # noqa: ARG002 - the engine's protocol
        """A new phase begins."""
        self.doing = name
        self.moved = self._clock.monotonic()

    def advance(self, count: int) -> None:  # noqa: ARG002 - the engine's protocol
        """Something moved."""
        self.moved = self._clock.monotonic()

    @property
    def applying(self) -> bool:
        """Whether changes are being written right now."""
        return self.doing == _APPLYING

    @property
    def idle(self) -> float:
        """Seconds since anything moved."""
        return self._clock.monotonic() - self.moved
