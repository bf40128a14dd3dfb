"""One world: both sides of the truth, the disk, and the processes that come and go between them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec

from crosskey.engine.connect import Connect
from crosskey.engine.rails import Allowed
from crosskey.engine.run import RunOptions, RunResult, execute
from crosskey.engine.saved import SavedPlan, load_plan, save_plan
from crosskey.errors import CrosskeyError, Diagnostic, LockedError, StorageError
from crosskey.model import Subject
from crosskey.plan import Held
from proofs.simulation import rules
from proofs.simulation.churn import Churn
from proofs.simulation.clock import SimClock
from proofs.simulation.desk import Desk
from proofs.simulation.directory import Directory
from proofs.simulation.faults import KINDS, Faults
from proofs.simulation.life import KilledError, Life, Round
from proofs.simulation.oracle import Oracle
from proofs.simulation.quiet import Quiet

__all__ = ("Ended", "World")

_EVERY = 4
_UNRULED = (
    *("human.", "journal.old-backup", "journal.tail-lost", "target.truncates", "target.ignores-field"),
    *("source.page-missing", "source.members-missing", "source.group-hidden", "source.schema-drift"),
    "source.status-unknown",
)
"""Hands in the desk, lost journals, a desk that holds something else than was written, a directory that calls complete
what is not: only a full read shows what they did, and not all of it can be taken back. A quarter of the worlds is
without."""
_PAUSE = 1_200.0
"""Seconds that a paused process sleeps: longer than its lease, and than anything needs to settle."""


def _most(allowed: Allowed) -> int:
    """How many disables a person let through."""
    return max(allowed.number("mass-disable"), allowed.number("rolling-disable"))


class Ended(msgspec.Struct):
    """How a run ended: with a verdict, an error's code, or ``killed``."""

    verdict: str
    size: int = 0
    held: tuple[Held, ...] = ()
    notices: tuple[Diagnostic, ...] = ()
    error: CrosskeyError | None = None


