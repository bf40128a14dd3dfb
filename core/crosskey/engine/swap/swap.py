"""A whole swap: read both directories, prove, ask, let the links follow, journalled as one run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from itertools import islice
from typing import Final

import msgspec

from crosskey.config import Config
from crosskey.connector.mapper import CompiledMapping
from crosskey.connector.target import HasCatalogue, Target, TargetSchema
from crosskey.engine.blame import blaming
from crosskey.engine.connect import Connect
from crosskey.engine.demand import Demand
from crosskey.engine.guarding import KillSwitch, Switch
from crosskey.engine.logical import LogicalGroups
from crosskey.engine.order import Applied, Observer, Verdict
from crosskey.engine.protect import Protection
from crosskey.engine.provenance import plugins_of
from crosskey.engine.rails import COUNTED, Allowed
from crosskey.engine.read import read_accounts, read_people
from crosskey.engine.recover import settle_operations
from crosskey.engine.rules import compile_mappings
from crosskey.engine.sources import OpenSource
from crosskey.engine.stage import Stage
from crosskey.engine.swap.comparing import compare_groups, compare_mappings
from crosskey.engine.swap.cutover import cut_over, moved_whole, relinks
from crosskey.engine.swap.pairing import Pairs, pair_up
from crosskey.engine.swap.proof import Proof
from crosskey.engine.swap.rehearsal import rehearse
from crosskey.engine.swap.sections import SwapSections, swapped_section
from crosskey.engine.timekeeper import Timekeeper
from crosskey.errors import ConfigError, CrosskeyError, close_matches
from crosskey.journal import JournalWriter
from crosskey.model import PERSON_ATTRIBUTES, Catalogue
from crosskey.plan import Change, Held, Outcome, PlanHeader
from crosskey.plugins import Plugins
from crosskey.spans import trace_id

__all__ = ("SwapOptions", "SwapResult", "swap")

_LISTED: Final = 20
_SETTLE: Final = timedelta(minutes=2)


class SwapOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to recognise people (``keys``; empty: as the configuration says) and what a person decided.

    ``confirm`` is asked with the proof before anything moves; ``None``: nothing is done beyond the proof.
    """

    keys: tuple[str, ...] = ()
    allowed: Allowed = Allowed()
    confirm: Callable[[Proof], bool] | None = None
    stop: Callable[[], bool] = lambda: False


class SwapResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the proof showed, and what became of the cut-over (``None``: there was none)."""

    run: str
    proof: Proof
    applied: Applied | None
    verdict: Verdict


async def swap(
    old: Config,
    new: Config,
    plugins: Plugins,
    journal: JournalWriter,
    connect: Connect,
    options: SwapOptions,
    observer: Observer,
) -> SwapResult:
    """Prove a swap and, once confirmed, carry it out. Raises :class:`CrosskeyError`; the journal says so too."""
    sections = swapped_section(old, new)
    run = journal.start_run(
        "swap",
        trigger="command",
        config_digest=new.digest,
        config_text=new.canonical,
        plugins=plugins_of(new),
        trace=trace_id(),
    )
    try:
        result = await _Swap(old, new, sections, plugins, journal, connect, options, observer, run).go()
    except CrosskeyError as error:
        with suppress(CrosskeyError):
            journal.end_run(run, "failed", {}, note=f"{error.code}: {error.message}")
        raise
    except (asyncio.CancelledError, KeyboardInterrupt):
        journal.end_run(run, "aborted", {}, note="interrupted")
        raise
    applied = result.applied
    counts = {"relink": result.proof.relinks, "matched": result.proof.matched}
    if applied is not None:
        counts |= {f"result.{name}": count for name, count in applied.counts.items()}
    journal.end_run(run, result.verdict, counts)
    return result


class _Swap:
    """The state that the steps of one swap hand on."""

    def __init__(
        self,
        old: Config,
        new: Config,
        sections: SwapSections,
        plugins: Plugins,
        journal: JournalWriter,
        connect: Connect,
        options: SwapOptions,
        observer: Observer,
        run: str,
    ) -> None:
        self.old = old
        self.new = new
        self.sections = sections
        self.plugins = plugins
        self.journal = journal
        self.connect = connect
        self.options = options
        self.observer = observer
        self.run = run

    async def go(self) -> SwapResult:
        async with self._opened() as (old, new, target):
            if old.issuer == new.issuer:
                raise ConfigError(
                    f"both sections read the same directory ({old.issuer}): there is nothing to swap",
                    code="swap-same",
                    where=str(self.new.path),
                    fix="put the new section into your configuration as it is",
                )
            with blaming(self.new.target):
                schema = await target.schema()
                catalogue = await target.catalogue() if isinstance(target, HasCatalogue) else Catalogue()
            mappings = compile_mappings(self.new, schema, catalogue)
            keys = self._keys(mappings)
            path = self.new.journal.path.with_name("swap.sqlite")
            with Stage.fresh(path, [old.issuer, new.issuer], keys=keys) as stage:
                logical = await self._read(old, new, target, mappings, stage)
                await self._settle(stage, target, schema, mappings)
                pairs = pair_up(stage, old.issuer, new.issuer, keys)
                held: list[Held] = []
                protection = Protection(self.new.rails.protect)
                kinds = list(mappings)
                changes = list(relinks(self.journal, stage, kinds, pairs.new_of, old.issuer, protection, held))
                proof = await self._prove(
                    stage, old, new, target, schema, catalogue, mappings, keys, logical, pairs, changes, held
                )
            return await self._carry_out(target, schema, proof, pairs, changes)

    @asynccontextmanager
    async def _opened(self) -> AsyncGenerator[tuple[OpenSource, OpenSource, Target]]:
        async with AsyncExitStack() as stack:
            target = await stack.enter_async_context(self.connect.target(self.new.target))
            old, new = self.sections.old, self.sections.new
            yield (
                OpenSource(old, await stack.enter_async_context(self.connect.source(old))),
                OpenSource(new, await stack.enter_async_context(self.connect.source(new))),
                target,
            )

    def _keys(self, mappings: dict[str, CompiledMapping]) -> tuple[str, ...]:
        """What was asked for; else ``[sync] same``; else the attributes by which the rules adopt accounts."""
        configured = self.options.keys or tuple(self.new.sync.same or ())
        keys = configured or tuple(
            dict.fromkeys(key.attribute for mapping in mappings.values() for key in mapping.match)
        )
        for key in keys:
            if key not in PERSON_ATTRIBUTES and not key.startswith("extra."):
                raise ConfigError(
                    f"people have no attribute {key}. {close_matches(key, PERSON_ATTRIBUTES)}".rstrip(),
                    code="attribute-unknown",
                    where="--match",
                    fix="correct the name",
                )
        if not keys:
            raise ConfigError(
                "nothing says how people of the two directories are recognised",
                code="swap-keys",
                where="swap",
                fix="say it: --match employee_number --match email, or [sync] same in the configuration",
            )
        return keys

    async def _read(
        self,
        old: OpenSource,
        new: OpenSource,
        target: Target,
        mappings: dict[str, CompiledMapping],
        stage: Stage,
    ) -> tuple[LogicalGroups, LogicalGroups]:
        self.observer.phase("Reading both directories and the desk", None)
        demands = [
            Demand(
                mappings.values(), [feed if feed.name != one.section.name else one.section for feed in self.new.feeds]
            )
            for one in (old, new)
        ]
        advance = self.observer.advance

        async def read(one: OpenSource, demand: Demand) -> None:
            with blaming(one.section):
                await read_people(one, demand.request(one.section, changes=False), stage, advance=advance)

        async def accounts() -> None:
            with blaming(self.new.target):
                await read_accounts(target, mappings, stage, where=self.new.target.path, advance=advance)

        try:
            async with asyncio.TaskGroup() as tasks:
                for one, demand in zip((old, new), demands, strict=True):
                    tasks.create_task(read(one, demand))
                tasks.create_task(accounts())
        except ExceptionGroup as group:
            raise group.exceptions[0] from None
        stage.accounts.index()
        before = demands[0].logical(stage, {old.section.name: old.issuer})
        return before, demands[1].logical(stage, {new.section.name: new.issuer})

    async def _settle(
        self, stage: Stage, target: Target, schema: TargetSchema, mappings: dict[str, CompiledMapping]
    ) -> None:
        """Earlier writes without an outcome come first: nothing may move while they are open."""
        kinds = {kind.name: kind for kind in schema.kinds if kind.name in mappings}
        newest = self.journal.newest_run_at(but=self.run)
        timekeeper = Timekeeper(self.connect.clock, self.connect.skews, newest=newest)
        with blaming(self.new.target):
            recovery = await settle_operations(
                self.journal, stage, target, kinds, run=self.run, timekeeper=timekeeper, settle=self._wait(schema)
            )
        if recovery.waiting:
            until = max(recovery.waiting.values())
            raise ConfigError(
                f"{len(recovery.waiting)} earlier writes have no known outcome yet",
                code="unsettled",
                where="swap",
                fix=f"swap again after {until:%H:%M:%S UTC}",
            )

    def _wait(self, schema: TargetSchema) -> timedelta:
        """After how long a write whose answer was lost is surely visible."""
        return self.new.sync.settle or max(_SETTLE, timedelta(seconds=schema.settle))

    async def _prove(
        self,
        stage: Stage,
        old: OpenSource,
        new: OpenSource,
        target: Target,
        schema: TargetSchema,
        catalogue: Catalogue,
        mappings: dict[str, CompiledMapping],
        keys: Sequence[str],
        logical: tuple[LogicalGroups, LogicalGroups],
        pairs: Pairs,
        changes: Sequence[Change],
        held: list[Held],
    ) -> Proof:
        self.observer.phase("Rehearsing", None)
        header, _ = await rehearse(
            self.new,
            self.plugins,
            self.journal,
            self.connect,
            target,
            schema,
            changes,
            list(pairs.new_of.items()),
            allowed=self.options.allowed,
            observer=self.observer,
        )
        linked = self._linked_unmatched(pairs, list(mappings), old.issuer)
        held += _first_plan_held(header)
        held += self._differs(_counts(header), linked, len(pairs.unclear), len(changes))
        followed = {change.subject for change in changes}
        differences = list(compare_mappings(stage, *logical, pairs, mappings, schema, catalogue))
        return Proof(
            old=old.issuer,
            new=new.issuer,
            uses=(old.section.provided.value.name, new.section.provided.value.name),
            keys=tuple(keys),
            matched=len(pairs),
            by_key=dict(pairs.because.most_common()),
            agreeing=dict(pairs.agreeing.most_common()),
            relinks=len(changes),
            unmatched=tuple(f"{each.label} ({each.subject.id})" for each in pairs.only_old[:_LISTED]),
            unmatched_count=len(pairs.only_old),
            unmatched_linked=linked,
            newcomers=tuple(f"{each.label} ({each.subject.id})" for each in pairs.only_new[:_LISTED]),
            newcomer_count=pairs.only_new_count,
            unclear=tuple(f"{who.label} ({who.subject.id}): {why}" for who, why in pairs.unclear[:_LISTED]),
            unclear_count=len(pairs.unclear),
            groups=tuple(compare_groups(stage, *logical, pairs)),
            differences=tuple(islice(differences, _LISTED)),
            difference_count=len(differences),
            plan=header,
            disturbed=sum(one.subject in followed for one in header.held),
            held=tuple(held),
        )

    def _linked_unmatched(self, pairs: Pairs, kinds: Sequence[str], old: str) -> int:
        """Active accounts of the old directory's people whom nobody found in the new one."""
        return sum(
            link.active
            for kind in kinds
            for link in self.journal.all_links(kind)
            if link.subject.issuer == old and link.subject not in pairs.new_of
        )

    def _differs(self, counts: dict[str, int], unmatched: int, unclear: int, relinked: int) -> list[Held]:
        """The rail on directories that tell different companies."""
        limit = self.new.rails.max_disable
        lost = unmatched + unclear + counts.get("create", 0) + counts.get("disable", 0)
        most = max(limit.count, int(relinked * limit.percent / 100))
        if lost <= max(most, self.options.allowed.number("swap-differs")):
            return []
        return [
            Held(
                rail="swap-differs",
                scope="run",
                summary=f"the two directories differ a lot: {unmatched} accounts whose people are not found, {unclear} "
                f"people nobody can tell apart, {counts.get('create', 0)} creates and {counts.get('disable', 0)} "
                f"disables afterwards; the limit is {most}",
                fix=f"look at who is listed; if that is right: --allow swap-differs={lost}",
            )
        ]

    async def _carry_out(
        self, target: Target, schema: TargetSchema, proof: Proof, pairs: Pairs, changes: Sequence[Change]
    ) -> SwapResult:
        def result(verdict: Verdict, applied: Applied | None) -> SwapResult:
            return SwapResult(run=self.run, proof=proof, applied=applied, verdict=verdict)

        if any(one.scope == "run" for one in proof.held) or self.options.confirm is None:
            return result("held" if proof.held else "clean", None)
        if not self.options.confirm(proof):
            return result("aborted", None)
        self.observer.phase("Applying", len(changes))

        def progress(batch: Sequence[Change], _outcomes: Sequence[Outcome]) -> None:
            self.observer.advance(len(batch))

        settle = self._wait(schema)
        applied = await cut_over(
            self.journal,
            target,
            schema,
            changes,
            run=self.run,
            settle=settle,
            stop=self.options.stop,
            progress=progress,
            telling=self.connect.telling(self.journal.connection),
            guards=[KillSwitch(Switch(self.new.journal.path))],
        )
        with suppress(OSError):  # it tells of links that have moved
            self.new.journal.path.with_name("snapshot.sqlite").unlink(missing_ok=True)
        # until the swap is over the old directory is read
        if not (applied.interrupted or applied.stopped or applied.is_halted):
            moves = moved_whole(self.journal, pairs.new_of, [kind.name for kind in schema.kinds])
            self.journal.move_vouchers(moves, run=self.run)
        return result(applied.verdict(held=bool(proof.held)), applied)


def _first_plan_held(header: PlanHeader) -> list[Held]:
    """What holds the first plan whole, or a class of it, holds the swap: a plan that shows nothing proves nothing."""
    asks = COUNTED - {"create-flood"}  # new accounts are counted with whatever else differs
    return [msgspec.structs.replace(one, scope="run") for one in header.held if one.scope == "run" or one.rail in asks]


def _counts(header: PlanHeader) -> dict[str, int]:
    """The changes of the first plan by action, a flood of new accounts among them."""
    return {**header.counts, "create": header.counts.get("create", 0) + header.held_counts.get("create-flood", 0)}
