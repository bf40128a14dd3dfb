"""A little target that is right passes the kit; each way of being wrong is caught by the test that is about it."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest
from kit_judged import judged
from little_target import LittleDesk

from crosskey.testing import TargetConformance

CAUGHT = {
    "the_schema_is_asked_for": "test_the_schema_is_whole_and_costs_no_request",
    "no_batch_at_all": "test_the_schema_is_whole_and_costs_no_request",
    "a_reference_has_a_word_of_rules": "test_the_schema_is_whole_and_costs_no_request",
    "the_schema_says_too_much": "test_text_as_long_as_the_schema_says_is_kept_whole",
    "the_schema_leaves_a_field_out": "test_accounts_fit_the_schema",
    "the_catalogue_has_another_word": "test_everything_in_the_catalogue_can_be_referred_to",
    "first_page_only": "test_every_account_comes_however_many_pages_it_takes",
    "kinds_are_not_heeded": "test_a_read_of_nothing_asks_for_nothing",
    "a_list_that_fails_is_over": "test_what_stays_ends_a_read_of_accounts",
    "an_empty_page_is_the_end": "test_an_empty_page_of_accounts_is_not_believed",
    "nobody_comes_out": "test_every_account_comes_however_many_pages_it_takes",
    "markers_are_found_by_their_beginning": "test_a_create_that_did_not_happen_is_not_found",
    "what_cannot_be_asked_is_not_there": "test_a_target_that_cannot_say_is_not_taken_for_no",
    "addresses_are_compared_exactly": "test_accounts_are_looked_up_by_key_marker_and_value",
    "inactive_accounts_are_not_looked_up": "test_accounts_are_looked_up_by_key_marker_and_value",
    "lost_answers_are_refusals": "test_a_create_whose_answer_is_lost_is_made_once",
    "lost_answers_are_successes": "test_a_create_that_never_arrived_is_made_in_the_end",
    "one_bad_change_ends_the_batch": "test_one_bad_change_takes_no_other_along",
    "refusals_say_nothing": "test_one_bad_change_takes_no_other_along",
    "answers_come_in_another_order": "test_a_whole_batch_is_answered_one_by_one",
    "keys_are_mixed_up": "test_a_whole_batch_is_answered_one_by_one",
    "creates_are_repeated_blindly": "test_a_create_whose_answer_is_lost_is_made_once",
    "an_update_may_create": "test_an_update_of_an_account_that_is_gone_makes_none",
    "whole_records_are_sent": "test_an_update_changes_what_it_names_and_nothing_else",
    "what_was_read_is_sent_back": "test_what_somebody_else_wrote_stays",
    "the_removed_are_remembered": "test_an_account_that_is_removed_is_not_found",
    "disabling_deletes": "test_switching_off_and_on_again",
    "enabling_does_nothing": "test_switching_off_and_on_again",
    "a_cancelled_write_goes_on": "test_a_cancelled_write_is_found_again",
    "nothing_can_be_cleared": "test_a_field_can_be_cleared",
    "only_new_references_are_kept": "test_what_somebody_else_gave_is_not_taken_with_an_update",
    "markers_are_not_written": "test_a_created_account_is_as_it_was_ordered",
    "sign_ins_are_remembered": "test_each_sign_in_is_told",
    "anybodys_sign_in": "test_each_sign_in_is_told",
    "who_is_not_there_signed_in": "test_nobody_signed_in_where_there_is_no_account",
    "what_cannot_be_asked_never_signed_in": "test_what_cannot_be_asked_is_not_told_as_never",
    "a_release_leaves_the_marker": "test_an_adoption_can_be_handed_on_and_taken_back",
}

STALE = "test_what_somebody_gave_since_the_plan_stays"


def little(bug: str = "") -> type[TargetConformance]:
    class Little(TargetConformance):
        plugin = "little_target"
        use = "little"
        settings: ClassVar[str] = f'token = {{ env = "LITTLE_TOKEN" }}\nbug = "{bug}"'
        skips: ClassVar = {STALE: "the little desk takes whole lists of roles"}

        def vendor(self, clock):
            return LittleDesk(clock)

    return Little


def test_a_target_that_is_right_passes(tmp_path: Path) -> None:
    failures, left_out = judged(little(), tmp_path)
    assert failures == {}
    assert left_out == {
        STALE: "the little desk takes whole lists of roles",
        "test_seats_are_counted": "the target has no seats()",
        "test_sessions_are_ended_or_the_reason_is_told": "the target has no end_sessions()",
    }
    told = little().left_out(tmp_path)
    assert {name: reason for name, reason in told.items() if reason} == left_out, (
        "what the pages say is what a run says"
    )


@pytest.mark.parametrize("bug", CAUGHT)
def test_a_planted_bug_is_caught(bug: str, tmp_path: Path) -> None:
    failures, left_out = judged(little(bug), tmp_path, CAUGHT[bug])
    assert list(failures) == [CAUGHT[bug]], left_out
