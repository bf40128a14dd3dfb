"""What may be asked of a run, and what it comes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Literal, Protocol

import msgspec

from crosskey.connector.target import TargetSchema
from crosskey.engine.rails import Allowed
from crosskey.engine.saved import SavedPlan
from crosskey.errors import CrosskeyError, Diagnostic
from crosskey.model import Catalogue, Subject
from crosskey.plan import Change, Held, Outcome, Plan

__all__ = ("Applied", "Observer", "Proposal", "Reach", "RunOptions", "RunResult", "Verdict", "WaveReport", "Waves")

Reach = Literal["everything", "changes", "people"]
"""How much was read: everything, what changed since the last run, or single people by id."""

Verdict = Literal["clean", "partial", "held", "aborted", "failed"]


class Observer(Protocol):
    """Whoever watches a run: phases with a known or unknown amount of work."""

    def phase(self, name: str, total: int | None) -> None:
        """A new phase begins."""
        ...

    def advance(self, count: int) -> None:
        """That much more of the phase is done."""
        ...


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """What a person is asked about: the plan, how much was read for it, and what the target calls things."""

    plan: Plan
    people: int
    accounts: Mapping[str, int]
    schema: TargetSchema
    catalogue: Catalogue


class Waves(msgspec.Struct, frozen=True, kw_only=True):
    """In waves: so many changes first, then percent steps, each looked at before the next. ``canary`` 0: not in waves.

    More than ``max_errors`` percent of a wave that fail, or that the target does not show afterwards, end it; of the
    first wave one is enough.
    """

    canary: int
    steps: tuple[float, ...] = (10.0, 50.0, 100.0)
    max_errors: float = 5.0
    pause: timedelta = timedelta(0)


class WaveReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one wave."""

    name: str
    size: int
    failed: int
    unverified: int


class Applied(msgspec.Struct, kw_only=True):
    """What became of the changes: how many by result, the first failures to show, and the error that stopped it.

    ``held`` is what guards did not let through once writing had begun.
    ``declined`` is set when a person was asked and said no, ``interrupted`` when a signal came before the last batch.
    """

    counts: Counter[str] = msgspec.field(default_factory=Counter[str])
    failures: list[tuple[Change, Outcome]] = msgspec.field(default_factory=list[tuple[Change, Outcome]])
    held: list[Held] = msgspec.field(default_factory=list[Held])
    stopped: CrosskeyError | None = None
    declined: bool = False
    interrupted: bool = False
    waves: list[WaveReport] = msgspec.field(default_factory=list[WaveReport])

    def add(self, later: Applied) -> None:
        """Count in what became of further changes of the same plan."""
        self.counts.update(later.counts)
        self.failures += later.failures
        self.held += later.held
        self.stopped = self.stopped or later.stopped
        self.interrupted = self.interrupted or later.interrupted

    @property
    def is_halted(self) -> bool:
        """Whether a guard ended the run."""
        return any(held.scope == "run" for held in self.held)

    def note(self, batch: Sequence[Change], outcomes: Sequence[Outcome], *, listed: int) -> None:
        """Count what became of a batch; at most so many failures are listed in all."""
        self.counts.update(outcome.result for outcome in outcomes)
        for change, outcome in zip(batch, outcomes, strict=True):
            if outcome.result in ("rejected", "unknown") and len(self.failures) < listed:
                self.failures.append((change, outcome))

    def verdict(self, *, held: bool) -> Verdict:
        """How a run ended whose changes came to this; ``held``: something waits for a person."""
        if self.stopped is not None:
            return "failed"
        if self.declined or self.interrupted:
            return "aborted"
        if self.is_halted:
            return "held"
        if self.counts["rejected"] or self.counts["unknown"] or self.counts["unverified"]:
            return "partial"
        return "held" if held else "clean"


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What kind of run, and what a person decided about it.

    ``confirm`` is asked before anything is written (``None``: go on), ``stop`` before each batch. ``expected`` is the
    saved plan that this run must come to exactly. ``changes``: read only what changed since the last run, wherever that
    is safe; ``people``: read and plan only these, by id. Without either, or where anything is in doubt, everything is
    read. ``markers``: plan as if accounts that bear the one marker bore the other (the rehearsal of a swap). ``waves``:
    write in waves; left out, as an earlier run was told that is not through with it, or as the first run of all must.
    """

    kind: Literal["plan", "apply", "sync", "undo"]
    trigger: str = "command"
    allowed: Allowed = Allowed()
    expected: SavedPlan | None = None
    confirm: Callable[[Proposal], bool] | None = None
    stop: Callable[[], bool] = lambda: False
    changes: bool = False
    people: frozenset[Subject] = frozenset()
    markers: Mapping[str, str] = {}
    waves: Waves | None = None


class RunResult(Proposal, frozen=True, kw_only=True):
    """What a run came to: what it proposed, and what became of it.

    ``reach`` is how much was read; where less was asked for, ``because`` says why everything was.
    """

    reach: Reach = "everything"
    because: str = ""
    run: str
    verdict: Verdict
    applied: Applied
    notices: tuple[Diagnostic, ...]
