"""init, plugins, history, explain, completion, and plugins of others that are broken."""

from __future__ import annotations

import json
import os
import pty
import select
import stat
import subprocess
import sys
import tomllib
from datetime import UTC, datetime, timedelta

import pytest
from cli_bench import told

from crosskey.clock import SystemClock
from crosskey.errors import ExitCode
from crosskey.journal import Trouble, Watchbook
from crosskey.journal.troubles import GIVEN_UP
from trusted_site import write_record, write_trust

# ----------------------------------------------------------------------------------------------------------------- init


def init_words(stage) -> list[str]:
    settings = {
        "--source-set": [f"url={stage.okta_url}", "token=env:OKTA_TOKEN"],
        "--target-set": [
            f"url={stage.halo_url}",
            f"client_id={stage.desk.application.client_id}",
            "client_secret=env:HALO_SECRET",
        ],
    }
    words = ["init", "--no-input", "--config", "mine.toml", "--source", "okta", "--target", "halo"]
    words += [word for option, pairs in settings.items() for pair in pairs for word in (option, pair)]
    return [*words, "--map", "user=All Staff", "--default", "user.site=Acme / Main"]


def test_init_with_flags_writes_what_check_and_plan_take_as_it_is(crosskey):
    run = crosskey(*init_words(crosskey.stage), "--map", "agent=Service Desk")
    assert (run.code, run.err) == (ExitCode.OK, "")
    for line in ("export OKTA_TOKEN=…", "export HALO_SECRET=…", "crosskey check --config mine.toml"):
        assert line in run.out
    assert crosskey("check", "-c", "mine.toml").code == ExitCode.OK
    plan = crosskey("plan", "-c", "mine.toml", "--json")
    assert plan.code == ExitCode.OK
    assert {change["kind"] for change in plan.json["changes"]} == {"user", "agent"}


def test_init_keeps_a_file_that_is_there(crosskey):
    mine = crosskey.folder / "mine.toml"
    mine.write_text("# mine\n")
    words = init_words(crosskey.stage)
    assert "--force" in told(crosskey, *words, code=ExitCode.CONFIG)["fix"]
    assert mine.read_text() == "# mine\n"
    assert crosskey(*words, "--force").code == ExitCode.OK
    assert "okta" in tomllib.loads(mine.read_text())["source"]["corp"]["use"]


def test_init_tells_what_it_wrote_as_json(crosskey):
    run = crosskey(*init_words(crosskey.stage), "--json")
    assert run.json == {"wrote": "mine.toml", "variables": ["OKTA_TOKEN", "HALO_SECRET"]}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--source", "otka"], '"okta"'),
        (["--target", "hallo"], '"halo"'),
        (["--source-set", "tokn=env:X"], '"token"'),
        (["--source-set", "token=00secretvalue"], "token=env:NAME"),
        (["--source-set", "token"], "KEY=VALUE"),
        (["--source-set", "concurrency=many"], "concurrency"),
        (["--map", "usr=All Staff"], '"user"'),
        (["--map", "user"], "KIND=GROUP"),
        (["--default", "user.sit=Acme / Main"], '"site"'),
        (["--default", "site=Acme / Main"], "KIND.REF=NAME"),
        (["--default", "agent.team=1st Line"], "--map agent="),
        (["--source-name", "my corp"], "my corp"),
        (["--config", "/nonexistent/c.toml"], "/nonexistent/c.toml"),
    ],
)
def test_flags_of_init_that_cannot_be_right_are_told(crosskey, words, says):
    run = crosskey(*init_words(crosskey.stage), *words)
    assert (run.code, run.out) == (ExitCode.CONFIG, "")
    assert says in run.err
    assert "00secretvalue" not in run.err
    assert not (crosskey.folder / "mine.toml").exists()


def test_init_asks_on_a_terminal(crosskey):
    """Typed answers on a real terminal; secrets are references, and an answer that is a value is asked again."""
    stage = crosskey.stage
    answers = [
        stage.okta_url,
        "00this-is-the-token-itself",
        "env:OKTA_TOKEN",
        "",
        "",
        stage.halo_url,
        stage.desk.application.client_id,
        "env:HALO_SECRET",
        "",
        "All Staff",
        "Acme / Main",
        "",
    ]
    words = ["init", "-c", "asked.toml", "--source", "okta", "--target", "halo"]
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "crosskey", *words],
        cwd=crosskey.folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "dumb"},
    ) as process:
        os.close(theirs)
        os.write(ours, "".join(f"{answer}\n" for answer in answers).encode())
        shown = b""
        while select.select([ours], [], [], 10)[0]:  # silence: it waits for an answer that the test does not have
            try:
                shown += os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
        process.kill()
    os.close(ours)
    assert process.returncode == 0, shown.decode()
    text = (crosskey.folder / "asked.toml").read_text()
    assert "00this-is" not in text
    assert tomllib.loads(text)["map"]["user"]["scope"] == {"groups": ["All Staff"]}
    assert crosskey("check", "-c", "asked.toml").code == ExitCode.OK
    assert crosskey("plan", "-c", "asked.toml").code == ExitCode.OK


