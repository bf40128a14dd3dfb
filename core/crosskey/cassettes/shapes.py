"""The shape of recorded answers, and where live answers no longer have it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal, cast

import msgspec

from crosskey.cassettes.tape import Exchange, parsed

__all__ = ("Drift", "compare")

Shape = dict[str, set[str]]


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which live answers differ. ``gone`` and ``changed`` may break a plugin, ``new`` seldom does.

    ``path`` names the member (``value[].displayName``); ``recorded`` and ``live`` are the types that were seen.
    """

    sort: Literal["gone", "changed", "new", "unasked"]
    place: str
    path: str = ""
    recorded: tuple[str, ...] = ()
    live: tuple[str, ...] = ()

    @property
    def breaks(self) -> bool:
        """Whether what was built on the recording may fail on live answers."""
        return self.sort in ("gone", "changed")


def compare(recorded: Sequence[Exchange], live: Sequence[Exchange]) -> list[Drift]:
    """Where live answers of the same kind have another shape. Answers that failed (4xx, 5xx) are left out.

    A member that is ``null`` somewhere may be so anywhere: null is no type of its own. A place that live was not asked
    is told as ``unasked``: nothing is known about it.
    """
    before, after = _shapes(recorded), _shapes(live)
    drifts: list[Drift] = []
    for place in sorted(before):
        if place not in after:
            drifts.append(Drift(sort="unasked", place=place))
            continue
        drifts += _differences(place, before[place], after[place])
    return drifts


def _differences(place: str, before: Shape, after: Shape) -> Iterator[Drift]:
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path, set()), after.get(path, set())
        types = {"recorded": tuple(sorted(old)), "live": tuple(sorted(new))}
        if path not in after:
            if _parent_came(path, after):
                yield Drift(sort="gone", place=place, path=path, **types)
        elif path not in before:
            yield Drift(sort="new", place=place, path=path, **types)
        elif (old - {"null"}) and (new - {"null"} - old):
            yield Drift(sort="changed", place=place, path=path, **types)


def _parent_came(path: str, shape: Shape) -> bool:
    """Whether live had the object that the member should be in: an empty list tells nothing about its records."""
    parent = path.rpartition(".")[0]
    return not path.endswith("[]") and (parent or "$") in shape and "object" in shape[parent or "$"]


def _shapes(exchanges: Iterable[Exchange]) -> dict[str, Shape]:
    shapes: dict[str, Shape] = {}
    for one in exchanges:
        value = parsed(one.body)
        if one.status < 400 and value is not None:
            shape = shapes.setdefault(one.place, {})
            for path, sort in _types(cast("object", value), ""):
                shape.setdefault(path or "$", set()).add(sort)
    return shapes


def _types(value: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        yield path, "object"
        for name, one in cast("dict[str, object]", value).items():
            yield from _types(one, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        yield path, "array"
        for one in cast("list[object]", value):
            yield from _types(one, f"{path}[]")
    else:
        yield path, _NAMES.get(type(value), "number")


_NAMES: Final[Mapping[type, str]] = {type(None): "null", bool: "boolean", str: "string"}
