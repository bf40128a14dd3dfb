"""People without a link: adopt the account that is surely theirs, make one where there is none, and never guess.

An account is adopted by crosskey's own marker, or by the first match key that finds exactly one account that nobody
else is linked to and nobody else claims. Everything else is ambiguous and held (G15, G16).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from crosskey.connector.mapper import Desired, MatchKey
from crosskey.engine.batching import batched
from crosskey.engine.kindplan import KindPlan
from crosskey.engine.logical import LogicalGroups
from crosskey.engine.marker import marker
from crosskey.engine.planner import RANK, Planner
from crosskey.engine.rails import Allowed
from crosskey.journal import Link, Refusal
from crosskey.model import Account, Person, Subject
from crosskey.plan import Change

__all__ = ("plan_newcomers",)

_decode = msgspec.msgpack.Decoder(Desired).decode
_BATCH = 500


def plan_newcomers(planner: Planner, logical: LogicalGroups, allowed: Allowed) -> None:
    """Stage adoptions and creates for everyone whom :meth:`Planner.plan` set aside."""
    for kind in planner.kinds:
        for batch in batched(planner.stage.proposals.newcomers(kind.name), _BATCH):
            _plan_batch(planner, kind, batch, logical, allowed)


def _plan_batch(
    planner: Planner,
    kind: KindPlan,
    batch: Sequence[tuple[Subject, bool, bytes]],
    logical: LogicalGroups,
    allowed: Allowed,
) -> None:
    people = {
        candidate.person.subject: candidate.person
        for candidate in planner.stage.people.candidates_of([subject for subject, _, _ in batch], logical)
    }
    refused = planner.journal.refused_creates(kind.name, [subject for subject, wanted, _ in batch if wanted])
    for subject, wanted, body in batch:
        person, desired = people[subject], _decode(body)
        if wanted:
            _plan_one(planner, kind, person, desired, refused.get(subject, ()), allowed)
        else:
            _report_unmanaged(planner, kind, person)


def _plan_one(
    planner: Planner, kind: KindPlan, person: Person, desired: Desired, refused: Sequence[Refusal], allowed: Allowed
) -> None:
    if desired.problem:
        _hold(planner, kind, person, _Ambiguous("mapping-problem", desired.problem, ""))
        return
    found = _marked(planner, kind, person) or _match(planner, kind, person)
    if found is None:
        change = planner.escrow.create(kind.differ.create(person, desired), refused)
        if change is not None:
            planner.propose(change, person, None)
    elif not isinstance(found, _Ambiguous):
        _adopt(planner, kind, person, desired, *found)
    elif found.rail == "new-identity" and (found.rail, person.subject.id) in allowed.names:
        _take_over(planner, kind, person, found)
    else:
        _hold(planner, kind, person, found)


def _adopt(planner: Planner, kind: KindPlan, person: Person, desired: Desired, account: Account, because: str) -> None:
    """Adopt, unless somebody else came to the same account by another road: then neither does."""
    first = planner.stage.proposals.claim_account(kind.name, account.key, person.subject)
    if first == person.subject:
        planner.propose(kind.differ.adopt(person, desired, account, because), person, account)
        return
    rival = planner.stage.proposals.withdraw_adoption(kind.name, account.key)
    if rival is not None:
        shared = _shared(kind, account.key, [person.subject])
        planner.findings.hold(
            shared.rail,
            shared.summary,
            fix=shared.fix,
            kind=kind.name,
            subject=rival.subject,
            label=rival.label,
            key=account.key,
        )
        planner.stage.proposals.wait(rival.subject, [person.subject])
    _hold(planner, kind, person, _shared(kind, account.key, [first]))


def _hold(planner: Planner, kind: KindPlan, person: Person, found: _Ambiguous) -> None:
    planner.findings.hold(
        found.rail,
        found.summary,
        fix=found.fix,
        kind=kind.name,
        subject=person.subject,
        label=person.label,
        key=found.key,
    )
    planner.stage.proposals.wait(person.subject, found.others)


class _Ambiguous(msgspec.Struct, frozen=True):
    rail: str
    summary: str
    fix: str
    key: str | None = None
    others: tuple[Subject, ...] = ()


def _shared(kind: KindPlan, key: str, others: Sequence[Subject]) -> _Ambiguous:
    return _Ambiguous(
        "ambiguous-match",
        f"{kind.name} {key} fits somebody else as well: {_listed(_ids(others))}",
        f"correct the one who does not own it in the source, or shorten [map.{kind.name}] match",
        key,
        tuple(others),
    )


def _marked(planner: Planner, kind: KindPlan, person: Person) -> tuple[Account, str] | _Ambiguous | None:
    account = planner.stage.accounts.by_marker(kind.name, marker(person.subject))
    if account is None:
        return None
    link = planner.journal.links_by_key(kind.name, [account.key]).get(account.key)
    if link is None:
        return account, "bears crosskey's marker for this person"
    return _Ambiguous(
        "identity-collision",
        f"{kind.name} {account.key} bears crosskey's marker of this person but belongs to {link.subject.id}",
        "look whose account it is and correct its marker in the target",
        account.key,
        (link.subject,),
    )


def _match(planner: Planner, kind: KindPlan, person: Person) -> tuple[Account, str] | _Ambiguous | None:
    for key in kind.mapping.match:
        value = person.text(key.attribute)
        if not value:
            continue
        claimants = _ids(planner.stage.proposals.claimants(kind.name, key.attribute, value))
        if len(claimants) > 1:
            return _Ambiguous(
                "ambiguous-match",
                f'{len(claimants)} people without an account share {key.attribute} "{value}": {_listed(claimants)}',
                f"give each their own {key.attribute} in the source, or take it out of [map.{kind.name}] match",
            )
        found = _looks_like_another(planner, kind, person, key, value)
        if found is not None:
            return found
        keys = planner.stage.accounts.keys_by_identity(kind.name, key.fields, value)
        if len(keys) > 1:
            return _Ambiguous(
                "ambiguous-match",
                f'{len(keys)} {kind.name} accounts hold {key.attribute} "{value}": {_listed(keys)}',
                "correct the accounts in the target so that one holds it",
                others=tuple(link.subject for link in planner.journal.links_by_key(kind.name, keys).values()),
            )
        if keys:
            return _the_one(planner, kind, person, keys[0], key.attribute, value)
    return None


def _looks_like_another(
    planner: Planner, kind: KindPlan, person: Person, key: MatchKey, value: str
) -> _Ambiguous | None:
    """Nobody can tell two people apart whose keys look the same, unless somebody said that they are two."""
    if person.subject.id in planner.stage.people.apart:
        return None
    fix = (
        f"correct the {key.attribute} that is wrong; if these are two people, name {person.subject.id} in [sync] apart"
    )
    claimants = planner.stage.proposals.lookalikes(kind.name, key.attribute, value)
    others = [subject for subject in claimants if subject != person.subject]
    if others:
        summary = f'{key.attribute} "{value}" looks like that of {_listed(_ids(others))}'
        return _Ambiguous("ambiguous-match", summary, fix, others=tuple(others))
    exact = planner.stage.accounts.keys_by_identity(kind.name, key.fields, value)
    keys = [each for each in planner.stage.accounts.keys_by_shape(kind.name, key.fields, value) if each not in exact]
    if not keys:
        return None
    summary = f'{key.attribute} "{value}" looks like that of {kind.name} {_listed(keys)}'
    owners = planner.journal.links_by_key(kind.name, keys).values()
    return _Ambiguous("ambiguous-match", summary, fix, others=tuple(link.subject for link in owners))


def _the_one(
    planner: Planner, kind: KindPlan, person: Person, key: str, attribute: str, value: str
) -> tuple[Account, str] | _Ambiguous:
    link = planner.journal.links_by_key(kind.name, [key]).get(key)
    if link is not None and _is_left_behind(planner, person, link):
        return _Ambiguous(
            "new-identity",
            f'{kind.name} {key} holds {attribute} "{value}" and belongs to {link.subject.id}, who is no longer active: '
            f"the same person under the new id {person.subject.id}, or somebody else who was given the old address",
            f'if it is the same person: --allow "new-identity={person.subject.id}"; else give the old account another '
            f"{attribute} in the target",
            key,
            (link.subject,),
        )
    if link is not None:
        return _Ambiguous(
            "identity-collision",
            f'{kind.name} {key} holds {attribute} "{value}" but belongs to {link.subject.id}',
            f"two people must not share {attribute}; correct it in the source",
            key,
            (link.subject,),
        )
    account = planner.stage.accounts.by_key(kind.name, [key])[key]
    return account, f'already there: same {attribute} "{value}"'


def _is_left_behind(planner: Planner, person: Person, link: Link) -> bool:
    """Whether the account's owner, of the same directory, is gone or inactive there."""
    if link.subject.issuer != person.subject.issuer:
        return False
    return all(former.active is False for former in planner.stage.people.rows([link.subject]))


