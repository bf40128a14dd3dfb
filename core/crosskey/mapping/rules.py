"""The compiled mapping: candidates in, desired accounts out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from crosskey.connector.mapper import Candidate, Desired, DriftPolicy, LeaverPolicy, MatchKey, Ownership
from crosskey.mapping.assign import Assignments, Match
from crosskey.mapping.audience import Audience
from crosskey.mapping.draft import Draft
from crosskey.mapping.fields import Field
from crosskey.mapping.findings import RuleError

__all__ = ("Needs", "Rules")

_REMEMBERED = 8192
"""Combinations of groups and apps whose outcome is kept."""


class Needs(msgspec.Struct, frozen=True, kw_only=True):
    """What a source must bring for the rules: logical names of groups and apps, names under ``extra``."""

    groups: frozenset[str]
    apps: frozenset[str]
    attributes: frozenset[str]


class _Standing(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What membership alone says about everybody in the same groups and apps.

    ``outside`` is the finished answer for people out of scope; ``draft`` what is certain for the others, ``matches``
    the rules that are still to be tried for each of them.
    """

    outside: Desired | None = None
    draft: Draft
    matches: tuple[Match, ...] | None = None


class Rules:
    """The built-in :class:`~crosskey.connector.mapper.CompiledMapping`.

    Pure, total and deterministic. Most people share their groups with many others, so everything that groups and apps
    decide is worked out once for each combination; for each person there remain copies, templates and conditions.
    """

    def __init__(
        self,
        *,
        path: str,
        scope: Audience,
        fields: Sequence[Field],
        assignments: Assignments,
        match: Sequence[MatchKey],
        leavers: LeaverPolicy,
        needs: Needs,
        drift: DriftPolicy = "reassert",
    ) -> None:
        self.match = tuple(match)
        self.leavers = leavers
        self.groups = needs.groups
        self.apps = needs.apps
        self.attributes = needs.attributes
        self.fields: Mapping[str, Ownership] = {field.name: field.write for field in fields}
        self.origins: Mapping[str, tuple[str, ...]] = {field.name: field.origins for field in fields}
        self._drift: DriftPolicy = drift
        self._drifts: Mapping[str, DriftPolicy] = {
            field.name: field.drift for field in fields if field.drift is not None
        }
        self.managed = frozenset(assignments.references)
        self._scope_path = f"{path}.scope"
        self._scope = scope
        self._fields = tuple(fields)
        self._assignments = assignments
        self._standings: dict[tuple[frozenset[str], frozenset[str]], _Standing] = {}

    def __call__(self, people: Sequence[Candidate]) -> list[Desired]:
        """One answer for each candidate, in order. Raises nothing for any person."""
        return [self._desired(candidate) for candidate in people]

    def drift(self, part: str) -> DriftPolicy:
        """What happens to a field or reference that somebody else changed."""
        return self._drifts.get(part, self._drift)

    def _desired(self, candidate: Candidate) -> Desired:
        groups, apps = candidate.groups & self.groups, candidate.apps & self.apps
        if len(groups) != len(candidate.groups):  # rules must not see groups that only other mappings name
            candidate = Candidate(candidate.person, groups, apps)
        standing = self._standings.get((groups, apps))
        if standing is None:
            standing = self._standing(candidate)
            if len(self._standings) < _REMEMBERED:
                self._standings[groups, apps] = standing
        if standing.outside:
            return standing.outside
        if self._scope.where:
            answer = self._scope_condition(candidate)
            if answer:
                return answer
        certain = standing.draft
        draft = Draft(dict(certain.why), {}, dict(certain.references), list(certain.problems))
        for field in self._fields:
            field.apply(candidate, draft)
        if standing.matches is not None:
            self._assignments.apply(standing.matches, candidate, draft)
        return draft.finish()

    def _scope_condition(self, candidate: Candidate) -> Desired | None:
        try:
            if self._scope.holds(candidate):
                return None
        except RuleError as error:
            # Not known to be out of scope: in scope with a problem keeps the account as it is.
            path = f"{self._scope_path}.where"
            return Desired(in_scope=True, why={"": f"not decided ({path})"}, problem=f"{path}: {error}")
        where = self._scope.where.source if self._scope.where else ""
        return Desired(in_scope=False, why={"": f'where "{where}" is false ({self._scope_path})'})

    def _standing(self, candidate: Candidate) -> _Standing:
        draft = Draft({}, {}, {}, [])
        membership = self._scope.membership(candidate)
        excepted = self._scope.excepted(candidate)
        if membership is None or excepted:
            why = f'in excepted group "{excepted}"' if excepted else self._scope.refusal()
            outside = Desired(in_scope=False, why={"": f"{why} ({self._scope_path})"})
            return _Standing(outside=outside, draft=draft)
        draft.why[""] = f"{self._scope.reason(membership, 'everyone')} ({self._scope_path})"
        draft.why.update((field.name, field.why) for field in self._fields)
        matches = self._assignments.matches(candidate)
        if not self._assignments.settled(matches):
            return _Standing(draft=draft, matches=matches)
        self._assignments.apply(matches, candidate, draft)
        return _Standing(draft=draft)