# -------------------------------------------------------------------------------------------------------------- plugins


def test_plugins_are_listed_with_their_origin(crosskey):
    found = {record["name"]: record for record in crosskey("plugins", "list", "--json").json}
    assert {"okta", "halo", "rules", "sandbox"} <= set(found)
    assert found["okta"]["provides"] == ["source okta", "sso flow okta"]
    text = crosskey("plugins", "list")
    assert text.code == ExitCode.OK
    assert "source okta" in text.out


@pytest.mark.parametrize(
    ("name", "says"),
    [("okta", "member_page"), ("halo", "requests_per_5_minutes"), ("rules", "leavers"), ("sandbox", "commands")],
)
def test_a_plugin_is_shown_with_its_settings(crosskey, name, says):
    text = crosskey("plugins", "show", name)
    assert (text.code, text.err) == (ExitCode.OK, "")
    assert says in text.out
    assert says in json.dumps(crosskey("plugins", "show", name, "--json").json)


def test_a_plugin_that_is_not_there_is_told_with_the_closest_one(crosskey):
    assert '"halo"' in told(crosskey, "plugins", "show", "hallo", code=ExitCode.CONFIG)["message"]


BROKEN = {
    "acme-broken": "raise RuntimeError('half of it is missing')",
    "acme-hooks": "from crosskey import hookimpl\n@hookimpl\ndef crosskey_sorces():\n    return []\n",
    "acme-async": "from crosskey import hookimpl\n@hookimpl\nasync def crosskey_sources():\n    return []\n",
    "acme-commands": "from crosskey import hookimpl\n@hookimpl\ndef crosskey_commands():\n    raise ValueError('no')\n",
}


@pytest.fixture
def beside(tmp_path):
    """Distributions of third parties, as installed beside crosskey; their folder."""
    folder = tmp_path / "site"
    folder.mkdir()
    for name, source in BROKEN.items():
        module = name.replace("-", "_")
        (folder / f"{module}.py").write_text(source)
        info = folder / f"{module}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[crosskey]\n{name} = {module}\n")
        write_record(folder, info, f"{module}.py")
    return {"environment": {"PYTHONPATH": str(folder), **write_trust(tmp_path / "trusted.json", folder)}}


def test_a_broken_plugin_is_found_and_told_and_stops_nobody(crosskey, beside):
    listed = crosskey.process("plugins", "list", "--json", **beside)
    found = {record["name"]: record for record in listed.json}
    assert {name: found[name]["state"] for name in list(BROKEN)[:3]} == dict.fromkeys(list(BROKEN)[:3], "broken")
    assert "half of it is missing" in found["acme-broken"]["reason"]
    assert "crosskey_sources" in found["acme-hooks"]["reason"]
    assert "async" in found["acme-async"]["reason"]
    assert "half of it is missing" in " ".join(crosskey.process("plugins", "list", **beside).out.split())
    assert crosskey.process("plugins", "show", "acme-broken", **beside).code == ExitCode.OK
    run = crosskey.process("sync", "--json", **beside)
    assert (run.code, run.err) == (ExitCode.OK, "")
    assert crosskey.process("--help", **beside).code == ExitCode.OK


def test_a_configuration_that_needs_a_broken_plugin_says_why(crosskey, beside):
    crosskey.edit(('use = "okta"', 'use = "acme-broken"'))
    run = crosskey.process("plan", "--json", **beside)
    assert run.code == ExitCode.CONFIG
    [problem] = run.error["problems"]
    assert (problem["path"], problem["code"]) == ("source.corp.use", "plugin-broken")
    assert "half of it is missing" in problem["message"]
    assert "acme-broken" in problem["fix"]


# ------------------------------------------------------------------------------------------------- history and explain


def test_history_tells_runs_and_what_one_did(crosskey):
    assert crosskey("plan").code == ExitCode.OK
    assert crosskey("sync").code == ExitCode.OK
    runs = crosskey("history", "--json").json
    assert [(run["kind"], run["verdict"]) for run in runs] == [("sync", "clean"), ("plan", "clean")]
    newest = runs[0]["id"]
    assert newest in crosskey("history").out
    one = crosskey("history", newest, "--json").json
    assert one["run"]["id"] == newest
    assert all(operation["state"] == "done" for operation in one["operations"])
    assert "create" in crosskey("history", newest).out
    assert "It wrote nothing." in crosskey("history", runs[1]["id"]).out
    assert crosskey("history", newest[:-2]).code == ExitCode.OK


@pytest.mark.parametrize("name", ["20250101T000000-ffff", "nonsense", "2"])
def test_a_run_that_is_not_there_or_not_the_only_one_is_told(crosskey, name):
    crosskey("plan")
    crosskey("plan")
    assert told(crosskey, "history", name, code=ExitCode.CONFIG)["fix"]


