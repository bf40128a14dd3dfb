"""The lower half of the fixed seeds; in two files, so that two cores share them."""

import pytest
from simulation_tier import CHUNK, FIXED, fixed


@pytest.mark.parametrize("first", range(0, FIXED // 2, CHUNK))
def test_fixed_seeds_break_nothing(first):
    fixed(first)
