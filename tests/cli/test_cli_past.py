"""explain --at, explain --field and replay, as they are typed; they read files and change none."""

import hashlib

import pytest

from crosskey.errors import ExitCode

RULE = 'title = "title"'
OTHER = 'title = "department"'


@pytest.fixture
def moved(crosskey):
    """Two runs; in between somebody got another title."""
    assert crosskey("sync").code == ExitCode.OK
    person = next(each for each in crosskey.stage.company.people if each.status == "active" and each.email)
    crosskey.stage.org.users.find(person.login).profile["title"] = "Chief of Everything"
    assert crosskey("sync").code == ExitCode.OK
    crosskey.environment.clear()  # nothing below needs a secret
    crosskey.who = person.email
    crosskey.runs = [run["id"] for run in crosskey("history", "--json").json]
    return crosskey


def files(folder):
    return {
        path: (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mode)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def other_rules(crosskey):
    text = (crosskey.folder / "crosskey.toml").read_text(encoding="utf-8")
    (crosskey.folder / "new.toml").write_text(text.replace(RULE, OTHER), encoding="utf-8")
    return "--config", "new.toml"


def test_a_field_is_told_with_source_rule_line_run_and_owner(moved):
    line = (moved.folder / "crosskey.toml").read_text().splitlines().index(RULE) + 1
    [told] = moved("explain", moved.who, "--json").json
    title = next(field for field in told["accounts"][0]["fields"] if field["name"] == "title")
    assert (title["value"], title["rule"], title["line"]) == ("Chief of Everything", "map.user.fields.title", line)
    assert [(said["attribute"], said["value"]) for said in title["said"]] == [("title", "Chief of Everything")]
    assert (title["last"]["run"], title["owner"]) == (moved.runs[0], "crosskey's")
    assert f"line {line})" in moved("explain", moved.who).out


def test_the_changes_of_a_field_are_listed(moved):
    told = moved("explain", moved.who, "--field", "title", "--json").json
    changes = next(each["changes"] for each in told if each["kind"] == "user")
    assert (changes[0]["run"], changes[0]["after"]) == (moved.runs[0], "Chief of Everything")
    assert changes[0]["before"] == changes[1]["after"]
    assert "→ Chief of Everything" in moved("explain", moved.who, "--field", "title").out
    error = moved("explain", moved.who, "--field", "titel", "--json")
    assert (error.code, error.error["code"]) == (ExitCode.CONFIG, "field-unknown")


def test_as_of_the_first_run_the_title_was_another(moved):
    then = moved("explain", moved.who, "--at", moved.runs[1])
    assert then.code == ExitCode.OK
    assert "Chief of Everything" not in then.out
    assert moved.runs[0] not in then.out
    assert "Chief of Everything" in moved("explain", moved.who, "--at", moved.runs[0]).out


def test_other_rules_are_tried_on_a_past_run_and_nothing_is_written(moved):
    asked = len(moved.stage.org.requests), len(moved.stage.desk.requests)
    rules = other_rules(moved)
    before = files(moved.folder)
    told = moved("replay", moved.runs[1], *rules)
    assert told.code == ExitCode.OK
    assert "now: title:" in told.out
    made = moved("replay", "last", *rules, "--json").json
    assert made["same_plan"] is False
    assert made["differences"]
    assert moved("replay", moved.runs[1], "--json").json["same_plan"] is True
    assert moved("replay", moved.runs[0]).out.splitlines()[-1].startswith("The same plan: 1 to update")
    moved("explain", moved.who, "--at", moved.runs[1])
    assert files(moved.folder) == before
    assert (len(moved.stage.org.requests), len(moved.stage.desk.requests)) == asked


def test_a_run_that_is_not_there_or_not_kept_is_told_with_those_that_are(moved):
    assert moved("replay", "nonsense", "--json").error["code"] == "run-unknown"
    for file in (moved.folder / ".crosskey" / "snapshots").iterdir():
        file.unlink()
    error = moved("replay", moved.runs[1], "--json")
    assert (error.code, error.error["code"]) == (ExitCode.CONFIG, "past-gone")
    assert moved.runs[0] in error.error["fix"]
