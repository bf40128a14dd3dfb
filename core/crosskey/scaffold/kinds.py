"""What can be written: the kinds of plugin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

__all__ = ("KINDS", "Kind", "KindName")

KindName = Literal["source", "target", "mapper", "sso"]


class Kind(msgspec.Struct, frozen=True):
    """One kind: how a sentence calls it, and what the new package is about (a template)."""

    words: str
    description: str


KINDS: Final[Mapping[KindName, Kind]] = {
    "source": Kind("source", "People and groups of {{ spoken }}"),
    "target": Kind("target", "Accounts of {{ spoken }}"),
    "mapper": Kind("mapper", "Rules of {{ spoken }}"),
    "sso": Kind("sign-in flow", "Sign-in with {{ spoken }}"),
}
"""What can be written; what an author does next with each stands in ``templates/<kind>/_steps.md``."""
