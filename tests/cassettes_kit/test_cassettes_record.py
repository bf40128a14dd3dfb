"""``crosskey cassette record`` against the local vendors: what is written replays, and holds neither secret nor person."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import msgspec
import pytest
from cli_bench import Run
from cli_bench import run_here as run_in

from crosskey.cassettes import Pseudonyms, lint, load
from crosskey.config import load_config
from crosskey.engine.connect import Connect
from crosskey.engine.run import RunOptions, execute
from crosskey.http import recording
from crosskey.journal import JournalWriter
from crosskey.plugins import load_plugins
from crosskey_sandbox.stage import configuration, on_stage


def run_here(words: list[str]) -> Run:
    return run_in(tuple(words), Path(), {})


class Quiet:
    def phase(self, name, total):
        """Nobody looks."""

    def advance(self, count):
        """Nobody looks."""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A company of 40, its configuration, what a live plan came to, and the cassette of it."""
    folder = tmp_path_factory.mktemp("recorded")
    with on_stage(people=40, groups=12) as stage, pytest.MonkeyPatch.context() as patched:
        for name, value in stage.secrets().items():
            patched.setenv(name, value)
        (folder / "crosskey.toml").write_text(configuration(stage), encoding="utf-8")
        config = str(folder / "crosskey.toml")
        live = run_here(["plan", "--config", config, "--json"])
        done = run_here(["cassette", "record", str(folder / "tape.yaml"), "--config", config])
        before = (folder / ".crosskey").exists() and sorted(each.name for each in (folder / ".crosskey").iterdir())
        yield folder, stage, json.loads(live.out), done, before


def replayed(folder, stage):
    """A plan over the cassette alone, with other secrets than the live ones."""
    with pytest.MonkeyPatch.context() as patched:
        for name in stage.secrets():
            patched.setenv(name, "not-a-secret")
        plugins = load_plugins()
        config = load_config(folder / "crosskey.toml", plugins)
        journal = msgspec.structs.replace(config.journal, path=folder / "replay" / "journal.sqlite")
        connect = Connect()
        with (
            recording(folder / "tape.yaml", allow_unplayed=True),
            JournalWriter.open(journal.path, clock=connect.clock, connection=config.connection) as writer,
        ):
            apart = msgspec.structs.replace(config, journal=journal)
            result = asyncio.run(execute(apart, plugins, writer, connect, RunOptions(kind="plan"), Quiet()))
            return result.plan.header, list(result.plan.changes())


def test_a_recorded_plan_replays_to_the_same_plan_of_invented_people(recorded):
    folder, stage, live, done, _ = recorded
    assert done.code == 0, done.err + done.out
    header, changes = replayed(folder, stage)
    assert header.counts == live["plan"]["counts"]
    assert header.held_counts == live["plan"]["held_counts"]
    names = {person.display_name for person in stage.company.people}
    assert not names & {change.label for change in changes}


def test_nobody_and_no_secret_is_in_the_file(recorded):
    folder, stage, _, done, _ = recorded
    text = (folder / "tape.yaml").read_text(encoding="utf-8")
    assert text.startswith("# recorded against a real service")
    assert [secret for secret in stage.secrets().values() if secret in text] == []
    people = [word for person in stage.company.people for word in (person.email, person.login) if word in text]
    assert people == []
    assert lint(folder / "tape.yaml") == []
    assert "personal values were replaced" in done.out


def test_the_configurations_own_journal_is_not_touched(recorded):
    folder, _, _, _, before = recorded
    assert sorted(each.name for each in (folder / ".crosskey").iterdir()) == before
    history = json.loads(run_here(["history", "--config", str(folder / "crosskey.toml"), "--json"]).out)
    assert len(history) == 1


def test_a_file_that_is_there_stays(recorded):
    folder, *_ = recorded
    done = run_here(["cassette", "record", str(folder / "tape.yaml"), "--config", str(folder / "crosskey.toml")])
    assert (done.code, "--overwrite" in done.err) == (2, True)


def test_show_says_what_was_asked_and_answered(recorded):
    folder, *_ = recorded
    listed = json.loads(run_here(["cassette", "show", str(folder / "tape.yaml"), "--json"]).out)
    assert sum(one["count"] for one in listed) == len(load(folder / "tape.yaml"))
    assert any(one["place"].endswith("/api/v1/users") and one["records"] > 30 for one in listed)
    assert "/api/v1/users" in run_here(["cassette", "show", str(folder / "tape.yaml")]).out


def test_live_answers_of_the_same_shape_have_not_drifted(recorded):
    folder, *_ = recorded
    done = run_here(["cassette", "drift", str(folder / "tape.yaml"), "--config", str(folder / "crosskey.toml")])
    assert done.code == 0, done.out + done.err
    assert "recorded shape" in done.out


def test_a_member_that_is_gone_or_another_is_drift(recorded, tmp_path):
    folder, *_ = recorded
    text = (folder / "tape.yaml").read_text(encoding="utf-8")
    older = tmp_path / "older.yaml"
    older.write_text(text.replace('"firstName":"', '"callName":"'), encoding="utf-8")
    done = run_here(["cassette", "drift", str(older), "--config", str(folder / "crosskey.toml"), "--json"])
    assert done.code == 5, done.out + done.err
    drifts = {(one["sort"], one["path"]) for one in json.loads(done.out)}
    assert ("gone", "[].profile.callName") in drifts


def test_a_recording_that_fails_leaves_no_file(recorded, tmp_path):
    folder, *_ = recorded
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("OKTA_TOKEN", "wrong")
        done = run_here(["cassette", "record", str(tmp_path / "no.yaml"), "--config", str(folder / "crosskey.toml")])
    assert done.code == 3
    assert not (tmp_path / "no.yaml").exists()


def test_the_key_of_the_inventions_is_new_each_time():
    texts = ['{"firstName": "Grace", "lastName": "Hopper", "email": "grace@acme.com"}']
    one, two = Pseudonyms(), Pseudonyms()
    one.learn(texts)
    two.learn(texts)
    assert one.text(texts[0]) != two.text(texts[0])
