"""``crosskey undo`` against the local vendors: everything back as it was, for users and agents, told in full."""

from __future__ import annotations

import msgspec
import pytest
from cli_bench import refusal

from crosskey.errors import ExitCode


def desk_image(crosskey):
    """Everything that crosskey may write, of every record of the desk, memberships in order of their ids."""
    desk = crosskey.stage.desk
    image = {}
    for name in ("users", "agents"):
        for key, record in getattr(desk, name).items():
            image[name, key] = {
                field: sorted(map(repr, value)) if isinstance(value, list) else value
                for field, value in msgspec.to_builtins(record).items()
                if field in WATCHED
            }
    return image


WATCHED = {
    *("name", "emailaddress", "email", "title", "jobtitle", "other1", "other5", "site_id", "inactive", "isdisabled"),
    *("federated_identity_id", "roles", "teams", "phonenumber", "firstname", "surname", "departments"),
}


def test_a_run_that_adopted_and_made_accounts_is_taken_back_and_that_too(crosskey):
    before = desk_image(crosskey)
    run = crosskey("sync", "--json").json
    done = desk_image(crosskey)
    shown = crosskey("undo", run["run"], "--yes", "--json", "--allow", "mass-disable=99")
    assert shown.code == ExitCode.OK, shown
    counts = shown.json["plan"]["counts"]
    assert counts["disable"] + counts["release"] == len(run["changes"])
    after = desk_image(crosskey)
    assert {key: record for key, record in after.items() if key in before} == before
    made = [record for key, record in after.items() if key not in before]
    assert all(record.get("inactive") or record.get("isdisabled") for record in made)
    assert len(made) == counts["disable"]

    held = crosskey("sync", "--json")
    assert (held.code, held.json["changes"]) == (ExitCode.HELD, [])
    assert held.json["plan"]["held_counts"] == {"undone": len(run["changes"])}

    again = crosskey("undo", shown.json["run"], "--yes", "--json")
    assert again.code == ExitCode.OK, again
    assert desk_image(crosskey) == done
    crosskey.in_step()


def test_an_update_of_one_person_is_shown_and_taken_back_as_text(crosskey):
    assert crosskey("sync").code == ExitCode.OK
    person = crosskey.stage.company.people[3]
    before = desk_image(crosskey)
    crosskey.stage.org.users.update_profile(person.login, {"displayName": "Ada Example", "mobilePhone": "1"})
    run = crosskey("sync", "--json").json
    assert run["changes"]
    text = crosskey("undo", run["run"][:-1], "--yes", "--only", "ada example")
    assert text.code == ExitCode.OK, text
    assert f"Taking back run {run['run']} (sync, " in text.out
    assert "Ada Example →" in " ".join(text.out.split())
    assert desk_image(crosskey) == before
    history = crosskey("history", crosskey.last_run()["id"]).out
    assert f"(undo of {run['run']})" in history
    assert "undone by" in " ".join(crosskey("history", run["run"], "-n", "5").out.split())


def test_a_name_that_two_people_bear_takes_nothing_back(crosskey):
    assert crosskey("sync").code == ExitCode.OK
    before = desk_image(crosskey)
    for person in crosskey.stage.company.people[3:5]:
        crosskey.stage.org.users.update_profile(person.login, {"displayName": "Ada Example"})
    run = crosskey("sync", "--json").json["run"]
    done = desk_image(crosskey)
    refused = crosskey("undo", run, "--yes", "--only", "Ada Example", "--json")
    namesakes = [f"user:{user.id}" for user in crosskey.stage.desk.users.values() if user.name == "Ada Example"]
    assert (refused.code, refused.error["code"], len(namesakes)) == (ExitCode.CONFIG, "who-ambiguous", 2)
    assert all(account in refused.error["message"] for account in namesakes)
    assert desk_image(crosskey) == done, "nobody is guessed at"
    both = (word for account in namesakes for word in ("--only", account))
    assert crosskey("undo", run, "--yes", *both).code == ExitCode.OK
    assert desk_image(crosskey) == before


