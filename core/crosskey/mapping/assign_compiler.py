"""Compiles ``[[map.<kind>.assign]]`` and ``[map.<kind>.default]`` against the references of a kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from crosskey.connector.mapper import MappingContext
from crosskey.connector.target import ReferenceSpec
from crosskey.errors import ConfigError, close_matches
from crosskey.mapping.assign import Gift, Rule
from crosskey.mapping.audience import Audience, condition, named
from crosskey.mapping.catalogue import Names
from crosskey.mapping.findings import Findings
from crosskey.mapping.settings import Names as Written
from crosskey.mapping.templates import Template, TemplateCompiler, is_template

__all__ = ("AssignCompiler",)

_CONDITIONS = ("group", "groups", "app", "apps", "where")


class AssignCompiler:
    """Turns written rules into :class:`Rule`, noting every problem."""

    def __init__(self, context: MappingContext, templates: TemplateCompiler, findings: Findings) -> None:
        self._kind = context.kind
        self._path = context.path
        self._catalogue = context.catalogue
        self._templates = templates
        self._findings = findings
        self._names: dict[str, Names] = {}
        self._unclear: set[str] = set()

    def compile(
        self, assign: Sequence[Mapping[str, Written]], default: Mapping[str, Written]
    ) -> tuple[list[Rule], Rule]:
        """The rules in the order written, and the default. Notes unknown names, gaps, and rules that never count."""
        rules = [self._rule(written, f"{self._path}.assign[{place}]") for place, written in enumerate(assign)]
        path = f"{self._path}.default"
        fallback = Rule(path=path, audience=Audience(), gifts=self._gifts(default, path))
        self._check_required([*assign, default])
        self._check_dead(rules)
        return rules, fallback

    def _rule(self, written: Mapping[str, Written], path: str) -> Rule:
        where = written.get("where")
        if where is not None and not isinstance(where, str):
            self._findings.add(f"{path}.where", "condition-shape", "a condition is one text", fix="join them with and")
            where = None
        audience = Audience(
            groups=self._members(written, "group", path),
            apps=self._members(written, "app", path),
            where=condition(where, f"{path}.where", self._templates, self._findings),
        )
        if "where" in written and audience.where is None:
            self._unclear.add(path)  # the condition is wrong: whom the rule means is not known
        given = {name: value for name, value in written.items() if name not in _CONDITIONS}
        if not given:
            self._findings.add(
                path,
                "assign-empty",
                "this rule gives nothing",
                detail=close_matches("", (spec.name for spec in self._kind.references)),
                fix="write what it gives, or remove it",
            )
        return Rule(path=path, audience=audience, gifts=self._gifts(given, path))

    def _members(self, written: Mapping[str, Written], word: str, path: str) -> tuple[str, ...]:
        """The names under ``group`` and ``groups`` (or ``app`` and ``apps``) together."""
        keys = [key for key in (word, f"{word}s") if key in written]
        names = [name for key in keys for name in named(_listed(written[key]), f"{path}.{key}", self._findings)]
        return tuple(dict.fromkeys(names))

    def _gifts(self, given: Mapping[str, Written], path: str) -> tuple[Gift, ...]:
        gifts: list[Gift] = []
        for name, value in given.items():
            spec = self._kind.reference(name)
            if spec is None:
                self._unknown(name, f"{path}.{name}")
            else:
                gifts.append(self._gift(spec, _listed(value), f"{path}.{name}"))
        return tuple(gifts)

    def _unknown(self, name: str, path: str) -> None:
        if self._kind.field(name):
            summary, detail = f'"{name}" is a field of kind "{self._kind.name}", not a reference', ""
            fix = f"write it under [{self._path}.fields]"
        else:
            summary = f'kind "{self._kind.name}" has no reference "{name}"'
            detail = close_matches(name, [*(spec.name for spec in self._kind.references), *_CONDITIONS])
            fix = "correct or remove this key"
        self._findings.add(path, "reference-kind-unknown", summary, detail=detail, fix=fix)

    def _gift(self, spec: ReferenceSpec, values: Sequence[str], path: str) -> Gift:
        if len(values) != 1 and not spec.many:
            self._findings.add(
                path, "reference-one", f"an account has one {spec.name}", fix=f'write one name: {spec.name} = "…"'
            )
        if not values or not all(value.strip() for value in values):
            self._findings.add(path, "reference-empty", "a name here is empty", fix="write the name, or remove the key")
        names = self._names.get(spec.listing)
        if names is None:
            names = self._names[spec.listing] = Names(self._catalogue, spec.listing)
        ids: list[str] = []
        templates: list[Template] = []
        for value in values:
            if is_template(value):
                template = self._templates.template(value, path)
                templates += [template] if template else []
            elif value.strip():
                try:
                    ids.append(names.resolve(value, where=path))
                except ConfigError as error:
                    self._findings.take(error)
        return Gift(reference=spec, path=path, names=names, ids=tuple(ids), templates=tuple(templates))

    def _check_required(self, written: Iterable[Mapping[str, Written]]) -> None:
        given = {name for table in written for name in table}
        for spec in self._kind.references:
            if spec.required and spec.name not in given:
                self._findings.add(
                    self._path,
                    "reference-required",
                    f'an account of kind "{self._kind.name}" needs a {spec.name}, and no rule gives one',
                    fix=f'[{self._path}] default = {{ {spec.name} = "<name>" }}',
                )

    def _check_dead(self, rules: Sequence[Rule]) -> None:
        """Note rules for one thing that earlier rules always forestall with another."""
        for spec in self._kind.references:
            if not spec.many:
                self._check_dead_for(spec, [rule for rule in rules if rule.path not in self._unclear])

    def _check_dead_for(self, spec: ReferenceSpec, rules: Sequence[Rule]) -> None:
        # Who (a group, an app, "" for everyone) under which condition gets which id for certain, and from which rule.
        taken: dict[tuple[str, str], tuple[str, Rule]] = {}
        for rule in rules:
            where = rule.audience.where.source if rule.audience.where else ""
            members = _members_of(rule.audience)
            for gift in rule.gifts:
                if gift.reference.name != spec.name or not (gift.ids or gift.templates):
                    continue
                before = [_first(taken, [(one, ""), ("", ""), (one, where), ("", where)]) for one in members]
                others = [found for found in before if found and (found[0],) != gift.ids]
                if all(before) and others:
                    self._dead(gift, others[0][1])
                if gift.ids:
                    for one in members:
                        taken.setdefault((one, where), (gift.ids[0], rule))

    def _dead(self, gift: Gift, earlier: Rule) -> None:
        self._findings.add(
            gift.path,
            "assign-dead",
            f"this never counts: {earlier.path} comes first and already gives the same people "
            f"another {gift.reference.name}",
            fix="remove one of the two, or write the narrower rule first",
        )


def _listed(value: Written) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def _members_of(audience: Audience) -> list[str]:
    groups = [f"group {name}" for name in audience.groups]
    return [*groups, *(f"app {name}" for name in audience.apps)] or [""]


def _first(
    taken: Mapping[tuple[str, str], tuple[str, Rule]], keys: Iterable[tuple[str, str]]
) -> tuple[str, Rule] | None:
    return next((taken[key] for key in keys if key in taken), None)
