"""What a run tells in spans and metrics: its phases, its batches, and where it stands when it ends.

Counts, codes, names of sections and plugins; never a name, address, filter, cursor or text of an exception.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, Tracer, get_current_span

from crosskey.clock import Clock
from crosskey.config import Config, SourceSection, TargetSection
from crosskey.connector.credential import Credential
from crosskey.connector.target import Seats
from crosskey.errors import CrosskeyError
from crosskey.events import Event
from crosskey.instruments import Instruments
from crosskey.journal import Journal
from crosskey.logs import current_run
from crosskey.plan import Change, Outcome
from crosskey.spans import error_type, mark_failed, opened

if TYPE_CHECKING:
    from crosskey.engine.order import RunOptions, RunResult

__all__ = ("Phase", "RunTelling", "tell_credentials")

Phase = Literal["recover", "read", "plan", "apply"]
Side = Literal["source", "target"]


class RunTelling:
    """The spans and metrics of one connection's runs."""

    def __init__(self, tracer: Tracer, instruments: Instruments, clock: Clock, *, connection: str) -> None:
        self._tracer = tracer
        self._instruments = instruments
        self._clock = clock
        self._by = {"crosskey.connection": connection}

    # -- spans --------------------------------------------------------------------------------------------------------

    @contextmanager
    def run(self, config: Config, options: RunOptions, journal: Journal) -> Generator[_Run]:
        """One run. Unless a command asked for it, it is a trace of its own, linked to whatever started it."""
        attributes = {
            **self._by,
            "crosskey.run.kind": options.kind,
            "crosskey.run.trigger": options.trigger,
            "crosskey.target.plugin": config.target.provided.plugin,
        }
        around, started = get_current_span().get_span_context(), self._clock.monotonic()
        own = not options.trigger.startswith("command") and around.is_valid
        run = _Run()
        kept = current_run.set("")
        try:
            with opened(
                self._tracer,
                "crosskey.run",
                attributes,
                context=Context() if own else None,
                links=[Link(around)] if own else (),
            ) as run.span:
                try:
                    yield run
                except BaseException as error:
                    run.failed(error)
                    raise
        finally:
            current_run.reset(kept)
            ended = {**self._by, "crosskey.run.kind": options.kind, "crosskey.run.verdict": run.verdict}
            ended |= {"error.type": run.error} if run.error else {}
            self._instruments.tell("crosskey.run.duration", self._clock.monotonic() - started, ended)
            if self._instruments.on:
                with suppress(CrosskeyError):  # where the journal itself failed, it says so once
                    self._standing(journal, config)
                    if run.result is not None:
                        self._found(run.result, whole=options.kind != "undo")

    @contextmanager
    def phase(self, name: Phase) -> Generator[None]:
        """One phase of a run."""
        started, failed = self._clock.monotonic(), {}
        try:
            with opened(self._tracer, f"crosskey.{name}"):
                yield
        except BaseException as error:
            failed = {"error.type": error_type(error)}
            raise
        finally:
            took = self._clock.monotonic() - started
            self._instruments.tell("crosskey.run.phase.duration", took, {**self._by, "crosskey.phase": name, **failed})

    @contextmanager
    def side(
        self, side: Side, section: SourceSection | TargetSection, advance: Callable[[int], None]
    ) -> Generator[Callable[[int], None]]:
        """The reading of one side; gives ``advance`` back, counted."""
        attributes = {"crosskey.instance": section.path, "crosskey.plugin": section.provided.plugin}
        records = 0

        def counted(count: int) -> None:
            nonlocal records
            records += count
            advance(count)

        with opened(self._tracer, f"crosskey.read.{side}", attributes) as span:
            try:
                yield counted
            finally:
                span.set_attribute("crosskey.records", records)

    @contextmanager
    def guard(self, by: Literal["rails", "review"]) -> Generator[None]:
        """Whoever may stop a plan is asked."""
        with opened(self._tracer, "crosskey.guard", {"crosskey.guard.by": by}):
            yield

    @contextmanager
    def batch(self, changes: Sequence[Change]) -> Generator[Callable[[Sequence[Outcome]], None]]:
        """One batch; tell what it gives what became of the changes."""
        kinds = {"crosskey.account.kind": changes[0].kind, "crosskey.operation.type": changes[0].action}
        with opened(self._tracer, "crosskey.batch", {**kinds, "crosskey.batch.size": len(changes)}) as span:

            def ended(outcomes: Sequence[Outcome]) -> None:
                found = Counter((outcome.result, _error(outcome)) for outcome in outcomes)
                for (result, error), count in sorted(found.items()):
                    by = {**self._by, **kinds, "crosskey.operation.outcome": result}
                    by |= {"error.type": error} if error else {}
                    self._instruments.tell("crosskey.operation.count", count, by)
                results = Counter(outcome.result for outcome in outcomes)
                span.set_attributes({f"crosskey.result.{result}": count for result, count in results.items()})
                if worst := next((error for _, error in found if error), ""):
                    mark_failed(span, worst)

            yield ended

    # -- metrics ------------------------------------------------------------------------------------------------------

    def seats(self, seats: Mapping[str, Seats]) -> None:
        """Tell how many paid seats are free."""
        for kind, each in seats.items():
            self._instruments.tell(
                "crosskey.seat.free", each.total - each.used, {**self._by, "crosskey.account.kind": kind}
            )

    def headroom(self, left: Iterable[tuple[str, str, int]]) -> None:
        """Tell how far a plan is from the rails that count, by rail and kind; it is asked only where somebody hears."""
        if self._instruments.on:
            for guard, kind, count in left:
                by = {"crosskey.guard": guard, "crosskey.account.kind": kind}
                self._instruments.tell("crosskey.guard.headroom", count, {**self._by, **by})

    def drift(self, kind: str, noticed: Sequence[Event]) -> None:
        """Count owned values that somebody else changed, as each is noticed for the first time."""
        found = Counter((str(event.facts["part"]), str(event.facts["policy"])) for event in noticed)
        for (part, policy), count in sorted(found.items()):
            by = {"crosskey.account.kind": kind, "crosskey.drift.part": part, "crosskey.drift.policy": policy}
            self._instruments.tell("crosskey.drift.count", count, {**self._by, **by})

    def _standing(self, journal: Journal, config: Config) -> None:
        """Tell where the connection stands after a run, as the journal knows it, whatever became of the run."""
        for section in config.feeds:
            snapshot = journal.last_complete(section.path, "people", full=True)
            read_at = snapshot.at if snapshot else None
            self._at("crosskey.snapshot.last_complete.time", read_at, {"crosskey.instance": section.path})
        self._at("crosskey.run.last_success.time", journal.last_success())
        self._at("crosskey.change.last_applied.time", journal.last_applied())
        self._instruments.tell("crosskey.operation.uncertain", journal.unresolved_count(), self._by)
        self._instruments.tell("crosskey.journal.size", journal.size, self._by)
        for kind in config.maps:
            linked, on = journal.link_count(kind), journal.link_count(kind, active_only=True)
            self._subjects("linked", on, {"crosskey.account.kind": kind})
            self._subjects("disabled", linked - on, {"crosskey.account.kind": kind})
            by = {**self._by, "crosskey.account.kind": kind}
            self._instruments.tell("crosskey.subject.grace", journal.leaving_count(kind), by)

    def _found(self, result: RunResult, *, whole: bool) -> None:
        """Tell what a run found. ``whole``: it was about everybody, so that what it holds is all that is held."""
        held = result.plan.header.held_counts
        if whole:
            self._subjects("read", result.people, {})
            self._instruments.tell("crosskey.operation.held", sum(held.values()), self._by)
        for rail in sorted(held):
            self._instruments.tell("crosskey.guard.tripped.count", 1, {**self._by, "crosskey.guard": rail})

    def _at(self, name: str, at: datetime | None, attributes: Mapping[str, str] = MappingProxyType({})) -> None:
        if at is not None:
            self._instruments.tell(name, at.timestamp(), {**self._by, **attributes})

    def _subjects(self, state: str, count: int, attributes: Mapping[str, str]) -> None:
        by = {**self._by, "crosskey.subject.state": state, **attributes}
        self._instruments.tell("crosskey.subject.count", count, by)


