"""A full read of 10,000 users and 200 groups with their members, every answer 100 ms late, at most 8 requests at once.

Members of one group come one page after the other, so the largest group decides; hence a second run with larger pages.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from measuring import HERE, Verdicts, arguments, median, run, show, side_by_side, vendors


def main() -> None:
    chosen = arguments(__doc__, people=10_000, groups=200, rounds=3)
    verdicts = Verdicts()
    words = ("--people", str(chosen.people), "--groups", str(chosen.groups + 2))
    with TemporaryDirectory() as folder, vendors("stage", *words, "--latency", "100") as stage:
        names = Counter(stage.facts["teams"])
        mapped = Path(folder) / "groups.json"
        mapped.write_text(json.dumps([name for name, count in names.items() if count == 1]), encoding="utf-8")
        command = [sys.executable, str(HERE / "crosskey_read.py"), stage.facts["okta_url"], stage.facts["okta_token"]]
        command.append(str(mapped))
        for word in ("member_page=200", "member_page=500"):
            run([*command, word])  # the vendor remembers its answers
        runs = side_by_side(
            chosen.rounds,
            as_it_comes=lambda: run(command),
            with_member_page_500=lambda: run([*command, "member_page=500"]),
        )
        stage.ask("counts")
        told = json.loads(run(command).output)
        requests = sum(stage.ask("counts")["okta"].values())
    assert told["people"] == chosen.people, told
    groups = sum(count == 1 for count in names.values())
    show(f"{told['people']:,} people, {groups} groups, {told['members']:,} members, {requests} requests", runs)
    verdicts.bar("wall, whole process", median(runs["as_it_comes"]), 8, " s")
    verdicts.exit()


if __name__ == "__main__":
    main()
