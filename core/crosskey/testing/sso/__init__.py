"""Tests of sign-in flows, and a provider for them."""

from crosskey.testing.sso.conformance import SsoFlowConformance
from crosskey.testing.sso.provider import FakeProvider

__all__ = ("FakeProvider", "SsoFlowConformance")
