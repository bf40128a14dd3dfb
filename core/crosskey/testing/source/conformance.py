"""All tests of a source in one class."""

from __future__ import annotations

from crosskey.testing.checking import Checking
from crosskey.testing.source.changes import Changes
from crosskey.testing.source.distorted import Distorted
from crosskey.testing.source.finding import Finding
from crosskey.testing.source.reading import Reading

__all__ = ("SourceConformance",)


class SourceConformance(Reading, Distorted, Changes, Finding, Checking):
    """What every identity source must and should do; see :class:`crosskey.testing.FakeDirectory` for its fake."""
