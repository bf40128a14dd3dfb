"""Microsoft Entra ID as a source of people and groups, read by Microsoft Graph.

Importing this module costs next to nothing: what it declares is imported when it is asked for, HTTP when it is opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from crosskey.hookspecs import hookimpl

if TYPE_CHECKING:
    from crosskey.connector.source import SourceSpec
    from crosskey.connector.sso import SsoFlowSpec
    from crosskey_entra.settings import EntraSettings

__all__ = ("EntraSettings", "crosskey_sources", "crosskey_sso_flows")


@hookimpl
def crosskey_sources() -> Sequence[SourceSpec]:
    """The one source of this package: ``use = "entra"``."""
    from crosskey_entra.spec import SPEC  # noqa: PLC0415 - `crosskey --help` asks for commands only

    return [SPEC]


@hookimpl
def crosskey_sso_flows() -> Sequence[SsoFlowSpec]:
    """The one sign-in flow of this package: ``use = "entra"``."""
    from crosskey_entra.sso_spec import SSO  # noqa: PLC0415 - as above

    return [SSO]


def __getattr__(name: str) -> object:
    if name != "EntraSettings":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from crosskey_entra.settings import EntraSettings  # noqa: PLC0415 - as above

    return EntraSettings
