"""A commented first configuration, made from the settings of the chosen plugins and the kinds of the target."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from crosskey.config.annotations import described, member_for
from crosskey.config.document import key_path
from crosskey.config.reference import SettingRow, setting_rows
from crosskey.config.references import variable_name
from crosskey.config.sections import JournalSettings, RailSettings, SyncSection, WatchSettings
from crosskey.config.toml import toml_value
from crosskey.connector.source import SourceSpec
from crosskey.connector.target import FieldSpec, KindSpec, TargetSpec
from crosskey.settings import Secret, SecretReference

__all__ = ("StarterMap", "StarterSection", "secret_variables", "starter_config", "suggested_fields")

PLACEHOLDER: Final = "CHANGE-ME"

_HEAD: Final = """\
# crosskey configuration. Secrets are references, never values: { env = … }, { file = … }, { keyring = … }
# or { command = … }. Try it with `crosskey check`, then `crosskey plan`: neither writes anything.
"""

_LABELS: Final[dict[str, frozenset[str]]] = {
    "display_name": frozenset({"display name", "full name"}),
    "given_name": frozenset({"given name", "first name"}),
    "family_name": frozenset({"family name", "last name", "surname"}),
    "email": frozenset({"e-mail address", "email address", "e-mail", "email"}),
    "title": frozenset({"job title", "title"}),
    "work_phone": frozenset({"work phone", "phone", "phone number"}),
    "mobile_phone": frozenset({"mobile phone", "mobile number"}),
}
"""How targets call what the neutral vocabulary names: by a field's name or its summary."""


class StarterSection(msgspec.Struct, frozen=True, kw_only=True):
    """A source or target to write: its section's name, its spec, and the values that are known already."""

    name: str
    spec: SourceSpec | TargetSpec
    values: Mapping[str, object] = {}

    @property
    def path(self) -> str:
        """The section's path."""
        return f"{'source' if isinstance(self.spec, SourceSpec) else 'target'}.{self.name}"


class StarterMap(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of account to write rules for: whose members get one, and the references that everybody gets."""

    kind: KindSpec
    groups: Sequence[str] = ()
    default: Mapping[str, str] = {}


def starter_config(source: StarterSection, target: StarterSection, maps: Sequence[StarterMap]) -> str:
    """The text of a configuration: required keys with their values or :data:`PLACEHOLDER`, optional ones commented out.

    Secrets that are not given become references to environment variables (:func:`secret_variables`).
    """
    parts = [
        _HEAD,
        _connector(source),
        _connector(target),
        _section("sync", setting_rows(SyncSection), {"from": [source.name], "to": target.name}),
        *(_map(item) for item in maps),
        _section("rails", setting_rows(RailSettings), {}),
        _section("journal", setting_rows(JournalSettings), {}),
        _section("watch", setting_rows(WatchSettings), {}),
    ]
    return "\n".join(parts)


def secret_variables(section: StarterSection) -> list[str]:
    """The environment variables that :func:`starter_config` lets the section's secrets come from, and that it needs."""
    references = _secrets(section).values()
    return [reference.argument for reference in references if reference.scheme == "env"]


def suggested_fields(kind: KindSpec) -> dict[str, str]:
    """Rules for the fields whose name or summary says what they hold (the first of each sort), and required ones."""
    rules: dict[str, str] = {}
    taken: set[str] = set()
    for field in kind.fields:
        attribute = next((name for name, labels in _LABELS.items() if _names(field) & labels), "")
        if attribute and attribute not in taken:
            taken.add(attribute)
            rules[field.name] = attribute
        elif field.required:
            rules[field.name] = PLACEHOLDER
    return rules


def _names(field: FieldSpec) -> set[str]:
    return {field.summary.casefold(), field.name.casefold().replace("_", " ")}


def _connector(section: StarterSection) -> str:
    values: dict[str, object] = {"use": section.spec.name, **section.values, **_secrets(section)}
    use = SettingRow(key="use", type="text", required=True, default="", description=section.spec.summary)
    text = _section(section.path, [use, *setting_rows(section.spec.settings)], values)
    if not isinstance(section.spec, SourceSpec):
        return text
    return text + (
        "\n# Group names are not unique at every identity provider: pin a name to an id here.\n"
        f"# [{section.path}.groups]\n"
        f'# "All Staff" = "{PLACEHOLDER}"\n'
    )


def _secrets(section: StarterSection) -> dict[str, SecretReference]:
    """The secrets to write: those given, and the required ones."""
    found: dict[str, SecretReference] = {}
    for field in msgspec.structs.fields(section.spec.settings):
        wanted, _ = described(field.type)
        given = section.values.get(field.encode_name)
        if isinstance(given, SecretReference):
            found[field.encode_name] = given
        elif field.required and member_for(wanted, {}) is Secret:
            name = variable_name(key_path(section.path, field.encode_name))
            found[field.encode_name] = SecretReference("env", name)
    return found


def _section(path: str, rows: Sequence[SettingRow], values: Mapping[str, object]) -> str:
    lines = [f"[{path}]"]
    for row in rows:
        lines.extend(_key(row, values))
    return "\n".join(lines) + "\n"


def _key(row: SettingRow, values: Mapping[str, object]) -> Iterator[str]:
    yield from (f"# {line}" for line in textwrap.wrap(row.description, 118))
    if row.key in values:
        yield f"{row.key} = {toml_value(values[row.key])}"
    elif row.required:
        yield f"{row.key} = {toml_value(PLACEHOLDER)}"
    elif row.type != "table":
        yield f"# {row.key} = {row.default or _example(row)}"


_EXAMPLES: Final = {"secret reference": '{ env = "…" }', "duration": '"90s"'}


def _example(row: SettingRow) -> str:
    return _EXAMPLES.get(row.type, '""')


def _map(item: StarterMap) -> str:
    path = f"map.{item.kind.name}"
    fields = suggested_fields(item.kind)
    lines = [f"[{path}]", f"# {item.kind.summary}", *_scope(item)]
    if "email" in fields.values():
        lines += ["# How to recognise accounts that were there before crosskey.", 'match = ["email"]']
    lines += ["# What happens to leavers, and after how long.", 'leavers = { do = "disable", after = "0d" }']
    defaults = {reference.name: PLACEHOLDER for reference in item.kind.references if reference.required}
    defaults.update(item.default)
    if defaults:
        lines += ["# What everyone gets whom no rule below gives anything else.", f"default = {toml_value(defaults)}"]
    lines += [
        "",
        '# Field = attribute, or a template such as "{{ given_name }} {{ family_name }}".',
        f"[{path}.fields]",
    ]
    lines += [f"{key_path('', name)} = {toml_value(rule)}" for name, rule in fields.items()]
    lines += ["", "# Rules, in order: the first that fits gives a single reference, sets add up."]
    lines += [f"# [[{path}.assign]]", '# group = "London Office"']
    for reference in item.kind.references:
        example = [PLACEHOLDER] if reference.many else PLACEHOLDER
        lines.append(f"# {key_path('', reference.name)} = {toml_value(example)}")
    return "\n".join(lines) + "\n"


def _scope(item: StarterMap) -> Iterator[str]:
    """Kinds that take paid seats are never offered to everyone."""
    if item.groups or item.kind.seats:
        yield "# Who gets one: members of any of these groups."
        yield f"scope = {{ groups = {toml_value(list(item.groups) or [PLACEHOLDER])} }}"
    else:
        yield "# Who gets one: everyone, or the members of groups named here."
        yield '# scope = { groups = ["All Staff"] }'
