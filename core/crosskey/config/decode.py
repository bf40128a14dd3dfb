"""TOML values to typed ones, keeping every problem: msgspec alone would stop at the first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast, get_args, get_origin

import msgspec
from msgspec import UNSET, UnsetType

from crosskey.config.annotations import (
    FROM_TEXT,
    LISTS,
    choices,
    described,
    is_list,
    is_mapping,
    member_for,
    struct_type,
)
from crosskey.config.document import key_path
from crosskey.config.durations import parse_duration
from crosskey.config.references import parse_reference, secret_example
from crosskey.config.words import plain_words, type_words
from crosskey.errors import ConfigError, CrosskeyError, Diagnostic, close_matches
from crosskey.settings import Secret, SecretReference

__all__ = ("Decoder",)

S = TypeVar("S", bound=msgspec.Struct)


class Decoder:
    """Decodes tables into structs. ``problems`` collects all that is wrong, ``secrets`` all secrets with their paths.

    Besides what msgspec knows, fields may be :class:`Secret` (a table naming one reference), ``timedelta`` (text such
    as ``15m``) and ``Path``, which is taken from ``folder``. ``make_secret`` turns a reference and its path into a
    secret; ``schemes`` are the known ones, ``None`` when plugins may know others.
    """

    def __init__(
        self,
        make_secret: Callable[[SecretReference, str], Secret],
        *,
        schemes: Iterable[str] | None = None,
        folder: Path | None = None,
    ) -> None:
        self.problems: list[Diagnostic] = []
        self.secrets: list[tuple[str, Secret]] = []
        self._make_secret = make_secret
        self._folder = folder or Path()
        self._schemes = None if schemes is None else frozenset(schemes)

    def problem(self, path: str, code: str, summary: str, fix: str = "") -> UnsetType:
        """Keep a problem; the answer marks the value as unusable."""
        self.problems.append(Diagnostic(severity="error", code=code, summary=summary, path=path, fix=fix))
        return UNSET

    def struct(self, wanted: type[S], table: object, path: str, *, also_known: tuple[str, ...] = ()) -> S | UnsetType:
        """The table as a struct, or ``UNSET`` when anything in it is wrong.

        ``also_known`` are keys that somebody else reads; they only help to guess what an unknown key means.
        """
        if not isinstance(table, dict):
            return self.problem(path, "config-type", f"expected a table, got {type_words(table)}")
        entries = cast("dict[str, object]", table)
        fields = msgspec.structs.fields(wanted)
        before = len(self.problems)
        self._unknown_keys(entries, wanted, also_known, path)
        values: dict[str, object] = {}
        for field in fields:
            where = key_path(path, field.encode_name)
            if field.encode_name in entries:
                values[field.name] = self.value(field.type, entries[field.encode_name], where)
            elif field.required:
                self._missing(field, where)
        if len(self.problems) > before:
            return UNSET
        try:
            return wanted(**values)
        except ConfigError as error:
            self._adopt(error, path)
        except (ValueError, TypeError, CrosskeyError) as error:
            self.problem(path, "config-value", error.message if isinstance(error, CrosskeyError) else str(error))
        return UNSET

    def value(self, wanted: object, value: object, path: str) -> object:
        """The value as the annotation wants it, or ``UNSET`` when it does not fit."""
        metas: tuple[object, ...] = ()
        if get_origin(wanted) is Annotated:
            wanted, *rest = get_args(wanted)
            metas = tuple(rest)
        plain, shape = member_for(wanted, value), type(value)
        if plain is Secret:
            return self._secret(value, path)
        if struct := struct_type(plain):
            return self.struct(struct, value, path)
        if plain in FROM_TEXT and shape is str and value:
            return self._from_text(plain, cast("str", value), path)
        if is_list(plain) and shape is list:
            return self._items(plain, cast("list[object]", value), path, metas)
        if is_mapping(plain) and shape is dict:
            return self._entries(plain, cast("dict[str, object]", value), path, metas)
        return self._leaf(plain, metas, value, path)

    def _leaf(self, wanted: object, metas: tuple[object, ...], value: object, path: str) -> object:
        if wanted in FROM_TEXT:
            summary = "this may not be empty" if value == "" else f"expected text, got {type_words(value)}"
            return self.problem(path, "config-type", summary, FROM_TEXT[wanted])
        words = choices(wanted)
        if words and isinstance(value, str) and value not in words:
            known = ", ".join(f'"{word}"' for word in words)
            hint = close_matches(value, words)
            return self.problem(path, "config-value", f'"{value}" is not known. {hint}', f"write one of {known}")
        try:
            return msgspec.convert(value, _annotated(wanted, metas))
        except msgspec.ValidationError as error:
            return self.problem(path, "config-type", plain_words(error))

    def _items(self, plain: object, items: list[object], path: str, metas: tuple[object, ...]) -> object:
        inner = get_args(plain)[0]
        done = [self.value(inner, item, f"{path}[{index}]") for index, item in enumerate(items)]
        if any(item is UNSET for item in done) or not self._fits(done, metas, path):
            return UNSET
        return LISTS[get_origin(plain)](done)

    def _entries(self, plain: object, table: dict[str, object], path: str, metas: tuple[object, ...]) -> object:
        key_type, inner = get_args(plain)
        done: dict[object, object] = {}
        for key, item in table.items():
            where = key_path(path, key)
            done[self.value(key_type, key, where)] = self.value(inner, item, where)
        if UNSET in done or any(item is UNSET for item in done.values()) or not self._fits(done, metas, path):
            return UNSET
        return done

    def _fits(self, done: list[object] | dict[object, object], metas: tuple[object, ...], path: str) -> bool:
        """Whether the length of what was decoded keeps the limits of the annotation."""
        try:
            msgspec.convert([None] * len(done), _annotated(list[None], metas))
        except msgspec.ValidationError as error:
            self.problem(path, "config-value", plain_words(error))
            return False
        return True

    def _from_text(self, plain: object, text: str, path: str) -> object:
        if plain is Path:
            if "\x00" in text:
                return self.problem(path, "config-value", "no path can hold a NUL character", FROM_TEXT[plain])
            return self._folder / Path(text).expanduser()
        try:
            return parse_duration(text)
        except ValueError as error:
            return self.problem(path, "config-value", str(error), FROM_TEXT[plain])

    def _secret(self, value: object, path: str) -> object:
        reference = parse_reference(value, path, schemes=self._schemes)
        if isinstance(reference, Diagnostic):
            self.problems.append(reference)
            return UNSET
        secret = self._make_secret(reference, path)
        self.secrets.append((path, secret))
        return secret

    def _missing(self, field: msgspec.structs.FieldInfo, where: str) -> None:
        wanted, description = described(field.type)
        plain = member_for(wanted, {})
        example = secret_example(where) if plain is Secret else f"{field.encode_name} = …"
        summary = f"this key is required: {description}" if description else "this key is required"
        self.problem(where, "config-required", summary, f"write {example}")

    def _unknown_keys(
        self, table: Mapping[str, object], wanted: type[msgspec.Struct], also_known: tuple[str, ...], path: str
    ) -> None:
        fields = wanted.__struct_encode_fields__
        if not wanted.__struct_config__.forbid_unknown_fields:
            return
        for key in table:
            if key not in fields:
                hint = close_matches(key, (*fields, *also_known))
                self.problem(
                    key_path(path, key), "config-unknown-key", f"unknown key. {hint}".rstrip(), "correct or remove it"
                )

    def _adopt(self, error: ConfigError, path: str) -> None:
        """Take over what a settings struct found in its own ``__post_init__``, below the path of its table."""
        for found in (error.diagnostic(), *error.problems):
            below = f"{path}.{found.path}" if found.path else path
            self.problems.append(msgspec.structs.replace(found, path=below))


def _annotated(wanted: object, metas: tuple[object, ...]) -> Any:  # noqa: ANN401 - a type made at run time
    for meta in metas:
        wanted = Annotated[wanted, meta]
    return wanted
