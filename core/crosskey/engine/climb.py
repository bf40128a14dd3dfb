"""Carry a plan out in waves: write one, look at it, and go on only if it is good. The journal knows how far it came.

Whoever stops half-way (a person, a signal, a power cut) plans again, and the new plan holds only the rest: it goes on
with the wave that was not looked at yet. Sorts of changes that no wave has held yet begin with a canary again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from crosskey.engine.findings import LISTED
from crosskey.engine.order import Applied, Observer, WaveReport, Waves
from crosskey.engine.verify import Verifier
from crosskey.engine.waves import Class, Wave, cut, spread
from crosskey.errors import RailError
from crosskey.journal import JournalWriter, Ladder
from crosskey.model import Scalar
from crosskey.plan import Change, Outcome, Plan

__all__ = ("Climb", "Send")


class Send(Protocol):
    """Writes changes, and tells ``heard`` what became of each batch (see :mod:`crosskey.engine.apply`)."""

    def __call__(
        self,
        changes: Iterable[Change],
        *,
        stop: Callable[[], bool],
        heard: Callable[[Sequence[Outcome]], None],
    ) -> Awaitable[Applied]:
        """Write them."""
        ...


class Climb:
    """One run's way through the waves of a plan."""

    def __init__(
        self,
        waves: Waves,
        journal: JournalWriter,
        verifier: Verifier,
        send: Send,
        *,
        run: str,
        config_digest: str,
        observer: Observer,
        stop: Callable[[], bool],
        tell: Callable[[str, Mapping[str, Scalar]], None],
    ) -> None:
        self._waves = waves
        self._journal = journal
        self._verifier = verifier
        self._send = send
        self._run = run
        self._digest = config_digest
        self._observer = observer
        self._stop = stop
        self._tell = tell
        self._applied = Applied()

    async def go(self, plan: Plan) -> Applied:
        """Everything, wave by wave, as far as it is good."""
        sorts = {(change.kind, change.action) for change in plan.changes()}
        ladder = self._ladder(sorts)
        begun = self._journal.since(ladder.since)
        total = ladder.written + len(begun) + plan.size
        covered: set[Class] = {(each.change.kind, each.change.action) for each in begun}
        rest: list[str] = [change.id for change in plan.changes()]
        ends = cut(self._waves, total, len({*sorts, *covered, *ladder.classes}))
        for number, wave in enumerate(ends):
            size = wave.end - ladder.written - len(begun)
            if wave.end <= ladder.written:
                continue  # an earlier run wrote it, and found it good
            chosen = frozenset(spread(plan.changes(), size, covered) if number == 0 else rest[: max(size, 0)])
            rest = [id_ for id_ in rest if id_ not in chosen]
            place = f"{number + 1} of {len(ends)}"
            good = await self._climb_one(plan, chosen, wave, place, ladder, alone=number == 0)
            if good is None:
                return self._applied
            ladder = good
            begun.clear()
            if wave.end < total and not await self._pause(wave):
                self._applied.interrupted = True
                return self._applied
        self._journal.end_ladder()
        return self._applied

    def _ladder(self, sorts: set[Class]) -> Ladder:
        """The one that an earlier run left, if this plan goes on with it; else one from the ground."""
        known = self._journal.ladder()
        if known is None or known.config_digest != self._digest or (known.written and not sorts <= {*known.classes}):
            return self._journal.climb(self._ground())
        return known

    def _ground(self) -> Ladder:
        written = msgspec.json.encode(self._waves).decode()
        return Ladder(run=self._run, config_digest=self._digest, waves=written)

    async def _climb_one(
        self, plan: Plan, chosen: frozenset[str], wave: Wave, place: str, ladder: Ladder, *, alone: bool
    ) -> Ladder | None:
        """Write one wave and look at it; the ladder after it, or ``None`` where the climb ends.

        ``alone``: it goes before all others, so that nothing of it may go wrong.
        """
        size = len(chosen) + len(self._journal.since(ladder.since))
        limit = 0 if alone else int(size * self._waves.max_errors / 100)
        facts: dict[str, Scalar] = {"wave": place, "size": size}
        self._tell("wave.begun", facts)
        failed = await self._write(plan, chosen, f"Applying {wave.name} ({place})", limit)
        if failed is None:
            return None
        written = self._journal.since(ladder.since)
        self._observer.phase(f"Applying {wave.name}: looking at what it wrote", len(written))
        doubtful = await self._verifier.unverified(written)
        if doubtful and self._stop():
            self._applied.interrupted = True
            return None
        report = WaveReport(name=wave.name, size=size, failed=failed, unverified=len(doubtful))
        self._note(report, doubtful)
        facts |= {"failed": failed, "unverified": len(doubtful)}
        if failed + len(doubtful) > limit:
            self._tell("wave.stopped", facts)
            self._journal.climb(self._ground())
            self._applied.stopped = _too_many(report)
            return None
        self._tell("wave.verified", facts)
        sorts = {*ladder.classes, *((each.change.kind, each.change.action) for each in written)}
        done = ladder.written + len(written)
        return self._journal.climb(
            msgspec.structs.replace(ladder, written=done, classes=tuple(sorted(sorts)), since=-1)
        )

    async def _write(self, plan: Plan, chosen: frozenset[str], phase: str, limit: int) -> int | None:
        """How many of the chosen changes failed, up to ``limit``; ``None`` where something else ended the run."""
        failed = 0

        def heard(outcomes: Sequence[Outcome]) -> None:
            nonlocal failed
            failed += sum(outcome.result in ("rejected", "unknown") for outcome in outcomes)

        self._observer.phase(phase, len(chosen))
        some = (change for change in plan.changes() if change.id in chosen)
        applied = await self._send(some, stop=lambda: self._stop() or failed > limit, heard=heard)
        if failed > limit:
            applied.interrupted = False  # it was not a person who stopped it
        self._applied.add(applied)
        return None if applied.stopped is not None or applied.interrupted or applied.is_halted else failed

    def _note(self, report: WaveReport, doubtful: Sequence[tuple[Change, Outcome]]) -> None:
        self._applied.waves.append(report)
        if doubtful:
            self._applied.counts["unverified"] += len(doubtful)
            self._applied.failures += doubtful[: max(0, LISTED - len(self._applied.failures))]

    async def _pause(self, wave: Wave) -> bool:
        if self._stop():
            return False
        if not self._waves.pause:
            return True
        self._observer.phase(f"Applying: {wave.name} is good, pausing", None)
        return await self._verifier.wait(self._waves.pause)


def _too_many(report: WaveReport) -> RailError:
    what = [f"{report.failed} failed"] if report.failed else []
    what += [f"{report.unverified} are not shown as written"] if report.unverified else []
    return RailError(
        f"{report.name} went wrong: of {report.size} changes {' and '.join(what)}; nothing more was written",
        code="wave-errors",
        where="apply",
        fix="look at the failures, correct what causes them, and apply again: a canary goes first again. "
        "`crosskey undo` takes back what was written, --canary 0 goes on without waves",
    )
