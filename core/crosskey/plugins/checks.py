"""What the specs that a plugin declares must keep to before any of them is used."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Final, cast

import msgspec

from crosskey.connector.mapper import MapperSpec
from crosskey.connector.notifier import NotifierSpec
from crosskey.connector.source import SourceSpec
from crosskey.connector.sso import SsoFlowSpec
from crosskey.connector.target import TargetSpec

__all__ = ("CORE_KEYS", "Spec", "spec_problems")

Spec = SourceSpec | TargetSpec | MapperSpec | SsoFlowSpec | NotifierSpec

CORE_KEYS: Final[dict[type[Spec], frozenset[str]]] = {
    SourceSpec: frozenset({"use", "groups", "apps"}),
    TargetSpec: frozenset({"use"}),
    MapperSpec: frozenset({"use"}),
    SsoFlowSpec: frozenset(
        {
            "use",
            "enabled",
            "public_url",
            "source",
            "kind",
            "mfa",
            "pilot",
            "local",
            "response",
            "idle",
            "lasts",
            "heartbeat",
            "on_demand",
            "private_addresses",
        }
    ),
    NotifierSpec: frozenset({"use"}),
}
"""Keys of a section that the core reads itself; a plugin's settings may not claim them."""

_NAME = re.compile(r"[a-z][a-z0-9_-]*")


def spec_problems(spec: Spec) -> Iterator[str]:
    """Everything wrong with a spec that can be seen without opening it. msgspec checks no types on construction."""
    kind = type(spec).__name__
    name = cast("object", spec.name)  # a plugin's constructor call may hold anything, whatever the annotations say
    if not (isinstance(name, str) and _NAME.fullmatch(name)):
        yield f"{kind} name {name!r} is not a lower-case word (letters, digits, - and _)"
    yield from _settings_problems(f'{kind} "{name}"', spec.settings, CORE_KEYS[type(spec)])
    if isinstance(spec, SourceSpec | TargetSpec | SsoFlowSpec | NotifierSpec):
        yield from _open_problems(f'{kind} "{name}"', spec.open)
    elif not callable(spec.compile):
        yield f'{kind} "{name}": compile is not callable'


def _settings_problems(label: str, settings: object, taken: frozenset[str]) -> Iterator[str]:
    if not (isinstance(settings, type) and issubclass(settings, msgspec.Struct)):
        yield f"{label}: settings is not a class derived from crosskey.Settings"
        return
    config = settings.__struct_config__
    if not (config.frozen and config.forbid_unknown_fields):
        yield f"{label}: {settings.__name__} must be frozen and refuse unknown keys: derive it from crosskey.Settings"
    for key in sorted(taken.intersection(settings.__struct_encode_fields__)):
        yield f'{label}: {settings.__name__} declares the key "{key}", which crosskey reads itself'


def _open_problems(label: str, opener: Callable[..., object]) -> Iterator[str]:
    if not callable(opener):
        yield f"{label}: open is not callable"
    elif inspect.iscoroutinefunction(opener) or inspect.isasyncgenfunction(opener):
        yield f"{label}: open must return an async context manager: write @asynccontextmanager above it"
