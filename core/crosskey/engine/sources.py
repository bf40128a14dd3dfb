"""All open sources of a run, asked by subject: whose word is sought decides who is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from crosskey.config import SourceSection
from crosskey.connector.source import ConfirmsMembership, FindsPeople, Source
from crosskey.engine.blame import blaming
from crosskey.errors import ConfigError
from crosskey.model import Person, Subject

__all__ = ("OpenSource", "Sources")


class OpenSource(msgspec.Struct, frozen=True):
    """One open source and the section it was opened from."""

    section: SourceSection
    source: Source

    @property
    def issuer(self) -> str:
        """The name that the source's subjects bear."""
        return self.source.issuer


class Sources:
    """The open sources in their order of precedence. Raises :class:`ConfigError` when two read one directory."""

    def __init__(self, opened: Sequence[OpenSource]) -> None:
        self._opened = tuple(opened)
        self._by_issuer: dict[str, OpenSource] = {}
        for one in opened:
            twin = self._by_issuer.setdefault(one.issuer, one)
            if twin is not one:
                raise ConfigError(
                    f"{twin.section.path} and {one.section.path} read the same directory ({one.issuer})",
                    code="source-twice",
                    where="sync.from",
                    fix=f'take "{one.section.name}" out of `from`',
                )

    def __iter__(self) -> Iterator[OpenSource]:
        return iter(self._opened)

    def __len__(self) -> int:
        return len(self._opened)

    @property
    def issuers_by_path(self) -> dict[str, str]:
        """The issuers by the path of their section."""
        return {one.section.path: one.issuer for one in self}

    @property
    def issuers(self) -> list[str]:
        """The issuers in order of precedence."""
        return [one.issuer for one in self._opened]

    def of(self, issuer: str) -> OpenSource | None:
        """The source whose subjects bear this issuer."""
        return self._by_issuer.get(issuer)

    def can_find(self, subject: Subject) -> bool:
        """Whether somebody's source is open and can look people up by id."""
        one = self.of(subject.issuer)
        return one is not None and isinstance(one.source, FindsPeople)

    async def find(self, subject: Subject) -> Person | None:
        """The person as the source tells them now; ``None``: there is nobody of that id. Needs :meth:`can_find`."""
        one = self._by_issuer[subject.issuer]
        if not isinstance(one.source, FindsPeople):
            raise TypeError(f"{one.section.path} cannot look people up")
        with blaming(one.section):
            return await one.source.find(subject)

    async def groups_of(self, subject: Subject) -> frozenset[str] | None:
        """Ids of all groups somebody is in; ``None`` when their source is not read or cannot tell."""
        one = self.of(subject.issuer)
        if one is None or not isinstance(one.source, ConfirmsMembership):
            return None
        with blaming(one.section):
            return await one.source.groups_of(subject)
