"""The watcher as a process of its own between local vendors: signals, systemd, endpoints, a second one, a kill."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import httpx
import msgspec
import pytest
from cli_bench import Shell, ended, small_company

from crosskey.errors import ExitCode
from crosskey.journal.database import Database
from crosskey.journal.migrations import MIGRATIONS, migrate
from crosskey.watch import Systemd

WATCH = '[watch]\nevery = "1h"\nlisten = "127.0.0.1:0"\n'


@pytest.fixture
def crosskey(tmp_path) -> Iterator[Shell]:
    with small_company() as stage:
        shell = Shell(tmp_path, stage)
        shell.add(WATCH)
        yield shell


class Watching:
    """A watcher in a process of its own; its lines go to a file."""

    def __init__(self, crosskey: Shell, *words: str, **environment: str) -> None:
        self.log = crosskey.folder / "watch.log"
        self._out = self.log.open("w+")
        self.process = crosskey.start(
            "watch", *words, stdout=self._out, stderr=subprocess.STDOUT, environment=environment
        )

    def text(self) -> str:
        return self.log.read_text()

    def until(self, happened: Callable[[], object], seconds: float = 30.0) -> object:
        end = time.monotonic() + seconds
        while not (found := happened()):
            assert self.process.poll() is None, self.text()
            assert time.monotonic() < end, self.text()
            time.sleep(0.02)
        return found

    def says(self, words: str, times: int = 1) -> None:
        self.until(lambda: self.text().count(words) >= times)

    @property
    def url(self) -> str:
        self.says("/status tells")
        return next(word for word in self.text().split() if word.startswith("http://")).removesuffix("/status")

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(60)
        assert "Traceback" not in self.text(), self.text()
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._out.close()


def raw_status(url: str, request: bytes) -> int:
    """What is answered to bytes that no client would send."""
    address = httpx.URL(url)
    with socket.create_connection((address.host, address.port), timeout=30) as line:
        line.sendall(request)
        return int(line.recv(4096).split()[1])


def test_it_syncs_and_ends_on_a_signal_in_good_order(crosskey):
    with Watching(crosskey) as watching:
        watching.says("everything: clean")
        alive = crosskey("status", "--json")
        assert (alive.code, alive.json["watching"]) == (0, "yes")
        assert crosskey("plan").code == 0, "an operator looks meanwhile"
        assert watching.end() == 0
    crosskey.in_step()
    after = crosskey("status", "--json")
    assert (after.code, after.json["watching"]) == (0, "no")


def test_a_signal_while_it_writes_lets_the_batch_end(crosskey):
    crosskey.edit(('client_id = "', 'batch = 3\nclient_id = "'))
    desk = crosskey.stage.desk
    desk.quirks = msgspec.structs.replace(desk.quirks, latency_ms=15.0, budget=0)
    with Watching(crosskey) as watching:
        watching.until(lambda: crosskey.writes >= 6)
        assert watching.end() == 0
    done = crosskey.writes
    assert crosskey.last_run()["verdict"] == "aborted"
    assert crosskey.last_run()["counts"]["result.applied"] == done
    desk.quirks = msgspec.structs.replace(desk.quirks, latency_ms=0.0)
    assert crosskey("sync").code == 0
    crosskey.in_step()


def test_a_killed_watcher_is_missed_and_the_next_one_goes_on(crosskey):
    with Watching(crosskey) as watching:
        watching.says("everything: clean")
        os.kill(watching.process.pid, signal.SIGKILL)
        watching.process.wait()
    lost = crosskey("status")
    assert lost.code == ExitCode.OVERDUE
    assert "died" in lost.out
    with Watching(crosskey) as watching:
        watching.says("the next round begins")
        assert crosskey("status").code == 0
        assert watching.end() == 0


def test_a_second_watcher_is_refused_and_a_wish_reaches_the_first(crosskey):
    with Watching(crosskey) as watching:
        watching.says("everything: clean")
        second = crosskey.process("watch")
        assert second.code == ExitCode.LOCKED
        assert "another watcher is at work: process" in second.err
        assert crosskey("watch", "--now").code == 0
        watching.says(": clean", times=2)
        assert crosskey("watch", "--now", "--full").code == 0
        assert watching.end(signal.SIGINT) == 0
    nobody = crosskey("watch", "--now")
    assert nobody.code == ExitCode.CONFIG
    assert "nobody watches" in nobody.err


def test_sigusr1_begins_a_round_and_sighup_reads_the_configuration_again(crosskey):
    with Watching(crosskey, "--json") as watching:
        watching.says("everything: clean")
        watching.process.send_signal(signal.SIGUSR1)
        watching.says(": clean", times=2)
        good = crosskey.file.read_text()
        crosskey.add("[wacth]\n")
        watching.process.send_signal(signal.SIGHUP)
        watching.says("the one before goes on")
        assert "configuration refused" in crosskey("status").err + watching.text()
        crosskey.file.write_text(good.replace('every = "1h"', 'every = "2h"'))
        watching.process.send_signal(signal.SIGHUP)
        watching.says("the configuration was read again")
        assert watching.end() == 0
    assert all(set(json.loads(line)) == {"at", "text"} for line in watching.text().splitlines())


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_hears_ready_alive_reloading_and_stopping(crosskey, tmp_path, abstract):
    name = f"\0crosskey-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
        door.bind(name)
        door.settimeout(30)
        shown = f"@{name[1:]}" if abstract else name
        heard: list[str] = []

        def hear(words: str) -> None:
            while not any(words in each for each in heard):
                heard.append(door.recv(4096).decode())

        with Watching(crosskey, NOTIFY_SOCKET=shown, WATCHDOG_USEC="400000") as watching:
            hear("READY=1")
            assert not any("STOPPING" in each for each in heard)
            hear("WATCHDOG=1")
            hear("STATUS=")
            watching.says("everything: clean")
            heard.clear()
            hear("WATCHDOG=1")
            watching.process.send_signal(signal.SIGHUP)
            hear("RELOADING=1\nMONOTONIC_USEC=")
            heard.clear()
            hear("READY=1")
            watching.process.send_signal(signal.SIGSTOP)  # a loop that does not advance feeds no watchdog
            door.settimeout(0.2)
            with pytest.raises(TimeoutError):
                while True:
                    door.recv(4096)
            watching.process.send_signal(signal.SIGCONT)
            door.settimeout(30)
            watching.process.send_signal(signal.SIGTERM)
            hear("STOPPING=1")
            assert watching.process.wait(30) == 0


@pytest.mark.parametrize("address", ["", "/nowhere/at/all", "@nobody-listens-there"])
def test_without_anybody_listening_systemd_is_no_concern(address):
    systemd = Systemd({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1000000"})
    for tell in (systemd.ready, systemd.reloading, systemd.stopping, systemd.alive):
        tell()
    assert systemd.watchdog == (0.5 if address else 0.0)
    assert Systemd({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}).watchdog == 0.0


def test_endpoints_tell_people_and_prometheus(crosskey):
    with Watching(crosskey) as watching, httpx.Client(base_url=watching.url, trust_env=False) as client:
        watching.says("everything: clean")
        watching.until(lambda: client.get("/status").json()["status"]["rounds"]["success"])
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 200
        status = client.get("/status").json()
        assert (status["doing"], status["status"]["exit_code"]) == ("waiting", 0)
        metrics = client.get("/metrics").text
        assert 'crosskey_connection_quarantined{connection="desk",reason=""} 0.0' in metrics
        assert 'crosskey_round_count_total{outcome="done"} 1.0' in metrics
        samples = dict(line.rsplit(" ", 1) for line in metrics.splitlines() if not line.startswith("#"))
        success = float(samples['crosskey_run_last_success_time_seconds{connection="desk"}'])
        assert abs(success - time.time()) < 120
        assert client.post("/status").status_code == 405
        assert client.get("/elsewhere").status_code == 404
        assert client.get("/status/").status_code == 404
        assert raw_status(watching.url, b"GET /hooks/corp/?\x80 HTTP/1.1\r\nHost: x\r\n\r\n") in (400, 404)
        people = [user.emailaddress for user in crosskey.stage.desk.users.values() if user.emailaddress]
        told = metrics + client.get("/status").text
        assert not [mail for mail in people if mail in told]
        assert watching.end() == 0


def test_an_address_that_is_taken_is_an_error_with_a_fix(crosskey):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        crosskey.edit(("127.0.0.1:0", f"127.0.0.1:{taken.getsockname()[1]}"))
        refused = crosskey.process("watch")
    assert refused.code == ExitCode.CONFIG
    assert "cannot be listened on" in refused.err


def test_without_the_extra_it_watches_without_endpoints_and_says_so(crosskey, tmp_path):
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, package=None: None if name == 'uvicorn' else find(name, package)\n"
    )
    with Watching(crosskey, PYTHONPATH=str(hidden)) as watching:
        watching.says("no endpoints: uvicorn not installed (pip install 'crosskey[web]')")
        watching.says("everything: clean")
        assert watching.end() == 0


def test_a_refused_credential_quarantines_tells_and_is_cleared(crosskey, tmp_path):
    told = tmp_path / "told.jsonl"
    crosskey.add(f'[notify.ops]\nuse = "command"\ncommand = ["sh", "-c", "cat >> \'{told}\'; echo >> \'{told}\'"]\n')
    secret = crosskey.environment.pop("HALO_SECRET")
    secret_file = tmp_path / "halo.secret"
    secret_file.write_text("wrong")
    secret_file.chmod(0o600)
    crosskey.edit(('{ env = "HALO_SECRET" }', f'{{ file = "{secret_file}" }}'))
    with Watching(crosskey) as watching:
        watching.says("everything: failed")
        watching.until(lambda: told.exists() and told.read_text().strip())
        (notice,) = [json.loads(line) for line in told.read_text().split("\n") if line.strip()]
        assert (notice["severity"], notice["key"]) == ("error", "desk:quarantine")
        quarantined = crosskey("status")
        assert quarantined.code == ExitCode.QUARANTINED
        assert "crosskey watch --clear" in quarantined.out
        secret_file.write_text(secret)
        watching.process.send_signal(signal.SIGHUP)
        watching.says("the configuration was read again")
        assert crosskey("watch", "--clear").code == 0
        watching.says("everything: clean")
        watching.until(lambda: "resolved" in told.read_text())
        assert watching.end() == 0
    assert crosskey("status").code == 0


def test_a_test_notice_says_for_each_way_whether_it_went(crosskey):
    assert crosskey("watch", "--test-notices").code == ExitCode.CONFIG
    crosskey.add('[notify.good]\nuse = "command"\ncommand = ["true"]\n')
    crosskey.add('[notify.bad]\nuse = "command"\ncommand = ["false"]\n')
    run = crosskey("watch", "--test-notices")
    assert run.code == ExitCode.RETRYABLE
    assert run.out == "notify.bad: notify-command\nnotify.good: sent\n"


@pytest.mark.parametrize("words", [["--full"], ["--now", "--clear"], ["--clear", "--test-notices"]])
def test_wishes_that_exclude_each_other(crosskey, words):
    assert crosskey("watch", *words).code == 2


def test_status_before_anything_ran_says_what_to_do(crosskey):
    run = crosskey("status")
    assert run.code == ExitCode.STORAGE
    assert "crosskey plan" in run.err


def test_status_of_a_timer_s_runs_knows_no_watcher(crosskey):
    assert crosskey("sync").code == 0
    run = crosskey("status")
    assert run.code == 0
    assert "none; runs come from elsewhere" in run.out


def test_a_secret_of_a_notifier_stops_the_watcher_and_no_sync(crosskey):
    crosskey.add('[notify.chat]\nuse = "webhook"\nurl = { env = "NOBODY_SET_THIS" }\n')
    assert crosskey("sync").code == 0
    refused = crosskey("watch")
    assert refused.code == ExitCode.CONFIG
    assert "notify.chat.url" in refused.err


def test_a_signal_while_a_vendor_takes_its_time_ends_it(crosskey):
    desk = crosskey.stage.desk
    desk.quirks = msgspec.structs.replace(desk.quirks, latency_ms=2000.0)
    with crosskey.start("watch") as process:
        time_out = time.monotonic() + 30
        while not (crosskey.stage.org.requests or desk.tokens):
            assert time.monotonic() < time_out
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        assert ended(process).code == 0
    assert Path(crosskey.journal).exists()


def test_plugins_show_the_notifiers_and_their_settings(crosskey):
    listed = {record["name"]: record for record in crosskey("plugins", "list", "--json").json}
    assert listed["notify"]["provides"] == ["notifier webhook", "notifier smtp", "notifier command"]
    shown = crosskey("plugins", "show", "notify", "--json").json["settings"]
    assert list(shown) == [f'[notify.<name>] use = "{name}"' for name in ("webhook", "smtp", "command")]


def test_a_journal_of_the_version_before_is_upgraded_when_watching_begins(crosskey):
    crosskey.journal.parent.mkdir(mode=0o700)
    crosskey.journal.touch(mode=0o600)
    old = [migration for migration in MIGRATIONS if migration.version <= 3]
    with Database(crosskey.journal, writable=True) as database:
        migrate(database, datetime.now(UTC), version=0, migrations=old)
        with database.transaction():
            database.run("INSERT INTO connection (name, epoch, serial) VALUES ('desk', 0, 0)")
    assert crosskey("status").code != ExitCode.STORAGE  # readers know the versions before, too
    assert version_of(crosskey.journal) == 3
    with Watching(crosskey) as watching:
        watching.says("watching desk")
        assert watching.end() == 0
    assert version_of(crosskey.journal) == MIGRATIONS[-1].version


def version_of(journal):
    with closing(sqlite3.connect(journal)) as look:
        return look.execute("PRAGMA user_version").fetchone()[0]
