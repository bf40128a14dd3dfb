"""Whether a struct holds what its annotations say: structs are not checked when code makes them."""

from __future__ import annotations

from functools import cache
from typing import Any, get_type_hints

import msgspec

__all__ = ("misfits",)


def misfits(thing: msgspec.Struct) -> str:
    """What of a struct has another type than the contract says, in words; empty when all fits."""
    hints = _hints(type(thing))
    wrong: list[str] = []
    for name in thing.__struct_fields__:
        value = getattr(thing, name)
        try:
            msgspec.convert(value, hints[name], strict=True, builtin_types=(), from_attributes=False)
        except msgspec.ValidationError as error:
            wrong.append(f"{name} is {value!r} ({error})")
    return "; ".join(wrong)


@cache
def _hints(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return get_type_hints(kind)
