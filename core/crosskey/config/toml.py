"""Values written as TOML, on one line each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import timedelta
from pathlib import Path
from typing import cast

import msgspec

from crosskey.config.document import key_path, quoted
from crosskey.config.durations import duration_text
from crosskey.settings import SecretReference

__all__ = ("toml_value",)


def toml_value(value: object) -> str:
    """The value as TOML. Secret references, durations and paths are written as the configuration reads them."""
    match _plain(value):
        case bool() | int() | float() as number:
            return json.dumps(number)
        case str() as text:
            return quoted(text)
        case other:
            return _collection(other)


def _collection(value: object) -> str:
    if isinstance(value, Mapping):
        pairs = cast("Mapping[str, object]", value).items()
        inner = ", ".join(f"{key_path('', key)} = {toml_value(item)}" for key, item in pairs if item is not None)
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, Sequence | AbstractSet):
        return f"[{', '.join(toml_value(item) for item in cast('Iterable[object]', value))}]"
    raise TypeError(f"TOML has no way to write a {type(value).__name__}")


def _plain(value: object) -> object:
    match value:
        case Path():
            return value.as_posix()
        case timedelta():
            return duration_text(value)
        case SecretReference():
            return {value.scheme: value.argument}
        case msgspec.Struct():
            return {field.encode_name: getattr(value, field.name) for field in msgspec.structs.fields(value)}
        case _:
            return value
