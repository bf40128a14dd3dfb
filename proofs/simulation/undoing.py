"""The last law of some worlds: taking back every run, newest first, gives back what was there before crosskey came."""

from __future__ import annotations

from typing import Final

from crosskey.engine.connect import Connect
from crosskey.engine.rails import Allowed
from crosskey.engine.undo import UndoOptions, UndoResult, undo
from crosskey.errors import ConfigError, CrosskeyError
from proofs.simulation import rules
from proofs.simulation.desk import Key
from proofs.simulation.life import Life, Round
from proofs.simulation.quiet import Quiet
from proofs.simulation.world import World

__all__ = ("undo_everything",)

_RUNS: Final = 200
_ALLOWED: Final = (
    *(f"{rail}=99" for rail in ("mass-disable", "rolling-disable", "mass-demote", "mass-change")),
    "last-active=agent",
)


def undo_everything(world: World) -> None:
    """Take every run back in one world of some, and compare the desk with what it was."""
    if not world.is_ruled_alone:
        return
    runs = [run.id for run in world.start().journal.runs(_RUNS)]
    for run in runs:
        world.clock.advance(300.0)
        try:
            result = _undo(world, run)
        except ConfigError as error:
            if error.code != "undo-nothing":
                world.oracle.complain("undo", f"{error.code}: {error.message}")
            continue
        except CrosskeyError as error:
            world.oracle.complain("undo", f"{error.code}: {error.message}")
            return
        if result.plan.held:
            world.tell(f"undo held: {[hold.rail for hold in result.plan.held]}")
    for key, account in sorted(world.desk.accounts.items()):
        _judge(world, key, active=account.active)


def _undo(world: World, run: str) -> UndoResult:
    life = world.start()
    life.round = Round(f"undo {run}", world.clock.elapsed, "undo", 99)

    async def go(life: Life) -> UndoResult:
        connect = Connect(clock=life.clock)
        options = UndoOptions(kind="undo", undone=run, allowed=Allowed.parse(_ALLOWED))
        config = rules.config(world.variant, world.journal)
        return await undo(config, rules.plugins(), life.journal, connect, options, Quiet())

    world.oracle.taking_back = True
    return life.run(go(life))


def _judge(world: World, key: Key, *, active: bool) -> None:
    if key in world.desk.made:
        if active:
            world.oracle.complain("undo", f"{key} was made by crosskey, was taken back, and is on")
        return
    before = world.desk.first.get(key)
    if before is None:
        return
    now = world.desk.accounts[key]
    for name, value in now.fields.items():
        if (before.fields.get(name) or "") != (value or ""):
            world.oracle.complain("undo", f"{name} of {key} is {value!r} and was {before.fields.get(name)!r}")
    if now.active != before.active:
        world.oracle.complain("undo", f"{key} is {'on' if now.active else 'off'} and was not")
