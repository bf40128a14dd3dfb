"""A desk planned and filled from the real crawl: configuration, source, mapping, engine, desk."""

from __future__ import annotations

from pathlib import Path

import httpx
from entra_door import CLIENT, TENANT
from entra_recordings import Replay

from at_once import at_once
from crosskey.config import load_config
from crosskey.engine.connect import Connect
from crosskey.engine.rails import Allowed
from crosskey.engine.run import RunOptions, RunResult, execute
from crosskey.journal import JournalWriter
from crosskey.plugins import load_plugins
from crosskey_sandbox.halo import HaloDesk, halo_app
from fake_clock import FakeClock

CONFIGURATION = """\
[source.corp]
use = "entra"
tenant = "{tenant}"
client_id = "{client}"
client_secret = {{ file = "entra.secret" }}
members = "direct"
{source}
[target.desk]
use = "halo"
url = "https://acme.haloitsm.com"
client_id = "crosskey-sandbox"
client_secret = {{ file = "halo.secret" }}
[sync]
from = ["corp"]
to = "desk"
[map.user]
match = ["email"]
default = {{ site = "Acme / Main" }}
[map.user.fields]
name = "{{{{ display_name }}}}"
emailaddress = "email"
[[map.user.assign]]
group = "Solutions Team"
site = "Acme / London"
[rails]
first_run = "go"
"""


class Quiet:
    """Watches nothing."""

    def phase(self, name: str, total: int | None) -> None:
        pass

    def advance(self, count: int) -> None:
        pass


class Program:
    """The program over the recorded tenant and an empty local desk."""

    def __init__(self, folder: Path, source: str = "") -> None:
        for name, text in {"entra.secret": "s", "halo.secret": "sandbox-halo-secret"}.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o600)
        path = folder / "crosskey.toml"
        path.write_text(at_once(CONFIGURATION.format(tenant=TENANT, client=CLIENT, source=source)))
        self.desk = HaloDesk.seeded(contacts=())
        self._before = set(self.desk.users)
        self.clock = FakeClock()
        self.plugins = load_plugins()
        self.config = load_config(path, self.plugins)

    def _transport(self, instance: str) -> httpx.AsyncBaseTransport:
        if instance == "source.corp":
            return Replay("directory_crawl.json")
        return httpx.ASGITransport(app=halo_app(self.desk))

    async def run(self, kind: str) -> RunResult:
        connect = Connect(clock=self.clock, transport=self._transport)
        with JournalWriter.open(self.config.journal.path, clock=self.clock, connection="desk") as journal:
            options = RunOptions(kind=kind, allowed=Allowed.parse(()))
            return await execute(self.config, self.plugins, journal, connect, options, Quiet())

    def made(self) -> list[tuple[str, str]]:
        """E-mail address and site of each user that crosskey made."""
        sites = {site.id: site.name for site in self.desk.sites.values()}
        users = [user for key, user in self.desk.users.items() if key not in self._before]
        return [(user.emailaddress, sites[user.site_id]) for user in users]


async def test_members_get_accounts_guests_do_not_and_all_is_said(tmp_path: Path) -> None:
    program = Program(tmp_path)
    applied = await program.run("apply")
    made = program.made()
    assert (applied.verdict, applied.people, len(made)) == ("clean", 34, 9)
    without_mail = sum(not address for address, _ in made)
    assert 0 < without_mail < 9
    told = {notice.code: notice.summary for notice in applied.notices}
    assert told["entra-guests"].startswith("25 of 34 people are guests: nothing is changed")
    assert told["entra-no-email"].startswith(f"{without_mail} active people have no e-mail address")
    again = await program.run("plan")
    assert (again.plan.size, again.plan.held) == (0, ())


async def test_with_guests_and_another_address_everybody_gets_an_account(tmp_path: Path) -> None:
    source = 'guests = "active"\nattributes = { email = ["mail", "userPrincipalName"] }'
    program = Program(tmp_path, source)
    applied = await program.run("apply")
    made = program.made()
    assert (applied.verdict, len(made)) == ("clean", 34)
    assert sum(site == "London" for _, site in made) == 9, "the Solutions Team"
    assert all("#EXT#" not in address for address, _ in made)
    assert "entra-email-elsewhere" in {notice.code for notice in applied.notices}
