"""Signing people in: verification, login transactions, sessions and the signals that end them. No web framework.

The names exported here are what a plugin builds a sign-in flow from: :func:`open_oidc` opens one, told by a
:class:`Dialect` what its provider does in its own way.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crosskey.sso.credentials import (
        ClientCredential,
        SecretBasic,
        SecretPost,
        SignedAssertion,
        assertion_signer,
        client_credential,
    )
    from crosskey.sso.dialect import Dialect
    from crosskey.sso.hearing import SignalSettings
    from crosskey.sso.keys import PublicKey
    from crosskey.sso.mfa import acr_evidence, acrs_evidence, amr_evidence, no_evidence
    from crosskey.sso.oidc import OidcClient, OidcFlow, open_oidc

__all__ = (
    "ClientCredential",
    "Dialect",
    "OidcClient",
    "OidcFlow",
    "PublicKey",
    "SecretBasic",
    "SecretPost",
    "SignalSettings",
    "SignedAssertion",
    "acr_evidence",
    "acrs_evidence",
    "amr_evidence",
    "assertion_signer",
    "client_credential",
    "no_evidence",
    "open_oidc",
)

_HOMES = {
    "credentials": "ClientCredential SecretBasic SecretPost SignedAssertion assertion_signer client_credential",
    "dialect": "Dialect",
    "hearing": "SignalSettings",
    "keys": "PublicKey",
    "mfa": "acr_evidence acrs_evidence amr_evidence no_evidence",
    "oidc": "OidcClient OidcFlow open_oidc",
}
_MODULE_OF = {name: module for module, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> object:
    """Import a name's module when it is first asked for: cryptography takes its time, and ``--help`` needs none."""
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{module}"), name)
