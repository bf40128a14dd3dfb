"""People whom crosskey linked and whom the read did not bring: absence alone is never a leaver (G4).

Each is looked up by id. Only "there is nobody of that id", or a row that says inactive, makes a leaver; a row that says
active means that the listing flapped. A source that cannot look people up, or too many to look up, leaves them held.
"""

from __future__ import annotations

from collections.abc import Sequence

from crosskey.connector.source import FindsPeople, Source
from crosskey.engine.batching import batched
from crosskey.engine.planner import KindPlan, Planner
from crosskey.journal import Link
from crosskey.model import Account
from crosskey.plan import Held

__all__ = ("plan_absent",)

_BATCH = 500


async def plan_absent(planner: Planner, source: Source, *, most: int) -> None:
    """Stage what the absent need. At most ``most`` people a kind are looked up, one request each."""
    for kind in planner.kinds:
        if planner.findings.linked_seen[kind.name] >= planner.journal.link_count(kind.name):
            continue
        absent = _absent(planner, kind, source.issuer)
        if not absent:
            continue
        if not isinstance(source, FindsPeople):
            because = "the source cannot look people up by id to confirm that they are gone"
            planner.findings.add(_held(kind, absent, because))
        elif len(absent) > most:
            planner.findings.add(_held(kind, absent, f"more than {most} are missing at once; none was looked up"))
        else:
            for link, account in absent:
                await _confirm(planner, source, kind, link, account)


def _absent(planner: Planner, kind: KindPlan, issuer: str) -> list[tuple[Link, Account]]:
    """Who is linked to an account that is switched on, and was not read."""
    absent: list[tuple[Link, Account]] = []
    strangers = 0
    for links in batched(planner.journal.all_links(kind.name), _BATCH):
        present = planner.stage.present([link.subject.id for link in links])
        missing = [link for link in links if link.subject.issuer != issuer or link.subject.id not in present]
        accounts = planner.stage.accounts(kind.name, [link.key for link in missing])
        for link in missing:
            account = accounts.get(link.key)
            if account is None or not account.active:
                continue
            if link.subject.issuer != issuer:
                strangers += 1
            elif kind.mapping.leavers.do != "keep" and not planner.is_blocked(kind, link.subject, account.label):
                absent.append((link, account))
    if strangers:
        planner.findings.notice(
            "links-of-another-source",
            f"{strangers} {kind.name} accounts are linked to people of another source than {issuer}; "
            "nobody switches them off when those people leave",
            fix="read that source again, or switch the accounts off in the target",
        )
    return absent


async def _confirm(planner: Planner, source: FindsPeople, kind: KindPlan, link: Link, account: Account) -> None:
    person = await source.find(link.subject)
    label = person.label if person is not None else account.label
    if person is None:
        because = "left: no longer exists in the source (confirmed by id)"
    elif person.active is False:
        because = f'left: status "{person.status}" in the source (confirmed by id)'
    else:
        planner.journal.clear_leaving(kind.name, [link.subject])
        planner.findings.notice(
            "listing-flapped", f"{label} was missing from the source's list but is there by id; nothing changed"
        )
        return
    change = planner.leave(kind, link.subject, label, account, because)
    if change is not None:
        planner.propose(change, person, account)


def _held(kind: KindPlan, absent: Sequence[tuple[Link, Account]], because: str) -> Held:
    return Held(
        rail="absence-unconfirmed",
        scope="class",
        action="disable",
        kind=kind.name,
        summary=f"{len(absent)} people with a {kind.name} account were not in the read: {because}",
        fix="look at the source's own console; then `--allow absence-unconfirmed="
        f"{len(absent)}` looks up that many people by id",
        examples=tuple(f"{kind.name} {link.key} ({link.subject.id})" for link, _ in absent[:10]),
    )
