"""What must hold after the recovery, whatever was interrupted where."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from crosskey.clock import SystemClock
from crosskey.errors import ExitCode
from crosskey.journal import Journal
from proofs.crash.command import Ended
from proofs.crash.vendors import Facts, Written

__all__ = ("Expected", "after_fault", "after_recovery", "left_by", "pruned_in")

_LONGEST = 1000


Left = tuple[list[Any], list[str]]
"""Changes that a plan has, and the rails that hold something in it."""


class Expected(msgspec.Struct, frozen=True):
    """What an undisturbed run leaves: at the desk, of writes, and in the journal's folder."""

    facts: Facts
    files: list[str]
    code: int = 0
    again: tuple[int, Left] = (0, ([], []))
    pruned: tuple[int, int] = (0, 0)

    @property
    def writes(self) -> Counter[tuple[str, str]]:
        """How many records of a kind were saved how."""
        return _tally(self.facts.writes)


def after_fault(ended: Ended, facts: Facts, undisturbed: Expected) -> list[str]:
    """What is wrong with the process whose storage failed, before anything else ran."""
    wrong: list[str] = []
    if ended.code not in (ExitCode.OK, ExitCode.STORAGE):
        wrong.append(f"exit {ended.code}: {ended.err[-300:]}")
    if any(text in ended.err + ended.out for text in ("Traceback", "did not expect")):
        wrong.append(f"it did not fail in its own words: {ended.err[-300:]}")
    if ended.code == ExitCode.OK and facts.image != undisturbed.facts.image:
        wrong.append("exit 0, but not everything was done")
    if (at := ended.injected_at) is not None:
        late = [write for write in facts.writes if write.at > at]
        wrong += [f"{write.action} of {write.kind} {write.key} was sent after the storage failed" for write in late]
    return wrong


def after_recovery(recovery: Ended, again: Ended, facts: Facts, journal: Path, expected: Expected) -> list[str]:
    """Nobody lost, none doubled, no wrong disable, links = accounts, a whole chain, nothing open or left to do."""
    wrong: list[str] = []
    files = sorted(path.name for path in journal.parent.iterdir() if not path.name.endswith(".bak"))
    if files != expected.files:  # looked at before anybody opens the journal to read, who leaves files of WAL behind
        wrong.append(f"the folder holds {files}, not {expected.files}")
    if recovery.code not in (ExitCode.OK, expected.code):
        wrong.append(f"the recovery ended with exit {recovery.code}: {(recovery.err or recovery.out)[-300:]}")
    wrong += _people(facts, expected)
    wrong += _journal(facts, journal)
    if (pruned := pruned_in(journal)) != expected.pruned:
        wrong.append(f"events up to {pruned[0]} were to go and {pruned[1]} are left of them, not {expected.pruned}")
    wrong += _nothing_left(again, expected)
    return wrong


def _people(facts: Facts, expected: Expected) -> list[str]:
    wrong: list[str] = []
    missing = [row for row in expected.facts.image if row not in facts.image]
    surplus = [row for row in facts.image if row not in expected.facts.image]
    if missing or surplus:
        wrong.append(f"the desk lacks {missing} and shows {surplus}")
    if len(facts.image) != len(expected.facts.image):
        wrong.append(f"{len(facts.image)} accounts, not {len(expected.facts.image)}")
    doubled = [mark for mark, count in Counter(mark[:2] for mark in facts.marks).items() if count > 1]
    if doubled:
        wrong.append(f"doubled: {doubled}")
    if (writes := _tally(facts.writes)) != expected.writes:
        wrong.append(f"written {dict(writes)}, undisturbed {dict(expected.writes)}")
    return wrong


def _journal(facts: Facts, path: Path) -> list[str]:
    wrong: list[str] = []
    with Journal.open(path, clock=SystemClock()) as journal:
        if not journal.verify().ok:
            wrong.append(f"the chain is broken: {journal.verify()}")
        if open_ := journal.unresolved():
            wrong.append(f"still open: {[(one.id, one.state) for one in open_]}")
        if unended := [run.id for run in journal.runs(_LONGEST) if run.verdict is None]:
            wrong.append(f"runs without a verdict: {unended}")
        linked = {(link.kind, link.key) for link in journal.all_links()}
        accounts = {(kind, key) for kind, _, key in facts.marks}
        if linked != accounts:
            wrong.append(f"links without account {linked - accounts}, accounts without link {accounts - linked}")
        for (kind, key), count in Counter((write.kind, write.key) for write in facts.writes).items():
            first = min(write.at for write in facts.writes if (write.kind, write.key) == (kind, key))
            intents = journal.operations(key=(kind, key), limit=_LONGEST)
            if (
                sum(one.attempts for one in intents) < count
                or min(one.intent_at.timestamp() for one in intents) > first
            ):
                wrong.append(f"{kind} {key} was written {count} times without an intent for each")
    return wrong


def left_by(again: Ended) -> tuple[int, Left]:
    """How a plan ended, and what it would do or holds."""
    told: dict[str, Any] = json.loads(again.out) if again.out.startswith("{") else {}
    held = [str(one["rail"]) for one in told.get("plan", {}).get("held", [])]
    return again.code, (told.get("changes", []), sorted(held))


def pruned_in(path: Path) -> tuple[int, int]:
    """Up to which event the journal was pruned, and how many of those events are there all the same."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
        [(through,)] = database.execute("SELECT pruned_seq FROM meta")
        [(left,)] = database.execute("SELECT count(*) FROM event WHERE seq <= ?", (through,))
    return through, left


def _nothing_left(again: Ended, expected: Expected) -> list[str]:
    code, left = left_by(again)
    if (code, left) == expected.again:
        return []
    return [f"the second plan ended with exit {code} and has {left}: {again.err[-300:]}"]


def _tally(writes: list[Written]) -> Counter[tuple[str, str]]:
    return Counter((write.kind, write.action) for write in writes)
