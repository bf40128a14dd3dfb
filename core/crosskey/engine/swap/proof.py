"""What a swap would do, shown before anything is done."""

from __future__ import annotations

from typing import Any

import msgspec

from crosskey.plan import Held, PlanHeader

__all__ = ("GroupDifference", "MappingDifference", "Proof")


class GroupDifference(msgspec.Struct, frozen=True, kw_only=True):
    """One group that mappings name, in both directories: its members, and who of them is only on one side."""

    name: str
    before: int
    after: int
    lost: tuple[str, ...] = ()
    gained: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether the same people are in it."""
        return not (self.lost or self.gained)


class MappingDifference(msgspec.Struct, frozen=True, kw_only=True):
    """One value that the rules make of one person by today's directory and by the new one."""

    who: str
    kind: str
    what: str
    before: Any
    after: Any


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """Both directories compared, and the first plan after the swap as a rehearsal came to it.

    ``uses`` are the names of the source plugins before and after. ``matched`` counts people found on both sides,
    ``relinks`` accounts whose links move. ``plan`` is the rehearsed plan of the first run after the swap: without
    creates, disables or updates the two directories tell the same company; ``disturbed`` counts people it holds
    although their account follows them. ``held`` are reasons not to go on.
    """

    old: str
    new: str
    uses: tuple[str, str]
    keys: tuple[str, ...]
    matched: int
    by_key: dict[str, int]
    agreeing: dict[str, int]
    relinks: int
    unmatched: tuple[str, ...]
    unmatched_count: int
    unmatched_linked: int
    newcomers: tuple[str, ...]
    newcomer_count: int
    unclear: tuple[str, ...]
    unclear_count: int
    groups: tuple[GroupDifference, ...]
    differences: tuple[MappingDifference, ...]
    difference_count: int
    plan: PlanHeader
    disturbed: int
    held: tuple[Held, ...]

    @property
    def nothing_changes(self) -> bool:
        """Whether the desk looks the same after the swap, to the last field (who waits without an account waits on)."""
        return not (sum(self.plan.counts.values()) or self.disturbed or self.unmatched_linked or self.held)
