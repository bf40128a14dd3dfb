"""Write down what sources and target answer while a run plans: asked again later, they would say something else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from crosskey.connector.source import FindsPeople
from crosskey.connector.target import CountsSeats, FindsChanges, Seats, TellsDuties
from crosskey.engine.past.moment import Abilities, Answers
from crosskey.engine.sources import Sources
from crosskey.errors import CrosskeyError
from crosskey.model import Account, Person, Subject
from crosskey.plan import Change, Duty

__all__ = ("HeardSources", "HeardTarget", "abilities")


def abilities(sources: Sources, target: object) -> Abilities:
    """What these sources and this target can be asked."""
    return Abilities(
        finding=tuple(one.issuer for one in sources if isinstance(one.source, FindsPeople)),
        target_finds=isinstance(target, FindsChanges),
        target_counts=isinstance(target, CountsSeats),
        target_tells_duties=isinstance(target, TellsDuties),
    )


class HeardSources(Sources):
    """The same sources; what they say of single people goes into ``answers``."""

    def __init__(self, sources: Sources, answers: Answers) -> None:
        super().__init__(list(sources))
        self._answers = answers

    async def find(self, subject: Subject) -> Person | None:
        """Ask, and write the answer down."""
        person = await super().find(subject)
        self._answers.people.append((subject, person))
        return person

    async def groups_of(self, subject: Subject) -> frozenset[str] | None:
        """Ask, and write the answer down."""
        groups = await super().groups_of(subject)
        self._answers.groups.append((subject, None if groups is None else sorted(groups)))
        return groups


class HeardTarget:
    """As much of a target as planning asks; it can what the target can, and answers go into ``answers``."""

    def __init__(self, target: object, answers: Answers) -> None:
        if isinstance(target, FindsChanges):
            finding = target

            async def find(change: Change) -> Account | None:
                account = await finding.find(change)
                answers.accounts.append((change.id, account))
                return account

            self.find = find
        if isinstance(target, CountsSeats):
            counting = target

            async def seats() -> dict[str, Seats]:
                answers.seats = dict(await counting.seats())
                return answers.seats

            self.seats = seats
        if isinstance(target, TellsDuties):
            telling = target

            async def duties(kind: str, keys: Sequence[str]) -> Mapping[str, Sequence[Duty]]:
                try:
                    told = await telling.duties(kind, keys)
                except CrosskeyError as error:
                    answers.duties.append((kind, error.message))
                    raise
                except Exception as error:
                    answers.duties.append((kind, f"the target raised {type(error).__name__}"))
                    raise
                answers.duties.append((kind, {key: list(found) for key, found in told.items()}))
                return told

            self.duties = duties
