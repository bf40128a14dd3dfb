"""Every 5th answer is a 429: how much longer than the waits which those demand does a read take?

The waits are those of real windows (30 s and 60 s) and pass on a virtual clock, in the client only. The floor is the
sum of what the 429s of the one chain of users told to wait; work (real seconds of the whole read) is added to both.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from measuring import HERE, Verdicts, arguments, run, vendors


def main() -> None:
    chosen = arguments(__doc__, people=10_000, every=5)
    verdicts = Verdicts()
    for wait in (30, 60):
        fault = f'[{{"kind":"minute_429","path":"/api/v1/users","every":{chosen.every},"wait":{wait}}}]'
        with (
            TemporaryDirectory() as folder,
            vendors("stage", "--people", str(chosen.people), "--quirk", f"okta.faults={fault}") as stage,
        ):
            none = Path(folder) / "groups.json"
            none.write_text("[]", encoding="utf-8")
            facts = stage.facts
            command = [sys.executable, str(HERE / "crosskey_read.py"), facts["okta_url"], facts["okta_token"]]
            stage.ask("counts")
            told = json.loads(run([*command, str(none), "virtual"]).output)
            answers = stage.ask("counts")["okta"]["GET /api/v1/users"]
        refused = answers // chosen.every
        floor = refused * wait + told["seconds"]
        took = told["waited"] + told["seconds"]
        assert told["people"] == chosen.people, told
        print(f"\n{answers} answers, {refused} of them a 429 to wait {wait} s: floor {floor:.1f} s, took {took:.1f} s")
        verdicts.bar("to the floor", took / floor, 1.1, " x")
    verdicts.exit()


if __name__ == "__main__":
    main()
