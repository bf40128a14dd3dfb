"""``crosskey sessions`` and ``crosskey sso attempts``, which need no network; ``crosskey serve`` as a process."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from cli_bench import Run, Shell, ended, run_here, wait_until
from sso_bench import ADA, BO, opened, section_of

from crosskey.clock import SystemClock
from crosskey.errors import ExitCode
from crosskey.journal import Doorbook
from crosskey.sso.following import attempts_as_they_come

CONFIGURATION = """
[source.corp]
use = "okta"
url = "https://acme.okta.example"
token = { env = "OKTA_TOKEN" }

[target.desk]
use = "halo"
url = "https://acme.halo.example"
client_id = "x"
client_secret = { env = "HALO_SECRET" }

[map.user]
[map.agent]

[journal]
path = "kept/journal.sqlite"

[sso.agents]
use = "oidc"
issuer = "http://127.0.0.1:9"
public_url = "https://desk.acme.example"
client_id = "door"
client_secret = { env = "DOOR_SECRET" }
"""
SECRETS = {"OKTA_TOKEN": "canary-a", "HALO_SECRET": "canary-b", "DOOR_SECRET": "canary-c"}


class Typed:
    """Where commands are typed, beside a journal with sessions in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "crosskey.toml").write_text(CONFIGURATION, encoding="utf-8")

    def __call__(self, *words: str, **environment: str) -> Run:
        run = run_here(words, self.folder, environment)
        assert "Traceback" not in run.err + run.out
        return run


@pytest.fixture
async def crosskey(tmp_path):
    """Ada is inside by both doors and Bo by the portal, after one refused attempt."""
    async with opened(tmp_path) as agents:
        await agents.refuses_claims("aud-mismatch", aud="another")
        await agents.sign_in({"email": "ada@acme.example"})
        async with opened(tmp_path, section_of(door="portal"), beside=agents) as portal:
            await portal.sign_in()
            await portal.sign_in({"sub": "bo"})
        yield Typed(tmp_path)


def doors_of(crosskey: Typed) -> list[Any]:
    """The clock of these sessions stands still in the past, so they are over by now; what ended them is told."""
    rows = json.loads(crosskey("sessions", "list", "--all", "--json").out)
    return [(row["door"], row["person"]) for row in rows if not row["revoked_because"]]


def test_sessions_are_listed_without_what_opens_them(crosskey):
    run = crosskey("sessions", "list", "--all")
    assert run.code == ExitCode.OK
    for words in ("agent 7", "user 70", "user 80", "3 sessions"):
        assert words in run.out
    row = json.loads(crosskey("sessions", "list", "--all", "--json").out)[0]
    assert not {"id", "sealed", "mail", "sid", "sub"} & set(row)


def test_a_session_is_ended_by_number(crosskey):
    assert "1 session ended" in crosskey("sessions", "revoke", "1").out
    assert "No session" in crosskey("sessions", "revoke", "1", "99").out
    assert doors_of(crosskey) == [("portal", BO.id), ("portal", ADA.id)]
    assert "operator" in crosskey("sessions", "list", "--all").out


def test_a_person_is_out_everywhere(crosskey):
    assert json.loads(crosskey("sessions", "revoke", "--person", ADA.id, "--json").out) == {"ended": 2}
    assert doors_of(crosskey) == [("portal", BO.id)]


def test_everybody_at_one_door(crosskey):
    assert "2 sessions ended" in crosskey("sessions", "revoke", "--all", "--door", "portal").out
    assert doors_of(crosskey) == [("agents", ADA.id)]
    assert "1 session ended" in crosskey("sessions", "revoke", "--all").out


@pytest.mark.parametrize("words", [(), ("1", "--all"), ("--all", "--person", "ada"), ("0",)])
def test_what_is_to_end_must_be_said(crosskey, words):
    assert crosskey("sessions", "revoke", *words).code == 2
    assert len(doors_of(crosskey)) == 3


def test_somebody_whom_nobody_knows(crosskey):
    run = crosskey("sessions", "revoke", "--person", "nobody")
    assert (run.code, "person-unknown" in run.err or "nobody of the id" in run.err) == (ExitCode.CONFIG, True)


def test_attempts_have_the_real_reason_and_masked_claims(crosskey):
    run = crosskey("sso", "attempts")
    assert run.code == ExitCode.OK
    for words in ("aud-mismatch", "signed-in", "4 attempts"):
        assert words in run.out
    assert "ada@acme.example" not in crosskey("sso", "attempts", "--json").out
    [last] = json.loads(crosskey("sso", "attempts", "--door", "agents", "--limit", "1", "--json").out)
    assert (last["code"], last["subject"]["id"]) == ("signed-in", "ada")


