"""Secrets are nowhere, and people only where the documentation says, whatever was run and whatever failed (T18).

Every secret that the configuration of a company on Okta, Entra ID and Halo can hold is a canary; so are its people.
Commands run as processes with debugging, logging at its loudest, and tracing; then everything that was left behind,
sent as a notice, or exported is searched.
"""

from __future__ import annotations

import base64
import gzip
import json
import shutil
import signal
import sqlite3
import time
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from canary_receivers import Received, certificate, receiving
from canary_search import files, found, tables_without_people
from cli_bench import Shell, wait_until
from otlp_receiver import collecting

from crosskey_sandbox.entra.apps import Certificate
from crosskey_sandbox.stage import configuration, on_stage

LOUD = {"CROSSKEY_DEBUG": "1", "CROSSKEY_LOG": "debug"}
PEOPLE_MAY_BE_TOLD_BY = (
    *("check", "plan", "apply", "sync", "undo", "explain", "history", "held", "drift", "replay", "swap"),
)
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
[notify.chat]
use = "webhook"
url = { env = "CHAT" }
secret = { env = "CHAT_KEY" }
[notify.mail]
use = "smtp"
host = "127.0.0.1"
port = MAIL_PORT
security = "none"
username = "crosskey"
password = { env = "MAIL_GOOD" }
from = "crosskey@acme.example"
to = ["ops@acme.example"]
"""
"""Two notifiers whose other end is not there, and two whose is."""


class Company:
    """A shell whose every secret is known, and everything it said."""

    def __init__(self, shell: Shell, received: Received, webhook: int, mail: int, trusted: Path) -> None:
        self.shell = shell
        self.received = received
        self.loud = {**LOUD, "SSL_CERT_FILE": str(trusted)}
        self.more = MORE.replace("MAIL_PORT", str(mail))
        self.said: list[tuple[str, bytes]] = []
        self.public: list[tuple[str, bytes]] = []
        shell.edit(
            ('token = { env = "OKTA_TOKEN" }', 'token = { env = "OKTA_TOKEN" }\nhook_secret = { env = "OKTA_HOOK" }')
        )
        shell.add(self.more)
        shell.environment |= {
            "OKTA_HOOK": "canary-okta-hook-41d7",
            "PING": "https://127.0.0.1:9/canary-ping-9b2e",
            "HOOK": "https://127.0.0.1:9/services/canary-hook-77aa",
            "HOOK_KEY": "canary-hook-key-0c5f",
            "MAIL_WORD": "canary-mail-word-e8d1",
            "CHAT": f"https://127.0.0.1:{webhook}/services/canary-chat-5e21",
            "CHAT_KEY": "canary-chat-key-93f0",
            "MAIL_GOOD": "canary-mail-good-27ab",
            "ENTRA_HOOK": "canary-entra-hook-6a1c-0123456789abcdef",
        }
        self.right = dict(shell.environment)

    @property
    def secrets(self) -> dict[str, str]:
        """Every secret that was configured, issued, or tried."""
        desk, tenant = self.shell.stage.desk, self.shell.stage.tenant
        named = {**self.right, "wrong token": "00canary-wrong-okta", "wrong secret": "canary-wrong-halo"}
        named |= {"ping path": "canary-ping-9b2e", "hook path": "canary-hook-77aa", "chat path": "canary-chat-5e21"}
        named |= {"wrong Entra secret": "canary-wrong-entra"}
        pem = named.pop("ENTRA_PEM", "")
        named |= {f"line {number} of the key": line for number, line in enumerate(private_lines(pem))}
        tokens = [*desk.tokens, *(tenant.applications.grants if tenant is not None else ())]
        return named | {f"access token {number}": token for number, token in enumerate(tokens)}

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
        process = self.shell.start(*words, *extra, environment={**self.loud, **wrong})
        out, err = process.communicate(timeout=120)
        assert (process.returncode in FINE) is not fails, (words, out, err)
        self.said += [(f"stdout of {words}", out.encode()), (f"stderr of {words}", err.encode())]
        self.public.append(self.said[-1])
        if words[0] not in PEOPLE_MAY_BE_TOLD_BY:
            self.public.append(self.said[-2])

    def watch(self, until: str, **wrong: str) -> None:
        """A watcher until it says something and told it, with its endpoints asked; pings and some notices fail."""
        log = self.shell.folder / f"watch-{len(self.said)}.log"
        with log.open("w") as out:
            process = self.shell.start("watch", stdout=out, stderr=out, environment={**self.loud, **wrong})
            try:
                url = self._url(process, log, until)
                wait_until(lambda: self.received.webhooks and self.received.mails, process)
                for path in ("/metrics", "/status", "/readyz"):
                    self.public.append((path, httpx.get(url + path, timeout=10).content))
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(60)
        self.public.append((log.name, log.read_bytes()))
        self.said.append(self.public[-1])

    def swap(self) -> None:
        """Move everybody to Entra ID, and go on with that: its secret first, then its certificate."""
        text = configuration(self.shell.stage, "entra").replace(
            "[target.desk]", 'hook_secret = { env = "ENTRA_HOOK" }\n\n[target.desk]', 1
        )
        new = self.shell.folder / "entra.toml"
        new.write_text(f"{text}\n{self.more}\n", encoding="utf-8")
        self.run("swap", "entra.toml", "--proof", "--json", "--match", "employee_number")
        self.run("swap", "entra.toml", "--yes", "--match", "employee_number")
        new.replace(self.shell.file)
        self.run("check", fails=True, ENTRA_SECRET="canary-wrong-entra")
        self.run("plan", fails=True, ENTRA_SECRET="canary-wrong-entra")

    def sign_with_a_certificate(self) -> None:
        """From now on Entra ID knows us by a certificate; once with the key of another."""
        (public, private), (_, other) = certificate(), certificate()
        tenant = self.shell.stage.tenant
        assert tenant is not None
        tenant.application.certificates.append(Certificate(public))
        self.shell.edit(('client_secret = { env = "ENTRA_SECRET" }', 'certificate = { env = "ENTRA_PEM" }'))
        self.right["ENTRA_PEM"] = self.shell.environment["ENTRA_PEM"] = public + private
        self.run("check", fails=True, ENTRA_PEM=public + other)

    @staticmethod
    def _url(process, log: Path, until: str) -> str:
        end = time.monotonic() + 60
        while until not in log.read_text() or "/status tells" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.05)
        words = log.read_text().split()
        return next(word for word in words if word.startswith("http://")).removesuffix("/status")


def private_lines(pem: str) -> list[str]:
    """The lines of a private key in a PEM, without those that frame it."""
    _, _, key = pem.partition("-----BEGIN PRIVATE KEY-----")
    return [line for line in key.splitlines() if line and "-----" not in line]


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """A company after everything: good runs, failing ones, a watcher's round, a recording, a swap, the past asked."""
    with ExitStack() as stack:
        stage = stack.enter_context(on_stage(people=30, groups=40, entra_port=0))
        for user in [user for user in stage.desk.users.values() if user.name.endswith("(old)")]:
            stage.desk.drop("Users", user.id)
        ends = stack.enter_context(receiving(tmp_path_factory.mktemp("authority")))
        collector = stack.enter_context(collecting())
        here = Company(Shell(tmp_path_factory.mktemp("canaries"), stage), *ends)
        who = next(person.email for person in stage.company.people if person.status == "active" and person.email)
        here.run("check")
        here.run("plan", "--json", "--save", "monday.plan")
        here.watch("quarantine", OKTA_TOKEN="00canary-wrong-okta")
        here.run("sync")
        first = here.shell.last_run()["id"]
        here.run("cassette", "record", "kept.yaml")
        here.run("cassette", "lint", "kept.yaml")
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
        here.swap()
        here.run("sync", "--otlp", collector.url)
        here.sign_with_a_certificate()
        here.run("plan", "--json")
        here.run("undo", first, "--only", who, "--yes", "--otlp", collector.url)
        here.run("held")
        here.run("drift")
        here.run("audit", "export", "--out", "heads.jsonl")
        here.run("audit", "verify", "--against", "heads.jsonl", "--json")
        here.run("doctor", "--json")
        here.public += [(f"OTLP {path}", body) for path, body in collector.payloads]
        here.public += [("a webhook", each) for each in here.received.webhooks]
        here.public += [("a mail", each) for each in here.received.mails]
        (here.shell.folder / "crosskey.toml").write_text("[source.corp\n", encoding="utf-8")
        here.run("plan", fails=True)
        yield here


def test_secrets_are_nowhere(company):
    places = [*company.said, *company.public, *files(company.shell.folder)]
    assert len(company.secrets) >= 40
    assert {path for path, _ in company.public if path.startswith("OTLP")} == {"OTLP /v1/traces", "OTLP /v1/metrics"}
    assert company.received.passwords, "the mail server was shown the password"
    assert {"a webhook", "a mail"} <= {place for place, _ in company.public}
    assert any(place.endswith("heads.jsonl") for place, _ in places)
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
