"""A run that takes another one back: look at what it wrote, plan, ask, write, journalled like any other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final

import msgspec

from crosskey.config import Config
from crosskey.connector.target import CountsSeats, HasCatalogue, KindSpec, Lookup, Seats, Target, TargetSchema
from crosskey.engine.assembly import assemble_planner
from crosskey.engine.batching import batched
from crosskey.engine.blame import blaming
from crosskey.engine.carrying import batch_facts
from crosskey.engine.connect import Connect
from crosskey.engine.findings import Findings
from crosskey.engine.fresh import bring_accounts
from crosskey.engine.guarding import Guard, usual_guards
from crosskey.engine.kindplan import KindPlan
from crosskey.engine.marker import bears_anothers
from crosskey.engine.order import Applied, Observer, Proposal, RunOptions, RunResult
from crosskey.engine.planner import RANK, Planner
from crosskey.engine.protect import Protection
from crosskey.engine.rails import Allowed, Remaining, hold_last_active, kept_active, run_rails
from crosskey.engine.recover import settle_operations
from crosskey.engine.rules import NoRules
from crosskey.engine.run import journalled
from crosskey.engine.saved import refuse_expired
from crosskey.engine.stage import Stage
from crosskey.engine.swap.cutover import cut_over, moved_whole
from crosskey.engine.timekeeper import Timekeeper
from crosskey.engine.undo.chosen import Chosen
from crosskey.engine.undo.compensate import Conflict, compensate
from crosskey.engine.writing import tell_held, write_plan
from crosskey.errors import ConfigError
from crosskey.events import RunFacts
from crosskey.journal import JournalWriter, OperationRecord, RunRecord
from crosskey.model import Account, Catalogue, Scalar, Subject
from crosskey.plan import Change, Outcome
from crosskey.plugins import Plugins

__all__ = ("UndoOptions", "UndoResult", "undo")

_SETTLE: Final = timedelta(minutes=2)
_BATCH: Final = 500


class UndoOptions(RunOptions, frozen=True, kw_only=True):
    """Which run to take back (its id, or the beginning of it), and of whom only."""

    undone: str
    only: tuple[str, ...] = ()


class UndoResult(RunResult, frozen=True, kw_only=True):
    """What an undo came to: the run that it takes back, and how many of its writes were asked for."""

    undone: RunRecord
    writes: int


async def undo(
    config: Config, plugins: Plugins, journal: JournalWriter, connect: Connect, options: UndoOptions, observer: Observer
) -> UndoResult:
    """Take a run back. Raises :class:`CrosskeyError` when there is no such run, or it wrote nothing."""
    record = journal.run(options.undone)
    if next(journal.writes(record.id), None) is None:
        raise ConfigError(
            f"run {record.id} ({record.kind}) wrote nothing: there is nothing to take back",
            code="undo-nothing",
            where="undo",
            fix="list the runs with `crosskey history`",
        )

    if options.expected is not None:
        options.expected.refuse_stale(
            lineage=journal.lineage, serial=journal.serial, config_digest=config.digest, now=connect.clock.now()
        )

    async def go(run: str) -> UndoResult:
        return await _Undo(config, plugins, journal, connect, options, observer, run, record).go()

    with connect.telling(journal.connection).run(config, options, journal) as told:
        result = await journalled(config, plugins, journal, options, go, begun=told.begun, parent=record.id)
        told.ended(result)
    return result


class _Undo:
    """The state that the steps of one undo hand on."""

    def __init__(
        self,
        config: Config,
        plugins: Plugins,
        journal: JournalWriter,
        connect: Connect,
        options: UndoOptions,
        observer: Observer,
        run: str,
        record: RunRecord,
    ) -> None:
        self.config = config
        self.plugins = plugins
        self.journal = journal
        self.connect = connect
        self.options = options
        self.observer = observer
        self.run = run
        self.record = record
        connect.skews.forget()
        self.telling = connect.telling(journal.connection)
        self.timekeeper = Timekeeper(connect.clock, connect.skews, newest=journal.newest_run_at(but=run))
        self.allowed = options.allowed
        if options.expected is not None:
            self.allowed = self.allowed.also(Allowed.parse(options.expected.header.allowed))
        self.allowed = self.allowed.approved(journal.usable_approvals(connect.clock.now()), self.timekeeper)
        self.protection = Protection(config.rails.protect)
        self.facts = RunFacts(id=run, kind="undo", instance=config.target.path, applies=True)
        self._idle = Counter[str]()

    async def go(self) -> UndoResult:
        self._tell("run.started", {"kind": "undo", "undone": self.record.id})
        async with self.connect.target(self.config.target) as target:
            with blaming(self.config.target):
                schema = await target.schema()
                catalogue = await target.catalogue() if isinstance(target, HasCatalogue) else Catalogue()
            kinds = {kind.name: kind for kind in schema.kinds}
            with Stage.fresh(self.config.journal.path.with_name("undo.sqlite"), []) as stage:
                await self._look(target, stage, kinds)
                findings = Findings(stage)
                planner = await self._planner(target, schema, stage, findings)
                with self.telling.phase("plan"):
                    counts = self._plan(planner)
                    remaining = await self._rails(planner, target)
                proposal = self._proposal(stage, findings, schema, catalogue)
                if self.options.expected is not None:
                    self.options.expected.refuse_other(proposal.plan.header)
                guards = usual_guards(self.config, self.timekeeper, planner, target, remaining)
                applied = await self._apply(target, proposal, guards)
                if applied.held:
                    plan = tell_held(proposal.plan, applied.held, findings, self.journal, self._tell)
                    proposal = msgspec.structs.replace(proposal, plan=plan)
        return UndoResult(
            **msgspec.structs.asdict(proposal),
            undone=self.record,
            writes=counts.total(),
            run=self.run,
            verdict=applied.verdict(held=bool(proposal.plan.held)),
            applied=applied,
            notices=findings.notices,
        )

    async def _look(self, target: Target, stage: Stage, kinds: Mapping[str, KindSpec]) -> None:
        """Stage every account that the run wrote, and those of writes whose outcome nobody knows, as they are now."""
        self.observer.phase("Looking at what it wrote", None)
        keys: dict[str, set[str]] = {}
        markers: dict[str, set[str]] = {}
        references: dict[str, set[str]] = {}
        unresolved = self.journal.unresolved()
        for some in (self.journal.writes(self.record.id), iter(unresolved)):
            for operation in some:
                change = operation.change
                keys.setdefault(change.kind, set()).add(operation.key or change.key or "")
                references.setdefault(change.kind, set()).update(change.references)
        for operation in unresolved:
            markers.setdefault(operation.change.kind, set()).add(operation.change.marker)
        wanted = [
            Lookup(
                kind=kind,
                keys=tuple(sorted(found - {""})),
                markers=tuple(sorted(markers.get(kind, set()) - {""})),
                references=frozenset(references[kind]),
            )
            for kind, found in keys.items()
            if kind in kinds
        ]
        with self.telling.phase("read"), blaming(self.config.target):
            await bring_accounts(
                target,
                wanted,
                stage,
                where=self.config.target.path,
                advance=self.observer.advance,
                whole=self._counted(kinds.values()),
            )

    def _counted(self, kinds: Iterable[KindSpec]) -> frozenset[str]:
        """Kinds of which some accounts must stay active: how many are so only a read of all tells."""
        return frozenset(kind.name for kind in kinds if kept_active(kind, self.config.rails, self.allowed))

    async def _planner(
        self,
        target: Target,
        schema: TargetSchema,
        stage: Stage,
        findings: Findings,
    ) -> Planner:
        """What the rails judge a plan by; writes without an outcome are settled first.

        No rules are asked: what is taken back may have been done by rules that nobody can compile any more.
        """
        kinds = {kind.name: kind for kind in schema.kinds}
        settle = self._settle(schema)
        with self.telling.phase("recover"), blaming(self.config.target):
            recovery = await settle_operations(
                self.journal, stage, target, kinds, run=self.run, timekeeper=self.timekeeper, settle=settle
            )
        return assemble_planner(
            stage,
            self.journal,
            [KindPlan(kind, NoRules()) for kind in schema.kinds],
            findings,
            config=self.config,
            run=self.run,
            schema=schema,
            blocked=recovery.waiting,
            allowed=self.allowed,
            timekeeper=self.timekeeper,
            settle=settle,
        )

    def _plan(self, planner: Planner) -> Counter[str]:
        """Stage what takes each write back; how many writes were asked for, by their state."""
        counts = Counter[str]()
        chosen = Chosen(self.options.only)
        kinds = {kind.name: kind for kind in planner.kinds}
        for operations in batched(self.journal.writes(self.record.id), _BATCH):
            for name in sorted({operation.change.kind for operation in operations}):
                some = [each for each in operations if each.change.kind == name]
                if name in kinds:
                    self._plan_kind(planner, kinds[name], some, chosen, counts)
                    continue
                for each in some:
                    self._conflict(planner, each, Conflict("unprovable", f"the target has no accounts of kind {name}"))
        chosen.refuse_unclear()
        for why, count in sorted(self._idle.items()):
            writes = "1 write" if count == 1 else f"{count} writes"
            planner.findings.notice("undo-nothing-left", f"{writes} of that run left nothing to take back: {why}")
        return counts

    def _plan_kind(
        self,
        planner: Planner,
        kind: KindPlan,
        operations: Sequence[OperationRecord],
        chosen: Chosen,
        counts: Counter[str],
    ) -> None:
        keys = [key for each in operations if (key := each.key or each.change.key)]
        accounts, links = planner.stage.accounts.by_key(kind.name, keys), self.journal.links_by_key(kind.name, keys)
        subjects = [who for each in operations for who in (each.change.subject, each.change.former) if who is not None]
        others = self.journal.links(kind.name, subjects)
        for operation in operations:
            key = operation.key or operation.change.key or ""
            account, link = accounts.get(key), links.get(key)
            if not chosen.takes(operation, account):
                continue
            counts[operation.state] += 1
            subject = operation.change.subject if link is None else link.subject
            if planner.is_blocked(kind, subject, operation.change.label):
                continue
            if not operation.holds:
                self._idle["never done, or taken back before"] += 1
                continue
            found = compensate(operation, account, link, kind.kind, others)
            for conflict in found.conflicts:
                self._conflict(planner, operation, conflict)
            if found.change is not None:
                self._propose(planner, operation, found.change, account)
            elif not found.conflicts:
                self._idle["the target shows what was there before"] += 1

    def _propose(self, planner: Planner, operation: OperationRecord, change: Change, account: Account | None) -> None:
        held = self.protection.holds(change, None, account) if change.writes else None  # else only the journal changes
        if held is not None:
            planner.findings.add(held)
        elif account is not None and change.former is None and bears_anothers(account, change.subject):
            self._conflict(planner, operation, Conflict("changed-since", "the account bears another's marker now"))
        else:
            planner.stage.proposals.add_change(RANK[change.action], [change])

    def _conflict(self, planner: Planner, operation: OperationRecord, conflict: Conflict) -> None:
        change = operation.change
        planner.findings.hold(
            conflict.rail,
            conflict.summary,
            fix=conflict.fix,
            kind=change.kind,
            subject=change.subject,
            label=change.label,
            key=operation.key or change.key,
        )

    async def _rails(self, planner: Planner, target: Target) -> Mapping[str, Remaining]:
        with blaming(self.config.target):
            seats: Mapping[str, Seats] = await target.seats() if isinstance(target, CountsSeats) else {}
        with self.telling.guard("rails"):
            run_rails(planner, seats=seats, config=self.config, allowed=self.allowed, unattended=False)
            kinds = [kind.kind for kind in planner.kinds]
            held, remaining = hold_last_active(kinds, planner.stage, self.config.rails, self.allowed)
            for each in held:
                planner.findings.add(each)
        return remaining

    def _proposal(
        self,
        stage: Stage,
        findings: Findings,
        schema: TargetSchema,
        catalogue: Catalogue,
    ) -> Proposal:
        plan = write_plan(
            stage,
            findings,
            self.journal,
            self.plugins,
            self.facts,
            config=self.config,
            now=self.connect.clock.now(),
            allowed=self.allowed,
            tell=self._tell,
            telling=self.telling,
            planned=False,  # what waits for the next sync goes on waiting
        )
        return Proposal(plan=plan, people=0, accounts={}, schema=schema, catalogue=catalogue)

    async def _apply(self, target: Target, proposal: Proposal, guards: Sequence[Guard]) -> Applied:
        plan = proposal.plan
        if any(hold.scope == "run" for hold in plan.held) or not plan.size:
            return Applied()
        if self.options.confirm is not None and not self.options.confirm(proposal):
            return Applied(declined=True)
        refuse_expired(plan.header, self.connect.clock.now())
        self.allowed.approvals.bind(self.journal, self.run, plan.changes())
        self.observer.phase("Applying", plan.size)

        def progress(changes: Sequence[Change], outcomes: Sequence[Outcome]) -> None:
            self.observer.advance(len(changes))
            self._tell("batch.applied", batch_facts(changes, outcomes))

        changes = list(plan.changes())
        with self.telling.phase("apply"):
            applied = await cut_over(
                self.journal,
                target,
                proposal.schema,
                changes,
                run=self.run,
                settle=self._settle(proposal.schema),
                stop=self.options.stop,
                progress=progress,
                telling=self.telling,
                guards=guards,
            )
        moved: dict[Subject, Subject] = {each.former: each.subject for each in changes if each.former is not None}
        if moved and not (applied.interrupted or applied.stopped or applied.is_halted):
            moves = moved_whole(self.journal, moved, [kind.name for kind in proposal.schema.kinds])
            self.journal.move_vouchers(moves, run=self.run)
        return applied

    def _settle(self, schema: TargetSchema) -> timedelta:
        given = self.config.sync.settle
        return max(_SETTLE, timedelta(seconds=schema.settle)) if given is None else given

    def _tell(self, event: str, facts: Mapping[str, Scalar]) -> None:
        self.plugins.emit(self.journal.event(self.run, event, facts))
