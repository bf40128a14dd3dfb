"""Remember one run's planning in its stage: what the journal knew before it, and what was asked during it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from crosskey.engine.baseline import Baseline
from crosskey.engine.findings import Findings
from crosskey.engine.gather import Gathered
from crosskey.engine.past.hearing import HeardSources, HeardTarget, abilities
from crosskey.engine.past.moment import Moment
from crosskey.engine.past.shelf import Shelf
from crosskey.engine.rails import Allowed
from crosskey.engine.read import PeopleRead
from crosskey.engine.sources import Sources
from crosskey.engine.stage import Stage
from crosskey.engine.timekeeper import Timekeeper
from crosskey.events import RunFacts
from crosskey.journal import JournalWriter
from crosskey.model import Subject

__all__ = ("Remembering",)


class Remembering:
    """Begun before anything is planned, ended before anything is applied."""

    def __init__(self, stage: Stage, journal: JournalWriter, shelf: Shelf, moment: Moment) -> None:
        self._stage = stage
        self._journal = journal
        self._shelf = shelf
        self._moment = moment
        # planning notes in links what it saw: what it went by is what they held before
        ids = None if moment.full else {subject.id for subject in moment.touched}
        self._before = stage.state.pack(journal.large_state(ids))

    @classmethod
    def begin(
        cls,
        stage: Stage,
        journal: JournalWriter,
        shelf: Shelf,
        facts: RunFacts,
        gathered: Gathered,
        *,
        attributes: Iterable[str],
        timekeeper: Timekeeper,
        config_digest: str,
        allowed: Allowed,
        waiting: Mapping[tuple[str, Subject], datetime],
        unclear: Iterable[Subject],
    ) -> Remembering:
        """Keep what planning will go by, as it is now."""
        moment = Moment(
            run=facts.id,
            kind=facts.kind,
            at=timekeeper.now(),
            doubt=timekeeper.doubt,
            reach=gathered.reach,
            config_digest=config_digest,
            allowed=allowed.words(),
            marks=journal.marks(),
            reads=_bare(gathered.people),
            last_reads=_last_reads(Baseline(journal), gathered.people),
            attributes=tuple(sorted(attributes)),
            waiting=[(kind, subject, until) for (kind, subject), until in waiting.items()],
            unclear=sorted(unclear),
            touched=stage.people.touched() if stage.people.partial else [],
        )
        if moment.full:
            stage.note("read_mark", moment.marks["operation"])
        stage.state.add(journal.small_state())
        return cls(stage, journal, shelf, moment)

    def heard(self, sources: Sources, target: object) -> tuple[Sources, HeardTarget]:
        """The same sources and target, whose answers are remembered."""
        self._moment = msgspec.structs.replace(
            self._moment, issuers=sources.issuers_by_path, abilities=abilities(sources, target)
        )
        return HeardSources(sources, self._moment.answers), HeardTarget(target, self._moment.answers)

    def end(self, findings: Findings) -> None:
        """Everything is planned. A moment in which something was, or the first of a day, is worth keeping whole."""
        changes = sum(self._stage.proposals.change_counts().values())
        moment = msgspec.structs.replace(self._moment, changes=changes)
        many = any(held.scope != "person" for held in findings.held)
        if changes or many or self._shelf.is_first(moment):
            if not moment.full:
                self._stage.state.add(self._journal.large_state())
            self._stage.state.add_packed(self._before)
            moment = msgspec.structs.replace(moment, worth=True)
        self._stage.note("moment", moment)


def _bare(read: PeopleRead) -> PeopleRead:
    """How much was read, without cursors and without what was to be told of it."""
    sources = tuple(msgspec.structs.replace(one, cursor="", warnings=()) for one in read.sources)
    return msgspec.structs.replace(read, sources=sources)


def _last_reads(baseline: Baseline, read: PeopleRead) -> dict[str, dict[str, int]]:
    return {
        one.path: {"people": baseline.people(one.path)}
        | {f"group:{name}": baseline.members(one.path, name) for name in one.logical}
        for one in read.sources
    }