class World:
    """Everything that a seed decides about. ``folder`` is the machine's disk."""

    def __init__(self, seed: int, folder: Path, *, echo: bool = False) -> None:
        self.seed = seed
        self.echo = echo
        self.clock = SimClock()
        self.trace: list[str] = []
        self.faults = Faults(seed, KINDS, self.tell, without=_UNRULED if self.is_ruled_alone else ())
        self.oracle = Oracle(self.tell)
        self.directory = Directory(self.clock, lambda: self.oracle.note(self.directory, self.clock.elapsed))
        self.desk = Desk(self.clock)
        self.churn = Churn(seed, self.directory, self.desk, self.oracle, self.faults, self.tell)
        self.folder = folder
        self.journal = folder / "state" / "journal.sqlite"
        self.variant = rules.VARIANTS[0]
        self.life: Life | None = None
        self.rounds = 0
        self.backups: list[Path] = []
        self.has_forgotten = False
        """Whether the journal ever lost what it had known."""
        self.churn.seed(protected=rules.PROTECTED, breakglass=rules.BREAKGLASS)

    @property
    def is_ruled_alone(self) -> bool:
        """Whether nobody but crosskey decides about the desk, and its journal forgets nothing.

        Then changes alone must do, and everything can be taken back.
        """
        return self.seed % _EVERY == 1

    def tell(self, text: str) -> None:
        """Add a line to the trace."""
        line = f"{self.clock.elapsed:10.1f} {text}"
        self.trace.append(line)
        if self.echo:
            print(line)

    # -- processes ----------------------------------------------------------------------------------------------------

    def start(self) -> Life:
        """The process that is there, or a new one. Raises what opening the journal raises."""
        if self.life is None:
            self.life = self._new_life()
        return self.life

    def _new_life(self) -> Life:
        return Life(self.clock, self.faults, self.directory, self.desk, self.oracle, self.journal, self._meanwhile)

    def finish(self) -> None:
        """End the process that is there, as processes end that nobody kills."""
        life, self.life = self.life, None
        if life is not None:
            life.bury() if life.dead else life.end()

    def run(
        self,
        kind: Literal["plan", "apply", "sync"],
        *,
        changes: bool = False,
        people: Sequence[Subject] = (),
        allow: Sequence[str] = (),
        expected: SavedPlan | None = None,
        keep: Path | None = None,
        fuse: int = 0,
    ) -> Ended:
        """One run in the process that is there. A run that fails ends its process, as a command's does."""
        self.rounds += 1
        allowed = Allowed.parse(allow)
        options = RunOptions(
            kind=kind,
            changes=changes,
            people=frozenset(people),
            allowed=allowed,
            expected=expected,
            stop=lambda: self.faults.strikes("process.stopped", 0.05),
        )
        try:
            life = self.start()
            life.fuse = fuse
            life.round = Round(f"{kind} {self.rounds}", self.clock.elapsed, kind, _most(allowed))
            result = life.run(self._execute(life, options, keep))
        except CrosskeyError as error:
            return self._failed(error.code, error)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            return self._failed(self._name(error), None)
        self.tell(
            f"{kind} {result.reach} → {result.verdict}: {result.plan.size} planned, {dict(result.applied.counts)}"
        )
        if result.applied.stopped is not None:
            self.finish()
        return Ended(result.verdict, result.plan.size, result.plan.held, result.notices, result.applied.stopped)

    def _name(self, error: BaseException) -> str:
        life = self.life
        if life is not None and life.dead:
            return "killed"
        if not isinstance(error, TimeoutError | KilledError) and type(error).__name__ != "CancelledError":
            self.oracle.complain("raised", f"a run ended in {type(error).__name__}: {error}")
        return type(error).__name__

    def _failed(self, what: str, error: CrosskeyError | None) -> Ended:
        life = self.life
        if life is not None:
            if life.dead:
                what = "killed"
            elif life.armed and isinstance(error, StorageError):
                self.faults.hit(life.armed)
        self.tell(f"→ {what}")
        self.finish()
        return Ended(what, error=error)

    async def _execute(self, life: Life, options: RunOptions, keep: Path | None) -> RunResult:
        config = rules.config(self.variant, self.journal)
        connect = Connect(clock=life.clock)
        life.told_time = lambda: connect.skews.note(
            "desk.example", theirs=self.clock.true_time(), ours=self.clock.now()
        )
        result = await execute(config, rules.plugins(), life.journal, connect, options, Quiet())
        for change in result.plan.changes():
            self.tell(f"  {change.action} {change.kind} {change.key or '-'} {change.subject.id}")
        for hold in result.plan.held:
            self.tell(f"  held {hold.rail} {hold.kind} {hold.subject.id if hold.subject else ''}")
        if keep is not None:
            save_plan(result.plan, keep)
        return result

    def saved(self, path: Path) -> SavedPlan:
        """A plan that a run kept."""
        return load_plan(path)

    # -- what others do while a process waits -------------------------------------------------------------------------

    async def _meanwhile(self, life: Life) -> None:
        if self.faults.strikes("source.moves-while-read", 0.02):
            self.churn.some(1, 2)
        if not life.taken_over and self.faults.strikes("process.second-runner", 0.005):
            self._second_runner()
        if not life.taken_over and not life.armed and self.faults.strikes("process.paused", 0.004):
            await self._take_over(life)

    def _second_runner(self) -> None:
        try:
            self._new_life().end()
        except LockedError:
            return
        except StorageError:  # the disk strikes whoever opens it
            return
        self.oracle.complain("two-writers", "a second process opened the journal to write")

    async def _take_over(self, life: Life) -> None:
        """The process sleeps, its lease ends, another machine takes over and does its work; then it wakes up."""
        life.shielded = True
        self.clock.advance(_PAUSE)
        self.journal.with_name(self.journal.name + ".lock").unlink(missing_ok=True)
        other = self._new_life()
        other.shielded = True
        other.round = Round(f"take-over {self.rounds}", self.clock.elapsed, "sync")
        life.taken_over = True
        try:
            with suppress(CrosskeyError):
                result = await self._execute(other, RunOptions(kind="sync"), None)
                self.tell(f"take-over → {result.verdict}")
        finally:
            life.shielded = False
            other.end()

    # -- the disk -----------------------------------------------------------------------------------------------------

    def back_up(self) -> None:
        """Keep a copy of the journal, made while nobody writes."""
        if not self.journal.exists():
            return
        self.finish()
        copy = self.folder / f"backup-{len(self.backups)}.sqlite"
        shutil.copyfile(self.journal, copy)
        self.backups.append(copy)

    def restore(self, backup: Path) -> None:
        """Put a copy in place of the journal. That takes a person longer than anything needs to settle."""
        self.finish()
        shutil.copyfile(backup, self.journal)
        self.has_forgotten = True
        self.clock.advance(600.0)
