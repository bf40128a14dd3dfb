"""Go through everyone once and work out what each linked account needs; set aside those who have no link yet.

Per person and kind there are five cases: linked and wanted (update, or enable what crosskey disabled), linked and not
wanted (a leaver), linked but the account is gone, not linked (see :mod:`crosskey.engine.newcomers`), and linked but not
in the read at all (see :mod:`crosskey.engine.leavers`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from itertools import takewhile

import msgspec

from crosskey.connector.mapper import Candidate, Desired
from crosskey.engine.diff import Given
from crosskey.engine.drift import Drifting
from crosskey.engine.echo import without_echoes
from crosskey.engine.escrow import Escrow
from crosskey.engine.findings import LISTED, Findings
from crosskey.engine.kindplan import KindPlan
from crosskey.engine.logical import LogicalGroups
from crosskey.engine.marker import bears_anothers
from crosskey.engine.patience import Waiting
from crosskey.engine.protect import Protection
from crosskey.engine.stage import Stage
from crosskey.engine.timekeeper import Timekeeper
from crosskey.engine.undecided import Gone, Losing, Unvouched
from crosskey.engine.undone import Undone
from crosskey.journal import JournalWriter, Link, OperationRecord
from crosskey.model import Account, Person, Subject
from crosskey.plan import Action, Change

__all__ = ("RANK", "Planner")

RANK: Mapping[Action, int] = {
    "disable": 0,
    "release": 1,
    "enable": 2,
    "adopt": 3,
    "create": 4,
    "update": 5,
    "relink": 6,
}
"""The order of application: leavers out first (which also frees their seats), then people in, then corrections."""

_RECENT = 5
"""So many writes to one account are looked at for what its list may not show yet."""

_encode = msgspec.msgpack.Encoder().encode


class Planner:
    """Plans one run over a complete stage. ``unclear`` are people about whom nobody may decide anything.

    ``covers`` says whether somebody let through exactly that: a rail, a kind, an action, a person.
    """

    def __init__(
        self,
        stage: Stage,
        journal: JournalWriter,
        kinds: Sequence[KindPlan],
        protection: Protection,
        *,
        timekeeper: Timekeeper,
        settle: timedelta,
        escrow: Escrow,
        blocked: Mapping[tuple[str, Subject], datetime],
        most_missing: int,
        most_demoted: Mapping[str, int],
        findings: Findings,
        drifting: Drifting,
        undone: Undone,
        unclear: AbstractSet[Subject] = frozenset(),
        covers: Callable[[str, str, str, Subject], bool] = lambda _rail, _kind, _action, _subject: False,
    ) -> None:
        self.stage = stage
        self.journal = journal
        self.kinds = kinds
        self.protection = protection
        self.timekeeper = timekeeper
        self.escrow = escrow
        self.findings = findings
        self._drifting = drifting
        self.undone = undone
        self.losing: list[Losing] = []
        self._asked = Counter[str]()
        self.unvouched: list[Unvouched] = []
        self.gone: list[Gone] = []
        self.gone_counts: Counter[str] = Counter()
        self.waiting = Waiting(timekeeper, journal, stage, findings)
        self._any_absences = {kind.name: journal.any_absences(kind.name) for kind in kinds}
        self._settle = settle
        self._blocked = blocked
        self._unclear = unclear
        self.covers = covers
        self._most_missing = most_missing
        self._most_demoted = most_demoted

    def plan(self, logical: LogicalGroups, advance: Callable[[int], None]) -> None:
        """Stage the changes of everyone who was read and has a link, and remember everyone who has none."""
        for candidates in self.stage.people.candidates(logical):
            self.findings.unknown.update(each.person.status for each in candidates if each.person.active is None)
            for kind in self.kinds:
                self._plan_batch(kind, candidates)
            advance(len(candidates))
        self.stage.proposals.index_claims()

    def plan_asked(self, losing: Losing, desired: Desired) -> None:
        """Stage what somebody needs of whom the sources were asked, or nobody could be; ``desired``: as they say."""
        kind, candidate, account = losing.kind, losing.candidate, losing.account
        if desired.in_scope:
            self._plan_wanted(kind, candidate, desired, losing.link, account, asked=True)
            self._drifting.save(kind.name)
            return
        person = candidate.person
        because = f"out of scope: {desired.why.get('', 'the rules want no account')}"
        change = self.leave(kind, person.subject, person.label, account, because)
        if change is not None:
            self.propose(change, person, account)

    def tell_left(self) -> None:
        """Tell once of all that was left to whoever changed it by hand."""
        self._drifting.tell_left()

    def propose(self, change: Change, person: Person | None, account: Account | None) -> None:
        """Stage a change, unless its account is protected, bears the marker of somebody else, or lags behind us."""
        held = self.protection.holds(change, person, account)
        if held is not None:
            self.findings.add(held)
            return
        if account is not None and bears_anothers(account, change.subject):
            self.findings.hold(
                "identity-collision",
                f"{change.kind} {account.key} bears crosskey's marker of another person",
                fix="look whose account it is; if it is theirs, clear the marker in the target",
                kind=change.kind,
                subject=change.subject,
                label=change.label,
                key=account.key,
            )
            return
        left = self._not_undone(change)
        fresh = None if left is None else self._worth_writing(left)
        if fresh is not None:
            self.stage.proposals.add_change(RANK[change.action], [fresh])

    def _not_undone(self, change: Change) -> Change | None:
        """The change without what a person took back; that is held."""
        if not self.undone:
            return change
        left, held = self.undone.without(change)
        if held is not None:
            self.findings.add(held)
        return left

    def _worth_writing(self, change: Change) -> Change | None:
        """The change without what earlier writes to its account did, or were found to be unable to do."""
        if change.action not in ("update", "enable") or change.key is None:
            return change  # rather switch off twice than trust a list that shows a leaver active
        last = self.journal.operations(key=(change.kind, change.key), limit=_RECENT)
        fresh = self._not_shown_yet(change, last)
        return self.escrow.update(fresh, last) if fresh is not None and change.action == "update" else fresh

    def _not_shown_yet(self, change: Change, last: Sequence[OperationRecord]) -> Change | None:
        """The change without what was just written to its account and is not listed yet."""
        since = self.timekeeper.now() - self._settle
        answered = takewhile(lambda one: one.state == "done", last)  # behind a lost answer nothing is certain
        until = self.timekeeper.now()  # what was written later than now was written by a wrong clock
        fresh = without_echoes(change, [one for one in answered if since < one.intent_at <= until])
        if fresh != change:
            written = {name: part.after for name, part in change.fields.items()}
            self.stage.accounts.note_identity(change.kind, str(change.key), written, sorted(written))
        if fresh is None:
            self.findings.notice(
                "not-yet-listed", f"{change.label}: {change.kind} {change.key} was just written and is not shown so yet"
            )
            self.stage.proposals.make_due([change.subject])
        return fresh

    def leave(self, kind: KindPlan, subject: Subject, label: str, account: Account, because: str) -> Change | None:
        """The change that a leaver's account needs now: none under ``do = "keep"`` or while the grace lasts."""
        policy = kind.mapping.leavers
        if policy.do == "keep":
            return None
        if policy.after > timedelta(0):
            since = self.waiting.leaving_since(kind.name, subject)
            if not self.waiting.is_over(kind.name, subject, label, account.key, since, policy.after):
                until = (since + policy.after).strftime("%Y-%m-%d %H:%M UTC")
                self.findings.notice("leaver-grace", f"{label} leaves: {because}; {kind.name} stays until {until}")
                return None
        return kind.differ.disable(subject, label, account, because)

    def look_again(self, link: Link, account: Account | None) -> None:
        """Make a leaver due whose account is not shown to be on: a list may have missed it, which a look-up tells, or
        not show yet that a write switched it on.
        """
        if not link.active:
            return
        if (account is None and not self.stage.people.partial) or self._is_moving(link):
            self.stage.proposals.make_due([link.subject])

    def _is_moving(self, link: Link) -> bool:
        """Whether the last write to an account may not show yet."""
        last = self.journal.operations(key=(link.kind, link.key), limit=1)
        return bool(last) and not self.timekeeper.has_passed(last[0].intent_at, self._settle)

    def is_blocked(self, kind: KindPlan, subject: Subject, label: str) -> bool:
        """Whether an earlier write for somebody is not settled: then nothing is planned for them but to wait."""
        until = self._blocked.get((kind.name, subject))
        if until is None:
            return False
        self.findings.hold(
            "unsettled",
            "an earlier write has no known outcome yet; looked again after " + until.strftime("%H:%M:%S UTC"),
            fix="run again after that time",
            kind=kind.name,
            subject=subject,
            label=label,
        )
        return True

    def set_aside(self, kind: KindPlan, person: Person, desired: Desired, *, wanted: bool) -> None:
        """Leave somebody for :func:`crosskey.engine.newcomers.plan_newcomers`."""
        if not desired.in_scope:
            return
        values = [(key.attribute, person.text(key.attribute)) for key in kind.mapping.match] if wanted else []
        self.stage.proposals.add_newcomer(
            kind.name, person.subject, wanted=wanted, body=_encode(desired), values=values
        )

    def _is_left_alone(self, kind: KindPlan, person: Person) -> bool:
        """Whether nobody can decide anything about somebody in this run."""
        if person.active is None or person.subject in self._unclear:
            return True
        return bool(self._blocked) and self.is_blocked(kind, person.subject, person.label)

    def _plan_batch(self, kind: KindPlan, candidates: Sequence[Candidate]) -> None:
        links = self.journal.links(kind.name, [candidate.person.subject for candidate in candidates])
        accounts = self.stage.accounts.by_key(kind.name, [link.key for link in links.values()])
        self.findings.linked_seen[kind.name] += len(links)
        if self._any_absences[kind.name]:
            self._seen_again(kind, [candidate.person.subject for candidate in candidates])
        back: list[Subject] = []
        woken: list[Link] = []
        for candidate, desired in zip(candidates, kind.mapping(candidates), strict=True):
            person = candidate.person
            if self._is_left_alone(kind, person):
                continue
            wanted = desired.in_scope and bool(person.active)
            link = links.get(person.subject)
            account = None if link is None else accounts.get(link.key)
            self.undone.seen(kind.name, person.subject, wanted=wanted, active=account is not None and account.active)
            if link is None:
                self.set_aside(kind, person, desired, wanted=wanted)
                continue
            if wanted:
                back.append(person.subject)
                self._plan_wanted(kind, candidate, desired, link, account)
                if account is not None and account.active and not link.active:
                    woken.append(link)
            elif account is not None and account.active:
                self._drifting.heed_leaver(kind.kind, link, account)
                self._plan_leaver(kind, candidate, desired, link, account)
            else:
                if account is not None:
                    self._drifting.heed_leaver(kind.kind, link, account)
                self.look_again(link, account)
        self._drifting.save(kind.name)
        if woken:
            self._note_woken(kind, woken)
        if back and kind.mapping.leavers.after > timedelta(0):
            returned = self.journal.leaving(kind.name, back)
            if returned:
                self.journal.clear_leaving(kind.name, list(returned))

    def _seen_again(self, kind: KindPlan, subjects: Sequence[Subject]) -> None:
        if missing := self.journal.absences(kind.name, subjects):
            self.journal.clear_absences(kind.name, list(missing))

    def _note_woken(self, kind: KindPlan, links: Sequence[Link]) -> None:
        """Remember that somebody else switched on what crosskey had switched off: off again is then not ours to undo.

        Not while our own last write may still be on its way into the target's lists: then it is looked at again.
        """
        for link in links:
            if self._is_moving(link):
                self.stage.proposals.make_due([link.subject])
            else:
                self.journal.note_active(kind.name, link.subject)

    def _account_gone(self, kind: KindPlan, person: Person, desired: Desired, link: Link) -> None:
        if self.timekeeper.is_recent(link.since, self._settle):
            self.findings.notice(
                "not-yet-listed", f"{person.label}: {kind.name} {link.key} was just written and is not listed yet"
            )
            self.stage.accounts.note_identity(kind.name, link.key, link.fields, kind.identifying)
            self.stage.proposals.make_due([person.subject])
            return
        self.gone_counts[kind.name] += 1
        if self.gone_counts[kind.name] <= max(self._most_missing, LISTED):
            self.gone.append(Gone(kind, person, desired, link))
        else:
            self.stage.proposals.make_due([person.subject])

    def _plan_wanted(
        self,
        kind: KindPlan,
        candidate: Candidate,
        desired: Desired,
        link: Link,
        account: Account | None,
        *,
        asked: bool = False,
    ) -> None:
        person = candidate.person
        if account is None:
            self._account_gone(kind, person, desired, link)
            return
        if desired.problem:
            self.findings.hold(
                "mapping-problem",
                desired.problem,
                kind=kind.name,
                subject=person.subject,
                label=person.label,
                key=account.key,
            )
            return
        given = Given(references=link.given, fields=link.fields)
        if account.active:
            change = kind.differ.update(person, desired, account, given)
        elif link.disabled_by_us:
            because = f"back again: {desired.why.get('', 'in scope')}"
            change = kind.differ.enable(person, desired, account, given, because)
        else:
            self._drifting.heed(kind.kind, kind.mapping, person, desired, link, account, None)
            self.findings.notice(
                "disabled-by-hand",
                f"{person.label}: somebody switched {kind.name} {account.key} off in the target; left as it is",
                fix="switch it on in the target if this is not meant: crosskey only enables what it disabled",
            )
            return
        if change is not None and not asked and self._asks_for(kind, candidate, change):
            self.losing.append(Losing(kind, candidate, desired, link, account))
            return
        change = self._drifting.heed(kind.kind, kind.mapping, person, desired, link, account, change)
        if change is not None:
            self.propose(change, person, account)

    def _asks_for(self, kind: KindPlan, candidate: Candidate, change: Change) -> bool:
        """Whether somebody is asked for before a change takes away what a group gave; at most as many as may be
        demoted at once: beyond that the rail holds them all.
        """
        most = self._most_demoted.get(kind.name, 0)
        if self._asked[kind.name] >= most or not kind.goes_by_a_group(candidate, change):
            return False
        self._asked[kind.name] += 1
        return True

    def _plan_leaver(
        self, kind: KindPlan, candidate: Candidate, desired: Desired, link: Link, account: Account
    ) -> None:
        person = candidate.person
        if person.active:
            self.losing.append(Losing(kind, candidate, desired, link, account))
            return
        because = f'left: status "{person.status}" in the source' if person.status else "left: inactive in the source"
        missing = self._missing(person.subject)
        if missing:
            self.unvouched.append(Unvouched(kind, person, link, account, because, missing))
            return
        change = self.leave(kind, person.subject, person.label, account, because)
        if change is not None:
            self.propose(change, person, account)

    def _missing(self, lead: Subject) -> tuple[Subject, ...]:
        """Subjects that vouched for somebody and were not read."""
        vouchers = self.journal.vouchers([lead]).get(lead, [])
        if not vouchers:
            return ()
        read = {person.subject for person in self.stage.people.rows([lead, *vouchers])}
        return tuple(subject for subject in (lead, *vouchers) if subject not in read)
