"""Run programs side by side and compare them: wall clock, CPU and peak memory of whole processes.

Only the standard library is imported here, and vendors run in processes of their own, so that the measuring costs the
measured nothing: a child inherits the peak memory of whoever starts it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
CROSSKEY = str(Path(sys.executable).with_name("crosskey"))


class Measured(NamedTuple):
    """One run of one program: seconds, seconds, MiB, and what it printed."""

    wall: float
    cpu: float
    peak: float
    output: str


def run(command: Sequence[str], *, codes: Sequence[int] = (0,), env: Mapping[str, str] | None = None) -> Measured:
    """Run to the end. Raises :class:`RuntimeError` with the output when the exit code is another than expected."""
    started = time.perf_counter()
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **(env or {})}
    )
    assert child.stdout is not None
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    child.stdout.close()
    if child.returncode not in codes:
        raise RuntimeError(f"{' '.join(command)} ended with {child.returncode}:\n{output}")
    return Measured(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output)


def side_by_side(rounds: int, **programs: Callable[[], Measured]) -> dict[str, list[Measured]]:
    """Run each program once a round, in turn, so that whatever else the machine does hits all of them."""
    runs: dict[str, list[Measured]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, program in programs.items():
            runs[name].append(program())
    return runs


def median(runs: Sequence[Measured], what: str = "wall") -> float:
    return statistics.median(getattr(one, what) for one in runs)


def show(title: str, runs: Mapping[str, Sequence[Measured]]) -> None:
    """Print one line a program: median wall with its range, median CPU, largest peak."""
    cpus, load = os.cpu_count(), os.getloadavg()[0]
    print(f"\n{title}   [{cpus} cores, Python {platform.python_version()}, load {load:.1f}]")
    print(f"  {'':<28}{'wall s':>8}{'least':>8}{'most':>8}{'CPU s':>8}{'peak MiB':>10}{'runs':>6}")
    for name, measured in runs.items():
        walls = [one.wall for one in measured]
        peak = max(one.peak for one in measured)
        print(
            f"  {name.replace('_', ' '):<28}{median(measured):8.3f}{min(walls):8.3f}{max(walls):8.3f}"
            f"{median(measured, 'cpu'):8.3f}{peak:10.1f}{len(measured):6}"
        )


class Verdicts:
    """Bars reached and missed; ``exit`` ends the program with 1 when one was missed."""

    def __init__(self) -> None:
        self._missed = 0

    def bar(self, what: str, value: float, most: float, unit: str = "") -> None:
        self._tell(value <= most, f"{what}: {value:.2f}{unit}, bar {most:g}{unit}")

    def at_least(self, what: str, value: float, least: float, unit: str = "") -> None:
        self._tell(value >= least, f"{what}: {value:,.0f}{unit}, bar at least {least:,g}{unit}")

    def _tell(self, reached: bool, text: str) -> None:
        self._missed += not reached
        print(f"  {'reached' if reached else 'MISSED '}  {text}")

    def exit(self) -> None:
        sys.exit(1 if self._missed else 0)


class Vendors:
    """A process of :mod:`vendors`: what it told at the start, and questions to it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.facts: dict[str, Any] = self._answer()

    def ask(self, question: str) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(question + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the vendors' process ended")
        return json.loads(line)


@contextmanager
def vendors(*words: str) -> Iterator[Vendors]:
    """Start :mod:`vendors` with these words; it ends with the block."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "vendors.py"), *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield Vendors(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(30)


def arguments(description: str | None, **numbers: int) -> argparse.Namespace:
    """``--rounds`` and the like, each a whole number with its default."""
    parser = argparse.ArgumentParser(description=description)
    for name, default in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=default, help=f"default {default}")
    return parser.parse_args()
