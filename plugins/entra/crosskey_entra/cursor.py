"""Where a round of changes goes on: links, and what must be remembered of groups to understand them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from crosskey.errors import CursorExpiredError
from crosskey_entra.graph import Graph

__all__ = ("AppState", "Cursor", "Stream", "read_cursor")

_VERSION = 1


class Stream(msgspec.Struct, frozen=True):
    """One delta list of groups: at most fifty, and the link at which its next round starts."""

    ids: tuple[str, ...]
    link: str


class AppState(msgspec.Struct, frozen=True):
    """Who was assigned to an app when it was last read: the groups, and a digest of everybody."""

    groups: tuple[str, ...]
    digest: str


class Cursor(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Opaque outside this package. Holds ids and links, no personal data.

    ``mark`` tells settings and request apart, ``inner`` has the groups within each selected group, ``binned`` the
    people in the recycle bin, ``lost`` the watched groups that were deleted, ``owed`` people to be read in the next
    round, ``people`` how many there are, ``later`` what is read once more when servers have settled, and when that is.
    ``turn`` counts rounds: Graph may give the same links after a quiet one, and a repeated cursor looks like a fault.
    """

    version: int = _VERSION
    tenant: str
    mark: str
    users: str
    streams: tuple[Stream, ...] = ()
    inner: Mapping[str, tuple[str, ...]] = {}
    apps: Mapping[str, AppState] = {}
    binned: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    owed: tuple[str, ...] = ()
    people: int = 0
    later: Mapping[str, int] = {}
    turn: int = 0

    def text(self) -> str:
        """As the core keeps it."""
        return msgspec.json.encode(self).decode()

    def links(self) -> Iterable[str]:
        """Every link that a round will follow."""
        return (self.users, *(stream.link for stream in self.streams))


_CURSOR = msgspec.json.Decoder(Cursor)


def read_cursor(text: str, graph: Graph, *, tenant: str, mark: str) -> Cursor:
    """The cursor, for this tenant and request only.

    Raises :class:`CursorExpiredError` for one that is of another tenant, request, version or host, or is none.
    """
    try:
        cursor = _CURSOR.decode(text)
    except (msgspec.MsgspecError, UnicodeEncodeError):
        raise _expired("cannot be read", graph) from None
    if cursor.version != _VERSION:
        raise _expired("is that of another version of crosskey", graph)
    if cursor.tenant != tenant:
        raise _expired("is that of another tenant", graph)
    if cursor.mark != mark:
        raise _expired("was made for other settings, or for other groups, apps or attributes in mappings", graph)
    if not all(map(graph.owns, cursor.links())):
        raise _expired("leads to another host than Graph's", graph)
    return cursor


def _expired(why: str, graph: Graph) -> CursorExpiredError:
    return CursorExpiredError(
        f"the place from which to tell changes {why}",
        where=graph.advice.instance,
        fix="nothing needs to be done: everything is read anew",
    )
