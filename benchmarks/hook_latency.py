"""From a person switched off at Okta to their agent disabled and signed out at Halo: how long, with hooks?

The local Okta delivers its event hook over HTTP to `crosskey watch`, which reads the person, plans, writes. One person
at a time, so that nobody waits for anybody else. Of each, three moments: Okta's event was answered, Halo disabled the
agent, Halo ended its sessions. Where a signal names people only, the watcher waits 2 s for more: that is included.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from measuring import CROSSKEY, Verdicts, run

from crosskey_sandbox.okta import SUPER_ADMIN
from crosskey_sandbox.stage import Stage, chosen_quirks, configuration, on_stage

_SECRET = "synthetic-hook-secret-of-a-local-imitation"
_PATIENCE = 60.0
_APART = 0.6
"""Seconds between two leavers at least: more than two signals a second for long become one look, 5 s later."""
_LOOK = 0.001
"""Seconds between two looks at the desk: how exact a moment is."""


def main() -> None:
    chosen = _arguments()
    quirks = chosen_quirks(
        [
            "okta.rates=false",
            "halo.budget=0",
            f"okta.latency_ms={chosen.latency}",
            f"halo.latency_ms={chosen.latency}",
        ]
    )
    with TemporaryDirectory() as folder, on_stage(people=chosen.people, quirks=quirks) as stage:
        port = _free_port()
        environment = _configured(Path(folder), stage, port)
        config = ["--config", str(Path(folder) / "crosskey.toml")]
        run([CROSSKEY, "sync", *config], codes=(0, 6), env=environment)
        with _watching(config, environment, port, Path(folder) / "watch.log"):
            hooks = [CROSSKEY, "hooks", "install", "--url", f"http://127.0.0.1:{port}", *config]
            run(hooks, env=environment)
            waits = [_leave(stage, login) for login in _agents(stage, chosen.rounds)]
    _tell(waits, chosen)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=4000, help="default 4000; one in twenty-five is an agent")
    parser.add_argument("--rounds", type=int, default=100, help="default 100")
    parser.add_argument("--latency", type=float, default=0.0, help="milliseconds before each answer of a vendor")
    return parser.parse_args()


def _configured(folder: Path, stage: Stage, port: int) -> dict[str, str]:
    """Write the configuration; what the commands need in their environment."""
    text = configuration(stage)
    for old, new in (
        ('use = "okta"\n', 'use = "okta"\nhook_secret = { env = "OKTA_HOOK_SECRET" }\n'),
        ("[target.", f'[watch]\nevery = "1h"\nlisten = "127.0.0.1:{port}"\n\n[target.'),
    ):
        assert old in text, old
        text = text.replace(old, new, 1)
    text += "\n[rails]\nmax_disable = { count = 100000, percent = 100 }\n" if "[rails]" not in text else ""
    (folder / "crosskey.toml").write_text(text, encoding="utf-8")
    token = stage.org.access.add_token(SUPER_ADMIN)  # hooks are shown to no less; its owner, if it had one, may leave
    return {**stage.secrets(), "OKTA_TOKEN": token, "OKTA_HOOK_SECRET": _SECRET}


@contextmanager
def _watching(config: list[str], environment: dict[str, str], port: int, log: Path) -> Iterator[None]:
    """`crosskey watch` as a process of its own, until its first round, of everything, is done."""
    with log.open("w", encoding="utf-8") as lines:
        process = subprocess.Popen(
            [CROSSKEY, "watch", *config], stdout=lines, stderr=lines, env={**os.environ, **environment}
        )
    try:
        _wait(lambda: _answers(f"http://127.0.0.1:{port}/readyz"), "it does not begin", log)
        run([CROSSKEY, "watch", "--now", "--full", *config], env=environment)
        _wait(lambda: "everything: " in log.read_text(encoding="utf-8"), "the first round does not end", log)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_PATIENCE)


def _agents(stage: Stage, count: int) -> list[str]:
    """Logins of people at Okta who have an active agent at Halo, told by their address."""
    agents = {agent.email.casefold() for agent in stage.desk.agents.values() if agent.email and not agent.isdisabled}
    found = [
        person.login
        for person in stage.company.people
        if person.status == "active" and person.email.casefold() in agents
    ]
    assert len(found) >= count, f"{len(found)} agents are too few: more --people"
    return found[:count]


def _leave(stage: Stage, login: str) -> tuple[float, float, float]:
    """Somebody leaves; seconds until the event was answered, the agent disabled, its sessions ended."""
    person = next(person for person in stage.company.people if person.login == login)
    agent = next(a for a in stage.desk.agents.values() if a.email.casefold() == person.email.casefold())
    ended, delivered = len(stage.desk.session_ends), len(stage.org.hooks.courier.delivered)
    began = time.perf_counter()
    stage.org.users.deactivate(login)
    told = _moment(lambda: len(stage.org.hooks.courier.delivered) > delivered)
    disabled = _moment(lambda: stage.desk.agents[agent.id].isdisabled)
    kicked = _moment(lambda: any(end.agent_id == agent.id for end in stage.desk.session_ends[ended:]))
    assert stage.org.hooks.courier.delivered[delivered].status == 200
    time.sleep(max(0.0, began + _APART - time.perf_counter()))
    return told - began, disabled - began, kicked - began


def _moment(happened: Callable[[], bool]) -> float:
    _wait(happened, "nobody was disabled")
    return time.perf_counter()


def _wait(happened: Callable[[], bool], otherwise: str, log: Path | None = None) -> None:
    end = time.monotonic() + _PATIENCE
    while not happened():
        if time.monotonic() > end:
            raise RuntimeError(f"{otherwise}\n{log.read_text(encoding='utf-8') if log else ''}")
        time.sleep(_LOOK)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1.0) as answer:
            return answer.status == 200
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _tell(waits: list[tuple[float, float, float]], chosen: argparse.Namespace) -> None:
    cpus, load = os.cpu_count(), os.getloadavg()[0]
    what = f"{len(waits)} leavers, {chosen.people} people, {chosen.latency:g} ms an answer"
    print(f"\n{what}   [{cpus} cores, load {load:.1f}]")
    print(f"  {'seconds until':<32}{'median':>8}{'least':>8}{'worst':>8}")
    names = ("the event was answered", "the agent was disabled", "its sessions were ended")
    for name, moments in zip(names, zip(*waits, strict=True), strict=True):
        print(f"  {name:<32}{statistics.median(moments):8.3f}{min(moments):8.3f}{max(moments):8.3f}")
    answered, _, kicked = (list(moments) for moments in zip(*waits, strict=True))
    verdicts = Verdicts()
    verdicts.bar("worst answer (Okta waits 3 s)", max(answered), 1.0, " s")
    verdicts.bar("median until the sessions ended", statistics.median(kicked), 3.0, " s")
    verdicts.bar("worst until the sessions ended", max(kicked), 5.0, " s")
    verdicts.exit()


if __name__ == "__main__":
    sys.exit(main())
