"""All tests of a target in one class."""

from __future__ import annotations

from crosskey.testing.target.reading import Reading

__all__ = ("TargetConformance",)


class TargetConformance(Reading):
    """What every target must and should do; see :class:`crosskey.testing.FakeTarget` for its fake."""
