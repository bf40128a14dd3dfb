"""People whom crosskey linked and whom the read did not bring: absence alone is never a leaver (G4).

Each is looked up by id. Only "there is nobody of that id", or a row that says inactive, makes a leaver; a row that says
active means that the listing flapped. A source that cannot look people up, or too many to look up, leaves them held.
"""

from __future__ import annotations

from collections.abc import Sequence

from crosskey.connector.source import FindsPeople, Source
from crosskey.engine.planner import KindPlan, Planner
from crosskey.journal import Link
from crosskey.plan import Held

__all__ = ("plan_absent",)

_BATCH = 500


async def plan_absent(planner: Planner, source: Source, *, issuer: str, most: int) -> None:
    """Stage what the absent need. At most ``most`` people a kind are looked up, one request each."""
    for kind in planner.kinds:
        if planner.findings.linked_seen.get(kind.name, 0) >= planner.journal.link_count(kind.name):
            continue
        absent = _absent(planner, kind, issuer)
        if not absent:
            continue
        if not isinstance(source, FindsPeople):
            planner.findings.held.append(
                _held(kind, absent, "the source cannot look people up by id to confirm that they are gone")
            )
        elif len(absent) > most:
            planner.findings.held.append(
                _held(kind, absent, f"more than {most} are missing at once; none was looked up")
            )
        else:
            await _confirm(planner, source, kind, absent)


def _absent(planner: Planner, kind: KindPlan, issuer: str) -> list[Link]:
    absent: list[Link] = []
    batch: list[Link] = []
    for link in planner.journal.all_links(kind.name):
        if link.active and link.subject.issuer == issuer:
            batch.append(link)
        if len(batch) == _BATCH:
            absent += _missing(planner, batch)
            batch = []
    return absent + _missing(planner, batch)


def _missing(planner: Planner, links: Sequence[Link]) -> list[Link]:
    present = planner.stage.present([link.subject.id for link in links])
    return [link for link in links if link.subject.id not in present]


async def _confirm(planner: Planner, source: FindsPeople, kind: KindPlan, absent: Sequence[Link]) -> None:
    accounts = planner.stage.accounts(kind.name, [link.key for link in absent])
    for link in absent:
        account = accounts.get(link.key)
        if account is None or not account.active:
            continue
        person = await source.find(link.subject)
        label = person.label if person is not None else account.label
        if person is None:
            because = "left: no longer exists in the source (confirmed by id)"
        elif person.active is False:
            because = f'left: status "{person.status}" in the source (confirmed by id)'
        else:
            planner.findings.notice(
                "listing-flapped", f"{label} was missing from the source's list but is there by id; nothing changed"
            )
            continue
        change = planner.leave(kind, link.subject, label, account, because)
        if change is not None:
            planner.propose(change, person, account)


def _held(kind: KindPlan, absent: Sequence[Link], because: str) -> Held:
    return Held(
        rail="absence-unconfirmed",
        scope="class",
        action="disable",
        kind=kind.name,
        summary=f"{len(absent)} people with a {kind.name} account were not in the read: {because}",
        fix="look at the source's own console; then `--allow absence-unconfirmed="
        f"{len(absent)}` looks up that many people by id",
        examples=tuple(f"{kind.name} {link.key} ({link.subject.id})" for link in absent[:10]),
    )
