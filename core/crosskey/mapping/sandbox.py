"""The Jinja2 sandbox of the rules: no globals, a few filters, missing parts are errors unless ``default`` helps."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from jinja2 import StrictUndefined, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from crosskey.mapping.values import as_text

__all__ = ("METHODS", "environment")

_BUILT_IN_FILTERS = (
    *("capitalize", "first", "float", "int", "join", "last", "length", "lower", "replace", "title", "trim"),
    *("truncate", "upper"),
)
_BUILT_IN_TESTS = (
    *("defined", "undefined", "none", "string", "number", "boolean", "true", "false", "lower", "upper"),
    *("eq", "equalto", "==", "ne", "!=", "lt", "<", "le", "<=", "gt", ">", "ge", ">="),
)

METHODS = frozenset(
    {
        *("capitalize", "casefold", "count", "endswith", "find", "get", "isalnum", "isalpha", "isdigit", "lower"),
        *("lstrip", "partition", "removeprefix", "removesuffix", "replace", "rpartition", "rsplit", "rstrip", "split"),
        *("startswith", "strip", "title", "upper"),
    }
)
"""Methods of text (and ``get`` of a table) that rules may call; none that pads or repeats."""


def environment() -> ImmutableSandboxedEnvironment:
    """A new sandbox. ``{{ … }}`` prints text as :func:`~crosskey.mapping.values.as_text` writes it."""
    sandbox = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        finalize=_finalize,
        autoescape=False,  # the output is a field's value, not HTML
        cache_size=0,
    )
    sandbox.globals.clear()
    filters = cast("dict[str, Callable[..., object]]", sandbox.filters)
    for name in set(filters) - set(_BUILT_IN_FILTERS):
        del filters[name]
    filters.update(default=_default, d=_default, split_first=_split_first, domain=_domain)
    for name in set(sandbox.tests) - set(_BUILT_IN_TESTS):
        del sandbox.tests[name]
    return sandbox


def _finalize(value: object) -> str:
    # str() of an undefined value raises the error that names what is missing.
    return str(value) if isinstance(value, Undefined) else as_text(value)


def _default(value: object, instead: object = "", boolean: object = False) -> object:  # noqa: FBT002 - Jinja2's signature
    # Jinja2's own takes "" for a value; in the vocabulary "" means absent.
    absent = isinstance(value, Undefined) or value is None or value == "" or (boolean and not value)
    return instead if absent else value


def _split_first(value: object, separator: str) -> str:
    return as_text(value).split(separator, 1)[0]


def _domain(value: object) -> str:
    return as_text(value).rpartition("@")[2].casefold() if "@" in as_text(value) else ""
