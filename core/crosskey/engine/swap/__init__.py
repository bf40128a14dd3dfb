"""Swap one source for another: prove that nothing changes, then let the links follow."""

from crosskey.engine.swap.cutover import cut_over
from crosskey.engine.swap.proof import GroupDifference, MappingDifference, Proof
from crosskey.engine.swap.sections import SwapSections, swapped_section
from crosskey.engine.swap.swap import SwapOptions, SwapResult, swap

__all__ = (
    "GroupDifference",
    "MappingDifference",
    "Proof",
    "SwapOptions",
    "SwapResult",
    "SwapSections",
    "cut_over",
    "swap",
    "swapped_section",
)
