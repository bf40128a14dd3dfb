"""A little source that is right passes the kit; each way of being wrong is caught by the test that is about it."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest
from kit_judged import judged
from little_source import LittleDirectory

from crosskey.testing import SourceConformance

CAUGHT = {
    "first_page_only": "test_everybody_comes_however_many_pages_it_takes",
    "empty_page_is_the_end": "test_an_empty_page_is_not_the_last",
    "own_paging": "test_a_page_that_comes_again_is_not_read_for_ever",
    "lists_may_be_left_out": "test_an_answer_that_is_none_is_not_taken_for_one",
    "id_is_the_address": "test_no_id_is_an_address_or_a_name",
    "id_is_a_number_of_its_own": "test_two_reads_tell_the_same",
    "text_is_none": "test_everything_has_the_type_that_the_contract_says",
    "unknown_status_is_off": "test_a_status_that_nobody_knows_is_no_verdict",
    "suspended_people_are_left_out": "test_a_suspended_person_is_told_and_not_active",
    "a_breakdown_ends_the_list": "test_what_stays_ends_the_read",
    "refused_members_are_none": "test_a_refused_credential_stops_the_read",
    "members_before_groups": "test_members_are_of_groups_and_people_that_were_told",
    "rows_without_an_id_are_passed_over": "test_a_row_without_its_id_is_not_passed_over",
    "a_row_too_many_is_an_error": "test_rows_that_come_twice_count_once",
    "raises_a_key_error": "test_throttling_without_end_ends_the_read",
    "tells_the_secret": "test_a_refused_credential_stops_the_read",
    "a_read_brings_tombstones": "test_two_reads_tell_the_same",
    "never_says_complete": "test_two_reads_tell_the_same",
    "swallows_cancellation": "test_a_read_that_is_cancelled_ends_at_once",
    "leaves_a_task": "test_a_read_that_is_cancelled_ends_at_once",
    "absence_is_a_tombstone": "test_a_round_in_which_nothing_happened_changes_nothing",
    "changes_come_in_part": "test_whoever_changes_comes_whole",
    "suspensions_are_no_change": "test_whoever_is_suspended_comes_as_inactive",
    "deletions_are_no_change": "test_whoever_is_deleted_is_told_as_gone_and_nobody_else",
    "nobody_ever_leaves_a_group": "test_whoever_joins_or_leaves_a_group_is_told",
    "any_cursor_will_do": "test_a_cursor_that_nobody_knows_is_refused",
    "a_forgotten_place_is_a_rejection": "test_a_cursor_that_the_vendor_forgot_is_told_so",
    "whoever_cannot_be_asked_is_nobody": "test_a_vendor_who_cannot_say_is_not_taken_for_nobody",
    "groups_that_cannot_be_asked_are_none": "test_a_vendor_who_cannot_tell_groups_is_not_taken_for_none",
    "check_raises": "test_a_check_names_what_a_run_would_fail_at",
    "nobody_is_nothing_to_tell": "test_lists_that_are_all_empty_are_told",
    "check_says_nothing": "test_a_check_names_what_a_run_would_fail_at",
}


def little(bug: str = "") -> type[SourceConformance]:
    class Little(SourceConformance):
        plugin = "little_source"
        use = "little"
        settings: ClassVar[str] = f'token = {{ env = "LITTLE_TOKEN" }}\nbug = "{bug}"'

        def vendor(self, clock):
            return LittleDirectory(clock)

    return Little


def test_a_source_that_is_right_passes(tmp_path: Path) -> None:
    assert judged(little(), tmp_path) == ({}, {})


@pytest.mark.parametrize("bug", CAUGHT)
def test_a_planted_bug_is_caught(bug: str, tmp_path: Path) -> None:
    failures, left_out = judged(little(bug), tmp_path, CAUGHT[bug])
    assert list(failures) == [CAUGHT[bug]], left_out
