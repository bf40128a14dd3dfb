"""Sign-in flows: declared here so that every plugin kind has one place; the flow protocol comes with single sign-on."""

from __future__ import annotations

import msgspec

from crosskey.settings import Settings

__all__ = ("SsoFlowSpec",)


class SsoFlowSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in flow's name in ``use = "…"`` and its settings."""

    name: str
    summary: str
    settings: type[Settings]
