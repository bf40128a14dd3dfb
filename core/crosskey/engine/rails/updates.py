"""Rails on changes of accounts that stay: what many would lose, and what changes in a large part of all (G5, G7)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec

from crosskey.config import Config, RailSettings
from crosskey.engine.kindplan import KindPlan
from crosskey.engine.planner import Planner
from crosskey.engine.rails.allowed import Allowed
from crosskey.engine.rails.disables import limit_of
from crosskey.engine.rails.holding import hold_class, way_through
from crosskey.plan import Change

__all__ = ("check_demotions", "check_mass_change", "takes_away")

_EXAMPLES = 3


class _Rules(msgspec.Struct, frozen=True):
    map: dict[str, object] = {}


_rules = msgspec.json.Decoder(_Rules)


def takes_away(change: Change, kind: KindPlan) -> bool:
    """Whether an update takes roles, teams and the like away; another site in the place of one takes nothing."""
    many = {reference.name for reference in kind.kind.references if reference.many}
    return any(set(each.before) - set(each.after) for name, each in change.references.items() if name in many)


def check_demotions(planner: Planner, kind: KindPlan, settings: RailSettings, allowed: Allowed) -> None:
    """No more accounts may lose what crosskey gave them at once than the limit says (G5)."""
    active = planner.journal.link_count(kind.name, active_only=True)
    limit = limit_of(settings.max_demote, active)
    demoted = sum(takes_away(change, kind) for change in planner.stage.proposals.changes(kind.name, "update"))
    if allowed.upto("mass-demote", demoted, limit):
        return
    hold_class(
        planner,
        allowed,
        kind,
        "update",
        rail="mass-demote",
        summary=f"{demoted} of {active} managed {kind.name} accounts would lose roles, teams or the like; "
        f"the limit is {limit}",
        fix=way_through("mass-demote", kind, demoted, "[rails] max_demote raises the limit"),
        among=lambda change: takes_away(change, kind),
        told=_taken,
    )


def check_mass_change(planner: Planner, kind: KindPlan, config: Config, allowed: Allowed) -> None:
    """Not the same change in a large part of all accounts, nor many changes by rules that are new (G7)."""
    active = planner.journal.link_count(kind.name, active_only=True)
    limit, new_limit = limit_of(config.rails.max_change, active), limit_of(config.rails.max_remap, active)
    updates, parts = 0, Counter[str]()
    for change in planner.stage.proposals.changes(kind.name, "update"):
        updates += 1
        parts.update((*change.fields, *change.references))
    large = {name: count for name, count in parts.items() if count > limit}
    if updates > new_limit and _is_remapped(planner, kind, config):
        caught, most, because = updates, new_limit, f"[map.{kind.name}] is not as it was in the last run, and "
        named, setting = dict(parts), "max_remap"
    elif large:
        caught, most, because, named, setting = max(large.values()), limit, "", large, "max_change"
    else:
        return
    if allowed.upto("mass-change", caught, most):
        return
    hold_class(
        planner,
        allowed,
        kind,
        "update",
        rail="mass-change",
        summary=f"{because}{caught} of {active} managed {kind.name} accounts would change: {_told(named)}; "
        f"the limit is {most}",
        fix=way_through("mass-change", kind, caught, f"[rails] {setting} raises the limit"),
        among=lambda change: bool(named.keys() & {*change.fields, *change.references}),
        told=lambda change: _before_after(change, named),
        most=_EXAMPLES,
    )


def _is_remapped(planner: Planner, kind: KindPlan, config: Config) -> bool:
    """Whether the rules of a kind are others than those that were applied last."""
    last = planner.journal.applied_configuration(kind.name)
    return last is not None and _of_kind(last, kind) != _of_kind(config.canonical, kind)


def _of_kind(text: str, kind: KindPlan) -> object:
    return _rules.decode(text).map.get(kind.name)


def _told(parts: Mapping[str, int]) -> str:
    """What changes, in how many accounts, the most frequent first."""
    return ", ".join(f"{name} in {count}" for name, count in sorted(parts.items(), key=lambda one: (-one[1], one[0])))


def _taken(change: Change) -> str:
    return "; ".join(
        f"{name} -{', -'.join(sorted(taken))}"
        for name, each in change.references.items()
        if (taken := set(each.before) - set(each.after))
    )


def _before_after(change: Change, parts: Mapping[str, int]) -> str:
    fields = [(name, each.before, each.after) for name, each in change.fields.items()]
    references = [(name, ", ".join(each.before), ", ".join(each.after)) for name, each in change.references.items()]
    return "; ".join(
        f"{name} {_word(before)} → {_word(after)}" for name, before, after in (*fields, *references) if name in parts
    )


def _word(value: object) -> str:
    return "(empty)" if value in (None, "") else str(value)
