"""Any past run planned again: by the same rules the same plan, by others theirs; nothing read, nothing written."""

import hashlib
from contextlib import suppress
from pathlib import Path

import anyio
from engine_bench import CONFIG
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule
from test_engine_history import Company

from crosskey.engine.past import Shelf
from crosskey.engine.past.replay import replay
from crosskey.journal import Journal


def shelf(bench):
    return Shelf(bench.config.journal.path, bench.config.journal.snapshots)


def again(bench, run=None, config=None):
    """Plan a run again (the last one) by a configuration (the run's own)."""
    with Journal.open(bench.config.journal.path, clock=bench.clock, connection="desk") as journal:
        run = run or journal.runs(limit=1)[0].id
        kept = shelf(bench).find(run)
        assert kept is not None
        return anyio.run(replay, config or bench.config, journal, kept)


def other(bench, old, new):
    """The configuration with one thing replaced, beside the bench's own."""
    assert old in CONFIG
    path = bench.path.with_name("other.toml")
    path.write_text(CONFIG.replace(old, new), encoding="utf-8")
    from crosskey.config import load_config

    return load_config(path, bench.plugins, resolve_secrets=False)


def files(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


class AnyRun(Company):
    """Every run of a random history is planned again at once and, those that are kept, once more at the end."""

    @initialize()
    def found(self):
        super().found()
        self.bench.directory.tells_changes = self.bench.desk.looks_up = True
        self.made = {}

    @rule(kind=st.sampled_from(["sync", "plan"]))
    def a_round_over_changes(self, kind):
        with suppress(Exception):
            anyio.run(lambda: self.bench.run(kind, changes=True))
        self.check()

    def run(self, *allow):
        super().run(*allow)
        if hasattr(self, "made"):
            self.check()

    def check(self):
        with Journal.open(self.bench.config.journal.path, clock=self.bench.clock, connection="desk") as journal:
            last = journal.runs(limit=1)[0]
        kept = shelf(self.bench).find(last.id)
        if kept is None or not kept.whole or last.id in self.made:
            return
        self.made[last.id] = self.bench.config
        before = files(Path(self.folder.name))
        self.same(last.id)
        assert files(Path(self.folder.name)) == before

    def same(self, run):
        made = again(self.bench, run, self.made[run])
        assert made.is_same, (made.differences, made.held_counts, made.held_then)

    def teardown(self):
        if hasattr(self, "made"):
            for kept in shelf(self.bench).all():
                if kept.run in self.made:
                    self.same(kept.run)
        super().teardown()


AnyRun.TestCase.settings = settings(
    max_examples=25, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
)
TestAnyRun = AnyRun.TestCase
