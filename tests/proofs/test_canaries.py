"""Secrets are nowhere, and people only where the documentation says, whatever was run and whatever failed (T18).

Every secret that the configuration of a company on Okta and Halo can hold is a canary; so are its people. Commands run
as processes with debugging, logging at its loudest, and tracing; then everything left behind is searched.
"""

from __future__ import annotations

import base64
import gzip
import json
import shutil
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from canary_search import files, found, tables_without_people
from cli_bench import Shell, small_company

LOUD = {"CROSSKEY_DEBUG": "1", "CROSSKEY_LOG": "debug"}
PEOPLE_MAY_BE_TOLD_BY = ("check", "plan", "apply", "sync", "explain", "history", "replay", "swap")
"""Commands that show people on the terminal: that is what they are for (`check` says whose credential it is). Their
standard error tells of nobody."""

FINE = (0, 6, 11, 12)
"""Done, or something is held; `status` also says that rounds failed (11), or none succeeded in time (12)."""

MORE = """
[watch]
every = "1h"
listen = "127.0.0.1:0"
[watch.heartbeat]
url = { env = "PING" }
[notify.hook]
use = "webhook"
url = { env = "HOOK" }
secret = { env = "HOOK_KEY" }
[notify.post]
use = "smtp"
host = "127.0.0.1"
port = 9
username = "crosskey"
password = { env = "MAIL_WORD" }
from = "crosskey@acme.example"
to = ["ops@acme.example"]
"""


class Company:
    """A shell whose every secret is known, and everything it said."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.said: list[tuple[str, bytes]] = []
        self.public: list[tuple[str, bytes]] = []
        shell.edit(
            ('token = { env = "OKTA_TOKEN" }', 'token = { env = "OKTA_TOKEN" }\nhook_secret = { env = "OKTA_HOOK" }')
        )
        shell.add(MORE)
        shell.environment |= {
            "OKTA_HOOK": "canary-okta-hook-41d7",
            "PING": "https://127.0.0.1:9/canary-ping-9b2e",
            "HOOK": "https://127.0.0.1:9/services/canary-hook-77aa",
            "HOOK_KEY": "canary-hook-key-0c5f",
            "MAIL_WORD": "canary-mail-word-e8d1",
        }
        self.right = dict(shell.environment)

    @property
    def secrets(self) -> dict[str, str]:
        """Every secret that was configured, issued, or tried."""
        desk = self.shell.stage.desk
        named = {**self.right, "wrong token": "00canary-wrong-okta", "wrong secret": "canary-wrong-halo"}
        named["ping path"], named["hook path"] = "canary-ping-9b2e", "canary-hook-77aa"
        return named | {f"access token {number}": token for number, token in enumerate(desk.tokens)}

    @property
    def people(self) -> dict[str, str]:
        """Addresses and names that are nobody's but theirs."""
        names = {}
        for number, person in enumerate(self.shell.stage.company.people):
            names |= {f"address of {number}": person.email or person.login, f"name of {number}": person.display_name}
        return {what: word for what, word in names.items() if word}

    def run(self, *words: str, fails: bool = False, **wrong: str) -> None:
        """A command as a process; its streams are kept."""
        traced = words[0] in ("check", "plan", "apply", "sync")
        extra = ("--trace", f"trace-{len(self.said)}.jsonl") if traced else ()
        process = self.shell.start(*words, *extra, environment={**LOUD, **wrong})
        out, err = process.communicate(timeout=120)
        assert (process.returncode in FINE) is not fails, (words, out, err)
        self.said += [(f"stdout of {words}", out.encode()), (f"stderr of {words}", err.encode())]
        self.public.append(self.said[-1])
        if words[0] not in PEOPLE_MAY_BE_TOLD_BY:
            self.public.append(self.said[-2])

    def watch(self, until: str, **wrong: str) -> None:
        """A watcher until it says something, with its endpoints asked; pings and notices go nowhere and fail."""
        log = self.shell.folder / f"watch-{len(self.said)}.log"
        with log.open("w") as out:
            process = self.shell.start("watch", stdout=out, stderr=out, environment={**LOUD, **wrong})
            try:
                url = self._url(process, log, until)
                for path in ("/metrics", "/status", "/readyz"):
                    self.public.append((path, httpx.get(url + path, timeout=10).content))
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(60)
        self.public.append((log.name, log.read_bytes()))
        self.said.append(self.public[-1])

    @staticmethod
    def _url(process, log: Path, until: str) -> str:
        end = time.monotonic() + 60
        while until not in log.read_text() or "/status tells" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.05)
        words = log.read_text().split()
        return next(word for word in words if word.startswith("http://")).removesuffix("/status")


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """A company after everything: good runs, failing ones, a watcher's round, a recording, and the past asked."""
    with small_company() as stage:
        here = Company(Shell(tmp_path_factory.mktemp("canaries"), stage))
        who = next(person.email for person in stage.company.people if person.status == "active" and person.email)
        here.run("check")
        here.run("plan", "--json", "--save", "monday.plan")
        here.watch("quarantine", OKTA_TOKEN="00canary-wrong-okta")
        here.run("sync")
        here.run("cassette", "record", "kept.yaml")
        for wrong in ({"OKTA_TOKEN": "00canary-wrong-okta"}, {"HALO_SECRET": "canary-wrong-halo"}):
            here.run("check", fails=True, **wrong)
            here.run("sync", fails=True, **wrong)
        here.run("apply", "monday.plan", "--yes", fails=True)
        here.run("explain", who)
        here.run("explain", who, "--at", "last", "--json")
        here.run("explain", who, "--field", "title")
        here.run("replay", "last", "--json")
        here.run("history", "--json")
        here.run("status", "--json")
        here.run("hooks", "--help")
        (here.shell.folder / "crosskey.toml").write_text("[source.corp\n", encoding="utf-8")
        here.run("plan", fails=True)
        yield here


