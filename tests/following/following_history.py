"""Histories: what happens in directories, in the desk and to the program, in any order, and what must hold at the end."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from following_directories import APPROVERS, LEADS, LONDON, OTHER, STAFF, Entra, Okta
from following_world import ALL_LAGS, World
from hypothesis import event

from crosskey.engine.marker import marker
from crosskey.engine.run import RunResult
from crosskey.model import Subject
from crosskey_sandbox.halo.faults import Fault
from fake_clock import FakeClock

"""Where there is such a place, a journal that is flushed to the disk with each step waits for no disk."""

Step = tuple[Any, ...]


class History:
    """A world in which steps happen; each with a word which of two directories it happens in."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._both = list(world.directories.values())
        self._names = list(world.directories)
        self._fresh = 100

    async def step(self, step: Step, *, second: bool) -> None:
        """Let it happen."""
        number = int(second) % len(self._both)
        what, *rest = step
        match what:
            case "run":
                options: dict[str, Any] = {"changes": rest[0] in {"changes", "plan"}}
                await self.world.tried("plan" if "plan" in rest[0] else "sync", **options)
                self.world.assert_no_marker_doubled()
            case "person":
                people = self._both[number].people
                who = Subject(f"https://{self._names[number]}.example", people[rest[0] % len(people)])
                await self.world.tried("sync", people=frozenset({who}))
            case "wait":
                self.world.wait(rest[0])
            case "fault":
                effect, method, skip = rest
                self.world.desk.fail(Fault(effect=effect, method=method, skip=skip))
                await self._write(number)
            case "kill":
                self.world.wires["target.desk"].kill = (rest[0], rest[1])
                await self._write(number)
            case "by_hand":
                self.world.edit_by_hand(rest[0], rest[1])
            case _:
                self._happen(self._both[number], what, rest)

    async def _write(self, number: int) -> None:
        """A run that has something to write, of users and of agents: whatever is armed strikes it."""
        where = self._both[number]
        self._fresh += 1
        where.edit(where.people[4], title=f"Title {self._fresh}")
        where.edit(where.people[5], email=f"p{self._fresh}@acme.example")
        self.world.clock.advance(31.0)
        await self.world.tried("sync", changes=True)

    def _happen(self, where: Okta | Entra, what: str, rest: Sequence[Any]) -> None:
        self._fresh += 1
        if what in {"nest", "unnest"}:
            if rest[0] != rest[1]:
                getattr(where, what)(*rest)
        elif what in {"swap_names", "rename"}:
            self._rename(where, what, rest[0])
        elif what == "hire":
            self._hire(where, f"p{self._fresh}@acme.example", f"E{self._fresh}", rest[0])
        elif what in {"join", "leave"}:
            getattr(where, what)(rest[0], where.people[rest[1] % len(where.people)])
        else:
            self._to_person(where, what, where.people[rest[0] % len(where.people)])

    def _to_person(self, where: Okta | Entra, what: str, who: str) -> None:
        known = where.now(who)
        match what:
            case "mail":
                where.edit(who, email=f"p{self._fresh}@acme.example")
            case "number":
                where.edit(who, number=f"E{self._fresh}")
            case "title":
                where.edit(who, title=f"Title {self._fresh}")
            case "swap_mail" if known is not None:
                other = where.people[(where.people.index(who) + 1) % len(where.people)]
                theirs = where.now(other)
                if theirs is not None:
                    where.edit(other, email=f"p{self._fresh}@acme.example")
                    where.edit(who, email=theirs.email)
            case "rehire" if known is not None:
                # Another account of somebody who left, with the address they had.
                where.off(who)
                where.edit(who, email=f"left{self._fresh}@acme.example")
                self._hire(where, known.email, f"E{self._fresh}", [STAFF])
            case "off" | "on" | "delete" | "restore" | "purge":
                getattr(where, what)(who)
            case _:
                pass

    def _hire(self, where: Okta | Entra, email: str, number: str, groups: Sequence[int]) -> None:
        who = where.hire(email, number)
        where.people.append(who)
        for group in groups:
            where.join(group, who)

    def _rename(self, where: Okta | Entra, what: str, group: int) -> None:
        """Two groups that the rules name swap their names; or another one gets a new name."""
        if what == "rename" or group == OTHER:
            where.name(OTHER, f"Choir {self._fresh}")
            return
        order = (LONDON, APPROVERS, LEADS)
        other = order[(order.index(group) + 1) % 3]
        where.swap_names(group, other)


async def settled(world: World) -> None:
    """Nothing goes wrong any more, everything that lags is past, and changes are followed twice."""
    world.calm()
    world.clock.advance(ALL_LAGS)
    for _ in range(2):
        await world.run("sync", changes=True)
        world.clock.advance(ALL_LAGS)


async def assert_following_ended_where_a_full_sync_does(world: World) -> None:
    """The law; what somebody edited in the desk is seen by the full sync alone, so it is judged after one."""
    await settled(world)
    followed = await world.run("plan", changes=True)
    assert (followed.reach, world.planned) == ("changes", [])
    full = await world.run("plan")
    assert not [change for change in world.planned if change[3] not in world.by_hand], world.planned
    if world.by_hand:
        for _ in range(3):
            await world.run("sync")
            world.clock.advance(ALL_LAGS)
        await world.run("sync", changes=True)  # reads everything once more: who reads all asks for no cursor
        followed = await world.run("plan", changes=True)
        assert (followed.reach, world.planned) == ("changes", [])
        full = await world.run("plan")
        assert not world.planned
    assert _held(followed) == _held(full)
    world.assert_desk(held={marker(one.subject) for one in full.plan.held if one.subject is not None})


def _held(result: RunResult) -> list[tuple[str, str, str]]:
    return sorted((one.rail, one.kind, one.subject.id if one.subject else "") for one in result.plan.held)


def live(make: Callable[[Path, FakeClock], World], steps: Sequence[tuple[Step, bool]]) -> None:
    """A world from its first sync to the end of a history, and what must hold there."""
    folder = Path(tempfile.mkdtemp())

    async def everything() -> None:
        world = make(folder, FakeClock())
        world.clock.advance(3600.0)
        await world.run("sync", changes=True)
        history = History(world)
        for step, second in steps:
            await history.step(step, second=second)
        await assert_following_ended_where_a_full_sync_does(world)
        for reach, count in world.reaches.items():
            event(f"{reach}: {min(count, 9)}")

    try:
        asyncio.run(everything())
    finally:
        shutil.rmtree(folder)
