"""References by rule: sites, roles, teams, whatever a kind refers to.

Precedence is the order in which rules are written. For a reference to one thing the first matching rule that names
something wins; for a reference to a set all matching rules add up. ``default`` counts where no rule gave anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from crosskey.connector.mapper import Candidate
from crosskey.connector.target import ReferenceSpec
from crosskey.mapping.audience import Audience
from crosskey.mapping.catalogue import Names
from crosskey.mapping.draft import Draft
from crosskey.mapping.findings import RuleError
from crosskey.mapping.templates import Template

__all__ = ("Assignments", "Gift", "Rule")


class Gift(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule gives for one reference: ids known beforehand, and templates that name more for each person."""

    reference: ReferenceSpec
    path: str
    names: Names
    ids: tuple[str, ...] = ()
    templates: tuple[Template, ...] = ()

    def ids_for(self, candidate: Candidate) -> tuple[str, ...]:
        """The ids for one person. A template that comes out blank gives nothing. Raises :class:`RuleError`."""
        if not self.templates:
            return self.ids
        made = [name for name in (template(candidate) for template in self.templates) if name.strip()]
        return (*self.ids, *(self.names.resolve_at_run(name) for name in made))


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One assign rule (or the default): whom it means, and what it gives."""

    path: str
    audience: Audience
    gifts: tuple[Gift, ...]

    @property
    def settled(self) -> bool:
        """Whether membership alone decides: no condition, and nothing made by a template."""
        return self.audience.where is None and not any(gift.templates for gift in self.gifts)


class Match(msgspec.Struct, frozen=True):
    """A rule whose groups and apps let a candidate in, and how a reader is told."""

    rule: Rule
    why: str


class Assignments:
    """All assign rules of a mapping, found by group and app."""

    def __init__(self, rules: Sequence[Rule], default: Rule) -> None:
        self._rules = rules
        self._default = default
        specs = [gift.reference for rule in (*rules, default) for gift in rule.gifts]
        self.references: Mapping[str, ReferenceSpec] = {spec.name: spec for spec in specs}
        self._always = [place for place, rule in enumerate(rules) if rule.audience.everybody]
        self._by_group = _places((name, place) for place, rule in enumerate(rules) for name in rule.audience.groups)
        self._by_app = _places((name, place) for place, rule in enumerate(rules) for name in rule.audience.apps)

    def matches(self, candidate: Candidate) -> tuple[Match, ...]:
        """The rules that the candidate's groups and apps lead to, in order. Costs what those lead to, not all rules."""
        places = set(self._always)
        for name in candidate.groups:
            places.update(self._by_group.get(name, ()))
        for name in candidate.apps:
            places.update(self._by_app.get(name, ()))
        found: list[Match] = []
        for place in sorted(places):
            rule = self._rules[place]
            reason = rule.audience.reason(rule.audience.membership(candidate) or "", "always")
            found.append(Match(rule, f"{rule.path}: {reason}"))
        return tuple(found)

    def settled(self, matches: Iterable[Match]) -> bool:
        """Whether these rules give the same to everyone they match."""
        return self._default.settled and all(match.rule.settled for match in matches)

    def apply(self, matches: Iterable[Match], candidate: Candidate, draft: Draft) -> None:
        """Write every reference the mapping manages into the draft; an empty one where the rules give nothing."""
        failed: set[str] = set()
        for match in matches:
            rule = match.rule
            try:
                holds = rule.audience.holds(candidate)
            except RuleError as error:
                draft.problems.append(f"{rule.path}.where: {error}")
                failed.update(gift.reference.name for gift in rule.gifts)
                continue
            if holds:
                failed.update(_give(rule.gifts, match.why, candidate, draft))
        rest = [gift for gift in self._default.gifts if gift.reference.name not in draft.references]
        failed.update(_give(rest, self._default.path, candidate, draft))
        for name, spec in self.references.items():
            if name in draft.references:
                continue
            draft.references[name] = ()
            if spec.required and name not in failed:
                draft.problems.append(
                    f"no {name}: no assign rule gives this person one; add a rule, or {self._default.path}.{name}"
                )


def _give(gifts: Iterable[Gift], why: str, candidate: Candidate, draft: Draft) -> Iterable[str]:
    """Add one rule's gifts to the draft; the names of references for which that failed."""
    failed: list[str] = []
    for gift in gifts:
        name = gift.reference.name
        before = draft.references.get(name)
        if before and not gift.reference.many:
            continue
        try:
            ids = gift.ids_for(candidate)
        except RuleError as error:
            draft.problems.append(f"{gift.path}: {error}")
            failed.append(name)
            continue
        if ids:
            draft.references[name] = tuple(sorted({*(before or ()), *ids}))
            draft.why[name] = f"{draft.why[name]}; {why}" if before else why
    return failed


def _places(named: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for name, place in named:
        places.setdefault(name, []).append(place)
    return places
