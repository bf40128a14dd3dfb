"""What can be expected of a plan: each function gives every way in which the plan is not so, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import msgspec

from crosskey.connector.target import KindSpec
from crosskey.engine.rails import RAILS
from crosskey.errors import ConfigError, close_matches
from crosskey.plan import Action, Change
from crosskey.rehearsal.expectation import Expectation, Wanted
from crosskey.rehearsal.rehearsal import Rehearsal

__all__ = (
    "Miss",
    "at_most",
    "does",
    "exactly",
    "gets",
    "held",
    "held_people",
    "left_alone",
    "loses",
    "misses",
    "no",
    "only_fields",
    "second_plan_empty",
)

_SHOWN = 10


class Miss(msgspec.Struct, frozen=True, kw_only=True):
    """What was expected and is not so, and what the plan has instead: people, and the rules that decided."""

    expected: str
    found: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Both, as a paragraph."""
        return "\n".join((f"expected {self.expected}", *(f"  {line}" for line in self.found)))


def misses(plan: Rehearsal, expected: Expectation) -> list[Miss]:
    """Everything that is not as expected. Raises :class:`ConfigError` for a name that means nothing."""
    found = no(plan, expected.no)
    found += [miss for action, count in expected.at_most.items() for miss in at_most(plan, action, count)]
    found += [miss for action, count in expected.exactly.items() for miss in exactly(plan, action, count)]
    found += [miss for kind, fields in expected.only_fields.items() for miss in only_fields(plan, kind, fields)]
    for check, by_person in ((gets, expected.gets), (loses, expected.loses)):
        found += [
            miss
            for who, parts in by_person.items()
            for part, value in parts.items()
            for miss in check(plan, who, part, value)
        ]
    found += [miss for who, action in expected.does.items() for miss in does(plan, who, action)]
    found += [miss for who in expected.left_alone for miss in left_alone(plan, who)]
    if expected.held is not None:
        found += held(plan, expected.held)
    found += [miss for who, rail in expected.held_people.items() for miss in held_people(plan, who, rail)]
    if expected.second_plan_empty:
        found += second_plan_empty(plan)
    return found


def no(plan: Rehearsal, actions: Collection[Action]) -> list[Miss]:
    """The plan holds no change of these actions."""
    wrong = {action: [change for change in plan.changes if change.action == action] for action in actions}
    return [Miss(expected=f"no {action}", found=_told(plan, found)) for action, found in wrong.items() if found]


def at_most(plan: Rehearsal, action: Action, count: int) -> list[Miss]:
    """There are no more than so many changes of an action."""
    found = [change for change in plan.changes if change.action == action]
    if len(found) <= count:
        return []
    return [Miss(expected=f"at most {count} to {action}, not {len(found)}", found=_told(plan, found))]


def exactly(plan: Rehearsal, action: Action, count: int) -> list[Miss]:
    """There are so many changes of an action, no more and no less."""
    found = [change for change in plan.changes if change.action == action]
    if len(found) == count:
        return []
    return [Miss(expected=f"exactly {count} to {action}, not {len(found)}", found=_told(plan, found))]


def only_fields(plan: Rehearsal, kind: str, fields: Collection[str]) -> list[Miss]:
    """Of accounts of the kind that are there already, only these fields and references change.

    ``active`` among them: they may be switched on and off too.
    """
    spec = plan.kind(kind)
    for name in set(fields) - {"active"}:
        _part(spec, name)
    wrong = [
        change
        for change in plan.changes
        if change.kind == kind and change.key is not None and _touches(change) - set(fields)
    ]
    if not wrong:
        return []
    told = [plan.tell(change, _touches(change) - set(fields)) for change in wrong]
    return [Miss(expected=f"that of a {kind} only {', '.join(fields) or 'nothing'} changes", found=_first(told))]


def gets(plan: Rehearsal, who: str, part: str, value: Wanted) -> list[Miss]:
    """Somebody is given a field's value, or what a reference leads to, besides what else they are given.

    ``part`` may name the kind of account too: ``agent.roles``.
    """

    def given(change: Change, name: str, ids: Sequence[str]) -> bool:
        if name in change.fields:
            return change.fields[name].after == value
        reference = change.references.get(name)
        return reference is not None and set(ids) <= set(reference.after) - set(reference.before)

    return _moved(plan, who, part, value, given, "gets")


def loses(plan: Rehearsal, who: str, part: str, value: Wanted) -> list[Miss]:
    """What a reference leads to is taken from somebody, or a field's value."""

    def taken(change: Change, name: str, ids: Sequence[str]) -> bool:
        if name in change.fields:
            return change.fields[name].before == value
        reference = change.references.get(name)
        return reference is not None and set(ids) <= set(reference.before) - set(reference.after)

    return _moved(plan, who, part, value, taken, "loses")


def does(plan: Rehearsal, who: str, action: Action) -> list[Miss]:
    """That happens to somebody's account."""
    found = plan.of(who)
    if any(change.action == action for change in found):
        return []
    return [Miss(expected=f"{who} to be in for {action}", found=_instead(plan, who, found))]