def _take_over(planner: Planner, kind: KindPlan, person: Person, found: _Ambiguous) -> None:
    """Give the account to the new id of the same person, as somebody said."""
    account = planner.stage.accounts.by_key(kind.name, [str(found.key)])[str(found.key)]
    mark = marker(person.subject)
    change = Change(
        id=f"{kind.name}:{mark}",
        action="relink",
        kind=kind.name,
        subject=person.subject,
        label=person.label,
        key=account.key,
        marker=mark,
        former=found.others[0],
        why={"": f"the same person, as somebody said: {found.others[0].id} is {person.subject.id}"},
    )
    held = planner.protection.holds(change, person, account)
    if held is not None:
        planner.findings.add(held)
    else:
        planner.stage.proposals.add_change(RANK["relink"], [change])


def _report_unmanaged(planner: Planner, kind: KindPlan, person: Person) -> None:
    """Tell of an inactive person's account that crosskey does not manage: somebody may have been left in."""
    for key in kind.mapping.match:
        value = person.text(key.attribute)
        keys = planner.stage.accounts.keys_by_identity(kind.name, key.fields, value) if value else []
        if len(keys) != 1 or planner.stage.proposals.claimants(kind.name, key.attribute, value):
            continue
        account = planner.stage.accounts.by_key(kind.name, keys).get(keys[0])  # just written, it may not be listed yet
        if (
            account is not None
            and account.active
            and not account.protected
            and not planner.journal.links_by_key(kind.name, keys)
        ):
            planner.findings.hold(
                "unmanaged-leaver",
                f'not active in the source (status "{person.status}"), but {kind.name} {keys[0]} with the same '
                f"{key.attribute} is active and not managed by crosskey",
                fix="switch that account off in the target if it is theirs",
                kind=kind.name,
                subject=person.subject,
                label=person.label,
                key=keys[0],
            )
        return


def _ids(people: Sequence[Subject]) -> list[str]:
    return [person.id for person in people]


def _listed(ids: Sequence[str]) -> str:
    return ", ".join(ids[:5]) + (", …" if len(ids) > 5 else "")
