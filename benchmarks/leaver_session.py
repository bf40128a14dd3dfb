"""From a person switched off at Okta to their open session refused by `/auth/verify`: how long, with and without hooks?

    PYTHONPATH=tests:tests/sso:tests/cli:tests/doors python benchmarks/leaver_session.py [--rounds 30] [--waits 6]

`crosskey watch` and `crosskey serve` are processes on one journal; the local Okta delivers its event hook over HTTP.
One person at a time; their browser asks every few milliseconds. Without the hook the watcher's interval is the shortest
there is, and each leaves at another moment of it: the bar is that interval and a second for the round itself.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from leaver_bench import Beside, House, leaver_house
from measuring import Verdicts

EVERY = 10
"""Seconds; the configuration takes no fewer."""
APART = 0.6
"""Seconds between two leavers at least: more than two signals a second for long become one look, 5 s later."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=2000, help="default 2000; one in twenty-five is an agent")
    parser.add_argument("--rounds", type=int, default=30, help="default 30 leavers with the hook")
    parser.add_argument("--waits", type=int, default=6, help="default 6 leavers without it")
    chosen = parser.parse_args()
    with TemporaryDirectory() as folder, leaver_house(Path(folder), people=chosen.people) as house:
        assert house.shell("sync").code in (0, 6)
        leavers = iter(house.agents())
        with house.serving():
            with house.watching() as watch:
                house.hooks("install", "--url", house.watch_url)
                hooked = [wait(house, watch, next(leavers), APART) for _ in range(chosen.rounds)]
            house.shell.edit(('every = "1h"', f'every = "{EVERY}s"'))
            with house.watching() as watch:
                house.hooks("remove")
                parts = [(number * 7 % chosen.waits) / chosen.waits * EVERY for number in range(chosen.waits)]
                timed = [wait(house, watch, next(leavers), part) for part in parts]
    print(f"\n{chosen.people} people   [{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}]")
    print(f"  {'seconds until refused':<32}{'median':>8}{'least':>8}{'worst':>8}{'leavers':>9}")
    for name, waits in (("with the hook", hooked), (f"without it, looking every {EVERY} s", timed)):
        print(f"  {name:<32}{statistics.median(waits):8.3f}{min(waits):8.3f}{max(waits):8.3f}{len(waits):9}")
    verdicts = Verdicts()
    verdicts.bar("worst with the hook", max(hooked), 1.0, " s")
    verdicts.bar("worst without it", max(timed), EVERY + 1.0, " s")
    verdicts.exit()


def wait(house: House, watch: Beside, login: str, before: float) -> float:
    """Somebody who is inside leaves, after a moment; seconds until they are refused."""
    visitor = house.visitor(login)
    time.sleep(before)
    began = time.perf_counter()
    house.leaves(login)
    watch.until(visitor.reason, pause=0.005)
    took = time.perf_counter() - began
    visitor.close()
    return took


if __name__ == "__main__":
    main()
