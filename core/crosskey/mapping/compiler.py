"""Settings + kind + catalogue → :class:`Rules`, or one error that holds every problem."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from crosskey.connector.mapper import MappingContext, MatchKey
from crosskey.connector.target import FieldSpec
from crosskey.mapping.assign import Assignments
from crosskey.mapping.assign_compiler import AssignCompiler
from crosskey.mapping.attributes import EXTRA, known, suggest
from crosskey.mapping.audience import Audience, condition, named
from crosskey.mapping.fields import Field, FieldCompiler
from crosskey.mapping.findings import Findings
from crosskey.mapping.leaving import leaver_policy
from crosskey.mapping.rules import Needs, Rules
from crosskey.mapping.settings import RulesSettings, ScopeSettings
from crosskey.mapping.templates import TemplateCompiler

__all__ = ("compile_rules",)

_NOT_A_MATCH = frozenset({"active", "status", "subject_id"})
"""Attributes that no account can be recognised by: states, and an id that only links know."""


def compile_rules(settings: RulesSettings, context: MappingContext) -> Rules:
    """Compile the rules of one kind of account.

    Raises one :class:`~crosskey.errors.ConfigError` whose ``problems`` are everything found: unknown fields,
    references, attributes and names of the catalogue (with close matches), templates that cannot be read, required
    parts that no rule covers, rules that can never count.
    """
    path = context.path
    findings = Findings(path)
    templates = TemplateCompiler(findings)
    scope = _scope(settings.scope, f"{path}.scope", templates, findings)
    fields = FieldCompiler(context.kind, f"{path}.fields", templates, findings).compile(settings.fields)
    match = _match(settings, fields, context, findings)
    assigning = AssignCompiler(context, templates, findings)
    rules, default = assigning.compile(settings.assign, settings.default)
    leavers = leaver_policy(settings.leavers, context, findings)
    findings.raise_any()

    audiences = [scope, *(rule.audience for rule in rules)]
    groups = {name for audience in audiences for name in (*audience.groups, *audience.except_groups)}
    matched = {key.attribute.removeprefix(EXTRA) for key in match if key.attribute.startswith(EXTRA)}
    return Rules(
        path=path,
        scope=scope,
        fields=fields,
        assignments=Assignments(rules, default),
        match=match,
        leavers=leavers,
        needs=Needs(
            groups=frozenset(groups | templates.groups),
            apps=frozenset(name for audience in audiences for name in audience.apps),
            attributes=frozenset(templates.extra | matched),
        ),
        drift=settings.drift,
    )


def _scope(settings: ScopeSettings, path: str, templates: TemplateCompiler, findings: Findings) -> Audience:
    return Audience(
        groups=named(settings.groups, f"{path}.groups", findings),
        apps=named(settings.apps, f"{path}.apps", findings),
        except_groups=named(settings.except_groups, f"{path}.except_groups", findings),
        where=condition(settings.where, f"{path}.where", templates, findings),
    )


def _match(
    settings: RulesSettings, fields: Sequence[Field], context: MappingContext, findings: Findings
) -> list[MatchKey]:
    path = f"{context.path}.match"
    keys: list[MatchKey] = []
    for attribute in dict.fromkeys(settings.match):
        copies = [field.name for field in fields if field.attribute == attribute]
        if not known(attribute) or attribute in _NOT_A_MATCH:
            findings.add(
                path,
                "attribute-unknown",
                f'there is no attribute "{attribute}" to match by',
                detail=suggest(attribute),
                fix="match by attributes of the person, such as email",
            )
        elif not copies:
            target = _field_like(attribute, context.kind.fields)
            findings.add(
                path,
                "match-no-field",
                f'nothing can be matched by "{attribute}": no field is exactly that attribute',
                fix=f'[{context.path}.fields] {target} = "{attribute}" (or remove it from match)',
            )
        else:
            specs = [spec for spec in map(context.kind.field, copies) if spec]
            names = [name for spec in specs for name in (spec.name, *spec.also_matches)]
            keys.append(MatchKey(attribute, tuple(dict.fromkeys(names))))
    return keys


def _field_like(attribute: str, specs: Sequence[FieldSpec]) -> str:
    """The text field whose name is most like an attribute's, to be named in a fix."""
    word = attribute.rpartition(".")[2].replace("_", "")

    def likeness(name: str) -> float:
        return 1.0 if word in name else SequenceMatcher(None, word, name).ratio()

    best = max((spec.name for spec in specs if spec.type == "text"), key=likeness, default="")
    return best if best and likeness(best) >= 0.6 else "<field>"  # the cutoff of close_matches
