"""Logical names of groups and apps: what mappings write, whatever the source's ids are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

__all__ = ("LogicalGroups",)


class LogicalGroups:
    """Which logical names stand for which groups or apps (by their names in the stage).

    Several sources may each have a group of one name: whoever is in any of them is in it. People with equal memberships
    share one set of names.
    """

    def __init__(self, groups: Mapping[str, Sequence[str]], apps: Mapping[str, Sequence[str]]) -> None:
        self.groups = groups
        self.apps = apps
        self._groups = _names_by_id(groups)
        self._apps = _names_by_id(apps)
        self._sets: dict[tuple[str, ...], tuple[frozenset[str], frozenset[str]]] = {}

    def __bool__(self) -> bool:
        return bool(self._groups or self._apps)

    @property
    def refs(self) -> frozenset[str]:
        """Every group and app that a logical name stands for."""
        return frozenset((*self._groups, *self._apps))

    def moved(self, before: LogicalGroups) -> set[str]:
        """Every group and app that is called something else by the mappings than it was before."""
        return {ref for ref in self.refs | before.refs if self.names([ref]) != before.names([ref])}

    def names(self, ids: Iterable[str]) -> tuple[frozenset[str], frozenset[str]]:
        """The logical groups and the logical apps behind groups and apps."""
        key = tuple(ids)
        known = self._sets.get(key)
        if known is None:
            known = self._sets[key] = (
                frozenset(name for group in key for name in self._groups.get(group, ())),
                frozenset(name for app in key for name in self._apps.get(app, ())),
            )
        return known


def _names_by_id(ids: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for name, groups in ids.items():
        for group in groups:
            names.setdefault(group, []).append(name)
    return names
