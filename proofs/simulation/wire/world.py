"""A small company between a local Okta and a local Halo, kept by the real plugins over a bad wire."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Final

import httpx

from crosskey.config import load_config
from crosskey.engine.connect import Connect
from crosskey.engine.marker import marker
from crosskey.engine.run import RunOptions, RunResult, execute
from crosskey.errors import CrosskeyError
from crosskey.journal import JournalWriter
from crosskey.model import Subject
from crosskey.plugins import Plugins, load_plugins
from crosskey_sandbox.halo import HaloDesk, HaloQuirks, User, halo_app
from crosskey_sandbox.okta import READ_ONLY, OktaOrg, OktaQuirks, okta_app
from proofs.simulation.clock import SimClock, VirtualLoop
from proofs.simulation.faults import Faults
from proofs.simulation.oracle import Oracle
from proofs.simulation.quiet import Quiet
from proofs.simulation.wire.spoiling import WIRE, BadWire

__all__ = ("WireWorld",)

_ISSUER: Final = "https://corp.example"
_STAFF: Final = "Staff"
_PEOPLE: Final = 6
_DEADLINE: Final = 7_200.0
_TEXT: Final = """\
[source.corp]
use = "okta"
url = "https://acme.okta.com"
token = {{ file = "okta.secret" }}
issuer = "{issuer}"
member_page = 4
[target.desk]
use = "halo"
url = "https://acme.haloitsm.com"
client_id = "crosskey-sandbox"
client_secret = {{ file = "halo.secret" }}
requests_per_5_minutes = 0
[sync]
full_every = "90d"
[map.user]
scope = {{ groups = ["Staff"] }}
match = ["email"]
leavers = {{ do = "disable", after = "0d" }}
default = {{ site = "Acme / Main" }}
[map.user.fields]
name = "display_name"
emailaddress = "email"
[rails]
max_disable = {{ count = 4, percent = 0 }}
disable_per_day = 10.0
disable_per_week = 20.0
max_change = {{ count = 25, percent = 100 }}
max_create = {{ count = 25, percent = 100 }}
first_run = "go"
absent_reads = 2
absent_for = "10m"
shrink_percent = 50
min_people = 2
"""


@cache
def _plugins() -> Plugins:
    return load_plugins()


class WireWorld:
    """Both vendors, the configured program between them, and the truth about both."""

    def __init__(self, seed: int, folder: Path, *, echo: bool = False) -> None:
        self.echo = echo
        self.clock = SimClock()
        self.trace: list[str] = []
        self.faults = Faults(seed, WIRE, self.tell, share=1.0)
        self.oracle = Oracle(self.tell)
        self._random = random.Random(f"wire {seed}")
        random.seed(f"jitter {seed}")  # retries spread by the module's own generator
        self.org = OktaOrg(clock=self.clock, quirks=OktaQuirks())
        self._group = self.org.groups.create(_STAFF).id
        self.people: list[str] = []
        for _ in range(_PEOPLE):
            self.hire()
        self.desk = HaloDesk.seeded(clock=self.clock, quirks=HaloQuirks())
        self._seen = len(self.desk.writes)
        self._began = 0.0
        self._wires: dict[str, httpx.AsyncBaseTransport] = {
            "source.corp": self._wire(okta_app(self.org), written="/nowhere"),
            "target.desk": self._wire(halo_app(self.desk), written="/api/"),
        }
        self._config = load_config(self._written(folder), _plugins())

    def _wire(self, app: Any, *, written: str) -> BadWire:  # noqa: ANN401 - an ASGI application
        return BadWire(httpx.ASGITransport(app=app), self.faults, self.clock, written=written)

    def _written(self, folder: Path) -> Path:
        secrets = {"okta": self.org.access.add_token(READ_ONLY), "halo": self.desk.application.client_secret}
        for name, secret in secrets.items():
            path = folder / f"{name}.secret"
            path.write_text(secret, encoding="utf-8")
            path.chmod(0o600)
        path = folder / "crosskey.toml"
        path.write_text(_TEXT.format(issuer=_ISSUER), encoding="utf-8")
        return path

    def tell(self, text: str) -> None:
        """Add a line to the trace."""
        line = f"{self.clock.elapsed:10.1f} {text}"
        self.trace.append(line)
        if self.echo:
            print(line)

    # -- people -------------------------------------------------------------------------------------------------------

    def hire(self) -> None:
        """Somebody new."""
        number = len(self.people)
        profile = {
            "login": f"w{number}@acme.example",
            "email": f"w{number}@acme.example",
            "firstName": f"W{number}",
            "lastName": "Example",
            "displayName": f"W{number} Example",
        }
        user = self.org.users.create(profile, status="ACTIVE")
        self.people.append(user.id)
        self.org.groups.add_member(self._group, user.id)

    def change(self) -> None:
        """Somebody joins, leaves, comes back, or bears another name."""
        who = self._random.choice(self.people)
        deed = self._random.choice(("hire", "off", "on", "name"))
        off = [one for one in self.people if not self.is_wanted(one)]
        if deed == "hire":
            self.hire()
        elif deed == "off" and len(self.people) - len(off) > _PEOPLE - 2:
            self.org.users.set_status(who, "SUSPENDED")
        elif deed == "on" and off:
            self.org.users.set_status(off[0], "ACTIVE")
        elif deed == "name":
            self.org.users.update_profile(who, {"displayName": f"Renamed {self._random.randrange(100)}"})
        self.tell(f"directory: {deed}")

    def is_wanted(self, who: str) -> bool:
        """Whether somebody should have an account."""
        return self.org.users.find(who).status == "ACTIVE"

    # -- the program --------------------------------------------------------------------------------------------------

    def run(self, *, changes: bool) -> RunResult | None:
        """One run, in a process of its own; ``None`` when it failed."""
        loop = VirtualLoop(self.clock, lambda: None)
        self._began = self.clock.elapsed
        try:
            result = loop.run_until_complete(self._run(changes=changes))
        except CrosskeyError as error:
            self.tell(f"→ {error.code}")
            self._look_at_error(error)
            return None
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - nothing else may ever come out of a run
            self.oracle.complain("raised", f"a run ended in {type(error).__name__}: {error}")
            return None
        finally:
            with suppress(RuntimeError):
                loop.run_until_complete(asyncio.sleep(0.0))  # what the HTTP library left to the collector ends too
                loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()
            self._look_at_writes()
        self.tell(f"{result.reach} → {result.verdict}: {dict(result.applied.counts)}")
        if result.applied.stopped is not None:
            self._look_at_error(result.applied.stopped)
        return result

    async def _run(self, *, changes: bool) -> RunResult:
        connect = Connect(clock=self.clock, transport=self._wires.get)
        options = RunOptions(kind="sync", changes=changes)
        with JournalWriter.open(self._config.journal.path, clock=self.clock, connection="desk") as journal:
            async with asyncio.timeout(_DEADLINE):
                return await execute(self._config, _plugins(), journal, connect, options, Quiet())

    # -- the judgement ------------------------------------------------------------------------------------------------

    def _look_at_error(self, error: CrosskeyError) -> None:
        """Whatever comes off the wire, a plugin names it; what it did not foresee is its own defect."""
        if error.code in {"plugin-raised", "apply-raised"}:
            self.oracle.complain("plugin-raised", error.message)

    def _look_at_writes(self) -> None:
        """Nobody may be switched off who is wanted: the directory does not change while a run is at work."""
        wanted = {marker(Subject(_ISSUER, who)): who for who in self.people if self.is_wanted(who)}
        for write in self.desk.writes[self._seen :]:
            self.oracle.writes += 1
            after = write.after
            if not isinstance(after, User) or after.other5 not in wanted:
                continue
            before = write.before
            if after.inactive and isinstance(before, User) and not before.inactive:
                self.oracle.complain("wrong-disable", f"user {after.id} of {wanted[after.other5]}")
        self._seen = len(self.desk.writes)

    def judge(self) -> None:
        """Everybody who should has exactly one account that is on, and nobody else has."""
        live = Counter(user.other5 for user in self.desk.users.values() if not user.inactive)
        every = Counter(user.other5 for user in self.desk.users.values())
        for who in self.people:
            mark = marker(Subject(_ISSUER, who))
            if every[mark] > 1:
                self.oracle.complain("double", f"{every[mark]} users were made for {who}")
            if live[mark] < self.is_wanted(who):
                self.oracle.complain("lost", f"{who} should have a user and has none that is on")
            if live[mark] > self.is_wanted(who):
                self.oracle.complain("leaver-left", f"{who} is not wanted and has a user that is on")
        with JournalWriter.open(self._config.journal.path, clock=self.clock, connection="desk") as journal:
            if journal.unresolved_count():
                self.oracle.complain("open-write", "a write is not settled")
            if not journal.verify().ok:
                self.oracle.complain("chain", journal.verify().reason)
