"""Fields: where each value comes from, and how it is made to fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from crosskey.connector.mapper import Candidate, DriftPolicy, Ownership
from crosskey.connector.target import FieldSpec, KindSpec
from crosskey.errors import close_matches
from crosskey.mapping.attributes import EXTRA, Reader, known, reader, suggest
from crosskey.mapping.draft import Draft
from crosskey.mapping.findings import Findings, RuleError
from crosskey.mapping.settings import FieldSettings, Written
from crosskey.mapping.templates import TemplateCompiler, is_template
from crosskey.mapping.values import CONVERT
from crosskey.model import Scalar

__all__ = ("Field", "FieldCompiler")

_CONSTANT_TYPES: Mapping[str, tuple[tuple[type, ...], str, str]] = {
    "text": ((str,), "text", 'text in quotes, such as value = "…"'),
    "flag": ((bool,), "true or false", "value = true or value = false"),
    "number": ((int, float), "a number", "a number without quotes, such as value = 3"),
}


class Field:
    """One compiled field rule. ``attribute`` is set when the value is exactly that attribute, ``origins`` are all of
    those that it is made of.
    """

    def __init__(
        self,
        spec: FieldSpec,
        path: str,
        source: str,
        read: Reader,
        write: Ownership,
        attribute: str,
        origins: tuple[str, ...] = (),
    ) -> None:
        self.name = spec.name
        self.path = path
        self.source = source
        self.why = f"{path}: {source}"
        self.write: Ownership = write
        self.attribute = attribute
        self.origins = (attribute,) if attribute else origins
        self._read = read
        self._convert: Callable[[object], Scalar] = CONVERT[spec.type]
        self._limit = spec.max_length
        self._required = spec.required
        self.drift: DriftPolicy | None = None

    def apply(self, candidate: Candidate, draft: Draft) -> None:
        """Write this field's value, or why there is none, into the draft. Its ``why`` is there already."""
        try:
            value = self._convert(self._read(candidate))
        except RuleError as error:
            draft.problems.append(f"{self.path}: {error}")
            return
        if value is None or value == "":
            self._apply_absent(value, draft)
            return
        if self._limit and isinstance(value, str) and len(value) > self._limit:
            value = value[: self._limit].rstrip()
            draft.why[self.name] = f"{self.why} (cut to {self._limit} characters)"
        draft.fields[self.name] = value

    def _apply_absent(self, value: Scalar, draft: Draft) -> None:
        if self._required:
            draft.problems.append(
                f"{self.path}: {self.name} is required, but {self.source} is empty for this person; "
                "fill it in at the source, or leave such people out with a condition in scope"
            )
        elif value is None:
            # "Absent" has no spelling for flags and numbers: the account keeps what it has.
            draft.why[self.name] = f"{self.why} (empty for this person: left as it is)"
        else:
            draft.fields[self.name] = value


