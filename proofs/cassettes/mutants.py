"""Every way to change a cassette in one place that is tried, in a fixed order.

Of a list the first, the middle and the last row are changed field by field: rows of one list are alike.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, cast

import msgspec

from proofs.cassettes.tape import Exchange

__all__ = ("BROKEN", "Mutant", "mutants_of", "sample")

_CUTS: Final = (0.0, 0.25, 0.5, 0.75, 0.99)
_STATUSES: Final = (500, 401, 404, 204)

_MARK: Final = "\N{SYMBOL FOR SUBSTITUTE}"

BROKEN: Final = frozenset({"cut", "removed", "status 500", "status 401", "status 204"})
"""What no honest end of a list looks like: a read that goes through all the same has to be as long as ever. (404 is an
answer: whatever was asked for is not there.)
"""

Path = tuple[str | int, ...]


class Mutant(msgspec.Struct, frozen=True):
    """The exchanges with one change: of which kind, and where."""

    kind: str
    where: str
    exchanges: tuple[Exchange, ...]


def mutants_of(exchanges: tuple[Exchange, ...]) -> Iterator[Mutant]:
    """All of them, lazily."""
    for index, each in enumerate(exchanges):
        place = f"#{index} {each.line}"

        def but(*instead: Exchange, index: int = index) -> tuple[Exchange, ...]:
            return (*exchanges[:index], *instead, *exchanges[index + 1 :])

        yield Mutant("removed", place, but())
        for status in _STATUSES:
            if status != each.status:
                yield Mutant(f"status {status}", place, but(_with(each, status=status, empty=status == 204)))
        for at in _CUTS if each.body else ():
            yield Mutant("cut", f"{place} at {at:.0%}", but(_with(each, body=each.body[: int(len(each.body) * at)])))
        for other in range(index + 1, len(exchanges)):
            if exchanges[other].line == each.line and exchanges[other].body != each.body:
                yield Mutant("swapped", f"{place} and #{other}", _swapped(exchanges, index, other))
        for kind, changed in _linked(each):
            yield Mutant(kind, place, but(changed))
        for kind, path, body in _spoiled(each.body, each.uri):
            yield Mutant(kind, f"{place} {'.'.join(map(str, path))}", but(_with(each, body=body)))


def sample(mutants: Iterator[Mutant], every: int, seed: str) -> Iterator[Mutant]:
    """One of ``every`` so many mutants of each kind, drawn by the seed: the same each time, and at least one a kind."""
    drawn, seen = random.Random(seed), set[str]()
    for mutant in mutants:
        if mutant.kind not in seen or drawn.randrange(every) == 0:
            seen.add(mutant.kind)
            yield mutant


def _with(each: Exchange, *, body: bytes | None = None, status: int = 0, empty: bool = False) -> Exchange:
    return msgspec.structs.replace(
        each,
        status=status or each.status,
        body=b"" if empty else each.body if body is None else body,
    )


def _swapped(exchanges: tuple[Exchange, ...], one: int, other: int) -> tuple[Exchange, ...]:
    """The answers of two requests the wrong way round."""
    result = list(exchanges)
    for at, come in ((one, other), (other, one)):
        said = exchanges[come]
        result[at] = msgspec.structs.replace(exchanges[at], status=said.status, headers=said.headers, body=said.body)
    return tuple(result)


def _linked(each: Exchange) -> Iterator[tuple[str, Exchange]]:
    """The ``Link`` header to the next page gone, or pointing to the page that has it."""
    rest = [(name, value) for name, value in each.headers if not _is_next(name, value)]
    if len(rest) == len(each.headers):
        return
    yield "next dropped", msgspec.structs.replace(each, headers=rest)
    yield "next to itself", msgspec.structs.replace(each, headers=[*rest, ("link", f'<{each.uri}>; rel="next"')])


def _is_next(name: str, value: str) -> bool:
    return name.lower() == "link" and 'rel="next"' in value


def _spoiled(body: bytes, uri: str) -> Iterator[tuple[str, Path, bytes]]:
    """One field dropped, of another type, null, of bytes that are no text, or one list with its rows twice."""
    try:
        tree: object = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return
    for path, value in _places(tree, ()):
        if path and isinstance(path[-1], str):
            yield "dropped", path, _changed(body, path, lambda at, name: at.pop(name))
        yield "type", path, _changed(body, path, _setting(_other_type(value)))
        if value is not None:
            yield "null", path, _changed(body, path, _setting(None))
        if isinstance(value, str):
            yield "broken text", path, _changed(body, path, _setting(_MARK)).replace(_MARK.encode(), b"M\xfcller")
        if isinstance(value, list) and value:
            rows = cast("list[object]", value)
            yield "doubled", path, _changed(body, path, _setting([*rows, *rows]))
        if path and path[-1] == "@odata.nextLink":
            yield "next to itself", path, _changed(body, path, _setting(uri))


def _places(value: object, path: Path) -> Iterator[tuple[Path, object]]:
    yield path, value
    if isinstance(value, dict):
        for name, inside in cast("dict[str, object]", value).items():
            yield from _places(inside, (*path, name))
    elif isinstance(value, list):
        rows = cast("Sequence[object]", value)
        for index in sorted({0, len(rows) // 2, len(rows) - 1}) if rows else ():
            yield from _places(rows[index], (*path, index))


def _other_type(value: object) -> object:
    match value:
        case bool():
            return "yes"
        case str():
            return 7
        case int() | float():
            return "seven"
        case list():
            return {}
        case dict():
            return []
        case _:
            return {"odd": 1}


def _setting(value: object) -> Callable[[Any, Any], object]:
    def put(at: Any, name: Any) -> None:  # noqa: ANN401 - JSON
        at[name] = value

    return put


def _changed(body: bytes, path: Path, change: Callable[[Any, Any], object]) -> bytes:
    root: list[Any] = [msgspec.json.decode(body)]
    at: Any = root
    for name in (0, *path)[:-1]:
        at = at[name]
    change(at, (0, *path)[-1])
    return msgspec.json.encode(root[0])
