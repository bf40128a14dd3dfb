"""One run: read → people → map → diff → rails → apply, journalled from its first step to its verdict."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from typing import Literal, Protocol

import msgspec

from crosskey.clock import Clock
from crosskey.config import Config
from crosskey.connector.mapper import CompiledMapping
from crosskey.connector.source import ReadRequest, Source
from crosskey.connector.target import HasCatalogue, Target, TargetSchema
from crosskey.engine.apply import Alone, Applied, apply_changes
from crosskey.engine.baseline import Baseline
from crosskey.engine.batching import batched
from crosskey.engine.blame import blaming
from crosskey.engine.connect import Connect
from crosskey.engine.findings import Findings
from crosskey.engine.logical import LogicalGroups
from crosskey.engine.planner import KindPlan, Planner
from crosskey.engine.planning import plan_everyone, tell_unknown, tell_unruled
from crosskey.engine.protect import Protection
from crosskey.engine.rails import Allowed, check_read
from crosskey.engine.read import AccountsRead, PeopleRead, read_accounts, read_people, read_request
from crosskey.engine.recover import Recovery, settle_operations
from crosskey.engine.rules import compile_mappings
from crosskey.engine.saved import SavedPlan, changes_digest, refuse_expired
from crosskey.engine.stage import Stage
from crosskey.errors import CrosskeyError, Diagnostic
from crosskey.events import RunFacts
from crosskey.journal import JournalWriter
from crosskey.model import Catalogue, Scalar, Subject
from crosskey.plan import Change, Held, Outcome, Plan, PlanHeader
from crosskey.plugins import Plugins
from crosskey.spans import trace_id

__all__ = ("Observer", "Proposal", "Reach", "RunOptions", "RunResult", "Verdict", "execute")

Verdict = Literal["clean", "partial", "held", "aborted", "failed"]

_CHUNK = 500
_SETTLE = timedelta(minutes=2)


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


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What kind of run, and what a person decided about it.

    ``confirm`` is asked before anything is written (``None``: go on), ``stop`` before each batch. ``expected`` is the
    saved plan that this run must come to exactly. ``changes``: read only what changed since the last run, wherever that
    is safe; ``people``: read and plan only these, by id. Without either, or where anything is in doubt, everything is
    read.
    """

    kind: Literal["plan", "apply", "sync"]
    trigger: str = "command"
    allowed: Allowed = Allowed()
    expected: SavedPlan | None = None
    confirm: Callable[[Proposal], bool] | None = None
    stop: Callable[[], bool] = lambda: False
    changes: bool = False
    people: frozenset[Subject] = frozenset()


Reach = Literal["everything", "changes", "people"]


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


async def execute(
    config: Config, plugins: Plugins, journal: JournalWriter, connect: Connect, options: RunOptions, observer: Observer
) -> RunResult:
    """Run once. Raises :class:`CrosskeyError` when the run could not come to a plan; the journal says so too."""
    with connect.telling(journal.connection).run(config, options, journal) as told:
        return told.ended(await _execute(config, plugins, journal, connect, options, observer, told.begun))


async def _execute(
    config: Config,
    plugins: Plugins,
    journal: JournalWriter,
    connect: Connect,
    options: RunOptions,
    observer: Observer,
    begun: Callable[[str], None],
) -> RunResult:
    if options.expected is not None:
        options.expected.refuse_stale(
            lineage=journal.lineage, serial=journal.serial, config_digest=config.digest, now=connect.clock.now()
        )
    used = (config.source.provided, config.target.provided, *(section.provided for section in config.maps.values()))
    run = journal.start_run(
        options.kind,
        trigger=options.trigger,
        config_digest=config.digest,
        config_text=config.canonical,
        plugins={provided.plugin: f"{provided.distribution} {provided.version}" for provided in used},
        trace=trace_id(),
    )
    begun(run)
    try:
        result = await _Run(config, plugins, journal, connect, options, observer, run).go()
    except CrosskeyError as error:
        with suppress(CrosskeyError):  # where the journal itself failed, it says so once
            journal.end_run(run, "failed", {}, note=_note(error))
        raise
    except (asyncio.CancelledError, KeyboardInterrupt):
        journal.end_run(run, "aborted", {}, note="interrupted")
        raise
    counts = {**result.plan.header.counts, **_results(result.applied)}
    stopped = result.applied.stopped
    journal.end_run(run, result.verdict, counts, note=_note(stopped) if stopped else "")
    return result


def _note(error: CrosskeyError) -> str:
    return f"{error.code}: {error.message}"


def _results(applied: Applied) -> dict[str, int]:
    return {f"result.{name}": count for name, count in applied.counts.items()}


