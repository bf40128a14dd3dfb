"""What somebody changed at the desk, as the commands show it."""

from __future__ import annotations

import pytest

from crosskey.errors import ExitCode


@pytest.fixture
def edited(crosskey):
    """A desk in step where somebody then changed one title; the user's id."""
    crosskey.edit(("[sync]", '[sync]\nsettle = "0s"'))
    assert crosskey("sync").code == ExitCode.OK
    user = next(each for each in crosskey.stage.desk.users.values() if each.other5 and each.title)
    crosskey.stage.desk.edit(user, title="Hand-made")
    return user.id


def title(crosskey, key):
    return crosskey.stage.desk.users[key].title


def test_a_hand_edit_is_marked_in_the_plan_listed_and_explained(crosskey, edited):
    plan = crosskey("plan", "--all")
    assert "Hand-made" in plan.out
    assert "(drift)" in plan.out
    assert 'somebody set "Hand-made", last applied' in " ".join(plan.out.split())
    [change] = crosskey("plan", "--json").json["changes"]
    assert change["drifted"] == ["title"]
    crosskey.environment.clear()
    asked = len(crosskey.stage.desk.requests)
    listed = crosskey("drift")
    assert (listed.code, listed.err) == (ExitCode.OK, "")
    assert f"user {edited}" in listed.out
    assert "written again by the next run" in " ".join(listed.out.split())
    [one] = crosskey("drift", "--json").json
    assert (one["drift"]["part"], one["drift"]["now"], one["policy"]) == ("title", "Hand-made", "reassert")
    assert one["wanted"] == one["drift"]["ours"] != "Hand-made"
    assert one["applied_in"]
    explained = " ".join(crosskey("explain", f"user:{edited}").out.split())
    assert "somebody else since about" in explained
    assert "crosskey since run" in explained
    assert len(crosskey.stage.desk.requests) == asked


def test_what_is_in_step_again_has_drifted_no_more(crosskey, edited):
    assert crosskey("sync").code == ExitCode.OK
    assert title(crosskey, edited) != "Hand-made"
    assert crosskey("drift").out.strip() == "No drifts."
    assert crosskey("drift", "--json").json == []


def test_under_alert_it_waits_for_a_person(crosskey, edited):
    crosskey.edit(("[map.user]", '[map.user]\ndrift = "alert"'))
    held = crosskey("sync", "--json")
    assert held.code == ExitCode.HELD
    assert title(crosskey, edited) == "Hand-made"
    assert f"--allow drift=user:{edited}" in held.json["plan"]["held"][0]["fix"]
    assert crosskey("sync", "--allow", f"drift=user:{edited}").code == ExitCode.OK
    assert title(crosskey, edited) != "Hand-made"


def test_an_approval_of_one_account_has_it_written_again_once(crosskey, edited):
    crosskey.edit(("[map.user]", '[map.user]\ndrift = "alert"'))
    assert crosskey("sync").code == ExitCode.HELD
    approved = crosskey("approve", "drift", "--only", f"user:{edited}", "--because", "the title is wrong there")
    assert (approved.code, approved.err) == (ExitCode.OK, "")
    assert crosskey("sync").code == ExitCode.OK
    assert title(crosskey, edited) != "Hand-made"
