"""What the journal costs an apply run, and how soon an interrupted one writes again.

The real command line imports everybody into an empty desk that answers at once; a stopwatch is held to the journal from
the first intent to the last outcome. Once with commits that survive a power cut, once without; then a run is killed
half-way, and the next is watched until it writes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from desk import HELD, Desk, new_desk
from measuring import Verdicts, arguments, run, vendors

CHILD = Path(__file__).with_name("journalling_child.py")
KILLED = 137


def main() -> None:
    chosen = arguments(__doc__, creates=10_000, rounds=3)
    verdicts = Verdicts()
    for how in ("synced", "unsynced"):
        for _ in range(chosen.rounds):
            with _import(chosen.creates) as stage, new_desk(stage) as desk:
                told = _watched(desk, how)
            print(
                f"  {how}: run {told['wall']:.2f} s, {told['cpu']:.2f} s of CPU; applying {told['apply_wall']:.2f} s,"
                f" {told['apply_cpu']:.2f} s; the journal {told['journal_wall']:.2f} s, {told['journal_cpu']:.2f} s"
            )
            verdicts.bar(
                f"the journal's share of the run's CPU, {how}", 100 * told["journal_cpu"] / told["cpu"], 15, " %"
            )
            verdicts.bar(f"… of its wall clock, {how}", 100 * told["journal_wall"] / told["wall"], 15, " %")
            verdicts.bar(f"whole run, {how}", told["wall"], 30, " s")
    with _import(chosen.creates) as stage, new_desk(stage) as desk:
        _watched(desk, "killed", code=KILLED)
        told = _watched(desk, "recovering")
        verdicts.bar("from the start until it writes again", told["until_first"], 5, " s")
        print(f"  of which CPU: {told['until_first_cpu']:.2f} s")
    verdicts.exit()


def _import(creates: int):
    return vendors("stage", "--people", str(creates * 104 // 100))


def _watched(desk: Desk, how: str, code: int = HELD) -> dict[str, float]:
    measured = run([sys.executable, str(CHILD), how, "sync", "--json"], codes=(0, code), env=desk.env)
    line = next(line for line in measured.output.splitlines() if line.startswith("{") and "until_first" in line)
    return {**json.loads(line), "wall": measured.wall, "cpu": measured.cpu}


if __name__ == "__main__":
    main()
