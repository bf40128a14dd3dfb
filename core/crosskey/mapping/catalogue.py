"""Names → ids of what a target offers, fast for many people and many names."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from crosskey.errors import ConfigError
from crosskey.mapping.findings import RuleError
from crosskey.mapping.values import tidy
from crosskey.model import Catalogue, CatalogueEntry

__all__ = ("Names",)

_NEIGHBOURS = 24
"""Entries, alphabetically around an unknown name, among which close matches are sought: a catalogue may hold
thousands, and a mistaken template asks for a new unknown name with every other person."""

_REMEMBERED = 8192


class Names:
    """The entries of one listing of the catalogue, by name.

    Agrees with :meth:`Catalogue.resolve`, which still makes every message, but does not walk the catalogue each time.
    """

    def __init__(self, catalogue: Catalogue, listing: str) -> None:
        self._listing = listing
        entries = [entry for entry in catalogue.entries if entry.reference == listing]
        self._sorted = sorted(entries, key=lambda entry: (entry.name.casefold(), entry.id))
        self._keys = [entry.name.casefold() for entry in self._sorted]
        self._by_name = _index((entry.name, entry) for entry in entries)
        self._by_alias = _index((alias, entry) for entry in entries for alias in entry.aliases)
        self._answers: dict[str, str | RuleError] = {}

    def resolve(self, name: str, *, where: str) -> str:
        """The id behind a name. Raises :class:`ConfigError` with close matches."""
        found = self._find(name)
        if len(found) == 1:
            return found[0].id
        return Catalogue(tuple(found or self._sorted)).resolve(self._listing, name, where=where)

    def resolve_at_run(self, name: str) -> str:
        """As :meth:`resolve`, for a name that a template made. Raises :class:`RuleError`."""
        answer = self._answers.get(name)
        if answer is None:
            answer = self._look_up(tidy(name))
            if len(self._answers) < _REMEMBERED:
                self._answers[name] = answer
        if isinstance(answer, str):
            return answer
        raise RuleError(str(answer))

    def _look_up(self, name: str) -> str | RuleError:
        near = self._find(name) or self._neighbours(name)
        try:
            return Catalogue(tuple(near)).resolve(self._listing, name)
        except ConfigError as error:
            return RuleError(error.message)

    def _find(self, name: str) -> Sequence[CatalogueEntry]:
        wanted = name.strip().casefold()
        return self._by_name.get(wanted) or self._by_alias.get(wanted) or ()

    def _neighbours(self, name: str) -> Sequence[CatalogueEntry]:
        place = bisect_left(self._keys, name.casefold())
        start = max(0, min(place - _NEIGHBOURS // 2, len(self._sorted) - _NEIGHBOURS))
        return self._sorted[start : start + _NEIGHBOURS]


def _index(named: Iterable[tuple[str, CatalogueEntry]]) -> dict[str, list[CatalogueEntry]]:
    index: dict[str, list[CatalogueEntry]] = {}
    for name, entry in named:
        index.setdefault(name.casefold(), []).append(entry)
    return index
