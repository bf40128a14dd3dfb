"""The keys of a settings struct as rows and as a Markdown table, for ``crosskey plugins show`` and the docs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args, get_origin

import msgspec

from crosskey.config.annotations import FROM_TEXT, choices, described, is_list, is_mapping, members, struct_type
from crosskey.config.document import key_path
from crosskey.config.toml import toml_value
from crosskey.config.words import type_name
from crosskey.settings import Secret

__all__ = ("SettingRow", "setting_rows", "settings_table")


class SettingRow(msgspec.Struct, frozen=True, kw_only=True):
    """One key: ``type`` in words, ``default`` as TOML (``""``: none), what its author says about it."""

    key: str
    type: str
    required: bool
    default: str
    description: str


def setting_rows(settings: type[msgspec.Struct], prefix: str = "") -> list[SettingRow]:
    """All keys in the order of the struct; those of a nested table follow it, as ``max_disable.count``."""
    return list(_rows(settings, prefix, frozenset()))


def settings_table(settings: type[msgspec.Struct]) -> str:
    """The keys as a Markdown table."""
    lines = ["| key | type | default | |", "|---|---|---|---|"]
    for row in setting_rows(settings):
        default = "**required**" if row.required else f"`{row.default}`" if row.default else ""
        cells = (f"`{row.key}`", row.type, default, row.description)
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def _rows(settings: type[msgspec.Struct], prefix: str, above: frozenset[type]) -> Iterator[SettingRow]:
    for field in msgspec.structs.fields(settings):
        wanted, description = described(field.type)
        key = key_path(prefix, field.encode_name)
        nested = struct_type(only) if (only := _only_member(wanted)) else None
        yield SettingRow(
            key=key,
            type=type_text(wanted),
            required=field.required,
            default="" if nested else _default(field),
            description=description,
        )
        if nested and nested not in above:
            yield from _rows(nested, key, above | {settings, nested})


def _only_member(wanted: object) -> object:
    alternatives = members(wanted)
    return alternatives[0] if len(alternatives) == 1 else None


def _default(field: msgspec.structs.FieldInfo) -> str:
    value = field.default_factory() if callable(field.default_factory) else field.default
    return "" if value is msgspec.NODEFAULT or value is None or value == "" else toml_value(value)


def type_text(wanted: object) -> str:
    """A type in words: ``list of text``, ``"auto" or true or false``."""
    wanted, _ = described(wanted)
    return " or ".join(dict.fromkeys(_member_text(member) for member in members(wanted)))


def _member_text(member: object) -> str:
    if words := choices(member):
        return " or ".join(f'"{word}"' for word in words)
    if member is Secret:
        return "secret reference"
    if member in FROM_TEXT:
        return type_name(member)
    if is_list(member):
        return f"list of {type_text(get_args(member)[0])}"
    if is_mapping(member):
        return f"table of {type_text(get_args(member)[1])}"
    return "table" if struct_type(member) else type_name(get_origin(member) or member)
