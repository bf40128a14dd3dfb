"""The careful person: once nothing goes wrong any more, does what crosskey's own words say, where that is right."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

import msgspec

from crosskey.engine.rails import COUNTED
from proofs.simulation.telling import ask_about
from proofs.simulation.undoing import undo_everything
from proofs.simulation.world import Ended, World

__all__ = ("calm_down",)

_PATIENCE: Final = 10
"""So many calm rounds must be enough."""
_FOLLOWED: Final = 4
"""So many calm rounds of changes must be enough."""
_BETWEEN: Final = 700.0
_ALLOWED: Final = COUNTED | {
    "shrink",
    "absence-unconfirmed",
    "accounts-missing",
    "empty-group",
    "last-active",
    "restored",
}
_MIXED_UP: Final = frozenset({"identity-collision", "ambiguous-match", "new-identity"})
_ALL: Final = 100_000
_LONG: Final = 90_000.0
"""Longer than a refused write is left alone."""
_STANDING: Final = frozenset({"protected", "unmanaged-leaver"})
"""Rails that hold the same people for ever, which is right: the world has accounts that must not be touched."""


def calm_down(world: World, ends: Counter[str]) -> None:
    """Calm rounds until nothing is left to do, then the judgement."""
    world.faults.on = False
    if world.life is not None:
        world.life.mend()
    world.clock.skew = 0.0
    world.tell("calm")
    _follow_changes(world, ends)
    allow: list[str] = []
    quiet = 0
    for _ in range(_PATIENCE):
        world.clock.advance(_BETWEEN)
        world.desk.tick()
        ended = world.run("sync", allow=allow)
        ends[f"calm {ended.verdict}"] += 1
        allow = _and_more(allow, _follow(world, ended))
        quiet = quiet + 1 if _is_quiet(ended) and not allow else 0
        if quiet == 2:
            break
    else:
        world.oracle.complain("never-quiet", f"{_PATIENCE} calm rounds did not come to an end")
    _judge(world)


def _follow_changes(world: World, ends: Counter[str]) -> None:
    """In some worlds changes alone must do: whatever was read and not carried out must still be owed."""
    if not world.is_ruled_alone:
        return
    ended = Ended("")
    for _ in range(_FOLLOWED):
        world.clock.advance(_BETWEEN)
        world.desk.tick()
        ended = world.run("sync", changes=True)
        ends[f"followed {ended.verdict}"] += 1
        _follow(world, ended)
    if _is_quiet(ended):
        world.oracle.judge(world.directory, world.desk)


def _is_quiet(ended: Ended) -> bool:
    return ended.error is None and ended.size == 0 and all(hold.rail in _STANDING for hold in ended.held)


def _follow(world: World, ended: Ended) -> list[str]:
    """What to allow next time, having looked at it; what is to be done by hand is done at once."""
    allow: list[str] = []
    for hold in ended.held:
        words = hold.fix.split("--allow ", 1)
        if hold.rail in _ALLOWED and len(words) == 2:
            allow.append(_word(words[1]))
        elif hold.rail == "refused-before":
            world.clock.advance(_LONG)
        elif hold.rail in _MIXED_UP and hold.subject is not None:
            who = hold.subject.id
            if who in world.directory.people and who not in world.oracle.exempt:
                world.directory.change(who, email=f"{who}.own{world.rounds}@people.example")
                world.directory.commit()
        elif hold.rail == "unmanaged-leaver" and hold.key is not None:
            _switch(world, hold.kind, hold.key, active=False)
    for notice in ended.notices:
        if notice.code == "disabled-by-hand":
            _switch_on(world, notice.summary)
        elif notice.code == "accounts-forgotten":
            for key in notice.summary.rpartition(": ")[2].removesuffix(", …").split(", "):
                _switch(world, notice.path.removeprefix("map."), key, active=False)
    return allow


def _and_more(before: list[str], now: list[str]) -> list[str]:
    """What one rail asked for is said again when another asks for something too; once none asks, nothing is."""
    codes = {word.partition("=")[0] for word in now}
    return [*(word for word in before if word.partition("=")[0] not in codes), *now] if now else []


def _word(text: str) -> str:
    """The first word after ``--allow``, which may be quoted."""
    if text.startswith('"'):
        return text[1:].partition('"')[0]
    return re.split(r"[`,; ]", text, maxsplit=1)[0]


def _switch(world: World, kind: str, key: str, *, active: bool) -> None:
    account = world.desk.accounts.get((kind, key))
    if account is not None and (kind, key) not in world.desk.unmanaged:
        world.desk.put(msgspec.structs.replace(account, active=active))
        world.tell(f"desk: {kind} {key} switched {'on' if active else 'off'} as told")


def _switch_on(world: World, told: str) -> None:
    """Switch on what nobody switched off by hand: a journal that was put back does not know that crosskey did."""
    kind, key = told.split("somebody switched ", 1)[1].split(" ")[:2]
    if (kind, key) not in world.oracle.left_off:
        _switch(world, kind, key, active=True)


def _judge(world: World) -> None:
    world.oracle.judge(world.directory, world.desk)
    journal = world.start().journal
    for operation in journal.unresolved():
        world.oracle.complain("open-write", f"{operation.change.id} is {operation.state}")
    done = Counter(one.change.id for one in journal.operations(limit=_ALL) if one.state == "done")
    for change, times in sorted(done.items()):
        if times > world.desk.written[change]:
            world.oracle.complain("told-done", f"{change} is done {times} times and came {world.desk.written[change]}")
    found = journal.verify()
    if not found.ok:
        world.oracle.complain("chain", found.reason)
    second = world.run("plan")
    if second.size or second.error is not None:
        world.oracle.complain("second-plan", f"{second.size} changes, {second.verdict}")
    ask_about(world, sorted({*world.directory.people, *(owner.id for owner in world.desk.owners.values())}), calm=True)
    undo_everything(world)
