"""What a cassette holds, at a glance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import cast

import msgspec

from crosskey.cassettes.tape import Exchange, parsed

__all__ = ("Summary", "summarise")


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """Exchanges of one kind: how often, how they were answered, how much came, and the most records in one answer."""

    place: str
    count: int
    statuses: dict[int, int]
    bytes: int
    records: int


def summarise(exchanges: Sequence[Exchange]) -> list[Summary]:
    """One line for each kind of exchange, in the order of their places."""
    by_place: dict[str, list[Exchange]] = {}
    for one in exchanges:
        by_place.setdefault(one.place, []).append(one)
    return [
        Summary(
            place=place,
            count=len(group),
            statuses=dict(sorted(Counter(one.status for one in group).items())),
            bytes=sum(len(one.body.encode()) for one in group),
            records=max(_records(one) for one in group),
        )
        for place, group in sorted(by_place.items())
    ]


def _records(one: Exchange) -> int:
    """The longest list in an answer, at its top or one level below."""
    value: object = parsed(one.body)
    if isinstance(value, list):
        return len(cast("list[object]", value))
    if isinstance(value, dict):
        members = cast("dict[str, object]", value).values()
        return max((len(cast("list[object]", each)) for each in members if isinstance(each, list)), default=0)
    return 0