def test_a_hand_edit_at_the_desk_stays_and_is_told_by_the_exit_code(crosskey):
    assert crosskey("sync").code == ExitCode.OK
    desk, person = crosskey.stage.desk, crosskey.stage.company.people[3]
    crosskey.stage.org.users.update_profile(person.login, {"displayName": "Ada Example"})
    run = crosskey("sync", "--json").json
    user = next(user for user in desk.users.values() if user.name == "Ada Example")
    desk.users[user.id] = msgspec.structs.replace(user, name="Ada by hand")
    told = crosskey("undo", run["run"], "--yes", "--json")
    assert told.code == ExitCode.HELD, told
    assert [hold["rail"] for hold in told.json["plan"]["held"]][:1] == ["changed-since"]
    assert "Ada by hand" in told.json["plan"]["held"][0]["summary"]
    assert desk.users[user.id].name == "Ada by hand"


@pytest.mark.parametrize("words", [("nope",), ("2026",)])
def test_what_cannot_be_undone_is_refused(crosskey, words):
    crosskey("plan")
    assert refusal(crosskey, "undo", *words, "--yes", code=ExitCode.CONFIG)["code"] in ("run-unknown", "undo-nothing")


def test_nobody_to_ask_is_refused_before_anything_is_read(crosskey):
    assert crosskey("undo", "2026", "--json").error["code"] == "usage"


def test_an_undo_that_was_saved_is_done_exactly_or_not_at_all(crosskey):
    assert crosskey("sync").code == ExitCode.OK
    one, other = crosskey.stage.company.people[3:5]
    before = desk_image(crosskey)
    for person in (one, other):
        crosskey.stage.org.users.update_profile(person.login, {"displayName": f"New {person.display_name}"})
    run = crosskey("sync", "--json").json["run"]
    done = desk_image(crosskey)
    saved = crosskey("undo", run, "--save", "back.plan")
    assert (saved.code, desk_image(crosskey)) == (ExitCode.OK, done), "nothing is written yet"
    assert f"Apply exactly this: crosskey undo {run} --plan back.plan" in " ".join(saved.out.split())
    assert crosskey("undo", run, "--only", one.email, "--plan", "back.plan", "--json").error["code"] == "stale"
    assert crosskey("apply", "back.plan", "--json").error["code"] == "stale", "it is no plan of the rules"
    assert crosskey("undo", run, "--plan", "back.plan", "--save", "x.plan").code == 2
    assert desk_image(crosskey) == done
    assert crosskey("undo", run, "--plan", "back.plan").code == ExitCode.OK
    assert desk_image(crosskey) == before
    assert crosskey("undo", run, "--plan", "back.plan", "--json").error["code"] == "stale", "another run wrote since"


def test_an_undo_that_was_saved_is_refused_when_somebody_changed_it_since(crosskey):
    assert crosskey("sync").code == ExitCode.OK
    desk, person = crosskey.stage.desk, crosskey.stage.company.people[3]
    crosskey.stage.org.users.update_profile(person.login, {"displayName": "Ada Example"})
    run = crosskey("sync", "--json").json["run"]
    assert crosskey("undo", run, "--save", "back.plan", "--json").json["saved"] == "back.plan"
    user = next(user for user in desk.users.values() if user.name == "Ada Example")
    desk.users[user.id] = msgspec.structs.replace(user, name="Ada by hand")
    writes = crosskey.writes
    refused = crosskey("undo", run, "--plan", "back.plan", "--json")
    assert refused.error["code"] == "stale"
    assert "crosskey undo RUN --save FILE" in refused.error["fix"]
    assert crosskey.writes == writes


def test_of_a_run_that_failed_history_does_not_say_that_there_was_nothing_to_do(crosskey):
    assert crosskey("sync", OKTA_TOKEN="00refused").code == ExitCode.AUTH
    failed = crosskey("history").out
    assert "failed" in failed
    assert "nothing to do" not in failed
    assert crosskey("sync").code == ExitCode.OK
    assert crosskey("sync").code == ExitCode.OK
    assert crosskey("history").out.count("nothing to do") == 1