class FieldCompiler:
    """Compiles ``[map.<kind>.fields]`` against the fields of a kind."""

    def __init__(self, kind: KindSpec, path: str, templates: TemplateCompiler, findings: Findings) -> None:
        self._kind = kind
        self._path = path
        self._templates = templates
        self._findings = findings

    def compile(self, settings: Mapping[str, Written]) -> list[Field]:
        """The field rules, in the order written. Notes unknown and missing fields and everything wrong with a rule."""
        fields = [self._field(name, rule) for name, rule in settings.items()]
        for spec in self._kind.fields:
            if spec.required and spec.name not in settings:
                self._findings.add(
                    self._path,
                    "field-required",
                    f'an account of kind "{self._kind.name}" needs the field "{spec.name}", which no rule writes',
                    fix=f'[{self._path}] {spec.name} = "<attribute>"',
                )
        for name, field in zip(settings, fields, strict=True):
            rule = settings[name]
            if field and isinstance(rule, FieldSettings):
                field.drift = rule.drift
        return [field for field in fields if field]

    def _field(self, name: str, rule: Written) -> Field | None:
        path = f"{self._path}.{name}"
        spec = self._kind.field(name)
        if spec is None:
            self._unknown(name, path)
            return None
        if isinstance(rule, str):
            rule = FieldSettings(template=rule) if is_template(rule) else FieldSettings(from_=rule)
        elif not isinstance(rule, FieldSettings):
            shown = _toml(rule)
            self._findings.add(
                path, "field-shape", f"{shown} stands alone", fix=f"write a constant as {name} = {{ value = {shown} }}"
            )
            return None
        given = [part for part in (rule.from_, rule.template, rule.value) if part is not None]
        if len(given) != 1:
            self._findings.add(
                path,
                "field-shape",
                "a field takes exactly one of from, template and value",
                detail=f"This one has {len(given) or 'none'}.",
                fix=f'{name} = {{ from = "<attribute>", write = "{rule.write}" }}',
            )
            return None
        if rule.drift is not None and rule.write != "always":
            self._findings.add(
                path,
                "field-shape",
                f'with write = "{rule.write}" the field is nobody\'s once it is filled: drift says nothing there',
                fix='remove drift, or write = "always"',
            )
        if rule.from_ is not None:
            return self._copy(spec, path, rule.from_, rule.from_, rule.write)
        if rule.template is not None:
            return self._template(spec, path, rule.template, rule.write)
        return self._constant(spec, path, rule.value, rule.write)

    def _unknown(self, name: str, path: str) -> None:
        if self._kind.reference(name):
            summary, detail = f'"{name}" is a reference of kind "{self._kind.name}", not a field', ""
            fix = f"give it in [[{self._path.rpartition('.')[0]}.assign]] or in default"
        else:
            summary = f'kind "{self._kind.name}" has no field "{name}"'
            detail, fix = close_matches(name, (spec.name for spec in self._kind.fields)), "correct or remove this line"
        self._findings.add(path, "field-unknown", summary, detail=detail, fix=fix)

    def _copy(self, spec: FieldSpec, path: str, attribute: str, source: str, write: Ownership) -> Field | None:
        if not known(attribute):
            self._findings.add(
                path,
                "attribute-unknown",
                f'there is no attribute "{attribute}"',
                detail=suggest(attribute),
                fix=f'write an attribute, a template such as "{{{{ email }}}}", or {{ value = "{attribute}" }}',
            )
            return None
        if attribute.startswith(EXTRA):
            self._templates.extra.add(attribute.removeprefix(EXTRA))
        return Field(spec, path, source, reader(attribute), write, attribute)

    def _template(self, spec: FieldSpec, path: str, source: str, write: Ownership) -> Field | None:
        template = self._templates.template(source, path)
        if template is None:
            return None
        if template.copies and known(template.copies):
            return self._copy(spec, path, template.copies, source, write)
        return Field(spec, path, source, template, write, "", template.attributes)

    def _constant(self, spec: FieldSpec, path: str, value: Scalar, write: Ownership) -> Field | None:
        types, words, example = _CONSTANT_TYPES[spec.type]
        wrong = not isinstance(value, types) or (spec.type == "number" and isinstance(value, bool))
        if wrong:
            self._findings.add(
                path, "value-type", f"this field holds {words}, not {_toml(value)}", fix=f"write {example}"
            )
            return None
        try:
            constant = CONVERT[spec.type](value)
        except RuleError as error:
            self._findings.add(path, "value-type", str(error), fix=f"write {example}")
            return None
        if isinstance(constant, str) and spec.max_length and len(constant) > spec.max_length:
            self._findings.add(
                path,
                "value-long",
                f"this text has {len(constant)} characters; the field takes {spec.max_length}",
                fix="shorten it",
            )
        if constant == "" and spec.required:
            self._findings.add(path, "field-required", "this field is required, and empty here", fix=f"write {example}")
        return Field(spec, path, _toml(constant), lambda _: constant, write, "")


def _toml(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)
