"""Reading the annotations of settings structs: what a key may be, and what its author says about it."""

from __future__ import annotations

import types
from collections import abc
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Literal, Union, get_args, get_origin

import msgspec

from crosskey.settings import Secret

__all__ = (
    "FROM_TEXT",
    "LISTS",
    "choices",
    "described",
    "is_list",
    "is_mapping",
    "member_for",
    "members",
    "struct_type",
)

LISTS: Final[dict[object, type]] = {
    list: list,
    tuple: tuple,
    set: set,
    frozenset: frozenset,
    abc.Sequence: tuple,
    abc.Set: frozenset,
}
"""What a TOML list may be decoded to."""

FROM_TEXT: Final[dict[object, str]] = {
    timedelta: 'write it as text: "90s", "15m", "4h", "7d"',
    Path: "write the path as text",
}
"""Types that are written as text, and how."""


def described(annotation: object) -> tuple[object, str]:
    """The type behind an annotation, and its description."""
    if get_origin(annotation) is not Annotated:
        return annotation, ""
    wanted, *metas = get_args(annotation)
    texts = [meta.description for meta in metas if isinstance(meta, msgspec.Meta) and meta.description]
    return wanted, " ".join(texts)


def members(wanted: object) -> list[object]:
    """The alternatives of a union without ``None``, which TOML cannot write; any other type alone."""
    if get_origin(wanted) not in (Union, types.UnionType):
        return [wanted]
    return [member for member in get_args(wanted) if member is not types.NoneType]


def member_for(wanted: object, value: object) -> object:
    """The alternative that a value of this shape is meant for; the union itself when several may be."""
    alternatives = members(wanted)
    if len(alternatives) == 1:
        return alternatives[0]
    if isinstance(value, dict):
        fitting = [member for member in alternatives if _takes_table(member)]
    elif isinstance(value, list):
        fitting = [member for member in alternatives if is_list(member)]
    elif isinstance(value, str) and str not in alternatives:
        fitting = [member for member in alternatives if member is Secret or member in FROM_TEXT]
    else:
        fitting = []
    return fitting[0] if len(fitting) == 1 else wanted


def choices(wanted: object) -> list[str]:
    """The words a value may be, when it may be no other text."""
    alternatives = members(wanted)
    if str in alternatives:
        return []
    words = [word for member in alternatives if get_origin(member) is Literal for word in get_args(member)]
    return [word for word in words if isinstance(word, str)]


def is_list(member: object) -> bool:
    """Whether items of any number are wanted; a tuple of fixed length is left to msgspec."""
    origin, arguments = get_origin(member), get_args(member)
    return origin in LISTS and (origin is not tuple or arguments[-1] is Ellipsis)


def is_mapping(member: object) -> bool:
    """Whether a table with free keys is wanted."""
    return get_origin(member) in (dict, abc.Mapping)


def struct_type(member: object) -> type[msgspec.Struct] | None:
    """The struct that a table with known keys becomes."""
    return member if isinstance(member, type) and issubclass(member, msgspec.Struct) else None


def _takes_table(member: object) -> bool:
    return is_mapping(member) or member is Secret or struct_type(member) is not None
