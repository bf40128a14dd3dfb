"""Plan a past run again by other rules: over what it read and knew, with no network, and nothing written anywhere.

The same rules make the same plan again, change by change. What a run could not know by these rules (groups whose
members it did not read) is refused; what nobody asked then is answered as if absence were true, and told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, cast

import msgspec

from crosskey.clock import Skews
from crosskey.config import Config
from crosskey.connector.mapper import CompiledMapping
from crosskey.connector.target import TargetSchema
from crosskey.engine.assembly import assemble_planner
from crosskey.engine.connect import Connect
from crosskey.engine.demand import Demand
from crosskey.engine.findings import Findings
from crosskey.engine.kindplan import KindPlan
from crosskey.engine.logical import LogicalGroups
from crosskey.engine.merging import Preference
from crosskey.engine.past.moment import FORM, Moment
from crosskey.engine.past.shelf import Kept
from crosskey.engine.past.telling import OpenQuestions, ToldSources, ToldTarget
from crosskey.engine.planning import plan_everyone, settle_time
from crosskey.engine.rails import Allowed, check_read
from crosskey.engine.rules import attributes_of, compile_mappings
from crosskey.engine.saved import changes_digest
from crosskey.engine.stage import Stage
from crosskey.engine.timekeeper import Timekeeper
from crosskey.errors import ConfigError, Diagnostic, StorageError
from crosskey.journal import Journal, JournalWriter, PastJournal
from crosskey.model import Catalogue
from crosskey.plan import Change, Held

__all__ = ("Replay", "Replayed", "replay")

_SIDES: Final = ("source", "target", "sync")


class _Still:
    """A clock that stands."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        """That time."""
        return self._at

    def monotonic(self) -> float:
        """No time passes."""
        return 0.0

    async def sleep(self, seconds: float) -> None:
        """Nobody waits for the past."""


class _Then(Timekeeper):
    """The time at which a run planned, as far as it could be trusted then."""

    def __init__(self, moment: Moment, clock: _Still) -> None:
        super().__init__(clock, Skews(), newest=None)
        self._doubt = moment.doubt

    @property
    def doubt(self) -> str:
        """Why the clock could not be trusted then."""
        return self._doubt


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """One change that differs: as the run planned it, and as the other rules do; ``None`` where one does not."""

    then: Change | None
    now: Change | None


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """What other rules come to. ``same`` changes are in both plans; ``held`` and ``held_then`` count by rail."""

    run: str
    at: datetime
    reach: str
    counts: dict[str, int]
    digest: str
    same: int
    differences: list[Replayed]
    held: list[Held]
    held_counts: dict[str, int]
    held_then: dict[str, int]
    notices: list[Diagnostic]
    schema: TargetSchema
    catalogue: Catalogue

    @property
    def is_same(self) -> bool:
        """Whether the rules plan the very same and hold as much."""
        return not self.differences and self.held_counts == self.held_then


async def replay(config: Config, journal: Journal, kept: Kept) -> Replay:
    """Plan the run again that left ``kept``, by the rules of ``config``.

    Raises :class:`ConfigError` where the rules need what the run did not read, :class:`StorageError` where what is left
    of the run is damaged or of another version.
    """
    moment = _moment(kept)
    connect = Connect(clock=_Still(moment.at))
    preference = Preference.by_names(config.sync.prefer, config.sync.sources)
    with kept.open() as stage:
        state = list(stage.state.all())
    with (
        kept.open(preference=preference, partial=not moment.full) as stage,
        PastJournal.past(
            config.journal.path,
            clock=connect.clock,
            connection=journal.connection,
            marks=moment.marks,
            state=state,
        ) as then,
    ):
        planning = _Planning(config, stage, then, moment, connect)
        await planning.plan()
        return planning.compared(journal)


class _Planning:
    """One plan made again."""

    def __init__(self, config: Config, stage: Stage, then: JournalWriter, moment: Moment, connect: Connect) -> None:
        self._config = config
        self._stage = stage
        self._then = then
        self._moment = moment
        self._connect = connect
        self._findings = Findings(stage)
        self._unasked = OpenQuestions()
        self._schema = stage.read_note("schema", TargetSchema)
        self._catalogue = stage.read_note("catalogue", Catalogue)

    async def plan(self) -> None:
        """Stage every change and find what is held."""
        config, stage, moment = self._config, self._stage, self._moment
        if not moment.full:
            stage.people.touch(moment.touched)
        stage.proposals.begin_again()
        mappings = compile_mappings(config, self._schema, self._catalogue)
        logical = self._logical(mappings)
        allowed = Allowed.parse(moment.allowed).approved(self._then.usable_approvals(moment.at))
        held = check_read(moment.reads, moment, config.rails, allowed)
        for each in held:
            self._findings.add(each)
        if not held:
            planner = assemble_planner(
                stage,
                self._then,
                [KindPlan(kind, mappings[kind.name]) for kind in self._schema.kinds if kind.name in mappings],
                self._findings,
                config=config,
                run=moment.run,
                schema=self._schema,
                blocked={(kind, subject): until for kind, subject, until in moment.waiting},
                allowed=allowed,
                timekeeper=_Then(moment, _Still(moment.at)),
                settle=settle_time(config, self._schema),
                unclear=frozenset(moment.unclear),
            )
            await plan_everyone(
                planner,
                ToldSources(config.feeds, moment, self._unasked),
                ToldTarget(moment, self._unasked),
                logical,
                config=config,
                allowed=allowed,
                unattended=moment.kind == "sync",
                run=moment.run,
                advance=lambda _count: None,
                telling=self._connect.telling("replay"),
            )
        if not moment.full:
            self._findings.add_standing(stage.proposals.standing())

    def compared(self, journal: Journal) -> Replay:
        """What came of it, beside the plan that the run made."""
        header = journal.plan(self._moment.run)
        differences, same = _differences(journal.changes(header.id), self._stage.proposals.changes())
        counts: dict[str, int] = {}
        for (_, action), count in sorted(self._stage.proposals.change_counts().items()):
            counts[action] = counts.get(action, 0) + count
        return Replay(
            run=self._moment.run,
            at=self._moment.at,
            reach=self._moment.reach,
            counts=counts,
            digest=changes_digest(self._stage.proposals.changes()),
            same=same,
            differences=differences,
            held=list(self._findings.held),
            held_counts=dict(self._findings.held_counts),
            held_then={rail: count for rail, count in header.held_counts.items() if rail != "review"},
            notices=self._notices(journal),
            schema=self._schema,
            catalogue=self._catalogue,
        )

    def _logical(self, mappings: Mapping[str, CompiledMapping]) -> LogicalGroups:
        """What the names of groups mean. Refuses rules that need what the run did not read."""
        read: dict[str, dict[str, list[str]]] = {
            sort: self._stage.read_note(sort, dict[str, list[str]]) for sort in ("groups", "apps")
        }
        wanted = Demand(mappings.values(), self._config.feeds)
        issuers = {section.name: self._moment.issuers[section.path] for section in self._config.feeds}
        logical = wanted.logical(self._stage, issuers)
        known = {ref for refs in (*read["groups"].values(), *read["apps"].values()) for ref in refs}
        unread = sorted(
            f'the members of "{name}"'
            for names in (logical.groups, logical.apps)
            for name, refs in names.items()
            if not known.issuperset(refs)
        )
        extra = attributes_of(mappings.values()) - set(self._moment.attributes)
        if unread or extra:
            missing = ", ".join([*unread, *(f"extra.{name}" for name in sorted(extra))])
            raise ConfigError(
                f"run {self._moment.run} did not read what these rules need: {missing}",
                code="replay-unread",
                where="map",
                fix="run `crosskey plan --config` with the new rules once: a plan reads what they need and writes "
                "nothing to the target",
            )
        return logical

    def _notices(self, journal: Journal) -> list[Diagnostic]:
        notices: list[Diagnostic] = []
        differing = _differing(journal.configuration(self._moment.config_digest), self._config.canonical)
        if differing:
            notices.append(
                _notice(
                    "replay-other-sides",
                    f"{', '.join(differing)} differ from what the run went by; it read by its own, and only mapping "
                    "rules and rails are tried",
                )
            )
        if self._unasked.count:
            notices.append(
                _notice(
                    "replay-unasked",
                    f"{self._unasked.count} questions about single people or accounts were not asked then; shown is "
                    "what comes of it if absence is true",
                )
            )
        if not self._moment.full:
            notices.append(
                _notice(
                    "replay-changes",
                    f"run {self._moment.run} read only changes: these rules were tried on the "
                    f"{len(self._moment.touched)} people it looked at, not on everybody",
                )
            )
        return notices


def _moment(kept: Kept) -> Moment:
    with kept.open() as stage:
        moment = stage.read_note("moment", Moment)
    if moment.form == FORM and moment.worth:
        return moment
    why = (
        "another version of crosskey kept it"
        if moment.form != FORM
        else "it planned nothing, so only what it read is left"
    )
    raise StorageError(
        f"run {kept.run} cannot be planned again: {why}",
        code="past-unfit",
        where=str(kept.path),
        fix="take another run: `crosskey history` lists them; the first of each day and those that planned something "
        "are kept whole",
    )


def _differences(then: Iterator[Change], now: Iterator[Change]) -> tuple[list[Replayed], int]:
    """The changes that are in one plan only, or differ, in the order of the new plan; and how many are the same."""
    encode = msgspec.json.Encoder().encode
    before = {change.id: change for change in then}
    differences: list[Replayed] = []
    same = 0
    for change in now:
        known = before.pop(change.id, None)
        if known is not None and encode(known) == encode(change):
            same += 1
        else:
            differences.append(Replayed(then=known, now=change))
    return [*differences, *(Replayed(then=change, now=None) for change in before.values())], same


def _differing(then: str, now: str) -> Sequence[str]:
    """The sections beside rules and rails that are not as they were."""
    tables = [cast("dict[str, object]", msgspec.json.decode(text)) if text else {} for text in (then, now)]
    return [f"[{name}]" for name in _SIDES if tables[0].get(name, {}) != tables[1].get(name, {})]


def _notice(code: str, summary: str) -> Diagnostic:
    return Diagnostic(severity="warning", code=code, summary=summary)
