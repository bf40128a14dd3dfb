"""One human in several sources becomes one candidate, once and for all.

Whoever was recognised before stays so by id (the journal's *vouchers*), unless ``[sync] apart`` says otherwise. Others
are recognised by the keys of ``[sync] same``. What is ambiguous is held and shown; nobody is united by guess, and no
two accounts are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from crosskey.engine.batching import batched
from crosskey.engine.findings import Findings
from crosskey.engine.recognise import Ambiguous, recognise
from crosskey.engine.stage import Stage
from crosskey.journal import JournalWriter, Voucher
from crosskey.model import Person, Subject

__all__ = ("Unions", "unite")

_BATCH = 500


class Unions:
    """What uniting came to: new vouchers to note once they are acted upon, and whom nobody may plan for."""

    def __init__(self) -> None:
        self.vouchers: list[Voucher] = []
        self.unclear: set[Subject] = set()


def unite(
    stage: Stage,
    journal: JournalWriter,
    findings: Findings,
    unions: Unions,
    *,
    kinds: Sequence[str],
    issuers: Sequence[str],
    keys: Sequence[str],
) -> None:
    """Unite everybody in the stage (of a partial one: everybody touched) who is one person; ``unions`` says who.

    Whom somebody of the first source is one with is asked of the others: they must be touched as well.
    """
    if not stage.people.partial:  # a partial stage starts from a snapshot in which they are one already
        _unite_known(stage, journal)
    if len(issuers) < 2:
        return
    uniting = _Uniting(stage, journal, findings, kinds, list(issuers), keys, unions)
    for issuer in issuers[1:]:  # whom the first source knows is found from there
        for people in stage.people.of_source(issuer):
            for person in people:
                uniting.consider(person)


def _unite_known(stage: Stage, journal: JournalWriter) -> None:
    together: dict[Subject, list[Subject]] = {}
    for subject, lead in journal.all_vouchers():
        if not stage.people.apart.isdisjoint((subject.id, lead.id)):
            journal.forget_voucher(subject)
            continue
        together.setdefault(lead, []).append(subject)
    for batch in batched(together.items(), _BATCH):
        read = stage.people.present([subject for _, others in batch for subject in others])
        for lead, others in batch:
            if any(other in read for other in others):
                stage.people.unite(lead, others)


class _Uniting:
    """The state of one turn."""

    def __init__(
        self,
        stage: Stage,
        journal: JournalWriter,
        findings: Findings,
        kinds: Sequence[str],
        issuers: list[str],
        keys: Sequence[str],
        unions: Unions,
    ) -> None:
        self._stage = stage
        self._journal = journal
        self._findings = findings
        self._kinds = kinds
        self._issuers = issuers
        self._keys = keys
        self._unions = unions

    def consider(self, person: Person) -> None:
        """Find out whether somebody of one source is known in another. Whoever is known in all of them stays so."""
        if person.subject.id in self._stage.people.apart:
            return
        if {one.issuer for one in self._stage.people.together(person.subject)}.issuperset(self._issuers):
            return
        found = recognise(self._stage, person, self._keys)
        if isinstance(found, Ambiguous):
            self._hold([person.subject], found.reason, found.subjects)
        elif found is not None:
            self._join(person.subject, found.subjects, found.because)

    def _join(self, subject: Subject, others: Sequence[Subject], because: str) -> None:
        own = self._stage.people.together(subject)
        together = own.union(*(self._stage.people.together(other) for other in others))
        if together == own:
            return  # known already
        issuers = [one.issuer for one in together]
        if len(set(issuers)) < len(issuers):
            reason = f"{because}, but each is one person with somebody else already"
            self._hold([subject], reason, [one for one in together if one != subject])
            return
        linked = self._linked(together)
        if len(linked) > 1:
            reason = f"{because}, but each has an account of their own already"
            self._hold(sorted(linked), reason, sorted(linked))
            return
        lead = next(iter(linked), None) or min(together, key=self._rank)
        self._stage.people.unite(lead, together - {lead})
        self._unions.vouchers += [Voucher(one, lead, because) for one in sorted(together - {lead})]

    def _rank(self, subject: Subject) -> tuple[int, Subject]:
        return (self._issuers.index(subject.issuer) if subject.issuer in self._issuers else len(self._issuers), subject)

    def _linked(self, subjects: Iterable[Subject]) -> set[Subject]:
        asked = list(subjects)
        return {subject for kind in self._kinds for subject in self._journal.links(kind, asked)}

    def _hold(self, subjects: Sequence[Subject], reason: str, involved: Sequence[Subject]) -> None:
        for subject in subjects:
            if subject in self._unions.unclear:
                continue
            self._unions.unclear.add(subject)
            others = ", ".join(str(one) for one in involved if one != subject)
            self._findings.hold(
                "ambiguous-person",
                f"{reason}: {others}",
                fix="correct the attribute in the source that is wrong, or choose other keys in [sync] same",
                kind="",
                subject=subject,
                label=subject.id,
            )
