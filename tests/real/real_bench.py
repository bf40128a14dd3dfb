"""The real program over a recorded Okta and a local Halo: configuration file, plugins, journal and engine as installed.

Okta's bytes come through the transport of ``source.corp`` alone; the desk is served over real HTTP on loopback.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
from real_org import RealOrg

from at_once import at_once
from crosskey.config import load_config
from crosskey.engine.connect import Connect
from crosskey.engine.rails import Allowed
from crosskey.engine.run import RunOptions, RunResult, execute
from crosskey.journal import JournalWriter
from crosskey.plan import Change
from crosskey.plugins import load_plugins
from crosskey_sandbox.halo import HaloDesk, User, halo_app
from crosskey_sandbox.server import serving
from fake_clock import FakeClock

OKTA = "https://acme.okta.com"

HEAD = """\
[source.corp]
use = "okta"
url = "{okta}"
token = {{ file = "okta.token" }}
{source}
[target.desk]
use = "halo"
url = "{halo}"
client_id = "crosskey-sandbox"
client_secret = {{ file = "halo.secret" }}
"""

APP = """\
client_id = "0oa1"
private_key = { file = "okta-key.pem" }
dpop = true
"""

FIELDS = """\
match = ["email"]
default = { site = "Acme / Main" }
[map.user.fields]
name = "{{ display_name }}"
firstname = "given_name"
surname = "family_name"
emailaddress = "email"
title = "title"
phonenumber = "work_phone"
"""

AGENTS = """\
[map.agent]
scope = { apps = ["Okta Admin Console"] }
match = ["email"]
[map.agent.fields]
name = "{{ display_name }}"
email = "email"
[[map.agent.assign]]
app = "Okta Admin Console"
roles = ["Standard User"]
teams = ["1st Line"]
"""

EVERYBODY = f"[map.user]\n{FIELDS}"
MEMBERS = f'[map.user]\nscope = {{ groups = ["Everyone"] }}\n{FIELDS}'


def write_configuration(
    folder: Path, rules: str, *, halo: str, okta: str = OKTA, source: str = "", key: str = ""
) -> Path:
    """A ``crosskey.toml`` with its secret files beside it; with ``key`` the source is a service app."""
    for name, text in {
        "okta.token": "00recordedToken",
        "halo.secret": "sandbox-halo-secret",
        "okta-key.pem": key,
    }.items():
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o600)
    head = HEAD.format(okta=okta, halo=halo, source=source)
    if key:
        head = head.replace('token = { file = "okta.token" }\n', APP)
    path = folder / "crosskey.toml"
    rails = "" if "[rails]" in rules else '[rails]\nfirst_run = "go"\n'
    path.write_text(at_once(f"{head}\n{rules}\n{rails}"), encoding="utf-8")
    return path


class Quiet:
    """Watches nothing."""

    def phase(self, name: str, total: int | None) -> None:
        pass

    def advance(self, count: int) -> None:
        pass


class Real:
    """One configured pair of a recorded org and a local desk."""

    def __init__(self, folder: Path, org: RealOrg, halo: str, desk: HaloDesk, rules: str, **configuration: str) -> None:
        self.org, self.desk, self.folder = org, desk, folder
        self.clock = FakeClock(datetime(2026, 3, 12, 5, 0, tzinfo=UTC))
        self.plugins = load_plugins()
        path = write_configuration(folder, rules, halo=halo, **configuration)
        self.config = load_config(path, self.plugins)
        self.changes: list[Change] = []

    def _transport(self, instance: str) -> httpx.AsyncBaseTransport | None:
        return self.org if instance == "source.corp" else None

    @property
    def connect(self) -> Connect:
        return Connect(clock=self.clock, transport=self._transport)

    def journal(self):
        return JournalWriter.open(self.config.journal.path, clock=self.clock, connection="desk")

    async def run(self, kind: str, *, allow: tuple[str, ...] = ()) -> RunResult:
        options = RunOptions(kind=kind, allowed=Allowed.parse(allow))
        with self.journal() as journal:
            result = await execute(self.config, self.plugins, journal, self.connect, options, Quiet())
            self.changes = list(result.plan.changes())
        assert not self.org.unrecorded
        return result

    async def check(self) -> dict[str, str]:
        """What the source's own check finds: code and severity."""
        async with self.connect.source(self.config.feeds[0]) as source:
            return {finding.code: finding.severity for finding in await source.check()}

    def did(self) -> set[str]:
        """The last plan in short."""
        return {f"{change.action} {change.kind} {change.label}" for change in self.changes}

    def people_of_desk(self) -> dict[str, User]:
        """The desk's users by e-mail address, without the sites' own."""
        return {user.emailaddress: user for user in self.desk.users.values() if not user.general}


@contextmanager
def driving(folder: Path, org: RealOrg, rules: str, **configuration: str):
    """The program over ``org``, with an otherwise empty desk."""
    desk = HaloDesk.seeded(contacts=())
    with serving(halo_app(desk)) as halo:
        yield Real(folder, org, halo, desk, rules, **configuration)


def by_rail(result: RunResult) -> dict[str, list[str]]:
    """What was held: reason code → labels, sorted."""
    rails: dict[str, list[str]] = {}
    for hold in result.plan.held:
        rails.setdefault(hold.rail, []).append(hold.label)
    return {rail: sorted(labels) for rail, labels in rails.items()}
