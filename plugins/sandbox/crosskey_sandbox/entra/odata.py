"""The query options of a request (``$select``, ``$top``, ``$filter`` …), read and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from crosskey_sandbox.entra.errors import GraphError

__all__ = ("MOST", "Expand", "Options", "options")

MOST = 999
_KNOWN = frozenset(
    {"select", "top", "filter", "count", "expand", "skiptoken", "deltatoken", "search", "orderby", "format"}
)
_EXPAND = re.compile(r"(\w+)(?:\((.*)\))?")


class Expand(msgspec.Struct, frozen=True):
    """A relationship to bring along, and the properties of what it leads to (None: the default ones)."""

    name: str
    select: tuple[str, ...] | None = None


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What a request asks of a collection. ``kept`` are the options that a next link repeats."""

    select: tuple[str, ...] | None = None
    top: int | None = None
    filter: str | None = None
    search: str | None = None
    orderby: str | None = None
    expand: Expand | None = None
    counted: bool = False  # $count=true together with ConsistencyLevel: eventual
    eventual: bool = False
    skiptoken: str | None = None
    deltatoken: str | None = None
    kept: tuple[tuple[str, str], ...] = ()

    @property
    def advanced(self) -> bool:
        """Whether the index for advanced queries is asked: it takes the header and ``$count=true``."""
        return self.eventual and self.counted

    def only(self, *names: str) -> None:
        """Refuse the options that this collection does not take."""
        given = {name for name, _ in self.kept}
        for name in ("$filter", "$search", "$orderby", "$expand", "$top"):
            if name in given and name not in names:
                raise GraphError.unsupported(f"The query option '{name}' is not supported by this resource.")


def options(query: Sequence[tuple[str, str]], headers: Mapping[str, str]) -> Options:
    """Read the options. Names count their ``$`` but not their case. 400 for what Graph does not have."""
    given: dict[str, str] = {}
    for name, value in query:
        key = name.removeprefix("$").lower()
        if name.startswith("$") and key not in _KNOWN:
            raise GraphError.bad_request(f"'{name}' is not supported by the service.")
        if name.startswith("$"):
            given[key] = value
    eventual = headers.get("consistencylevel", "").lower() == "eventual"
    return Options(
        select=_names(given.get("select")),
        top=_top(given.get("top")),
        filter=given.get("filter"),
        search=given.get("search"),
        orderby=given.get("orderby"),
        expand=_expand(given.get("expand")),
        counted=eventual and given.get("count", "").lower() == "true",
        eventual=eventual,
        skiptoken=given.get("skiptoken"),
        deltatoken=given.get("deltatoken"),
        kept=tuple((f"${name}", value) for name, value in given.items() if not name.endswith("token")),
    )


def _names(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip())) or None


def _top(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdecimal() or not 1 <= int(text) <= MOST:
        raise GraphError.unsupported(f"Invalid page size specified: '{text}'. Must be between 1 and {MOST} inclusive.")
    return int(text)


def _expand(text: str | None) -> Expand | None:
    if text is None:
        return None
    match = _EXPAND.fullmatch(text.strip())
    if match is None:
        raise GraphError.bad_request(
            f"Parsing OData Select and Expand failed: '{text}' is not understood.", "BadRequest"
        )
    inner = (match[2] or "").removeprefix("$select=")
    return Expand(match[1], _names(inner))
