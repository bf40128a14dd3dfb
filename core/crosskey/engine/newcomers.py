"""People without a link: adopt the account that is surely theirs, make one where there is none, and never guess.

An account is adopted by crosskey's own marker, or by the first match key that finds exactly one account that nobody
else is linked to and nobody else claims. Everything else is ambiguous and held (G15, G16).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from crosskey.connector.mapper import Desired
from crosskey.engine.batching import batched
from crosskey.engine.logical import LogicalGroups
from crosskey.engine.marker import marker
from crosskey.engine.planner import KindPlan, Planner
from crosskey.journal import Refusal
from crosskey.model import Account, Person, Subject

__all__ = ("plan_newcomers",)

_decode = msgspec.msgpack.Decoder(Desired).decode
_BATCH = 500


def plan_newcomers(planner: Planner, logical: LogicalGroups) -> None:
    """Stage adoptions and creates for everyone whom :meth:`Planner.plan` set aside."""
    for kind in planner.kinds:
        for batch in batched(planner.stage.proposals.newcomers(kind.name), _BATCH):
            _plan_batch(planner, kind, batch, logical)


def _plan_batch(
    planner: Planner, kind: KindPlan, batch: Sequence[tuple[Subject, bool, bytes]], logical: LogicalGroups
) -> None:
    people = {
        candidate.person.subject: candidate.person
        for candidate in planner.stage.people.candidates_of([subject for subject, _, _ in batch], logical)
    }
    refused = planner.journal.refused_creates(kind.name, [subject for subject, wanted, _ in batch if wanted])
    for subject, wanted, body in batch:
        person, desired = people[subject], _decode(body)
        if wanted:
            _plan_one(planner, kind, person, desired, refused.get(subject, ()))
        else:
            _report_unmanaged(planner, kind, person)


def _plan_one(planner: Planner, kind: KindPlan, person: Person, desired: Desired, refused: Sequence[Refusal]) -> None:
    if desired.problem:
        _hold(planner, kind, person, _Ambiguous("mapping-problem", desired.problem, ""))
        return
    found = _marked(planner, kind, person) or _match(planner, kind, person)
    if found is None:
        change = planner.escrow.create(kind.differ.create(person, desired), refused)
        if change is not None:
            planner.propose(change, person, None)
    elif isinstance(found, _Ambiguous):
        _hold(planner, kind, person, found)
    else:
        _adopt(planner, kind, person, desired, *found)


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
        keys = planner.stage.accounts.keys_by_identity(kind.name, key.fields, value)
        if len(keys) > 1:
            return _Ambiguous(
                "ambiguous-match",
                f'{len(keys)} {kind.name} accounts hold {key.attribute} "{value}": {_listed(keys)}',
                "correct the accounts in the target so that one holds it",
                others=tuple(link.subject for link in planner.journal.links_by_key(kind.name, keys).values()),
            )
        if keys:
            return _the_one(planner, kind, keys[0], key.attribute, value)
    return None


def _the_one(
    planner: Planner, kind: KindPlan, key: str, attribute: str, value: str
) -> tuple[Account, str] | _Ambiguous:
    link = planner.journal.links_by_key(kind.name, [key]).get(key)
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
