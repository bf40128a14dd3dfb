"""Safety rails: checks that hold a plan, or one class of its changes, until a person has looked.

Each rail has a reason code, says what it saw, and names the override that lets exactly that through. Rails that hold
single people (ambiguous match, protected account) stand where the people are planned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Protocol

import msgspec

from crosskey.config import RailSettings
from crosskey.connector.target import Seats
from crosskey.engine.planner import KindPlan, Planner
from crosskey.engine.read import PeopleRead, SourceRead
from crosskey.engine.stage import Stage
from crosskey.errors import ConfigError, close_matches
from crosskey.plan import Action, Held

__all__ = ("RAILS", "TAKES_SEATS", "Allowed", "LastReads", "check_disables", "check_read", "hold_seats", "run_rails")

RAILS: Mapping[str, str] = {
    "empty-source": "the source returned nobody",
    "shrink": "far fewer people than in the last complete read",
    "empty-group": "a group that mappings name lost all its members",
    "absence-unconfirmed": "linked people are missing from a complete read and were not confirmed gone",
    "accounts-missing": "linked accounts are missing from the target's list and were not confirmed gone",
    "mass-disable": "more accounts would be disabled than allowed at once",
    "seats-short": "the target has fewer free seats than the plan needs",
    "protected": "the account must never be touched",
    "ambiguous-match": "several accounts or people fit each other",
    "ambiguous-person": "nobody can tell whether people of several sources are one",
    "swap-differs": "two directories that are to be swapped tell different companies",
    "voucher-unread": "a leaver of one source, for whom another vouched that cannot be asked",
    "identity-collision": "the account found belongs to somebody else",
    "unmanaged-leaver": "somebody inactive still has an active account that crosskey does not manage",
    "mapping-problem": "the rules cannot make a valid account for this person",
    "unsettled": "an earlier write has no known outcome yet",
    "refused-before": "the target did not do the very same a short while ago",
    "review": "a plugin objects to the plan",
}
"""Reason codes and what they mean; the documentation's table is compared with this."""

_NUMBERED = frozenset({"shrink", "mass-disable", "absence-unconfirmed", "accounts-missing", "swap-differs"})
_NAMED = frozenset({"empty-group", "voucher-unread"})
TAKES_SEATS: tuple[Action, ...] = ("enable", "adopt", "create")


class Allowed(msgspec.Struct, frozen=True):
    """What a person let through for one run: reason code → the exact number or name."""

    numbers: Mapping[str, int] = {}
    names: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def parse(cls, words: Sequence[str]) -> Allowed:
        """From ``--allow mass-disable=37`` and the like. Raises :class:`ConfigError` for what cannot be allowed."""
        numbers: dict[str, int] = {}
        names: set[tuple[str, str]] = set()
        for word in words:
            code, _, value = word.partition("=")
            if code in _NAMED and value:
                names.add((code, value))
            elif code in _NUMBERED and value.isdecimal():
                numbers[code] = int(value)
            else:
                hint = close_matches(code, _NUMBERED | _NAMED) if code not in _NUMBERED | _NAMED else ""
                raise ConfigError(
                    f'"{word}" cannot be allowed. {hint}'.rstrip(),
                    code="allow",
                    where="--allow",
                    fix="write --allow mass-disable=N, shrink=N, absence-unconfirmed=N, accounts-missing=N, "
                    "swap-differs=N, empty-group=NAME or voucher-unread=ISSUER",
                )
        return cls(numbers, frozenset(names))

    def also(self, other: Allowed) -> Allowed:
        """Both together; for one code the number given here."""
        return Allowed({**other.numbers, **self.numbers}, self.names | other.names)

    def words(self) -> tuple[str, ...]:
        """What :meth:`parse` takes to allow the same again."""
        return (
            *(f"{code}={number}" for code, number in sorted(self.numbers.items())),
            *(f"{code}={name}" for code, name in sorted(self.names)),
        )

    def number(self, code: str) -> int:
        """The number let through for a rail, 0 when none."""
        return self.numbers.get(code, 0)


class LastReads(Protocol):
    """How much the last complete reads brought, by the path of the source's section."""

    def people(self, source: str) -> int:
        """People in the last complete read; 0 when there was none."""
        ...

    def members(self, source: str, name: str) -> int:
        """Members of a group or app in the last complete read; 0 when there was none."""
        ...


