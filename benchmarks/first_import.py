"""First import: everybody of a directory becomes a user of an empty desk whose request budget is off."""

from __future__ import annotations

from desk import new_desk
from measuring import Verdicts, arguments, median, show, vendors


def main() -> None:
    chosen = arguments(__doc__, creates=10_000, rounds=3)
    runs = []
    for _ in range(chosen.rounds):
        with vendors("stage", "--people", str(chosen.creates * 104 // 100)) as stage, new_desk(stage) as desk:
            runs.append(desk.command("sync"))
            writes = stage.ask("counts")["writes"]
            assert writes >= chosen.creates, writes
    show(f"First import, {writes:,} writes", {"crosskey sync": runs})
    verdicts = Verdicts()
    verdicts.bar("wall", median(runs), 30, " s")
    verdicts.exit()


if __name__ == "__main__":
    main()
