"""A wrong configuration: every problem with its place and fix, before anybody is asked anything."""

from __future__ import annotations

import os

import pytest
from cli_bench import told

from crosskey.errors import ExitCode

TOKEN = 'token = { env = "OKTA_TOKEN" }'


def only(error):
    """The one problem of an error."""
    [problem] = error["problems"]
    return problem


def unasked(crosskey) -> bool:
    """Whether neither vendor saw a request."""
    return not crosskey.stage.org.requests and not crosskey.stage.desk.requests


def test_a_missing_file_names_init(crosskey):
    crosskey.file.unlink()
    error = told(crosskey, "plan", code=ExitCode.CONFIG)
    assert (error["code"], error["where"]) == ("config-missing", "crosskey.toml")
    assert "crosskey init" in error["fix"]


def test_malformed_toml_is_told_with_line_and_column(crosskey):
    crosskey.file.write_text('[source.corp]\nuse = "okta\n', encoding="utf-8")
    problem = only(told(crosskey, "sync", code=ExitCode.CONFIG))
    assert problem["path"] == "crosskey.toml, line 2, column 12"
    assert unasked(crosskey)


def test_a_file_that_is_no_text_is_refused(crosskey):
    crosskey.file.write_bytes(b"use = \xff\xfe")
    assert told(crosskey, "check", code=ExitCode.CONFIG)["code"] == "config-encoding"


def test_an_unknown_key_is_told_with_the_closest_one(crosskey):
    crosskey.edit(("client_secret =", "client_secert ="))
    error = told(crosskey, "plan", code=ExitCode.CONFIG)
    messages = {problem["path"]: problem["message"] for problem in error["problems"]}
    assert '"client_secret"' in messages["target.desk.client_secert"]
    assert unasked(crosskey)


def test_all_problems_come_at_once(crosskey):
    crosskey.edit(
        ('use = "okta"', 'use = "otka"'),
        ('after = "0d"', 'after = "soon"'),
        ("max_disable", "max_disabled"),
        ('to = "desk"', 'to = "dask"'),
    )
    crosskey.add('[maps.user]\nscope = "all"')
    error = told(crosskey, "plan", code=ExitCode.CONFIG)
    paths = {problem["path"] for problem in error["problems"]}
    assert {
        "source.corp.use",
        "map.user.leavers.after",
        "map.agent.leavers.after",
        "rails.max_disabled",
        "sync.to",
        "maps",
    } <= paths
    assert '"okta"' in next(each["message"] for each in error["problems"] if each["path"] == "source.corp.use")
    assert unasked(crosskey)


def test_a_secret_in_the_file_itself_is_refused_without_repeating_it(crosskey):
    crosskey.edit((TOKEN, 'token = "00SecretOfOurs"'))
    run = crosskey("plan")
    assert run.code == ExitCode.CONFIG
    assert "source.corp.token" in run.err
    assert "env" in run.err
    assert "00SecretOfOurs" not in run.err


@pytest.mark.parametrize("command", ["check", "plan", "sync"])
def test_a_variable_that_is_not_set_is_named(crosskey, command):
    del crosskey.environment["OKTA_TOKEN"]
    problem = only(told(crosskey, command, code=ExitCode.CONFIG))
    assert (problem["code"], problem["path"]) == ("secret-missing", "source.corp.token")
    assert problem["fix"] == "export OKTA_TOKEN=…"


def test_a_secret_file_that_others_may_read_is_refused(crosskey):
    secret = crosskey.folder / "token"
    secret.write_text(crosskey.stage.okta_token + "\n")
    secret.chmod(0o644)
    crosskey.edit((TOKEN, 'token = { file = "token" }'))
    problem = only(told(crosskey, "plan", code=ExitCode.CONFIG))
    assert (problem["code"], problem["path"], problem["fix"]) == (
        "secret-exposed",
        "source.corp.token",
        f"chmod 600 {secret}",
    )
    secret.chmod(0o600)
    assert crosskey("plan").code == ExitCode.OK


