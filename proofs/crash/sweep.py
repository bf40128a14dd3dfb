"""Every point of a command, one trial each: disturb, recover once, judge."""

from __future__ import annotations

import gc
import importlib
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from crosskey.clock import SystemClock
from crosskey.journal import Journal
from proofs.crash.command import CALLS, FOLDER, Call, Ended, Fault, Injection, Running, start_command
from proofs.crash.company import Vendors
from proofs.crash.inside import still_inside
from proofs.crash.oracle import Expected, after_fault, after_recovery, left_by, pruned_in
from proofs.crash.scenarios import RUN, Run, Scenario
from proofs.crash.vendors import Ports, free_ports
from proofs.crash.vendors import served as serving

__all__ = ("Bench", "Verdict", "prepared", "selected")

_JOURNAL = Path(FOLDER, "journal.sqlite")
_MEMORY = Path("/dev/shm")
_SEALED_AFTER = timedelta(days=2)
"""A run so long after the first one seals what that one wrote."""


class Verdict(msgspec.Struct, frozen=True):
    """One trial: where, how the command ended, whether that was hit, and everything that is wrong afterwards."""

    injection: Injection
    code: int
    fired: bool
    wrong: list[str]


class Bench:
    """A folder and two vendors as they are before the command; each trial has copies of all three."""

    def __init__(
        self, scenario: Scenario, vendors: Vendors, ports: Ports, base: Path, *, wal: bool, settle: str, traced: bool
    ) -> None:
        self.scenario = scenario
        self.vendors = vendors
        self.ports = ports
        self.wal = wal
        self._settle = settle
        self._last = ""
        self._kept, self._folder = base / "kept", base / "trial"
        self._prepare()
        self.expected, self.calls = self._undisturbed(traced=traced)

    def trial(self, injection: Injection) -> Verdict:
        """Disturb at one point, let one undisturbed run recover, and judge."""
        with serving(self.vendors, self.ports) as served:
            self.reset()
            ended = self._traced(injection)
            wrong: list[str] = []
            before = served.facts()
            if injection.fault != "kill":
                wrong += after_fault(ended, before, self.expected)
            elif not ended.disturbed and ended.code:
                wrong.append(f"exit {ended.code} without being killed: {ended.err[-300:]}")
            if self.scenario.inside:
                wrong += still_inside(self.journal, before)
            if self.scenario.reads and before.writes:
                wrong.append(f"a command that only reads wrote {before.writes}")
            recovery = self.run(*self.scenario.recover)
            facts = served.facts()
            again = self.run("plan", "--json")
            wrong += after_recovery(recovery, again, facts, self._folder / _JOURNAL, self.expected)
        return Verdict(injection, ended.code, ended.disturbed, wrong)

    def points(self, fault: Fault) -> list[Injection]:
        """Every call of the undisturbed run, in its order."""
        seen: Counter[str] = Counter()
        found: list[Injection] = []
        for call in self.calls:
            seen[call.name] += 1
            found.append(Injection(call.name, seen[call.name], fault))
        return found

    def beyond(self, fault: Fault) -> Iterator[Verdict]:
        """Points past the last of the undisturbed run: for each name until a run ends without being disturbed."""
        seen = Counter(call.name for call in self.calls)
        for name in CALLS:
            for n in count(seen[name] + 1):
                verdict = self.trial(Injection(name, n, fault))
                yield verdict
                if not verdict.fired:
                    break

    def _prepare(self) -> None:
        self._folder.mkdir()
        config = self.vendors.configuration(*self.ports.urls, settle=self._settle)
        (self._folder / "crosskey.toml").write_text(config, encoding="utf-8")
        if self.scenario.synced:
            self._prepared_by(self._first_sync)
            self.scenario.change(self.vendors)
        self._prepared_by(lambda run: self.scenario.prepare(run, self._folder))
        if self.journal.exists():
            with Journal.open(self.journal, clock=SystemClock()) as journal:
                self._last = next((run.id for run in journal.runs(1)), "")
        shutil.copytree(self._folder, self._kept)
        gc.freeze()

    def _first_sync(self, run: Run) -> None:
        ago = self.scenario.ago
        run("sync", ahead=-ago)
        if ago:
            run("plan", ahead=_SEALED_AFTER - ago)

    def _prepared_by(self, step: Callable[[Run], object]) -> None:
        """Let a step run commands undisturbed; what they wrote to the desk is what comes next begins with."""

        def run(*words: str, ahead: timedelta = timedelta(0)) -> Ended:
            ended = self.run(*words, ahead=ahead)
            if ended.code:
                raise RuntimeError(f"crosskey {' '.join(words)} ended with exit {ended.code}: {ended.err or ended.out}")
            return ended

        with serving(self.vendors, self.ports) as served:
            step(run)
            self.vendors = msgspec.structs.replace(self.vendors, desk=served.desk())

    def _undisturbed(self, *, traced: bool) -> tuple[Expected, list[Call]]:
        with serving(self.vendors, self.ports) as served:
            self.reset()
            ended = self._traced(None) if traced else self.run(*self.scenario.words)
            recovery = self.run(*self.scenario.recover)
            facts = served.facts()
            again = left_by(self.run("plan", "--json"))
        if ended.code or not (self.scenario.held or (recovery.code, *again) == (0, 0, ([], []))):
            said = ended.err + recovery.err + recovery.out
            raise RuntimeError(
                f"undisturbed, the command ended with {ended.code}, then {recovery.code}, {again}: {said}"
            )
        files = sorted(path.name for path in self.journal.parent.iterdir() if path.suffix != ".bak")
        return Expected(facts, files, recovery.code, again, pruned_in(self.journal)), ended.calls

    def reset(self) -> None:
        """Begin a trial: the folder as it is before the command."""
        shutil.rmtree(self._folder)
        shutil.copytree(self._kept, self._folder)

    def _traced(self, injection: Injection | None) -> Ended:
        watched = (self._folder / _JOURNAL).parent
        return self.start(*self.scenario.words, watched=watched, injection=injection).ended()

    def start(
        self,
        *words: str,
        name: str = "",
        watched: Path | None = None,
        injection: Injection | None = None,
        ahead: timedelta = timedelta(0),
    ) -> Running:
        """Start a command in the trial's folder."""
        secrets = self.vendors.secrets()
        words = tuple(self._last if word == RUN else word for word in words)
        return start_command(
            words, self._folder, secrets, name=name, watched=watched, injection=injection, wal=self.wal, ahead=ahead
        )

    def run(self, *words: str, ahead: timedelta = timedelta(0)) -> Ended:
        """Run a command undisturbed in the trial's folder."""
        return self.start(*words, ahead=ahead).ended()

    @property
    def journal(self) -> Path:
        """The journal of the trial."""
        return self._folder / _JOURNAL


