"""The short tier of the simulation: the corpus, seeds nobody tried before, and every planted bug."""

from __future__ import annotations

import pytest
from proofs.simulation.__main__ import corpus
from proofs.simulation.driver import live, try_seeds
from proofs.simulation.history import live_through
from proofs.simulation.planted import BUGS, SOON, first_catch
from simulation_tier import CHUNK, NEW, complaint, new_base


@pytest.mark.parametrize("part", range(0, NEW, CHUNK))
def test_seeds_that_nobody_tried_before_break_nothing(part):
    base = new_base() + part
    totals = try_seeds(range(base, base + CHUNK))
    assert not totals.broken, complaint(totals.broken)


@pytest.mark.parametrize("seed", corpus())
def test_seeds_that_once_found_a_bug_find_none(seed):
    assert live(seed).broken == []


def test_the_same_seed_comes_to_the_same():
    first, second = live_through(11), live_through(11)
    assert first.trace == second.trace
    assert first.digest != live_through(12).digest


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_caught(bug):
    caught = first_catch(bug, (*SOON[bug], *range(300)))
    assert caught is not None, f"nobody noticed {bug}"