class _Run:
    """The state that the steps of one run hand on."""

    def __init__(
        self,
        config: Config,
        plugins: Plugins,
        journal: JournalWriter,
        connect: Connect,
        options: RunOptions,
        observer: Observer,
        run: str,
    ) -> None:
        self.config = config
        self.plugins = plugins
        self.journal = journal
        self.connect = connect
        self.options = options
        self.observer = observer
        self.run = run
        self.clock: Clock = connect.clock
        self.telling = connect.telling(journal.connection)
        self.baseline = Baseline(journal)
        self.allowed = options.allowed
        if options.expected is not None:
            self.allowed = self.allowed.also(Allowed.parse(options.expected.header.allowed))
        self.facts = RunFacts(id=run, kind=options.kind, instance=config.target.path, applies=options.kind != "plan")

    async def go(self) -> RunResult:
        self._tell("run.started", {"kind": self.options.kind})
        async with self._opened() as (source, target):
            return await self._with(source, target)

    @asynccontextmanager
    async def _opened(self) -> AsyncGenerator[tuple[Source, Target]]:
        async with (
            self.connect.target(self.config.target) as target,
            self.connect.source(self.config.source) as source,
        ):
            yield source, target

    async def _with(self, source: Source, target: Target) -> RunResult:
        self.observer.phase("Reading the desk's catalogue", None)
        with blaming(self.config.target):
            schema = await target.schema()
            catalogue = await target.catalogue() if isinstance(target, HasCatalogue) else Catalogue()
        mappings = compile_mappings(self.config, schema, catalogue)
        kinds = [KindPlan(kind, mappings[kind.name]) for kind in schema.kinds if kind.name in mappings]
        path = self.config.journal.path
        with Stage(path.with_name("reading.sqlite")) as stage:
            people, accounts, logical = await self._read(source, target, mappings, stage)
            held = check_read(people, self.baseline, self.config.rails, self.allowed)
            planner, recovery = await self._planner(stage, kinds, target, schema)
            for hold in held:
                planner.findings.add(hold)
            if not held:
                await self._plan(planner, source, target, logical, people)
            tell_unruled(planner, schema)
            plan = self._write_plan(stage, planner.findings)
            snapshot = {"schema": schema, "catalogue": catalogue, "read_at": self.clock.now()}
            for name, value in {**snapshot, "groups": logical.groups, "apps": logical.apps}.items():
                stage.note(name, value)
            if not held:
                stage.keep(path.with_name("snapshot.sqlite"))
        if self.options.expected is not None:
            self.options.expected.refuse_other(plan.header)
        proposal = Proposal(
            plan=plan, people=people.people, accounts=accounts.accounts, schema=schema, catalogue=catalogue
        )
        applied = await self._apply(target, proposal, recovery.alone)
        self.baseline.remember(self.run, people, accounts, trusted=not held and self._stands(people, applied))
        return RunResult(
            **msgspec.structs.asdict(proposal),
            run=self.run,
            verdict=self._verdict(plan, applied),
            applied=applied,
            notices=(*people.warnings, *accounts.warnings, *planner.findings.notices),
        )

    def _stands(self, people: PeopleRead, applied: Applied) -> bool:
        """Whether later reads are measured by this one. What a person allowed counts only once it was carried out."""
        if not check_read(people, self.baseline, self.config.rails, Allowed()):
            return True
        return self.options.kind != "plan" and not applied.declined

    # -- steps --------------------------------------------------------------------------------------------------------

    async def _read(
        self, source: Source, target: Target, mappings: Mapping[str, CompiledMapping], stage: Stage
    ) -> tuple[PeopleRead, AccountsRead, LogicalGroups]:
        """Both sides at once; whichever fails stops the other and the run."""
        section = self.config.source
        request = read_request(mappings.values(), groups=section.groups, apps=section.apps, where=section.path)
        self.observer.phase("Reading people and accounts", None)
        with self.telling.phase("read"):
            try:
                async with asyncio.TaskGroup() as tasks:
                    people = tasks.create_task(self._read_people(source, request, stage))
                    accounts = tasks.create_task(self._read_accounts(target, mappings, stage))
            except ExceptionGroup as group:
                raise group.exceptions[0] from None
        stage.index()
        read, logical = people.result()
        return read, accounts.result(), logical

    async def _read_people(
        self, source: Source, request: ReadRequest, stage: Stage
    ) -> tuple[PeopleRead, LogicalGroups]:
        section = self.config.source
        told = self.telling.side("source", section, self.observer.advance)
        with told as advance, self._incomplete("source"), blaming(section):
            return await read_people(source, request, stage, where=section.path, advance=advance)

    async def _read_accounts(
        self, target: Target, mappings: Mapping[str, CompiledMapping], stage: Stage
    ) -> AccountsRead:
        section = self.config.target
        told = self.telling.side("target", section, self.observer.advance)
        with told as advance, self._incomplete("target"), blaming(section):
            return await read_accounts(target, mappings, stage, where=section.path, advance=advance)

    @contextmanager
    def _incomplete(self, side: Literal["source", "target"]) -> Generator[None]:
        """Note in the journal that a read was not complete, and why."""
        try:
            yield
        except CrosskeyError as error:
            self.journal.record_snapshot(
                self.run, side=side, stream="all", complete=False, reason=error.code, pages=0, records=0
            )
            raise

    async def _planner(
        self, stage: Stage, kinds: Sequence[KindPlan], target: Target, schema: TargetSchema
    ) -> tuple[Planner, Recovery]:
        specs = {kind.name: kind.kind for kind in kinds}
        with self.telling.phase("recover"), blaming(self.config.target):
            recovery = await settle_operations(self.journal, stage, target, specs, run=self.run, clock=self.clock)
        planner = Planner(
            stage,
            self.journal,
            kinds,
            Protection(self.config.rails.protect),
            clock=self.clock,
            settle=self._settle(schema),
            final=schema.final,
            blocked=recovery.waiting,
            most_missing=max(self.config.rails.max_disable.count, self.allowed.number("accounts-missing")),
        )
        return planner, recovery

    async def _plan(
        self, planner: Planner, source: Source, target: Target, logical: LogicalGroups, people: PeopleRead
    ) -> None:
        self.observer.phase("Comparing", people.people)
        with self.telling.phase("plan"):
            await plan_everyone(
                planner,
                source,
                target,
                logical,
                config=self.config,
                allowed=self.allowed,
                advance=self.observer.advance,
                telling=self.telling,
            )
        tell_unknown(planner, people, where=self.config.source.path)

    def _write_plan(self, stage: Stage, findings: Findings) -> Plan:
        now = self.clock.now()
        counts: dict[str, int] = {}
        for (_, action), count in sorted(stage.change_counts().items()):
            counts[action] = counts.get(action, 0) + count
        header = PlanHeader(
            id=self.run,
            run=self.run,
            lineage=self.journal.lineage,
            serial=self.journal.serial,
            config_digest=self.config.digest,
            created_at=now,
            expires_at=now + self.config.sync.plan_expiry,
            counts=counts,
            digest=changes_digest(stage.changes()),
            held=tuple(findings.held),
            held_counts=dict(findings.held_counts),
            allowed=self.allowed.words(),
        )
        findings.save()
        self.journal.save_plan(header)
        for chunk in batched(stage.changes(), _CHUNK):
            self.journal.add_changes(header.id, chunk)
        plan = Plan(header, lambda: self.journal.changes(header.id))
        with self.telling.guard("review"):
            found = self.plugins.review_plan(plan, self.facts)
        objections = [
            Held(rail="review", scope="run", summary=str(finding), fix=finding.fix)
            for finding in found
            if finding.severity == "error"
        ]
        for objection in objections:
            findings.add(objection)
        header = msgspec.structs.replace(header, held=tuple(findings.held), held_counts=dict(findings.held_counts))
        self.journal.finish_plan(header)
        self._tell("plan.made", {**counts})
        for rail, count in sorted(findings.held_counts.items()):
            self._tell("rail.tripped", {"rail": rail, "count": count})
        return Plan(header, lambda: self.journal.changes(header.id))

    async def _apply(self, target: Target, proposal: Proposal, alone: Alone) -> Applied:
        plan, schema = proposal.plan, proposal.schema
        stopped = any(hold.scope == "run" for hold in plan.held)
        if self.options.kind == "plan" or stopped or not plan.size:
            return Applied()
        if self.options.confirm is not None and not self.options.confirm(proposal):
            return Applied(declined=True)
        refuse_expired(plan.header, self.clock.now())
        self.observer.phase("Applying", plan.size)

        def progress(changes: Sequence[Change], outcomes: Sequence[Outcome]) -> None:
            self.observer.advance(len(changes))
            failed = sum(outcome.result in ("rejected", "unknown") for outcome in outcomes)
            first = changes[0]
            facts = {"kind": first.kind, "action": first.action, "count": len(changes), "failed": failed}
            self._tell("batch.applied", facts)

        with self.telling.phase("apply"):
            return await apply_changes(
                self.journal,
                target,
                plan.changes(),
                run=self.run,
                batch=schema.batch,
                settle=self._settle(schema),
                stop=self.options.stop,
                progress=progress,
                alone=alone,
                telling=self.telling,
            )

    def _settle(self, schema: TargetSchema) -> timedelta:
        """What the operator says about this desk; else what its plugin says of all desks, and never less than usual."""
        given = self.config.sync.settle
        return max(_SETTLE, timedelta(seconds=schema.settle)) if given is None else given

    def _tell(self, event: str, facts: Mapping[str, Scalar]) -> None:
        self.plugins.emit(self.journal.event(self.run, event, facts))

    @staticmethod
    def _verdict(plan: Plan, applied: Applied) -> Verdict:
        if applied.stopped is not None:
            return "failed"
        if applied.declined or applied.interrupted:
            return "aborted"
        if applied.counts["rejected"] or applied.counts["unknown"]:
            return "partial"
        if plan.held:
            return "held"
        return "clean"
