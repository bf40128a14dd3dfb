"""Claims as an administrator may see them: enough to tell what is wrong, too little to learn who somebody is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, cast

__all__ = ("masked",)

_OPEN: Final = frozenset({"iss", "aud", "azp", "exp", "iat", "nbf", "auth_time", "acr", "amr", "acrs"})
"""Claims that say something about the sign-in and nothing about the person."""

_MOST: Final = 60


def masked(claims: Mapping[str, Any], also_open: Collection[str] = ()) -> dict[str, str]:
    """Each claim by name; of those about the person only the outline."""
    shown = sorted(claims.items())[:_MOST]
    return {name[:64]: _open(value) if name in _OPEN or name in also_open else _outline(value) for name, value in shown}


def _open(value: object) -> str:
    if isinstance(value, list):
        return " ".join(str(item)[:80] for item in cast("list[object]", value)[:20])
    return str(value)[:200]


def _outline(value: object) -> str:
    if isinstance(value, str):
        name, at, domain = value.rpartition("@")
        if at and name:
            return f"{name[0]}…@{domain[:100]}"
        return f"{value[:2]}… ({len(value)} characters)" if len(value) > 4 else f"({len(value)} characters)"
    if isinstance(value, list):
        return f"list of {len(cast('list[object]', value))}"
    if isinstance(value, dict):
        return f"table of {len(cast('dict[str, object]', value))}"
    return str(value) if isinstance(value, bool) else "a number" if isinstance(value, int | float) else "null"
