"""What happens in one seed of the second family: rounds over a bad wire, then over a good one, then the judgement."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Final

from proofs.simulation.wire.world import WireWorld

__all__ = ("live_on_wire",)

_HOSTILE: Final = 8
_PATIENCE: Final = 6


def live_on_wire(seed: int, folder: Path, *, echo: bool) -> tuple[WireWorld, Counter[str]]:
    """One seed; the world as it stands in the end, and how its runs ended."""
    world, ends, story = WireWorld(seed, folder, echo=echo), Counter[str](), random.Random(f"wire story {seed}")
    for _ in range(_HOSTILE):
        world.clock.advance(story.choice((10.0, 60.0, 200.0, 900.0)))
        world.change()
        result = world.run(changes=story.random() < 0.6)
        ends["wire failed" if result is None else f"wire {result.verdict}"] += 1
    world.faults.on = False
    world.tell("calm")
    quiet = 0
    for _ in range(_PATIENCE):
        world.clock.advance(700.0)
        result = world.run(changes=False)
        ends["wire calm failed" if result is None else f"wire calm {result.verdict}"] += 1
        quiet = quiet + 1 if result is not None and result.plan.size == 0 and result.verdict == "clean" else 0
        if quiet == 2:
            break
    else:
        world.oracle.complain("never-quiet", f"{_PATIENCE} calm rounds did not come to an end")
    world.judge()
    return world, ends
