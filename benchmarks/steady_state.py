"""Requests of a run that reads only what changed, beside a full one: what it costs when 0, 10 or 1,000 people move.

Counts, not seconds: the vendors run in this process behind the real clients, on a clock that nobody waits for.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from measuring import Verdicts, arguments
from virtual_clock import VirtualClock

from crosskey.config import load_config
from crosskey.engine.connect import Connect
from crosskey.engine.rails import Allowed
from crosskey.engine.run import RunOptions, RunResult, execute
from crosskey.journal import JournalWriter
from crosskey.plugins import load_plugins
from crosskey_sandbox.company import OFFICES, Company
from crosskey_sandbox.entra import entra_app, tenant_of
from crosskey_sandbox.entra import staffing as entra_staff
from crosskey_sandbox.entra.quirks import EntraQuirks
from crosskey_sandbox.halo import HaloDesk, halo_app
from crosskey_sandbox.halo.quirks import HaloQuirks
from crosskey_sandbox.okta import OktaQuirks, okta_app
from crosskey_sandbox.okta import staffing as okta_staff
from crosskey_sandbox.stage import CLIENT, Stage, configuration

MOVES = (0, 10, 1_000)


class Counting(httpx.AsyncBaseTransport):
    """Counts requests on their way to an app."""

    def __init__(self, app, counts: Counter[str], name: str) -> None:
        self._inner = httpx.ASGITransport(app=app)
        self._counts = counts
        self._name = name

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._counts[self._name] += 1
        return await self._inner.handle_async_request(request)


class World:
    """One vendor's directory of a company, and a desk."""

    def __init__(self, vendor: str, people: int, groups: int, folder: Path) -> None:
        self.vendor = vendor
        self.clock = VirtualClock()
        self.company = Company.generate(people=people, groups=groups)
        self.org = okta_staff.org_of(self.company, clock=self.clock, quirks=OktaQuirks(rates=False))
        self.tenant = tenant_of(self.company, clock=self.clock, quirks=EntraQuirks(throttling=False))
        self.desk = HaloDesk.seeded(
            client=CLIENT,
            offices=[office.city for office in OFFICES],
            contacts=(),
            quirks=HaloQuirks(budget=0),
            seats=people // 10 + 20,
            clock=self.clock,
        )
        self.counts: Counter[str] = Counter()
        stage = Stage(
            company=self.company,
            org=self.org,
            desk=self.desk,
            okta_url="https://acme.okta.com",
            okta_token=self.org.api_token,
            halo_url="https://acme.haloitsm.com",
            tenant=self.tenant,
            entra_url="https://entra.example.com",
        )
        os.environ.update(stage.secrets())
        path = folder / f"{vendor}.toml"
        text = configuration(stage, vendor).replace("[target.desk]\n", "[target.desk]\nrequests_per_5_minutes = 0\n")
        path.write_text(text + f'\n[journal]\npath = "{vendor}/journal.sqlite"\n', encoding="utf-8")
        self.plugins = load_plugins()
        self.config = load_config(path, self.plugins)
        source = okta_app(self.org) if vendor == "okta" else entra_app(self.tenant)
        self._transports = {
            "source.corp": Counting(source, self.counts, vendor),
            "target.desk": Counting(halo_app(self.desk), self.counts, "halo"),
        }

    async def run(self, *, changes: bool) -> tuple[RunResult, Counter[str]]:
        self.clock.advance(600)  # past every lag
        self.counts.clear()
        connect = Connect(clock=self.clock, transport=self._transports.__getitem__)
        options = RunOptions(kind="sync", changes=changes, allowed=Allowed.parse(("mass-disable=100000",)))
        with JournalWriter.open(self.config.journal.path, clock=self.clock, connection="desk") as journal:
            result = await execute(self.config, self.plugins, journal, connect, options, Quiet())
        return result, Counter(self.counts)

    def move(self, count: int, start: int) -> None:
        """So many people move to another office: a changed profile and two changed groups each.

        The newest people move, who are nobody's manager: of a changed manager, Entra is asked for all reports too, and
        in a made-up company a chief has thousands.
        """
        moving = [
            person
            for person in self.company.people[-1 - start :: -1]
            if person.status == "active" and person.kind == "employee" and person.office not in ("Berlin", "")
        ]
        for person in moving[:count]:
            if self.vendor == "okta":
                okta_staff.move(self.org, person.login, "Berlin")
            else:
                entra_staff.move(self.tenant, person.login, "Berlin")


class Quiet:
    def phase(self, name: str, total: int | None) -> None:
        pass

    def advance(self, count: int) -> None:
        pass


async def measure(vendor: str, people: int, groups: int, folder: Path, verdicts: Verdicts) -> None:
    world = World(vendor, people, groups, folder)
    await world.run(changes=True)  # the first import
    _, full = await world.run(changes=False)
    await world.run(changes=True)  # everything once more, with a place to go on from
    print(f"\n{vendor}: {people:,} people, {groups} groups")
    print(f"  {'':<24}{vendor:>8}{'halo':>8}   done")
    print(f"  {'full read':<24}{full[vendor]:>8}{full['halo']:>8}")
    start = 0
    for moves in MOVES:
        if people < 4 * moves:
            continue
        world.move(moves, start)
        start += 2 * moves
        result, counts = await world.run(changes=True)
        done = dict(result.applied.counts)
        print(f"  {f'{moves:,} people move':<24}{counts[vendor]:>8}{counts['halo']:>8}   {result.reach} {done}")
        again = await world.run(changes=False)
        verdicts.bar(f"{vendor}, {moves:,} moves: left undone", again[0].plan.size, 0)
        verdicts.bar(f"{vendor}, {moves:,} moves: requests to the source", counts[vendor], 10 + 1.2 * moves)
        verdicts.bar(f"{vendor}, {moves:,} moves: requests to the desk", counts["halo"], 10 + 2.2 * moves)
        await world.run(changes=True)


def main() -> None:
    chosen = arguments(__doc__, people=100_000, groups=200)
    verdicts = Verdicts()
    with TemporaryDirectory() as folder:
        for vendor in ("okta", "entra"):
            asyncio.run(measure(vendor, chosen.people, chosen.groups, Path(folder), verdicts))
    verdicts.exit()


if __name__ == "__main__":
    main()
