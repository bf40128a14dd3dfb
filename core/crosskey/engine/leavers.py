"""People whom crosskey linked and whom a source did not bring: absence alone is never a leaver (G4).

Each is looked up by id. Only "there is nobody of that id", confirmed often enough (:mod:`crosskey.engine.absence`), or
a row that says inactive, makes a leaver; a row that says active means that the listing flapped. A source that cannot
look people up, or too many to look up, leaves them held. Somebody for whom several sources vouched is a leaver only
when none of them says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from crosskey.engine.absence import Absentees
from crosskey.engine.batching import batched
from crosskey.engine.kindplan import KindPlan
from crosskey.engine.planner import Planner
from crosskey.engine.rails import Allowed
from crosskey.engine.sources import Sources
from crosskey.engine.undecided import Unvouched
from crosskey.engine.vouching import Asked, Vouching
from crosskey.journal import Link
from crosskey.model import Account, Person, Subject
from crosskey.plan import Held

__all__ = ("plan_absent", "plan_unvouched")

_BATCH = 500


async def plan_absent(planner: Planner, sources: Sources, *, most: int, allowed: Allowed, absentees: Absentees) -> None:
    """Stage what the absent need. At most ``most`` people a kind are looked up, one request a source each."""
    vouching = Vouching(sources, planner.journal)
    for kind in planner.kinds:
        absent = _absent(planner, kind, sources, vouching)
        blind = [one for one in absent if not any(sources.can_find(each) for each in vouching.subjects(one[0].subject))]
        seen = [one for one in absent if one not in blind]
        if blind:
            _hold(planner, kind, blind, "the source cannot look people up by id to confirm that they are gone")
        if not allowed.upto("absence-unconfirmed", len(seen), most):
            _hold(planner, kind, seen, f"more than {most} are missing at once; none was looked up", asks=True)
            continue
        for link, account in seen:
            subjects = vouching.subjects(link.subject)
            asked = await vouching.ask(subjects)
            if asked.verdict == "active" and asked.person is not None:
                await _bring_back(planner, sources, asked.person)
            _decide_absent(planner, kind, link, account, asked, allowed, absentees, subjects)


async def _bring_back(planner: Planner, sources: Sources, person: Person) -> None:
    """Know somebody again whom changes called deleted and who is there by id: no later change says that it was wrong.

    A full read, and a source that cannot tell somebody's groups, leave that to the next full read.
    """
    stage, subject = planner.stage, person.subject
    if not stage.people.partial:
        return
    held = await sources.groups_of(subject)
    if held is None:
        return
    stage.people.add([person])
    groups = [group.id for group in stage.groups.all(subject.issuer) if group.kind == "group"]
    stage.groups.set_groups_of(subject, held, groups)


async def plan_unvouched(planner: Planner, sources: Sources, *, most: int, allowed: Allowed) -> None:
    """Stage the disables of people whom every source that has them calls inactive, once those that did not bring them
    agree.
    """
    vouching = Vouching(sources, planner.journal)
    for kind in planner.kinds:
        leavers = [leaver for leaver in planner.unvouched if leaver.kind is kind]
        if not allowed.upto("absence-unconfirmed", len(leavers), most):
            because = f"more than {most} are missing from another source that had them; none was looked up"
            _hold(planner, kind, [(leaver.link, leaver.account) for leaver in leavers], because, asks=True)
            continue
        for leaver in leavers:
            _decide_unvouched(planner, leaver, await vouching.ask(leaver.missing), allowed)


def _decide_absent(
    planner: Planner,
    kind: KindPlan,
    link: Link,
    account: Account,
    asked: Asked,
    allowed: Allowed,
    absentees: Absentees,
    subjects: Sequence[Subject],
) -> None:
    label = asked.person.label if asked.person is not None else account.label
    if asked.verdict in ("active", "unknown"):
        planner.journal.clear_leaving(kind.name, [link.subject])
        planner.journal.clear_absences(kind.name, [link.subject])
        planner.stage.proposals.make_due([link.subject])
        planner.findings.notice(
            "listing-flapped", f"{label} was missing from the source's list but is there by id; nothing changed"
        )
        return
    if _unread(planner, kind, link, label, asked, allowed):
        return
    if asked.verdict == "gone":
        told = planner.stage.people.buried.issuperset(subjects)
        if not absentees.have_left(planner, kind, link, label, told=told):
            return
    if asked.person is None:
        because = "left: no longer exists in the source (confirmed by id)"
    else:
        because = f'left: status "{asked.person.status}" in the source (confirmed by id)'
    change = planner.leave(kind, link.subject, label, account, because)
    if change is not None:
        planner.propose(change, asked.person, account)


def _decide_unvouched(planner: Planner, leaver: Unvouched, asked: Asked, allowed: Allowed) -> None:
    person, kind = leaver.person, leaver.kind
    if asked.verdict in ("active", "unknown"):
        planner.stage.proposals.make_due([person.subject])
        planner.findings.notice(
            "sources-disagree",
            f"{person.label} is inactive in one source, but {asked.issuer} has them "
            f'(status "{asked.person.status if asked.person else ""}"); nothing changed',
        )
        return
    if _unread(planner, kind, leaver.link, person.label, asked, allowed):
        return
    change = planner.leave(kind, person.subject, person.label, leaver.account, leaver.because)
    if change is not None:
        planner.propose(change, person, leaver.account)


def _unread(planner: Planner, kind: KindPlan, link: Link, label: str, asked: Asked, allowed: Allowed) -> bool:
    """Hold somebody for whom a source vouched that cannot be asked, unless a person lets that go."""
    if asked.verdict != "unread" or allowed.named("voucher-unread", asked.issuer):
        return False
    if allowed.covers("voucher-unread", kind.name, "disable", link.subject):
        return False
    planner.findings.hold(
        "voucher-unread",
        f"{asked.issuer} vouched for this person too, and cannot be asked",
        fix=f'read that source again, or: --allow "voucher-unread={asked.issuer}"',
        kind=kind.name,
        subject=link.subject,
        label=label,
        key=link.key,
    )
    return True


def _absent(planner: Planner, kind: KindPlan, sources: Sources, vouching: Vouching) -> list[tuple[Link, Account]]:
    """Who is linked to an account that is switched on, and was not read."""
    if not planner.stage.people.partial and planner.findings.linked_seen[kind.name] >= planner.journal.link_count(
        kind.name
    ):
        return []
    absent: list[tuple[Link, Account]] = []
    strangers = 0
    for link, account in _missing(planner, kind):
        if all(sources.of(subject.issuer) is None for subject in vouching.subjects(link.subject)):
            strangers += 1
        elif kind.mapping.leavers.do != "keep" and not planner.is_blocked(kind, link.subject, account.label):
            absent.append((link, account))
    if strangers:
        read = ", ".join(sources.issuers)
        planner.findings.notice(
            "links-of-another-source",
            f"{strangers} {kind.name} accounts are linked to people of another source than {read}; "
            "nobody switches them off when those people leave",
            fix="read that source again, or switch the accounts off in the target",
        )
    return absent


def _missing(planner: Planner, kind: KindPlan) -> Iterable[tuple[Link, Account]]:
    for links in batched(_links(planner, kind), _BATCH):
        present = planner.stage.people.present([link.subject for link in links])
        missing = [link for link in links if link.subject not in present]
        accounts = planner.stage.accounts.by_key(kind.name, [link.key for link in missing])
        for link in missing:
            account = accounts.get(link.key)
            if account is not None and account.active:
                yield link, account
            else:
                planner.look_again(link, account)


def _links(planner: Planner, kind: KindPlan) -> Iterable[Link]:
    """Every link; where only changes were read, those of people who were touched and are not there."""
    if not planner.stage.people.partial:
        return planner.journal.all_links(kind.name)
    return planner.journal.links(kind.name, planner.stage.people.touched_absent()).values()


def _hold(
    planner: Planner, kind: KindPlan, absent: Sequence[tuple[Link, Account]], because: str, *, asks: bool = False
) -> None:
    """Hold the absent; ``asks``: they can be looked up, once somebody says so."""
    people: list[Subject] = [link.subject for link, _ in absent]
    planner.stage.proposals.make_due(people)
    planner.findings.add(
        Held(
            rail="absence-unconfirmed",
            scope="class",
            action="disable",
            kind=kind.name,
            summary=f"{len(absent)} people with a {kind.name} account were not in the read: {because}",
            fix="look at the source's own console; then `--allow absence-unconfirmed="
            f"{len(absent)}` looks up that many people by id",
            examples=tuple(f"{kind.name} {link.key} ({link.subject.id})" for link, _ in absent[:10]),
            word=f"absence-unconfirmed={len(absent)}" if asks else "",
            count=len(absent),
        )
    )
