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

    ``newest`` is the highest id of the last full read (ids count up), ``made`` are records created since. ``marked``:
    lists were seen to show our external ids, so that a listed record without one cannot be ours. ``foreign`` are
    records whose marker field somebody else uses. ``links`` are memberships with flags of their own (a team's manager),
    which are sent back as they were, by record, reference and id.
    """

    newest: int = 0
    made: set[str] = msgspec.field(default_factory=set[str])
    marked: bool = False
    protected: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    foreign: set[str] = msgspec.field(default_factory=set[str])
    links: dict[tuple[str, str], dict[str, Link]] = msgspec.field(
        default_factory=dict[tuple[str, str], dict[str, Link]]
    )

    def read(self, keys: Iterable[str]) -> None:
        """These records were there when everything was read."""
        self.newest = max(self.newest, *(int(key) for key in keys if key.isdigit()), 0)

    def is_new(self, key: str) -> bool:
        """Whether a record was not there before, and is not known to be of another change."""
        return key.isdigit() and int(key) > self.newest and key not in self.made

    def note(self, key: str, *, marker: str, protected: str, listed: bool = False) -> None:
        """Write one row down; ``listed``: it stood in a list."""
        if protected:
            self.protected[key] = protected
        self.foreign.discard(key)
        if marker and not marker.startswith(OURS):
            self.foreign.add(key)
        self.marked = self.marked or (listed and marker.startswith(OURS))

    def note_links(self, key: str, reference: str, member: str, links: Sequence[Link]) -> None:
        """Write down the memberships that are more than "is in"."""
        flagged = {
            str(int(id_)): link
            for link in links
            if (link.is_manager or link.no_config_access or link.membershiplevel)
            and isinstance(id_ := getattr(link, member), int | float)
        }
        if flagged:
            self.links.setdefault((key, reference), {}).update(flagged)

    def link(self, key: str | None, reference: str, id_: str) -> Mapping[str, object]:
        """The flags of a membership as it was read; empty for a new or plain one."""
        link = self.links.get((key or "", reference), {}).get(id_)
        if link is None:
            return {}
        told = {name: value for name, value in msgspec.structs.asdict(link).items() if value is not None}
        return {name: int(value) if isinstance(value, float) else value for name, value in told.items()}
