"""All tests of a sign-in flow in one class."""

from __future__ import annotations

from crosskey.testing.sso.providing import Providing

__all__ = ("SsoFlowConformance",)


class SsoFlowConformance(Providing):
    """What every sign-in flow over OpenID Connect must and should do; see :class:`crosskey.testing.FakeProvider`."""