def test_secrets_are_nowhere(company):
    places = [*company.said, *company.public, *files(company.shell.folder)]
    assert len(company.secrets) >= 10
    assert any(place.endswith(".gz") for place, _ in places), "what is compressed is looked into"
    assert any("kept.yaml" in place for place, _ in places)
    assert found(company.secrets, places) == []


def test_people_are_only_where_the_documentation_says(company):
    folder = company.shell.folder
    named = ("journal.sqlite", "snapshot.sqlite", "monday.plan", ".all.gz", ".changes.gz")
    places = [*company.public, *tables_without_people(company.shell.journal)]
    places += [(place, content) for place, content in files(folder) if not place.endswith(named)]
    assert [place for place, _ in places if "trace-" in place]
    assert found(company.people, places) == []


@pytest.mark.parametrize(
    ("where", "written"),
    [
        ("log", lambda word: f"refused: {word}".encode()),
        ("json", lambda word: json.dumps({"token": word}).encode()),
        ("url", lambda word: b"GET /x?token=" + quote(word, safe="").encode()),
        ("basic", lambda word: base64.b64encode(f"crosskey:{word}".encode())),
        ("packed", lambda word: gzip.compress(word.encode())),
    ],
)
def test_the_search_finds_a_leak_however_it_is_written(company, tmp_path, where, written):
    """A copy of what was left behind with one leak: a search that misses it would prove nothing."""
    shutil.copytree(company.shell.folder, tmp_path / "copy")
    name = f"leak.{'gz' if where == 'packed' else 'txt'}"
    for word in ("canary-okta-hook-41d7", "canary-mail-word-e8d1", next(iter(company.people.values()))):
        (tmp_path / "copy" / name).write_bytes(written(word))
        assert [hit for hit in found({"it": word}, files(tmp_path / "copy")) if hit.endswith(name)]


def test_the_search_finds_somebody_in_an_event(company, tmp_path):
    copy = tmp_path / "journal.sqlite"
    shutil.copyfile(company.shell.journal, copy)
    word = next(iter(company.people.values()))
    with closing(sqlite3.connect(copy)) as db:
        head = db.execute("SELECT head_seq FROM meta").fetchone()[0]
        db.execute("INSERT INTO event VALUES (?, '', 'desk', '', 'oops', ?, '')", (head + 1, json.dumps({"who": word})))
        db.commit()
    assert found({"it": word}, tables_without_people(copy)) == ["it is in table event"]
