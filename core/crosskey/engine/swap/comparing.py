"""Both directories through the same rules: groups by their members, and every value of every person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from crosskey.connector.mapper import Candidate, CompiledMapping, Desired
from crosskey.connector.target import TargetSchema
from crosskey.engine.batching import batched
from crosskey.engine.logical import LogicalGroups
from crosskey.engine.stage import Stage
from crosskey.engine.swap.pairing import Pairs
from crosskey.engine.swap.proof import GroupDifference, MappingDifference
from crosskey.model import Catalogue, Subject

__all__ = ("compare_groups", "compare_mappings")

_LISTED: Final = 10
_BATCH: Final = 500


def compare_groups(stage: Stage, old: LogicalGroups, new: LogicalGroups, pairs: Pairs) -> list[GroupDifference]:
    """Each group and app that mappings name: are the same people in it? Who is on one side only counts too."""
    differences: list[GroupDifference] = []
    for before, after in ((old.groups, new.groups), (old.apps, new.apps)):
        for name in sorted(before.keys() | after.keys()):
            was, now = stage.groups.members(before.get(name, ())), stage.groups.members(after.get(name, ()))
            moved = {pairs.new_of[subject] for subject in was if subject in pairs.new_of}
            lost = [str(subject.id) for subject in was if pairs.new_of.get(subject) not in now]
            gained = [str(subject.id) for subject in now - moved]
            differences.append(
                GroupDifference(
                    name=name,
                    before=len(was),
                    after=len(now),
                    lost=tuple(sorted(lost)[:_LISTED]),
                    gained=tuple(sorted(gained)[:_LISTED]),
                )
            )
    return differences


def compare_mappings(
    stage: Stage,
    old: LogicalGroups,
    new: LogicalGroups,
    pairs: Pairs,
    mappings: Mapping[str, CompiledMapping],
    schema: TargetSchema,
    catalogue: Catalogue,
) -> Iterator[MappingDifference]:
    """Every field and reference that the rules make differently of the two sides of a pair."""
    for batch in batched(pairs.new_of.items(), _BATCH):
        before = _candidates(stage, [was for was, _ in batch], old)
        after = _candidates(stage, [now for _, now in batch], new)
        both = [(before[was], after[now]) for was, now in batch if was in before and now in after]
        for kind, mapping in mappings.items():
            names = _Names(kind, schema, catalogue)
            first, second = mapping([one for one, _ in both]), mapping([two for _, two in both])
            for (one, two), was, now in zip(both, first, second, strict=True):
                yield from _differences(kind, one, was, two, now, names)


def _candidates(stage: Stage, subjects: list[Subject], logical: LogicalGroups) -> dict[Subject, Candidate]:
    return {one.person.subject: one for one in stage.people.candidates_of(subjects, logical)}


class _Names:
    """References by name, for a reader."""

    def __init__(self, kind: str, schema: TargetSchema, catalogue: Catalogue) -> None:
        spec = schema.kind(kind)
        self._listing = {each.name: each.listing for each in spec.references} if spec else {}
        self._catalogue = catalogue

    def of(self, reference: str, ids: tuple[str, ...]) -> list[str]:
        return [self._catalogue.name(self._listing.get(reference, reference), id_) for id_ in ids]


def _differences(
    kind: str, one: Candidate, was: Desired, two: Candidate, now: Desired, names: _Names
) -> Iterator[MappingDifference]:
    def difference(what: str, before: object, after: object) -> MappingDifference:
        return MappingDifference(who=one.person.label, kind=kind, what=what, before=before, after=after)

    wanted_before, wanted_after = _verdict(one, was), _verdict(two, now)
    if wanted_before != wanted_after:
        yield difference("account", wanted_before, wanted_after)
    if "no" in (wanted_before, wanted_after):
        return
    for name in sorted(was.fields.keys() | now.fields.keys()):
        if (was.fields.get(name) or "") != (now.fields.get(name) or ""):
            yield difference(name, was.fields.get(name), now.fields.get(name))
    for name in sorted(was.references.keys() | now.references.keys()):
        if set(was.references.get(name, ())) != set(now.references.get(name, ())):
            yield difference(
                name, names.of(name, was.references.get(name, ())), names.of(name, now.references.get(name, ()))
            )


def _verdict(candidate: Candidate, desired: Desired) -> str:
    if candidate.person.active is None:
        return "unknown"
    return "yes" if desired.in_scope and candidate.person.active else "no"