def test_explain_finds_a_person_by_everything_that_names_them(crosskey):
    assert crosskey("sync").code == ExitCode.OK
    person = crosskey.stage.company.people[2]
    user = crosskey.stage.org.users.find(person.login)
    [account] = [each for each in crosskey.stage.desk.users.values() if each.emailaddress == person.email]
    for who in (person.email, person.email.upper(), user.id, f"user:{account.id}"):
        text = crosskey("explain", who)
        assert (text.code, text.err) == (ExitCode.OK, "")
        assert person.display_name in text.out
        assert f"user {account.id}" in text.out
        [told_once] = crosskey("explain", who, "--json").json
        assert told_once["person"]["display_name"] == person.display_name


def test_explain_needs_neither_network_nor_secrets(crosskey):
    assert crosskey("sync").code == ExitCode.OK
    crosskey.environment.clear()
    asked = len(crosskey.stage.org.requests), len(crosskey.stage.desk.requests)
    assert crosskey("explain", crosskey.stage.company.people[2].email).code == ExitCode.OK
    assert crosskey("history").code == ExitCode.OK
    assert (len(crosskey.stage.org.requests), len(crosskey.stage.desk.requests)) == asked


def test_explain_says_that_the_watcher_gave_up_to_people_and_to_programs(crosskey):
    crosskey("plan")
    who = crosskey.stage.company.people[2].email
    assert crosskey("explain", who, "--json").json[0]["given_up"] is None
    now = datetime.now(UTC)
    trouble = Trouble(
        since=now - timedelta(days=30),
        failures=40,
        step=GIVEN_UP,
        next_try_at=now,
        code="credential-refused",
        place="source.corp",
        text="answered 401",
        fix="renew the token",
        exit_code=3,
    )
    [path] = crosskey.folder.rglob("journal.sqlite")
    with Watchbook.noting(path, clock=SystemClock(), connection="desk") as book:
        book.note_trouble(trouble)
    text = " ".join(crosskey("explain", who).out.split())
    assert "given up (given-up): 40 rounds failed since" in text
    told_once = crosskey("explain", who, "--json").json[0]["given_up"]
    assert (told_once["failures"], told_once["code"], told_once["text"]) == (40, "credential-refused", "answered 401")
    assert f"fix: {told_once['fix']}" in text


@pytest.mark.parametrize("who", ["nobody@acme.example", "user:999999", "dog:1", "", "%", "a' OR 1=1 --"])
def test_somebody_whom_nobody_knows_is_told(crosskey, who):
    crosskey("plan")
    assert "kind:key" in told(crosskey, "explain", who, code=ExitCode.CONFIG)["fix"]


# ----------------------------------------------------------------------------------------------------- the command line


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(crosskey, shell):
    run = crosskey.process(environment={"_CROSSKEY_COMPLETE": f"{shell}_source"})
    assert (run.code, run.err) == (ExitCode.OK, "")
    assert "_CROSSKEY_COMPLETE" in run.out


def test_completing_a_command_line_starts_nothing(crosskey):
    trace = crosskey.folder / "trace.jsonl"
    environment = {
        "_CROSSKEY_COMPLETE": "bash_complete",
        "COMP_WORDS": f"crosskey plan --trace {trace} --s",
        "COMP_CWORD": "4",
    }
    run = crosskey.process(environment=environment)
    assert run.out == "plain,--save\n"
    assert not trace.exists()


@pytest.mark.parametrize("command", ["init", "check", "plan", "apply", "sync", "explain", "history"])
def test_help_has_examples(crosskey, command):
    run = crosskey(command, "--help")
    assert run.code == ExitCode.OK
    assert "Examples:" in run.out


def test_a_trace_holds_the_run_and_its_requests(crosskey):
    run = crosskey.process("sync", "--json", "--trace", "trace.jsonl")
    assert (run.code, run.err) == (ExitCode.OK, "")
    trace = crosskey.folder / "trace.jsonl"
    assert stat.S_IMODE(trace.stat().st_mode) == 0o600
    spans = [json.loads(line) for line in trace.read_text().splitlines()]
    names = {span["name"] for span in spans}
    assert {"crosskey.run", "crosskey.read", "crosskey.plan", "crosskey.apply"} <= names
    assert any(span["attributes"].get("url.template") == "/api/v1/users" for span in spans)
    [root] = [span for span in spans if span["name"] == "crosskey.run"]
    assert {span["trace"] for span in spans} == {root["trace"]}


def test_an_exporter_that_is_not_installed_is_told(crosskey):
    run = crosskey.process("plan", "--json", environment={"OTEL_TRACES_EXPORTER": "zipkin"})
    assert (run.code, run.error["code"]) == (ExitCode.CONFIG, "trace-exporter")


def test_log_lines_are_json_beside_json_and_never_on_standard_output(crosskey):
    run = crosskey("plan", "--json", "--log", "debug")
    assert run.json["verdict"] == "clean"
    assert all(json.loads(line)["message"] for line in run.err.splitlines())
    assert crosskey("plan", "--json", CROSSKEY_LOG="debug").err.count("\n") == run.err.count("\n")
