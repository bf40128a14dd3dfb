"""Asking a bench about its past."""

from crosskey.config import load_config
from crosskey.engine.past import Shelf
from crosskey.engine.past.asking import explain_as_of, named_run
from crosskey.engine.past.replay import replay
from crosskey.journal import Journal


def shelf(bench):
    return Shelf(bench.config.journal.path, bench.config.journal.snapshots)


def as_of(bench, word, who):
    """Who it is, as of the run that a word names."""
    with Journal.open(bench.config.journal.path, clock=bench.clock, connection="desk") as journal:
        run = named_run(journal, word)
        text = bench.path.read_text(encoding="utf-8")
        return explain_as_of(bench.config, bench.plugins, journal, run, who, clock=bench.clock, text=text)


async def again(bench, run=None, config=None):
    """Plan a run again (the last one) by a configuration (the present one)."""
    with Journal.open(bench.config.journal.path, clock=bench.clock, connection="desk") as journal:
        run = run or journal.runs(limit=1)[0].id
        kept = shelf(bench).find(run)
        assert kept is not None
        return await replay(config or bench.config, journal, kept)


def other(bench, text):
    """A configuration beside the bench's own."""
    path = bench.path.with_name("other.toml")
    path.write_text(text, encoding="utf-8")
    return load_config(path, bench.plugins, resolve_secrets=False)
