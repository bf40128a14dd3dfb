"""What reads taught about the records of one kind, kept for the writes that follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from crosskey_halo.rows import Link

__all__ = ("OURS", "Notebook")

OURS = "ck-"
"""What every external id of crosskey begins with."""


class Notebook(msgspec.Struct):
    """Facts about one kind of record.

    ``newest`` is the highest id that was seen to be there before a write (ids count up), ``made`` are records created
    since. ``whole``: all records were read; ``known`` are those that were looked up one by one. ``marked``: lists were
    seen to show our external ids, so that a listed record without one cannot be ours; ``borne``: single records were
    seen to; ``dropped``: one was written and is nowhere to be seen, as where an older version does not know the field.
    ``foreign`` are records whose marker field somebody else uses. ``links`` are memberships with flags of their own (a
    team's manager), which are sent back as they were, by record, reference and id.
    """

    newest: int = 0
    made: set[str] = msgspec.field(default_factory=set[str])
    whole: bool = False
    known: set[str] = msgspec.field(default_factory=set[str])
    marked: bool = False
    borne: bool = False
    dropped: bool = False
    protected: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    foreign: set[str] = msgspec.field(default_factory=set[str])
    links: dict[tuple[str, str], dict[str, Link]] = msgspec.field(
        default_factory=dict[tuple[str, str], dict[str, Link]]
    )

    def read(self, keys: Iterable[str]) -> None:
        """These records are there already: what is made from now on has a higher id."""
        self.newest = max(self.newest, *(int(key) for key in keys if key.isdigit()), 0)

    def is_new(self, key: str) -> bool:
        """Whether a record was not there before, and is not known to be of another change."""
        return key.isdigit() and int(key) > self.newest and key not in self.made and key not in self.known

    def knows(self, key: str) -> bool:
        """Whether the record itself was read, so that what its marker field holds and how it is linked is noted."""
        return self.whole or key in self.known

    def note(self, key: str, *, marker: str, protected: str, listed: bool = False) -> None:
        """Write one row down; ``listed``: it stood in a list."""
        if protected:
            self.protected[key] = protected
        self.foreign.discard(key)
        if marker and not marker.startswith(OURS):
            self.foreign.add(key)
        if marker.startswith(OURS):
            self.marked = self.marked or listed
            self.borne = self.borne or not listed

    def note_links(
        self, key: str, reference: str, member: str, links: Sequence[Link], *, complete: bool = False
    ) -> None:
        """Write down the memberships that are more than "is in"; ``complete``: there are no others.

        What is noted holds until a link says otherwise: not every list shows the flags.
        """
        by_id: dict[str, Link] = {}
        for link in links:
            id_ = getattr(link, member)
            if isinstance(id_, int | float) and (str(int(id_)) not in by_id or _flagged(link)):
                by_id[str(int(id_))] = link  # a role may bring what was also given by hand, without the flags
        noted = self.links.setdefault((key, reference), {})
        for id_ in [id_ for id_ in noted if complete and id_ not in by_id]:
            del noted[id_]
        for id_, link in by_id.items():
            if _flagged(link):
                noted[id_] = link
            elif link.is_manager is False:
                noted.pop(id_, None)
        if not noted:
            del self.links[key, reference]

    def link(self, key: str | None, reference: str, id_: str) -> Mapping[str, object]:
        """The flags of a membership as it was read; empty for a new or plain one."""
        link = self.links.get((key or "", reference), {}).get(id_)
        if link is None:
            return {}
        told = {name: value for name, value in msgspec.structs.asdict(link).items() if value is not None}
        return {name: int(value) if isinstance(value, float) else value for name, value in told.items()}


def _flagged(link: Link) -> bool:
    return bool(link.is_manager or link.no_config_access or link.membershiplevel)
