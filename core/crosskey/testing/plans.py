"""Assertions about the plan that a configuration comes to, with nothing live.

Each is what a case of ``crosskey test`` expects under the same name. A failing one says what the plan has instead, with
the people and the lines of the configuration that decided. People are named by e-mail address, user name, display name
or id, accounts as ``user:12``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from crosskey.plan import Action
from crosskey.plugins import load_plugins
from crosskey.rehearsal import Miss, Rehearsal, checks, offline, read_case, read_scene
from crosskey.rehearsal import rehearse as rehearse_scene

__all__ = (
    "Rehearsal",
    "assert_at_most",
    "assert_case",
    "assert_does",
    "assert_exactly",
    "assert_gets",
    "assert_held",
    "assert_held_person",
    "assert_left_alone",
    "assert_loses",
    "assert_no",
    "assert_no_disable",
    "assert_only_fields",
    "assert_second_plan_empty",
    "rehearse",
)


def rehearse(
    config: Path | str,
    *,
    before: Path | str | None = None,
    cassettes: Sequence[Path | str] = (),
    people: Sequence[Mapping[str, Any]] = (),
    accounts: Sequence[Mapping[str, Any]] = (),
    catalogue: Mapping[str, Sequence[str]] | None = None,
    allow: Sequence[str] = (),
) -> Rehearsal:
    """The plan that a configuration comes to. Reads no secret, reaches no network, leaves nothing behind.

    The words are those of a case: ``people`` replace the sources, ``accounts`` and ``catalogue`` the target, and
    cassettes answer for whatever is not described. Not for use inside a running event loop. Raises
    :class:`crosskey.errors.CrosskeyError` where there is no plan.
    """
    tables: dict[str, object] = {
        "config": str(config),
        "cassettes": [str(path) for path in cassettes],
        "people": [dict(person) for person in people],
        "accounts": [dict(account) for account in accounts],
        "catalogue": {listing: list(names) for listing, names in (catalogue or {}).items()},
        "allow": list(allow),
    }
    if before is not None:
        tables["before"] = str(before)
    with offline():
        scene, described = read_scene(tables, Path.cwd())
        return rehearse_scene(scene, described, load_plugins())


def assert_case(path: Path | str) -> None:
    """A case of ``crosskey test`` passes."""
    __tracebackhide__ = True
    with offline():
        case = read_case(Path(path))
        missed = checks.misses(rehearse_scene(case.scene, case.people, load_plugins()), case.expect)
    _assert(missed)


def assert_no(plan: Rehearsal, *actions: Action) -> None:
    """The plan holds no change of these actions."""
    __tracebackhide__ = True
    _assert(checks.no(plan, actions))


def assert_no_disable(plan: Rehearsal) -> None:
    """Nobody is switched off."""
    __tracebackhide__ = True
    _assert(checks.no(plan, ("disable",)))


def assert_at_most(plan: Rehearsal, action: Action, count: int) -> None:
    """There are no more than so many changes of an action."""
    __tracebackhide__ = True
    _assert(checks.at_most(plan, action, count))


def assert_exactly(plan: Rehearsal, action: Action, count: int) -> None:
    """There are so many changes of an action, no more and no less."""
    __tracebackhide__ = True
    _assert(checks.exactly(plan, action, count))


def assert_only_fields(plan: Rehearsal, kind: str, fields: Collection[str]) -> None:
    """Of accounts of the kind that are there already, only these fields and references change."""
    __tracebackhide__ = True
    _assert(checks.only_fields(plan, kind, fields))


def assert_gets(plan: Rehearsal, who: str, part: str, *values: str | float) -> None:
    """Somebody is given a field's value, or what a reference leads to. ``part`` may name the kind: ``agent.roles``."""
    __tracebackhide__ = True
    _assert(checks.gets(plan, who, part, _one_or_all(values)))


def assert_loses(plan: Rehearsal, who: str, part: str, *values: str | float) -> None:
    """A field's value, or what a reference leads to, is taken from somebody."""
    __tracebackhide__ = True
    _assert(checks.loses(plan, who, part, _one_or_all(values)))


def assert_does(plan: Rehearsal, who: str, action: Action) -> None:
    """That happens to somebody's account."""
    __tracebackhide__ = True
    _assert(checks.does(plan, who, action))


def assert_left_alone(plan: Rehearsal, *who: str) -> None:
    """Nothing at all is planned for these people and accounts."""
    __tracebackhide__ = True
    _assert([miss for one in who for miss in checks.left_alone(plan, one)])


def assert_held(plan: Rehearsal, *rails: str) -> None:
    """These rails hold something, and no others; without any, nothing is held."""
    __tracebackhide__ = True
    _assert(checks.held(plan, rails))


def assert_held_person(plan: Rehearsal, who: str, rail: str) -> None:
    """A rail holds what was to happen to somebody."""
    __tracebackhide__ = True
    _assert(checks.held_people(plan, who, rail))


def assert_second_plan_empty(plan: Rehearsal) -> None:
    """Once this plan is applied (in memory), the next one changes nothing."""
    __tracebackhide__ = True
    _assert(checks.second_plan_empty(plan))


def _one_or_all(values: tuple[str | float, ...]) -> str | float | tuple[str, ...]:
    return values[0] if len(values) == 1 else tuple(str(value) for value in values)


def _assert(missed: Sequence[Miss]) -> None:
    __tracebackhide__ = True
    if missed:
        raise AssertionError("\n".join(str(miss) for miss in missed))