def test_status_tells_how_late_a_leaver_may_be_out(crosskey):
    """And that the transmitter is asked by nobody, since nothing is served."""
    file = crosskey.folder / "crosskey.toml"
    polls = 'enabled = true\nsignal_poll = "https://id.acme.example/poll"\nsignal_poll_token = { env = "POLL_TOKEN" }'
    file.write_text(CONFIGURATION.replace("[sso.agents]", f"[sso.agents]\n{polls}"), encoding="utf-8")
    run = crosskey("status")
    for words in (
        "worst case: 10h, when sessions end in any case: crosskey watch does not run",
        "security events fetched: nobody asks the transmitter",
        "fix: start `crosskey serve`",
        "Global Token Revocation",
    ):
        assert words in run.out
    [door] = json.loads(crosskey("status", "--json").out)["doors"]
    assert (door["door"], door["provider"], door["holds"], door["worst"]) == ("agents", "oidc", "limit", 36_000)
    channels = {each["channel"]: each for each in door["channels"]}
    assert (channels["poll"]["bound"], channels["poll"]["heard_at"]) == (30, None)
    assert channels["poll"]["problem"]
    with Doorbook.noting(crosskey.folder / "kept" / "journal.sqlite", clock=SystemClock(), connection="desk") as book:
        book.note_poll("agents")
    [door] = json.loads(crosskey("status", "--json").out)["doors"]
    assert next(each for each in door["channels"] if each["channel"] == "poll")["problem"] == ""


def test_nothing_is_served_without_an_open_door(crosskey):
    run = crosskey("serve", **SECRETS)
    assert (run.code, "no door is switched on" in run.err) == (ExitCode.CONFIG, True)


def test_a_test_that_nobody_makes_gives_up(crosskey):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    run = crosskey("sso", "test", "agents", "--port", port, "--wait", "1", "--no-browser", **SECRETS)
    assert (run.code, f"http://localhost:{port}/agents/callback/oidc" in run.err) == (ExitCode.RETRYABLE, True)


def test_serve_as_a_process(tmp_path):
    """It says where it is, answers a proxy, takes up another configuration at SIGHUP, and ends at SIGTERM."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    file = tmp_path / "crosskey.toml"
    opens = CONFIGURATION.replace("[sso.agents]", "[sso.agents]\nenabled = true")
    file.write_text(f'{opens}\n[serve]\nlisten = "127.0.0.1:{port}"\n', encoding="utf-8")
    shell = Shell.__new__(Shell)
    shell.folder, shell.environment = tmp_path, SECRETS
    process = shell.start("serve", "--json")
    assert process.stdout is not None
    try:
        assert f"127.0.0.1:{port}" in json.loads(process.stdout.readline())["text"]
        assert answer(port, "/healthz") == 200
        assert answer(port, "/auth/verify") == 401
        file.write_text(file.read_text(encoding="utf-8").replace("enabled = true", "enabled = maybe"), encoding="utf-8")
        process.send_signal(signal.SIGHUP)
        assert "stays as it was" in json.loads(process.stdout.readline())["text"]
        assert f"127.0.0.1:{port}" in json.loads(process.stdout.readline())["text"]
        wait_until(lambda: answer(port, "/auth/verify") == 401, process)
    finally:
        process.send_signal(signal.SIGTERM)
    assert ended(process).code == ExitCode.OK


def answer(port: int, path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as response:
            return response.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


async def test_attempts_are_followed_as_they_come(tmp_path):
    """The last ones first, the oldest at the top; then each once, at the door that was asked for."""
    async with opened(tmp_path) as bench:
        await bench.sign_in()
        await bench.refuses_claims("aud-mismatch", aud="another")
        coming = attempts_as_they_come(bench.path, "desk", bench.clock, door="agents", last=20)
        assert [(await anext(coming)).code for _ in range(2)] == ["signed-in", "aud-mismatch"]
        async with opened(tmp_path, section_of(door="portal"), beside=bench) as portal:
            await portal.sign_in()
        await bench.refuses_claims("iss-mismatch", iss="https://evil.example")
        assert (await anext(coming)).code == "iss-mismatch"
        waits = len(bench.clock.slept)
        following = asyncio.ensure_future(anext(coming))
        for _ in range(10):
            await asyncio.sleep(0)
        assert (following.done(), len(bench.clock.slept) > waits) == (False, True)  # it waits for the next one
        await bench.sign_in()
        assert (await following).code == "signed-in"
        await coming.aclose()


async def test_follow_as_a_process(tmp_path):
    """A line for each, and Ctrl-C ends it in good order."""
    async with opened(tmp_path) as bench:
        await bench.refuses_claims("aud-mismatch", aud="another")
        Typed(tmp_path)
        shell = Shell.__new__(Shell)
        shell.folder, shell.environment = tmp_path, {}
        process = shell.start("sso", "attempts", "--follow", "--json")
        assert process.stdout is not None
        try:
            assert json.loads(process.stdout.readline())["code"] == "aud-mismatch"
            await bench.sign_in({"email": "ada@acme.example"})
            line = process.stdout.readline()
            assert json.loads(line)["code"] == "signed-in"
            assert "ada@acme.example" not in str(line)
        finally:
            process.send_signal(signal.SIGINT)
        run = ended(process)
        assert (run.code, run.err) == (ExitCode.OK, "")
