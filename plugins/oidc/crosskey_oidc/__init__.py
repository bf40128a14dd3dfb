"""Signing in with any provider that keeps to OpenID Connect.

Importing this module costs next to nothing: what it declares is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from crosskey.hookspecs import hookimpl

if TYPE_CHECKING:
    from crosskey.connector.sso import SsoFlowSpec

__all__ = ("crosskey_sso_flows",)


@hookimpl
def crosskey_sso_flows() -> Sequence[SsoFlowSpec]:
    """The one flow of this package: ``use = "oidc"``."""
    from crosskey_oidc.spec import SPEC  # noqa: PLC0415 - `crosskey --help` asks for commands only

    return [SPEC]
