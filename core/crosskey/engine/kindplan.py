"""One kind of account as a plan goes about it: its rules, and what compares by them."""

from __future__ import annotations

import msgspec

from crosskey.connector.mapper import Candidate, CompiledMapping
from crosskey.connector.target import KindSpec
from crosskey.engine.diff import Differ
from crosskey.engine.read import identifying_fields
from crosskey.plan import Change

__all__ = ("KindPlan",)


class KindPlan:
    """Everything needed to plan one kind of account."""

    def __init__(self, kind: KindSpec, mapping: CompiledMapping) -> None:
        self.kind = kind
        self.name = kind.name
        self.mapping = mapping
        self.differ = Differ(kind, mapping)
        self.identifying = identifying_fields(mapping)

    def goes_by_a_group(self, candidate: Candidate, change: Change) -> bool:
        """Whether somebody would keep what a change takes away if they were in one more of the groups in the rules."""
        taken = {name: set(part.before) - set(part.after) for name, part in change.references.items()}
        if not any(taken.values()):
            return False
        others = self.mapping.groups - candidate.groups
        more = [msgspec.structs.replace(candidate, groups=candidate.groups | {group}) for group in sorted(others)]
        return any(
            kept.intersection(desired.references.get(name, ()))
            for desired in self.mapping(more)
            for name, kept in taken.items()
        )