@contextmanager
def prepared(scenario: Scenario, *, wal: bool = False, settle: str = "0s", traced: bool = True) -> Generator[Bench]:
    """A bench in memory, where there is such a place. Only ``traced`` does it know the points of the command."""
    _import_what_commands_use()
    with TemporaryDirectory(prefix="crosskey-crash-", dir=_MEMORY if _MEMORY.is_dir() else None) as base:
        yield Bench(scenario, Vendors.made(), free_ports(), Path(base), wal=wal, settle=settle, traced=traced)


def selected(
    points: Sequence[Injection], *, every: int = 1, first: int = 1, last: int | None = None
) -> list[Injection]:
    """Every n-th of the points from ``first`` to ``last`` (counted from 1)."""
    return list(points[first - 1 : last])[::every]


def _import_what_commands_use() -> None:
    """Import in this process, once, what each forked command would import otherwise."""
    for late in ("httpcore", "anyio", "anyio._backends._asyncio"):  # httpx imports them when it first connects
        importlib.import_module(late)
    for package in ("crosskey", "crosskey_okta", "crosskey_halo", "crosskey_entra", "crosskey_notify"):
        module = importlib.import_module(package)
        for file in sorted(Path(str(module.__file__)).parent.rglob("*.py")):
            name = ".".join(file.relative_to(Path(str(module.__file__)).parent.parent).with_suffix("").parts)
            if not name.endswith(("__main__", "__init__")) and name not in sys.modules:
                with suppress(ImportError):  # parts of extras that are not installed
                    importlib.import_module(name)
