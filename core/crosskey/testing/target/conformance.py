"""All tests of a target in one class."""

from __future__ import annotations

from crosskey.testing.checking import Checking
from crosskey.testing.target.batching import Batching
from crosskey.testing.target.disturbed import Disturbed
from crosskey.testing.target.granting import Granting
from crosskey.testing.target.looking import Looking
from crosskey.testing.target.reading import Reading
from crosskey.testing.target.settling import Settling
from crosskey.testing.target.signing_in import SigningIn
from crosskey.testing.target.writing import Writing

__all__ = ("TargetConformance",)


class TargetConformance(Reading, Writing, Granting, Batching, Looking, SigningIn, Disturbed, Settling, Checking):
    """What every target must and should do; see :class:`crosskey.testing.FakeTarget` for its fake."""