def left_alone(plan: Rehearsal, who: str) -> list[Miss]:
    """Nothing at all is planned for somebody, or for an account (``user:12``)."""
    found = plan.of(who)
    return [Miss(expected=f"{who} to be left alone", found=_told(plan, found))] if found else []


def held(plan: Rehearsal, rails: Collection[str]) -> list[Miss]:
    """These rails hold something, and no others."""
    for rail in rails:
        _refuse_unknown_rail(rail)
    found: list[Miss] = []
    for rail in sorted(set(rails) - plan.held_counts.keys()):
        instead = tuple(plan.tell_held(one) for one in plan.held[:_SHOWN]) or ("nothing is held",)
        found.append(Miss(expected=f"{rail} to hold something", found=instead))
    for rail in sorted(plan.held_counts.keys() - set(rails)):
        told = [plan.tell_held(one) for one in plan.held if one.rail == rail]
        found.append(Miss(expected=f"{rail} to hold nothing", found=_first(told)))
    return found


def held_people(plan: Rehearsal, who: str, rail: str) -> list[Miss]:
    """A rail holds what was to happen to somebody."""
    _refuse_unknown_rail(rail)
    found = plan.held_of(who)
    if any(one.rail == rail for one in found):
        return []
    return [Miss(expected=f"{who} to be held by {rail}", found=_instead(plan, who, plan.of(who)))]


def second_plan_empty(plan: Rehearsal) -> list[Miss]:
    """Once this plan is applied, the next one changes nothing."""
    rest = plan.after
    if not rest.changes:
        return []
    return [Miss(expected="the second plan to be empty", found=_told(rest, rest.changes))]


def _moved(
    plan: Rehearsal,
    who: str,
    part: str,
    value: Wanted,
    fits: Callable[[Change, str, Sequence[str]], bool],
    verb: str,
) -> list[Miss]:
    kind, _, name = part.rpartition(".")
    kinds = [plan.kind(kind)] if kind else [one for one in plan.schema.kinds if _has(one, name)]
    if not kinds:
        known = {known for one in plan.schema.kinds for known in _names(one)}
        raise _unknown(part, "field or reference of the target", known)
    found = plan.of(who)
    ids = _ids(plan, kinds, name, value)
    if any(change.kind in ids and fits(change, name, ids[change.kind]) for change in found):
        return []
    shown = ", ".join(f'"{one}"' if isinstance(one, str) else str(one) for one in _all(value))
    return [Miss(expected=f"that {who} {verb} {part} {shown}", found=_instead(plan, who, found, {name}))]


def _ids(plan: Rehearsal, kinds: Sequence[KindSpec], name: str, value: Wanted) -> dict[str, list[str]]:
    """By kind, the ids behind the names of what a reference leads to; none for a field.

    Two kinds may each have a reference of that name: one of them must know the names. Raises :class:`ConfigError`.
    """
    ids: dict[str, list[str]] = {}
    unknown: list[ConfigError] = []
    for kind in kinds:
        _part(kind, name)
        reference = kind.reference(name)
        try:
            ids[kind.name] = [plan.id_of(reference.listing, str(one)) for one in _all(value) if reference]
        except ConfigError as error:
            unknown.append(error)
    if not ids:
        raise unknown[-1]
    return ids


def _all(value: Wanted) -> tuple[str | float, ...]:
    return value if isinstance(value, tuple) else (value,)


def _touches(change: Change) -> set[str]:
    switched = {"active"} if change.active is not None else set[str]()
    return {*change.fields, *change.references, *switched}


def _has(kind: KindSpec, name: str) -> bool:
    return kind.field(name) is not None or kind.reference(name) is not None


def _names(kind: KindSpec) -> Iterator[str]:
    yield from (field.name for field in kind.fields)
    yield from (reference.name for reference in kind.references)


def _part(kind: KindSpec, name: str) -> None:
    if not _has(kind, name):
        raise _unknown(name, f"field or reference of a {kind.name}", _names(kind))


def _refuse_unknown_rail(rail: str) -> None:
    if rail not in RAILS:
        raise _unknown(rail, "rail", RAILS)


def _unknown(word: str, what: str, known: Collection[str] | Mapping[str, object] | Iterator[str]) -> ConfigError:
    return ConfigError(
        f'"{word}" is no {what}. {close_matches(word, known)}'.rstrip(),
        code="case-unknown",
        where="expect",
        fix="correct the name",
    )


def _instead(
    plan: Rehearsal, who: str, found: Sequence[Change], parts: Collection[str] | None = None
) -> tuple[str, ...]:
    told = [*(plan.tell(change, parts) for change in found), *(plan.tell_held(one) for one in plan.held_of(who))]
    return _first(told or [f"nothing is planned for {who}"])


def _told(plan: Rehearsal, changes: Sequence[Change]) -> tuple[str, ...]:
    return _first([plan.tell(change) for change in changes])


def _first(lines: Sequence[str]) -> tuple[str, ...]:
    more = len(lines) - _SHOWN
    return (*lines[:_SHOWN], *([f"… and {more} more"] if more > 0 else []))
