"""``crosskey`` with a stopwatch on its journal: ``journalling_child.py HOW WORDS…`` runs a command and tells."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from crosskey.cli.main import main
from crosskey.journal import JournalWriter
from crosskey.journal.database import Database

KILL_AT = 50


class Watch:
    """Wall clock and CPU of the journal's share of applying."""

    def __init__(self, how: str) -> None:
        self.how = how
        self.born = (time.perf_counter(), time.process_time())
        self.began: tuple[float, float] | None = None
        self.ended = self.born
        self.spent = [0.0, 0.0]
        self.intents = 0

    def on(self, name: str) -> None:
        kept: Callable[..., Any] = getattr(JournalWriter, name)

        def watched(*args: Any, **options: Any) -> Any:
            self.intents += name == "intend"
            before = (time.perf_counter(), time.process_time())
            self.began = self.began or before
            if self.how == "killed" and self.intents == KILL_AT:
                self.tell()
                os._exit(137)
            try:
                return kept(*args, **options)
            finally:
                self.ended = (time.perf_counter(), time.process_time())
                for at in (0, 1):
                    self.spent[at] += self.ended[at] - before[at]

        setattr(JournalWriter, name, watched)

    def tell(self) -> None:
        began = self.began or self.born
        told = {
            "journal_wall": self.spent[0],
            "journal_cpu": self.spent[1],
            "apply_wall": self.ended[0] - began[0],
            "apply_cpu": self.ended[1] - began[1],
            "until_first": began[0] - self.born[0],
            "until_first_cpu": began[1],
        }
        print("\n" + json.dumps(told), flush=True)


def unsynced() -> None:
    kept = Database.make_durable

    def make_quick(database: Database) -> None:
        kept(database)
        database.value("PRAGMA synchronous = OFF")

    Database.make_durable = make_quick


if __name__ == "__main__":
    watch = Watch(sys.argv.pop(1))
    if watch.how == "unsynced":
        unsynced()
    watch.on("intend")
    watch.on("record")
    try:
        main()
    finally:
        watch.tell()
