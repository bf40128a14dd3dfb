"""A sync that finds nothing to do: everybody read and compared in full, the vendors answering at once."""

from __future__ import annotations

from desk import new_desk
from measuring import Verdicts, arguments, median, show, vendors


def main() -> None:
    chosen = arguments(__doc__, people=50_000, rounds=5)
    verdicts = Verdicts()
    with vendors("stage", "--people", str(chosen.people)) as stage, new_desk(stage) as desk:
        imported = desk.command("sync")
        desk.command("sync")  # the vendors remember their answers
        before = stage.ask("counts")["writes"]
        runs = [desk.command("sync") for _ in range(chosen.rounds)]
        counts = stage.ask("counts")
        assert counts["writes"] == before, counts["writes"] - before
        show(f"{chosen.people:,} people", {"first import": [imported], "sync, no change": runs})
        verdicts.bar("wall", median(runs), 8, " s")
        verdicts.bar("peak memory", max(one.peak for one in runs), 150, " MiB")
    verdicts.exit()


if __name__ == "__main__":
    main()