class _Run:
    """One run's span, and how the run ended."""

    span: Span

    def __init__(self) -> None:
        self.verdict = "failed"
        self.error = ""
        self.result: RunResult | None = None

    def begun(self, run: str) -> None:
        """The run has its id; log lines bear it from now on."""
        self.span.set_attribute("crosskey.run.id", run)
        current_run.set(run)

    def ended(self, result: RunResult) -> RunResult:
        """The run came to its end, with this result."""
        self.result, self.verdict = result, result.verdict
        header, applied = result.plan.header, result.applied
        self.span.set_attributes(
            {
                "crosskey.run.reach": result.reach,
                **{f"crosskey.plan.{action}": count for action, count in header.counts.items()},
                **{f"crosskey.held.{rail}": count for rail, count in header.held_counts.items()},
                **{f"crosskey.result.{outcome}": count for outcome, count in applied.counts.items()},
                "crosskey.run.verdict": self.verdict,
            }
        )
        if applied.stopped is not None:
            self.error = error_type(applied.stopped)
            mark_failed(self.span, self.error)
        return result

    def failed(self, error: BaseException) -> None:
        """The run could not come to its end."""
        self.verdict = "failed" if isinstance(error, Exception) else "aborted"
        self.error = error_type(error)
        self.span.set_attribute("crosskey.run.verdict", self.verdict)


def tell_credentials(instruments: Instruments, instance: str, credentials: Sequence[Credential]) -> None:
    """Tell when the first of an instance's credentials ends; what the vendor calls it stays out."""
    if ends := [each.expires_at for each in credentials if each.expires_at is not None]:
        at = min(ends).timestamp()
        instruments.tell("crosskey.credential.expiry.time", at, {"crosskey.instance": instance})


def _error(outcome: Outcome) -> str:
    return error_type(outcome.code) if outcome.result in ("rejected", "unknown") else ""
