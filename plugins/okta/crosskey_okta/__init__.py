"""Okta as a source of people and groups.

Importing this module costs next to nothing: what it declares is imported when it is asked for, HTTP when it is opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from crosskey.hookspecs import hookimpl

if TYPE_CHECKING:
    from crosskey.connector.source import SourceSpec
    from crosskey.connector.sso import SsoFlowSpec
    from crosskey_okta.settings import OktaSettings

__all__ = ("OktaSettings", "crosskey_sources", "crosskey_sso_flows")


@hookimpl
def crosskey_sources() -> Sequence[SourceSpec]:
    """The one source of this package: ``use = "okta"``."""
    from crosskey_okta.spec import SPEC  # noqa: PLC0415 - `crosskey --help` asks for commands only

    return [SPEC]


@hookimpl
def crosskey_sso_flows() -> Sequence[SsoFlowSpec]:
    """The one sign-in flow of this package: ``use = "okta"``."""
    from crosskey_okta.sso_spec import SSO  # noqa: PLC0415 - as above

    return [SSO]


def __getattr__(name: str) -> object:
    if name != "OktaSettings":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from crosskey_okta.settings import OktaSettings  # noqa: PLC0415 - as above

    return OktaSettings
