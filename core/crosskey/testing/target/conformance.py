"""All tests of a target in one class."""

from __future__ import annotations

from crosskey.testing.checking import Checking
from crosskey.testing.target.disturbed import Disturbed
from crosskey.testing.target.looking import Looking
from crosskey.testing.target.reading import Reading
from crosskey.testing.target.settling import Settling

__all__ = ("TargetConformance",)


class TargetConformance(Reading, Disturbed, Settling, Looking, Checking):
    """What every target must and should do; see :class:`crosskey.testing.FakeTarget` for its fake."""
