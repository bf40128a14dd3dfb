"""Opens what a scene describes where it does, and the real plugins over cassettes everywhere else."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Literal

from crosskey.config import Config, SourceSection, TargetSection
from crosskey.connector.source import Source
from crosskey.connector.target import Target, TargetSchema
from crosskey.engine.connect import Connect
from crosskey.model import Catalogue
from crosskey.rehearsal.answers import Answers
from crosskey.rehearsal.case import Scene
from crosskey.rehearsal.clock import PatientClock
from crosskey.rehearsal.desk import DescribedTarget, described_catalogue, names_in_rules
from crosskey.rehearsal.people import DescribedPerson, DescribedSource, Told
from crosskey.rehearsal.pretence import Pretence, Written
from crosskey.rehearsal.who import Book, Listening

__all__ = ("Staging",)


class Staging(Connect):
    """The connectors of a scene, from one turn to the next. ``config`` and ``part`` are those of the turn."""

    def __init__(
        self,
        scene: Scene,
        people: Sequence[DescribedPerson],
        config: Config,
        *,
        answers: Answers,
        clock: PatientClock,
    ) -> None:
        super().__init__(clock=clock, transport=answers.transport)
        self._scene = scene
        self._people = people
        self.answers = answers
        self.clock: PatientClock = clock
        self.config = config
        self.part: Literal["before", "now"] = "now"
        self.book = Book()
        self._written = Written()
        self._named: set[str] = set()
        self.made_up = False
        """Whether the catalogue is what rules name, and not what somebody says there is."""

    @asynccontextmanager
    async def source(self, section: SourceSection) -> AsyncGenerator[Source]:
        """The described people of that section, or the real source."""
        if self._people:
            told = self._of(section)
            described = DescribedSource(section.path, told, self._named, closed=self.part == "now")
            yield Listening(described, self.book)
            return
        async with super().source(section) as source:
            yield Listening(source, self.book)

    @asynccontextmanager
    async def target(self, section: TargetSection) -> AsyncGenerator[Target]:
        """The described accounts, or those of the real target; nothing is ever written to it."""
        async with super().target(section) as target:
            base: Target = target
            if self._scene.accounts or self._scene.catalogue or not self._scene.cassettes:
                schema = await target.schema()
                self.made_up = not self._scene.catalogue
                base = DescribedTarget(schema, self._catalogue(schema), self._scene.accounts)
            yield Pretence(base, self._written)

    def _of(self, section: SourceSection) -> list[Told]:
        first = self.config.sync.sources[0]
        people = [person for person in self._people if (person.source or first) == section.name]
        return [person.now if self.part == "now" else person.before for person in people]

    def _catalogue(self, schema: TargetSchema) -> Catalogue:
        """What the case names; of whatever it names nothing, everything that stands in rules and accounts."""
        names: dict[str, Sequence[str]] = dict(names_in_rules(schema, json.loads(self.config.canonical)["map"]))
        for account in self._scene.accounts:
            kind = schema.kind(account.kind)
            for reference, named in account.references.items():
                spec = kind.reference(reference) if kind else None
                if spec is not None:
                    more = (named,) if isinstance(named, str) else named
                    names[spec.listing] = [*names.get(spec.listing, ()), *more]
        return described_catalogue(schema, {**names, **self._scene.catalogue})
