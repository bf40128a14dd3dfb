"""Which optional abilities a connector has, seen from its class."""

from __future__ import annotations

import inspect
from typing import Final, get_args, get_type_hints

from crosskey.connector.source import SourceSpec
from crosskey.connector.target import TargetSpec

__all__ = ("capabilities", "declared_capabilities")

_OPTIONAL: Final[dict[type, tuple[str, ...]]] = {
    SourceSpec: ("credentials", "find", "groups_of", "read_changes", "receive", "set_up_sign_in", "subscribe"),
    TargetSpec: ("catalogue", "credentials", "duties", "end_sessions", "find", "look_up", "seats", "set_up_sign_in"),
}
"""The methods of the optional protocols beside :class:`Source` and :class:`Target`."""


def capabilities(spec: SourceSpec | TargetSpec, connector: object) -> tuple[str, ...]:
    """The optional methods that an open connector of this spec, or its class, has."""
    return tuple(name for name in _OPTIONAL[type(spec)] if callable(getattr(connector, name, None)))


def declared_capabilities(spec: SourceSpec | TargetSpec) -> tuple[str, ...]:
    """The optional methods that the return annotation of ``spec.open`` promises; empty when it does not tell.

    A plugin that imports its connector only when it is opened tells nothing here, and that is fine: import cost
    comes first.
    """
    try:
        returned = get_type_hints(inspect.unwrap(spec.open)).get("return")
    except Exception:  # noqa: BLE001 - annotations are a plugin's own code and may raise anything
        return ()
    yielded = get_args(returned)
    return capabilities(spec, yielded[0]) if yielded and isinstance(yielded[0], type) else ()
