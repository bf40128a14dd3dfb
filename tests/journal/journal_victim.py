"""A process that tests kill: opens the journal given, does what it is told, says so, and waits."""

from __future__ import annotations

import sys
from pathlib import Path

from journal_samples import SETTLE, applied, create, start, writing

from fake_clock import FakeClock


def main(path: Path, what: str) -> None:
    journal = writing(path, FakeClock())
    run = start(journal)
    if what == "intend":
        journal.intend(run, [create(1), create(2)], settle=SETTLE)
    elif what == "answered":
        journal.intend(run, [create(1), create(2)], settle=SETTLE)
        journal.record(run, [create(1)], [applied(create(1), "50")], with_next=True)
    elif what == "half":
        journal.intend(run, [create(1)], settle=SETTLE)
        # Spill a transaction into the file before it commits, as a large one would.
        connection = journal._database.connection
        connection.execute("PRAGMA cache_size = 5")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE run SET note = 'half done'")
        connection.executemany(
            "INSERT INTO leaver VALUES ('desk', 'x', ?, 'user', ?)", ((str(i), "x" * 500) for i in range(2000))
        )
    sys.stdout.write(f"{run}\n")
    sys.stdout.flush()
    sys.stdin.read()


main(Path(sys.argv[1]), sys.argv[2])
