"""All tests of a source in one class."""

from __future__ import annotations

from crosskey.testing.source.reading import Reading

__all__ = ("SourceConformance",)


class SourceConformance(Reading):
    """What every identity source must and should do; see :class:`crosskey.testing.FakeDirectory` for its fake."""
