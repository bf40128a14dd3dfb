"""An observer that is not interested."""

from __future__ import annotations

__all__ = ("Quiet",)


class Quiet:
    """Watches nothing."""

    def phase(self, name: str, total: int | None) -> None:
        """Not interested."""

    def advance(self, count: int) -> None:
        """Not interested."""
