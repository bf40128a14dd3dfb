"""The steps of one run: gather → settle → plan → rails → apply, each thin, and what they hand on."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress

import msgspec

from crosskey.clock import Clock
from crosskey.config import Config
from crosskey.connector.mapper import CompiledMapping
from crosskey.connector.target import HasCatalogue, Target, TargetSchema
from crosskey.engine.apply import Alone
from crosskey.engine.assembly import assemble_planner
from crosskey.engine.baseline import Baseline
from crosskey.engine.blame import blaming
from crosskey.engine.carrying import Carrying
from crosskey.engine.connect import Connect
from crosskey.engine.findings import Findings
from crosskey.engine.gather import Gathered, Gatherer
from crosskey.engine.guarding import Guard, usual_guards
from crosskey.engine.keeping import Keeping
from crosskey.engine.kindplan import KindPlan
from crosskey.engine.merging import several
from crosskey.engine.order import Applied, Observer, Proposal, RunOptions, RunResult
from crosskey.engine.past import Remembering, Shelf
from crosskey.engine.planner import Planner
from crosskey.engine.planning import plan_everyone, settle_time, tell_unknown, tell_unruled
from crosskey.engine.provenance import plugins_of
from crosskey.engine.rails import Allowed, Remaining, check_read, is_first
from crosskey.engine.recover import Recovery, settle_operations
from crosskey.engine.restored import is_settled
from crosskey.engine.rules import attributes_of, compile_mappings
from crosskey.engine.saved import refuse_expired
from crosskey.engine.snapshot import DoubtError, distrusting, doubting, read_origin
from crosskey.engine.sources import OpenSource, Sources
from crosskey.engine.spans import Phase
from crosskey.engine.stage import Stage
from crosskey.engine.timekeeper import Timekeeper
from crosskey.engine.unite import Unions, unite
from crosskey.engine.waves import waves_for
from crosskey.engine.writing import tell_held, write_plan
from crosskey.events import Event, RunFacts
from crosskey.journal import JournalWriter, Voucher
from crosskey.model import Catalogue, Scalar
from crosskey.plan import Held
from crosskey.plugins import Plugins

__all__ = ("Turn",)


class _Desk(msgspec.Struct, frozen=True):
    """The open target, what it can hold, what may be referred to, and the rules compiled against both."""

    target: Target
    schema: TargetSchema
    catalogue: Catalogue
    mappings: dict[str, CompiledMapping]


class Turn:
    """One run over open connectors."""

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
        connect.skews.forget()
        self.timekeeper = Timekeeper(self.clock, connect.skews, newest=journal.newest_run_at(but=run))
        self.telling = connect.telling(journal.connection)
        self.baseline = Baseline(journal)
        self.allowed = options.allowed
        if options.expected is not None:
            self.allowed = self.allowed.also(Allowed.parse(options.expected.header.allowed))
        self.allowed = self.allowed.approved(journal.usable_approvals(self.clock.now()), self.timekeeper)
        self.facts = RunFacts(id=run, kind=options.kind, instance=config.target.path, applies=options.kind != "plan")
        self._snapshot = config.journal.path.with_name("snapshot.sqlite")
        self._shelf = Shelf(config.journal.path, config.journal.snapshots)
        self._reading = config.journal.path.with_name("reading.sqlite")

    async def go(self) -> RunResult:
        """Everything, in order. Raises :class:`CrosskeyError` when the run cannot come to a plan."""
        self._tell("run.started", {"kind": self.options.kind})
        async with self._opened() as (sources, target):
            return await self._with(sources, target)

    @asynccontextmanager
    async def _opened(self) -> AsyncGenerator[tuple[Sources, Target]]:
        async with AsyncExitStack() as stack:
            target = await stack.enter_async_context(self.connect.target(self.config.target))
            opened = [
                OpenSource(section, await stack.enter_async_context(self.connect.source(section)))
                for section in self.config.feeds
            ]
            yield Sources(opened), target

    async def _with(self, sources: Sources, target: Target) -> RunResult:
        with blaming(self.config.target):
            schema = await target.schema()
        because = ""
        if (self.options.changes or self.options.people) and self.options.expected is None:
            try:
                return await self._partly(sources, target, schema)
            except DoubtError as doubt:
                because = doubt.message
                self._tell("read.doubted", {"because": because})
        self.observer.phase("Reading the desk's catalogue", None)
        with blaming(self.config.target):
            catalogue = await target.catalogue() if isinstance(target, HasCatalogue) else Catalogue()
        desk = self._desk(target, schema, catalogue)
        with Stage.fresh(self._reading, sources.issuers, **several(self.config.sync)) as stage:
            findings, unions = Findings(stage), Unions()
            gatherer = self._gatherer(sources, desk, findings, unions)
            with self._phase("Reading people and accounts", "read"):
                gathered = await gatherer.everything(stage, changes=self._is_followed())
            held = check_read(gathered.people, self.baseline, self.config.rails, self.allowed)
            return await self._decide(stage, sources, desk, gathered, findings, unions, held, because)

    def _is_followed(self) -> bool:
        """Whether somebody reads changes between full reads: then each of those keeps a place to go on from."""
        if self.options.changes or self.options.people:
            return True
        with suppress(DoubtError):
            return bool(read_origin(self._snapshot).cursors)
        return False

    def _desk(self, target: Target, schema: TargetSchema, catalogue: Catalogue) -> _Desk:
        return _Desk(target, schema, catalogue, compile_mappings(self.config, schema, catalogue))

    async def _partly(self, sources: Sources, target: Target, schema: TargetSchema) -> RunResult:
        """A run over what changed, or over single people. Raises :class:`DoubtError` before anything was decided.

        The catalogue is that of the last full read: sites and roles change seldom, and rules only with a full read.
        """
        if self.journal.is_restored:
            raise DoubtError("the journal came from a backup")
        if self.allowed.concerns_everybody:
            raise DoubtError("what somebody lets through by name or number concerns everybody")
        if any(is_first(self.journal, kind, self.config) for kind in self.config.maps):
            raise DoubtError("there are accounts of a kind for which nothing was applied yet")
        origin = read_origin(self._snapshot)
        origin.refuse_unfit(
            self.config, self.journal, sources.issuers_by_path, plugins_of(self.config), self.clock.now()
        )
        with doubting():
            seeded = Stage.seeded(self._reading, self._snapshot, **several(self.config.sync))
        with seeded as stage:
            with doubting(), self._phase("Reading what changed", "read"):
                desk = self._desk(target, schema, stage.read_note("catalogue", Catalogue))
                findings, unions = Findings(stage), Unions()
                unions.vouchers += stage.read_note("unsaved_vouchers", list[Voucher])
                gatherer = self._gatherer(sources, desk, findings, unions)
                if self.options.changes:
                    gathered = await gatherer.changed(stage, origin)
                else:
                    gathered = await gatherer.single(stage, origin, sorted(self.options.people))
            held = check_read(gathered.people, self.baseline, self.config.rails, self.allowed)
            if held:
                raise DoubtError(held[0].summary)
            with distrusting(self._snapshot):
                return await self._decide(stage, sources, desk, gathered, findings, unions, held, "")

    async def _decide(
        self,
        stage: Stage,
        sources: Sources,
        desk: _Desk,
        gathered: Gathered,
        findings: Findings,
        unions: Unions,
        held: Sequence[Held],
        because: str,
    ) -> RunResult:
        """From what was gathered to what became of it; the stage is kept once all of it is settled or due."""
        stage.accounts.remark(self.options.markers)
        planner, recovery = await self._planner(stage, desk, findings, unions)
        for hold in held:
            findings.add(hold)
        remaining: Mapping[str, Remaining] = {}
        if not held:
            remaining = await self._compare(stage, sources, desk, gathered, findings, unions, planner, recovery)
        if stage.people.partial:
            findings.add_standing(stage.proposals.standing())
        planner.undone.save(self.run)
        tell_unruled(planner, desk.schema)
        proposal = self._written(stage, desk, gathered, findings, planned=not held)
        guards = usual_guards(self.config, self.timekeeper, planner, desk.target, remaining)
        keeping = self._keeping(sources)
        noted = keeping.note_read(gathered, trusted=not held)
        applied = await self._apply(stage, desk, proposal, recovery.alone, guards)
        if applied.held:
            plan = tell_held(proposal.plan, applied.held, findings, self.journal, self._tell)
            proposal = msgspec.structs.replace(proposal, plan=plan)
        told = keeping.keep(stage, gathered, unions, applied, proposal, trusted=not held, noted=noted)
        if is_settled(self.journal, self.options, gathered.reach, proposal.plan, applied):
            self.plugins.emit(self.journal.settle_restore(self.run))
        return RunResult(
            **msgspec.structs.asdict(proposal),
            reach=gathered.reach,
            because=because,
            run=self.run,
            verdict=applied.verdict(held=bool(proposal.plan.held)),
            applied=applied,
            notices=(*gathered.people.warnings, *gathered.accounts.warnings, *findings.notices, *told),
        )

    # -- steps --------------------------------------------------------------------------------------------------------

    def _gatherer(self, sources: Sources, desk: _Desk, findings: Findings, unions: Unions) -> Gatherer:
        def united(stage: Stage) -> None:
            unite(
                stage,
                self.journal,
                findings,
                unions,
                kinds=list(desk.mappings),
                issuers=sources.issuers,
                keys=self.config.sync.same or (),
            )

        return Gatherer(
            sources,
            desk.target,
            self.config.target,
            desk.mappings,
            journal=self.journal,
            run=self.run,
            clock=self.clock,
            advance=self.observer.advance,
            telling=self.telling,
            united=united,
            keys=self.config.sync.same or (),
            also=self.config.pilots,
        )

    async def _planner(self, stage: Stage, desk: _Desk, findings: Findings, unions: Unions) -> tuple[Planner, Recovery]:
        kinds = [KindPlan(kind, desk.mappings[kind.name]) for kind in desk.schema.kinds if kind.name in desk.mappings]
        specs = {kind.name: kind.kind for kind in kinds}
        with self.telling.phase("recover"), blaming(self.config.target):
            settle = settle_time(self.config, desk.schema)
            recovery = await settle_operations(
                self.journal, stage, desk.target, specs, run=self.run, timekeeper=self.timekeeper, settle=settle
            )
        planner = assemble_planner(
            stage,
            self.journal,
            kinds,
            findings,
            config=self.config,
            run=self.run,
            schema=desk.schema,
            blocked=recovery.waiting,
            allowed=self.allowed,
            timekeeper=self.timekeeper,
            settle=settle,
            told=self._tell_drift,
            unclear=unions.unclear,
        )
        return planner, recovery

    def _tell_drift(self, kind: str, events: Sequence[Event]) -> None:
        self.telling.drift(kind, events)
        for event in events:
            self.plugins.emit(event)

    async def _compare(
        self,
        stage: Stage,
        sources: Sources,
        desk: _Desk,
        gathered: Gathered,
        findings: Findings,
        unions: Unions,
        planner: Planner,
        recovery: Recovery,
    ) -> Mapping[str, Remaining]:
        """Plan everybody, and remember whom nobody could tell."""
        remembering = Remembering.begin(
            stage,
            self.journal,
            self._shelf,
            self.facts,
            gathered,
            attributes=attributes_of(desk.mappings.values()),
            timekeeper=self.timekeeper,
            config_digest=self.config.digest,
            allowed=self.allowed,
            waiting=recovery.waiting,
            unclear=unions.unclear,
        )
        with self._phase("Comparing", "plan", gathered.people.people):
            remaining = await plan_everyone(
                planner,
                *remembering.heard(sources, desk.target),
                gathered.logical,
                config=self.config,
                allowed=self.allowed,
                unattended=self.options.kind == "sync",
                run=self.run,
                advance=self.observer.advance,
                telling=self.telling,
            )
        tell_unknown(planner, gathered.people)
        remembering.end(findings)
        return remaining

    def _written(self, stage: Stage, desk: _Desk, gathered: Gathered, findings: Findings, *, planned: bool) -> Proposal:
        """The plan as it is on the disk now. Raises where a saved one was to be applied and this is another."""
        plan = write_plan(
            stage,
            findings,
            self.journal,
            self.plugins,
            self.facts,
            config=self.config,
            now=self.clock.now(),
            allowed=self.allowed,
            tell=self._tell,
            telling=self.telling,
            planned=planned,
        )
        if self.options.expected is not None:
            self.options.expected.refuse_other(plan.header)
        return Proposal(
            plan=plan,
            people=gathered.people.people,
            accounts=gathered.accounts.accounts,
            schema=desk.schema,
            catalogue=desk.catalogue,
        )

    def _keeping(self, sources: Sources) -> Keeping:
        return Keeping(
            config=self.config,
            journal=self.journal,
            options=self.options,
            run=self.run,
            snapshot=self._snapshot,
            shelf=self._shelf,
            issuers=sources.issuers_by_path,
            clock=self.clock,
        )

    async def _apply(
        self, stage: Stage, desk: _Desk, proposal: Proposal, alone: Alone, guards: Sequence[Guard]
    ) -> Applied:
        plan = proposal.plan
        stopped = any(hold.scope == "run" for hold in plan.held)
        if self.options.kind == "plan" or stopped:
            return Applied()
        if plan.size and self.options.confirm is not None and not self.options.confirm(proposal):
            return Applied(declined=True)
        refuse_expired(plan.header, self.clock.now())
        self.allowed.approvals.bind(self.journal, self.run, plan.changes())
        waves = waves_for(self.journal, self.options)
        if not plan.size and (waves is None or self.journal.ladder() is None):
            return Applied()
        carrying = Carrying(
            config=self.config,
            journal=self.journal,
            options=self.options,
            run=self.run,
            clock=self.clock,
            observer=self.observer,
            telling=self.telling,
            tell=self._tell,
            stage=stage,
            target=desk.target,
            schema=desk.schema,
            mappings=desk.mappings,
            settle=settle_time(self.config, desk.schema),
            alone=alone,
            guards=guards,
        )
        with self._phase("Applying", "apply", plan.size):
            return await carrying.carry_out(plan, waves)

    def _tell(self, event: str, facts: Mapping[str, Scalar]) -> None:
        self.plugins.emit(self.journal.event(self.run, event, facts))

    @contextmanager
    def _phase(self, name: str, phase: Phase, total: int | None = None) -> Generator[None]:
        self.observer.phase(name, total)
        with self.telling.phase(phase):
            yield