def test_a_secret_file_that_cannot_be_read_is_refused(crosskey):
    # A directory: root, too, cannot read it as a file.
    (crosskey.folder / "token").mkdir(mode=0o700)
    crosskey.edit((TOKEN, 'token = { file = "token" }'))
    assert only(told(crosskey, "plan", code=ExitCode.CONFIG))["code"] == "secret-unreadable"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_secret_file_of_somebody_else_is_refused(crosskey):
    (crosskey.folder / "token").touch(mode=0)
    crosskey.edit((TOKEN, 'token = { file = "token" }'))
    assert only(told(crosskey, "plan", code=ExitCode.CONFIG))["code"] == "secret-unreadable"


def test_a_secret_file_that_is_missing_or_empty_is_refused(crosskey):
    crosskey.edit((TOKEN, 'token = { file = "token" }'))
    assert only(told(crosskey, "plan", code=ExitCode.CONFIG))["code"] == "secret-missing"
    (crosskey.folder / "token").touch(mode=0o600)
    assert only(told(crosskey, "plan", code=ExitCode.CONFIG))["code"] == "secret-empty"


# --------------------------------------------------------------------------------------------- names of the vendors' things


@pytest.mark.parametrize(
    ("old", "new", "path", "closest"),
    [
        ('site = "Acme / London"', 'site = "Acme / Londno"', "map.user.assign[0].site", "Acme / London"),
        ('site = "Acme / Main"', 'site = "Main Office"', "map.user.default.site", "Acme / Main"),
        ('roles = ["Standard User"]', 'roles = ["Standard Users"]', "map.agent.assign[0].roles", "Standard User"),
        ('teams = ["1st Line"]', 'teams = ["First Line"]', "map.agent.assign[1].teams", "1st Line"),
        ('emailaddress = "email"', 'emailadress = "email"', "map.user.fields.emailadress", "emailaddress"),
        ('title = "title"', 'title = "titel"', "map.user.fields.title", "title"),
    ],
)
def test_names_that_the_desk_does_not_know_come_with_the_closest_ones(crosskey, old, new, path, closest):
    crosskey.edit((old, new))
    error = told(crosskey, "sync", code=ExitCode.CONFIG)
    problem = next(problem for problem in error["problems"] if problem["path"].startswith(path))
    assert f'"{closest}"' in problem["message"] + problem["fix"]


def test_several_wrong_names_are_told_at_once_and_by_check_too(crosskey):
    crosskey.edit(('site = "Acme / London"', 'site = "Acme / Londno"'), ('teams = ["2nd Line"]', 'teams = ["Second"]'))
    assert len(told(crosskey, "plan", code=ExitCode.CONFIG)["problems"]) == 2
    checked = crosskey("check", "--json")
    assert checked.code == ExitCode.CONFIG
    broken = [finding for finding in checked.json["findings"]["map"] if finding["severity"] == "error"]
    assert len(broken) == 2
    assert all(finding["path"] and finding["fix"] for finding in broken)


def test_a_group_that_is_not_there_is_told_with_the_closest_one(crosskey):
    crosskey.edit(('group = "London Office"', 'group = "Londn Office"'))
    error = told(crosskey, "sync", code=ExitCode.CONFIG)
    assert error["code"] == "group-unknown"
    assert '"London Office"' in error["message"]
    assert crosskey.last_run()["verdict"] == "failed"


def test_two_groups_of_one_name_need_a_pin_and_the_told_one_works(crosskey):
    crosskey.edit(('group = "London Office"', 'group = "Project Phoenix"'))
    error = told(crosskey, "plan", code=ExitCode.CONFIG)
    assert error["code"] == "group-ambiguous"
    table, _, line = error["fix"].removeprefix("say which one: ").partition("] ")
    crosskey.add(f"{table}]\n{line}")
    assert crosskey("plan").code == ExitCode.OK
    twins = [group.id for group in crosskey.stage.org.groups.named("Project Phoenix")]
    assert line.rpartition(" = ")[2].strip('"') in twins


def test_a_pin_that_leads_nowhere_is_refused(crosskey):
    crosskey.add('[source.corp.groups]\n"All Staff" = "00gNOBODY"')
    error = told(crosskey, "plan", code=ExitCode.CONFIG)
    assert "00gNOBODY" in error["message"]
    assert error["where"] == "source.corp.groups"
