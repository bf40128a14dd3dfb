"""What happens in one seed: hostile rounds, then a careful person and calm ones, then the judgement."""

from __future__ import annotations

import hashlib
import logging
import random
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Final, Literal

import msgspec

from crosskey.errors import CrosskeyError, StorageError
from crosskey.model import Subject
from proofs.simulation.caretaker import calm_down
from proofs.simulation.directory import ISSUER
from proofs.simulation.rules import VARIANTS
from proofs.simulation.telling import Told, ask_about, ask_again, told_now
from proofs.simulation.wire.history import live_on_wire
from proofs.simulation.world import Ended, World

__all__ = ("Verdict", "live_through")

_HOSTILE: Final = 10
_TENTH: Final = 10
_ON_WIRE: Final = 7
_REMEMBERED: Final = 0.25
_MEMORY: Final = Path("/dev/shm")


class Verdict(msgspec.Struct):
    """What a seed came to: broken laws (none is what everybody wants), and what was tried."""

    seed: int
    broken: list[str]
    digest: str
    hits: dict[str, int]
    ends: dict[str, int]
    writes: int
    trace: list[str] = []


def live_through(seed: int, *, echo: bool = False) -> Verdict:
    """One seed from its first round to the judgement. Each tenth is lived through on a bad wire."""
    logging.getLogger("crosskey").addHandler(logging.NullHandler())
    base = _MEMORY if _MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="simulation-", dir=base) as folder:
        if seed % _TENTH == _ON_WIRE:
            world, ends = live_on_wire(seed, Path(folder), echo=echo)
        else:
            world, ends = _live(seed, Path(folder), echo=echo)
    return Verdict(
        seed=seed,
        broken=world.oracle.broken,
        digest=hashlib.sha256("\n".join(world.trace).encode()).hexdigest()[:16],
        hits=dict(world.faults.hits),
        ends=dict(ends),
        writes=world.oracle.writes,
        trace=world.trace,
    )


def _live(seed: int, folder: Path, *, echo: bool) -> tuple[World, Counter[str]]:
    world, ends = World(seed, folder, echo=echo), Counter[str]()
    story = _Story(world)
    try:
        for _ in range(_HOSTILE):
            ends[story.round().verdict] += 1
        calm_down(world, ends)
        for told in story.told:
            ask_again(world, told)
    finally:
        world.finish()
    return world, ends


class _Story:
    """The hostile rounds of a world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._random = random.Random(f"story {world.seed}")
        self._curious = random.Random(f"curious {world.seed}")
        self.told: list[Told] = []

    def round(self) -> Ended:
        """Time passes, people change things, something happens to the machine, and crosskey runs."""
        world = self._world
        world.clock.advance(self._random.choice((5.0, 20.0, 20.0, 60.0, 60.0, 150.0, 600.0, 4_000.0)))
        if self._random.random() < 0.7:
            world.churn.some(1, 2)
        world.churn.by_hand()
        self._machine()
        before = self._copy() if world.faults.may("journal.tail-lost") else None
        ended = self._run()
        self._ask()
        if before is not None and world.faults.strikes("journal.tail-lost", 0.15):
            world.restore(before)
        if self._random.random() < 0.3:
            world.finish()
        return ended

    def _ask(self) -> None:
        """Ask about somebody, and remember some of the answers, to ask the same of a run that is past."""
        who = self._curious.choice(sorted(self._world.directory.people))
        ask_about(self._world, (who,))
        if self._curious.random() < _REMEMBERED and (told := told_now(self._world, who)) is not None:
            self.told.append(told)

    def _run(self) -> Ended:
        world = self._world
        if world.faults.strikes("process.saved-plan", 0.15):
            return self._by_plan()
        kind: Literal["sync", "plan"] = "plan" if self._random.random() < 0.05 else "sync"
        if self._random.random() < 0.1:
            one = self._random.choice(sorted(world.directory.people))
            return world.run(kind, people=[Subject(ISSUER, one)])
        return world.run(kind, changes=self._random.random() < 0.6)

    def _by_plan(self) -> Ended:
        world, path = self._world, self._world.folder / "saved.plan"
        path.unlink(missing_ok=True)
        ended = world.run("plan", keep=path)
        if not path.exists():
            return ended
        if self._random.random() < 0.5:
            world.clock.advance(self._random.choice((60.0, 20_000.0)))
            world.churn.some(0, 1)
        return world.run("apply", expected=world.saved(path))

    # -- what happens to the machine ----------------------------------------------------------------------------------

    def _copy(self) -> Path | None:
        world = self._world
        if not world.journal.exists():
            return None
        world.finish()
        copy = world.folder / "before.sqlite"
        shutil.copyfile(world.journal, copy)
        return copy

    def _machine(self) -> None:
        world, faults = self._world, self._world.faults
        for fault, jump in (
            ("process.clock-forward", 3_600.0),
            ("process.clock-back", -3_600.0),
            ("process.clock-far", 40 * 86_400.0),
            ("process.clock-leap", -1.0),
        ):
            if faults.strikes(fault, 0.08):
                world.clock.skew += jump
        if faults.strikes("process.config-changed", 0.1):
            world.finish()
            world.variant = self._random.choice([one for one in VARIANTS if one != world.variant])
        state = world.journal.parent
        if state.is_dir():
            self._files(state)
        if world.journal.exists():
            self._journal()

    def _files(self, state: Path) -> None:
        faults = self._world.faults
        if faults.strikes("process.scratch-left", 0.1):
            (state / "reading.sqlite").write_bytes(b"left behind" * 100)
        snapshot = state / "snapshot.sqlite"
        if snapshot.exists() and faults.strikes("process.snapshot-lost", 0.1):
            snapshot.unlink()
        elif snapshot.exists() and faults.strikes("process.snapshot-damaged", 0.1):
            size = snapshot.stat().st_size
            with snapshot.open("r+b") as file:
                file.seek(self._random.randrange(0, max(1, size - 64)))
                file.write(bytes(64))

    def _journal(self) -> None:
        world, faults = self._world, self._world.faults
        wants_backups = faults.may("journal.old-backup")
        if wants_backups and self._random.random() < 0.4:
            world.back_up()
        if faults.strikes("journal.corrupt", 0.06):
            self._corrupt()
        if wants_backups and world.backups and faults.strikes("journal.old-backup", 0.12):
            world.restore(self._random.choice(world.backups[-4:]))

    def _corrupt(self) -> None:
        """Damage the first page, see that nothing runs on it, and put back what was there."""
        world = self._world
        world.finish()
        whole = world.folder / "whole.sqlite"
        shutil.copyfile(world.journal, whole)
        with world.journal.open("r+b") as file:
            file.write(b"not what it was " * 4)
        try:
            world.start()
        except StorageError:
            world.tell("journal refused as damaged")
        except CrosskeyError as error:
            world.oracle.complain("corrupt-accepted", f"a damaged journal led to {error.code}")
        else:
            world.oracle.complain("corrupt-accepted", "a damaged journal was opened")
        world.finish()
        shutil.copyfile(whole, world.journal)
