"""What the mappings need from each source: a plain group name means any source's group, ``corp:Name`` one source's.

A plain name must exist in one source at least. Where several sources have it, whoever is in any of these groups counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from crosskey.config import SourceSection
from crosskey.connector.mapper import CompiledMapping
from crosskey.connector.source import ReadRequest
from crosskey.engine.logical import LogicalGroups
from crosskey.engine.stage import Stage
from crosskey.errors import ConfigError, Diagnostic
from crosskey.model import Group, GroupSelection

__all__ = ("Demand",)

Sort = Literal["group", "app"]


class Demand:
    """The groups, apps and attributes that all mappings together name, told to each source in its own words.

    ``also`` are groups that doors name: their members are read too, but where no source has one, nothing stops.
    """

    def __init__(
        self,
        mappings: Iterable[CompiledMapping],
        sections: Sequence[SourceSection],
        *,
        also: frozenset[str] = frozenset(),
    ) -> None:
        compiled = list(mappings)
        self._sections = {section.name: section for section in sections}
        groups = _union(mapping.groups for mapping in compiled)
        self._also = also - groups
        self._names: dict[Sort, frozenset[str]] = {
            "group": groups | also,
            "app": _union(mapping.apps for mapping in compiled),
        }
        self._attributes = _union(mapping.attributes for mapping in compiled)

    def request(self, section: SourceSection, *, changes: bool) -> ReadRequest:
        """What to ask of one source."""
        return ReadRequest(
            groups=self._selection(section, "group", section.groups),
            apps=self._selection(section, "app", section.apps),
            attributes=self._attributes,
            changes=changes,
        )

    def logical(self, stage: Stage, issuers: Mapping[str, str]) -> LogicalGroups:
        """What the names mean, now that the groups are staged. ``issuers`` are the sources' issuers by section name.

        Raises :class:`ConfigError` for a name that no source has, once all of them are staged.
        """
        found: dict[str, list[Group]] = {name: stage.groups.all(issuer) for name, issuer in issuers.items()}
        chosen: dict[Sort, dict[str, list[str]]] = {"group": {}, "app": {}}
        for sort, by_name in chosen.items():
            for section in (self._sections[name] for name in issuers):
                pins = section.groups if sort == "group" else section.apps
                own = self._selection(section, sort, pins).choose(found[section.name])
                for written in self._names[sort]:
                    name = self._own(section, written)
                    if name is not None and name in own:
                        ref = stage.groups.ref(issuers[section.name], own[name].id)
                        by_name.setdefault(written, []).append(ref)
        if issuers.keys() == self._sections.keys():
            self._refuse_missing(chosen)
        return LogicalGroups(chosen["group"], chosen["app"])

    def sizes(self, section: SourceSection, issuer: str, stage: Stage) -> dict[str, int]:
        """How many members each group that mappings name has in one source, apps included; 0 where there is none."""
        sizes, found = stage.groups.sizes(), stage.groups.all(issuer)
        selected = self._selection(section, "app", section.apps), self._selection(section, "group", section.groups)
        ours = {self._own(section, name) for name in self._also}
        ours -= {self._own(section, name) for name in self._names["group"] - self._also}
        chosen = {name: group for each in selected for name, group in each.choose(found).items() if name not in ours}
        absent = {name: 0 for selection in selected for name in selection.names - chosen.keys() - ours}
        return absent | {name: sizes.get(stage.groups.ref(issuer, group.id), 0) for name, group in chosen.items()}

    def _selection(self, section: SourceSection, sort: Sort, pins: Mapping[str, str]) -> GroupSelection:
        written = {name: self._own(section, name) for name in self._names[sort]}
        names = frozenset(name for name in written.values() if name is not None)
        plain = frozenset(name for name in self._names[sort] if self._prefix(name) is None)
        optional = plain if len(self._sections) > 1 else frozenset[str]()
        if sort == "group":
            demanded = {own for name, own in written.items() if name not in self._also}
            optional |= frozenset(own for name in self._also if (own := written[name]) and own not in demanded)
        return GroupSelection(names=names, optional=optional, pins=dict(pins), kind=sort, where=section.path)

    def _own(self, section: SourceSection, written: str) -> str | None:
        """The source's own name for what a mapping names; ``None`` when that means another source."""
        prefix = self._prefix(written)
        if prefix is None:
            return written
        return written[len(prefix) + 1 :].strip() if prefix == section.name else None

    def _prefix(self, written: str) -> str | None:
        before, colon, _ = written.partition(":")
        return before if colon and before in self._sections else None

    def _refuse_missing(self, chosen: Mapping[Sort, Mapping[str, Sequence[str]]]) -> None:
        sources = ", ".join(self._sections)
        problems: list[Diagnostic] = [
            ConfigError(
                f'no source ({sources}) has a {sort} named "{name}"',
                code=f"{sort}-unknown",
                where="map",
                fix=f'correct the name in the mapping, or pin it: [source.<name>.{sort}s] "{name}" = "<id>"',
            ).diagnostic()
            for sort, by_name in chosen.items()
            for name in sorted(self._names[sort] - by_name.keys() - self._also)
        ]
        if problems:
            raise ConfigError(
                "the mappings name groups that no source has",
                code=problems[0].code,
                where="map",
                problems=problems,
            )


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset(name for names in sets for name in names)
