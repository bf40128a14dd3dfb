"""A simulated day between the local vendors with their faults on: every change arrives, none twice, no round is lost."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random

import pytest
from quirks_bench import PLUGINS, World
from virtual_time import VirtualClock, in_virtual_time

from crosskey.config import load_config
from crosskey.engine.connect import Connect
from crosskey.watch import Setup, Watcher
from crosskey_sandbox.halo import Fault as HaloFault
from crosskey_sandbox.halo.faults import Faults
from crosskey_sandbox.okta import Fault as OktaFault
from crosskey_sandbox.okta import OktaQuirks
from crosskey_sandbox.okta.staffing import join, leave, move

HOURS = 24
OKTA = (
    OktaFault(kind="error", path="/api/v1/users", every=13),
    OktaFault(kind="minute_429", path="/api/v1/groups", every=41),
    OktaFault(kind="truncated", path="/api/v1/groups/", every=211),
    OktaFault(kind="html", path="/api/v1/users", every=29),
)
HALO = (
    HaloFault(effect="lost_after", resource="Users", every=5, times=None),
    HaloFault(effect="error_before", resource="Users", every=7, times=None),
    HaloFault(effect="unavailable", method="GET", resource="Users", every=31, times=None),
    HaloFault(effect="throttled", method="GET", resource="Agent", every=17, times=None),
    HaloFault(effect="html", method="GET", resource="Users", every=23, times=None),
)


@pytest.fixture
def world(memory_folder) -> World:
    return World(memory_folder, okta=OktaQuirks(faults=OKTA), clock=VirtualClock())


class Company:
    """What happens in the company while it is watched: somebody every half hour."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.hired: list[str] = []
        self.left: list[str] = []
        self.moved: dict[str, str] = {}

    def half_an_hour_passes(self, number: int) -> None:
        world = self.world
        starter = world.company.hire(office=("Paris", "London", "Madrid")[number % 3])
        join(world.org, starter)
        self.hired.append(starter.login)
        if number % 4 == 3:
            leaver = self.hired[number - 3]
            leave(world.org, leaver)
            self.left.append(leaver)
        if number % 5 == 4:
            mover = self.hired[number - 2]
            if mover not in self.left:
                move(world.org, mover, "Madrid")
                self.moved[mover] = "Madrid"


def test_a_day_between_vendors_with_faults(world):
    company = Company(world)
    path = world.config.path
    path.write_text(path.read_text() + '\n[watch]\nevery = "20m"\n', encoding="utf-8")
    connect = Connect(clock=world.clock, transport=world.wires.get)

    def load() -> Setup:
        return Setup(config=load_config(path, PLUGINS), plugins=PLUGINS, connect=connect)

    for fault in HALO:
        world.desk.fail(fault)

    def mend() -> None:
        world.org.quirks = OktaQuirks()
        world.desk.faults.settle()
        world.desk.faults = Faults()

    lines: list[str] = []

    async def watch() -> Watcher:
        loop = asyncio.get_running_loop()
        for number in range(2 * (HOURS - 3)):
            loop.call_later(1800 * (number + 1), company.half_an_hour_passes, number)
        loop.call_later((HOURS - 2) * 3600, mend)
        watcher = Watcher(load(), reload=load, random=Random(3), say=lines.append)
        loop.call_later((HOURS - 1) * 3600, watcher.ask, "everything")
        loop.call_later(HOURS * 3600, watcher.stop)
        assert await watcher.run() == 0
        return watcher

    watcher = in_virtual_time(watch())
    text = "\n".join(lines)
    failed, done = watcher.counts["round", "failed"], watcher.counts["round", "done"]
    met = failed + sum("because target.desk" in line or ": partial" in line for line in lines)
    assert failed >= 1, "faults failed rounds\n" + text
    assert met >= 6, "faults reached rounds\n" + text
    assert done + failed >= HOURS * 3 * 0.6, text
    assert watcher.counts["round", "interrupted"] == 0

    world.assert_nothing_doubled()
    world.assert_nobody_touched_who_is_not_ours()
    made = Counter(mail for user in world.desk.users.values() if (mail := user.emailaddress.casefold()))
    state = world.state()
    for login in company.hired:
        assert made[login.casefold()] == 1, login
        active, site, *_ = state["user", login.casefold()]
        assert active == (login not in company.left), login
        if login in company.moved and login not in company.left:
            assert site == company.moved[login]
    again = in_virtual_time(world.sync("plan"))
    assert [change.label for change in world.changes] == []
    assert again.verdict in ("clean", "held")
