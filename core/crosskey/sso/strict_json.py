"""JSON as a security protocol must read it: one meaning only, and an end to how much and how deep."""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn, cast

__all__ = ("NotStrict", "strict_object")

_DEEPEST: Final = 12
"""Metadata, key sets and tokens are three or four levels deep."""


class NotStrict(ValueError):  # noqa: N818 - whoever asked gives it a reason of its own
    """Not JSON, or JSON that two readers could take for two things."""


def strict_object(content: bytes, *, most: int) -> dict[str, Any]:
    """The object that the bytes are. Raises :class:`NotStrict`.

    A member that comes twice, a number that is none (``NaN``), a lone surrogate, and anything but an object is refused.
    """
    if len(content) > most:
        raise NotStrict(f"larger than {most} bytes")
    try:
        text = content.decode("utf-8")
        found: object = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
        deep = _depth(found)
        json.dumps(found, ensure_ascii=False).encode("utf-8")
    except NotStrict:
        raise
    except (ValueError, RecursionError) as error:
        raise NotStrict(f"not JSON ({type(error).__name__})") from None
    if not isinstance(found, dict):
        raise NotStrict("no object")
    if deep > _DEEPEST:
        raise NotStrict("nested too deeply")
    return cast("dict[str, Any]", found)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotStrict("a member comes twice")
    return found


def _no_number(name: str) -> NoReturn:
    raise NotStrict(f"{name} is no number")


def _depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, cast("dict[str, object]", value).values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, cast("list[object]", value)), default=0)
    return 0
