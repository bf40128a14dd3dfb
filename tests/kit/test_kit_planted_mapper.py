"""A little mapper that is right passes the kit; each way of being wrong is caught by the test that is about it."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest
from kit_judged import judged

from crosskey.testing import MapperConformance

CAUGHT = {
    "the_inactive_have_no_answer": "test_everybody_gets_one_answer",
    "raises_for_the_strange": "test_everybody_gets_one_answer",
    "writes_into_people": "test_nobody_is_changed_by_being_mapped",
    "numbers_people": "test_the_same_people_get_the_same_answers",
    "remembers_the_last": "test_who_stands_beside_whom_does_not_matter",
    "reads_what_it_does_not_declare": "test_only_what_is_declared_is_read",
    "writes_what_it_does_not_declare": "test_only_what_is_declared_is_written",
    "text_is_whatever_came": "test_what_is_wanted_fits_the_target",
    "needs_no_name": "test_what_is_wanted_fits_the_target",
    "names_instead_of_ids": "test_what_is_wanted_fits_the_target",
    "wrong_rules_fail_late": "test_what_is_wanted_fits_the_target",
    "matches_by_no_field": "test_people_are_recognised_by_what_exists",
    "says_nothing": "test_every_answer_says_why",
    "takes_wrong_rules": "test_wrong_rules_are_refused_with_their_place",
    "raises_a_value_error": "test_wrong_rules_are_refused_with_their_place",
}


def little(bug: str = "") -> type[MapperConformance]:
    class Little(MapperConformance):
        plugin = "little_mapper"
        use = "little"
        settings: ClassVar[str] = f'site = "Acme / London"\ngroup = "Staff"\nbug = "{bug}"'
        wrong: ClassVar = (f'site = "Acme / Nowhere"\nbug = "{bug}"', 'site = "Main"\ngruop = "Staff"', "group = 1")

    return Little


def test_a_mapper_that_is_right_passes(tmp_path: Path) -> None:
    assert judged(little(), tmp_path) == ({}, {})


@pytest.mark.parametrize("bug", CAUGHT)
def test_a_planted_bug_is_caught(bug: str, tmp_path: Path) -> None:
    failures, left_out = judged(little(bug), tmp_path, CAUGHT[bug])
    assert list(failures) == [CAUGHT[bug]], left_out