def check_read(read: PeopleRead, last: LastReads, settings: RailSettings, allowed: Allowed) -> list[Held]:
    """Rails on what the sources told: they hold the whole run, because every decision rests on it."""
    return [held for source in read.sources for held in _check_source(source, last, settings, allowed)]


def _check_source(read: SourceRead, last: LastReads, settings: RailSettings, allowed: Allowed) -> list[Held]:
    before = last.people(read.path)
    if read.people == 0:
        last_time = f" (last complete read: {before})" if before else ""
        fix = "an empty answer usually means a missing admin role: run `crosskey check`"
        return [_run("empty-source", f"{read.path} returned nobody{last_time}", fix)]
    held: list[Held] = []
    floor = before * settings.shrink_percent / 100
    if before >= settings.min_people and read.people < floor and read.people != allowed.number("shrink"):
        held.append(
            _run(
                "shrink",
                f"{read.path} returned {read.people} people, the last complete read {before} "
                f"(less than {settings.shrink_percent:g} %)",
                f"if that is right: --allow shrink={read.people}",
            )
        )
    for name, members in sorted(read.logical.items()):
        lost = last.members(read.path, name)
        if members == 0 and lost >= settings.min_people and ("empty-group", name) not in allowed.names:
            held.append(
                _run(
                    "empty-group",
                    f'"{name}" has no members in {read.path}, {lost} in the last complete read',
                    f'if that is right: --allow "empty-group={name}"',
                )
            )
    return held


def check_disables(kind: KindPlan, stage: Stage, active: int, settings: RailSettings, allowed: Allowed) -> Held | None:
    """No more disables at once than the larger of a count and a share of the managed active accounts (G5)."""
    disables = stage.proposals.change_counts().get((kind.name, "disable"), 0)
    limit = max(settings.max_disable.count, int(active * settings.max_disable.percent / 100))
    if disables <= max(limit, allowed.number("mass-disable")):
        return None
    examples = tuple(
        f"{change.label}: {change.why.get('', '')}"
        for change in stage.proposals.changes(kind.name, "disable", limit=10)
    )
    return Held(
        rail="mass-disable",
        scope="class",
        action="disable",
        kind=kind.name,
        summary=f"{disables} of {active} managed {kind.name} accounts would be disabled; the limit is {limit}",
        fix=f"if that is right: --allow mass-disable={disables}, or raise [rails] max_disable",
        examples=examples,
    )


def hold_seats(kind: KindPlan, stage: Stage, seats: Seats | None) -> list[Held]:
    """Paid seats are counted before accounts are made; none is made by guess (G14).

    What takes a seat is taken out of the stage; an adoption of an account that is switched on already takes none.
    """
    if seats is None:
        return []
    takers: dict[Action, dict[str, str]] = {
        action: {
            change.id: change.label
            for change in stage.proposals.changes(kind.name, action)
            if change.active is not None
        }
        for action in TAKES_SEATS
    }
    needed, free = sum(map(len, takers.values())), seats.total - seats.used
    if needed <= free:
        return []
    for action, labels in takers.items():
        stage.proposals.drop_changes(kind.name, action, ids=list(labels))
    return [
        Held(
            rail="seats-short",
            scope="class",
            action=action,
            kind=kind.name,
            summary=f"{needed} {kind.name} seats are needed, {max(free, 0)} of {seats.total} are free",
            fix="buy seats, free some, or narrow the mapping's scope",
            examples=tuple(islice(labels.values(), 10)),
        )
        for action, labels in takers.items()
        if labels
    ]


def run_rails(planner: Planner, *, seats: Mapping[str, Seats], settings: RailSettings, allowed: Allowed) -> None:
    """Check each class of changes; what is held is taken out of the stage, everything else goes on."""
    for kind in planner.kinds:
        active = planner.journal.link_count(kind.name, active_only=True)
        disables = check_disables(kind, planner.stage, active, settings, allowed)
        if disables is not None:
            planner.findings.add(disables)
            planner.stage.proposals.drop_changes(kind.name, "disable")
        for held in hold_seats(kind, planner.stage, seats.get(kind.name)):
            planner.findings.add(held)


def _run(rail: str, summary: str, fix: str) -> Held:
    return Held(rail=rail, scope="run", summary=summary, fix=fix)
