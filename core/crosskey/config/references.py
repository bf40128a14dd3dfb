"""Secret references as they stand in the configuration: ``{ env = "NAME" }`` and its kin."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection
from typing import cast

from crosskey.errors import Diagnostic, close_matches
from crosskey.settings import SecretReference

__all__ = ("parse_reference", "secret_example", "variable_name")


def variable_name(path: str) -> str:
    """A good name for the environment variable of a key: ``source.corp.token`` gives ``CORP_TOKEN``."""
    return re.sub(r"[^A-Z0-9]+", "_", "_".join(path.split(".")[-2:]).upper()).strip("_")


def secret_example(path: str) -> str:
    """The line to write for the secret at this path."""
    return f'{path.rpartition(".")[2]} = {{ env = "{variable_name(path)}" }}'


def parse_reference(
    value: object, path: str, *, schemes: Collection[str] | None = None
) -> SecretReference | Diagnostic:
    """The reference that a value is, or what is wrong with it; the finding never shows the value.

    ``schemes`` are all that are known, ``None`` when plugins may know others.
    """
    example = secret_example(path)
    if not isinstance(value, dict):
        summary = "a secret may not stand in the configuration, only a reference to it"
        return _finding("secret-literal", path, summary, f"store it elsewhere and write {example}")
    table = cast("dict[str, object]", value)
    if len(table) != 1:
        return _finding("secret-reference", path, "a secret needs exactly one of env, file, keyring, command", example)
    scheme, argument = next(iter(table.items()))
    if schemes is not None and scheme not in schemes:
        hint = close_matches(scheme, schemes)
        return _finding(
            "secret-scheme", path, f'no plugin knows the secret scheme "{scheme}". {hint}', f"write {example}"
        )
    if scheme == "command" and isinstance(argument, list):
        words = cast("list[object]", argument)
        if words and all(isinstance(word, str) for word in words):
            return SecretReference(scheme, shlex.join(cast("list[str]", words)))
    if not (isinstance(argument, str) and argument):
        return _finding(
            "secret-reference", path, f"{scheme} needs text that says where the secret is", f"write {example}"
        )
    return SecretReference(scheme, argument)


def _finding(code: str, path: str, summary: str, fix: str) -> Diagnostic:
    return Diagnostic(severity="error", code=code, path=path, summary=summary.rstrip(), fix=fix)
