"""What a plugin must keep to before any of it is used: its hook functions, and the specs it declares."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Final, cast

import msgspec
from pluggy import HookImpl, PluginManager

from crosskey.connector.mapper import MapperSpec
from crosskey.connector.source import SourceSpec
from crosskey.connector.sso import SsoFlowSpec
from crosskey.connector.target import TargetSpec
from crosskey.errors import close_matches

__all__ = ("CORE_KEYS", "Spec", "hook_problems", "spec_problems")

Spec = SourceSpec | TargetSpec | MapperSpec | SsoFlowSpec

CORE_KEYS: Final[dict[type[Spec], frozenset[str]]] = {
    SourceSpec: frozenset({"use", "groups", "apps"}),
    TargetSpec: frozenset({"use"}),
    MapperSpec: frozenset({"use"}),
    SsoFlowSpec: frozenset({"use"}),
}
"""Keys of a section that the core reads itself; a plugin's settings may not claim them."""

_NAME = re.compile(r"[a-z][a-z0-9_-]*")


def hook_problems(plugin: object, manager: PluginManager, known: frozenset[str]) -> Iterator[str]:
    """Everything about the hook functions of a registered plugin that would fail later, or silently never run."""
    callers = manager.get_hookcallers(plugin) or ()
    if not callers:
        yield "it implements no hook: name the module that holds the functions marked @hookimpl"
    for caller in callers:
        for implementation in caller.get_hookimpls():
            if caller.spec is None and not implementation.optionalhook:
                yield f"crosskey has no hook {caller.name}. {close_matches(caller.name, known)}"
            yield from _signature_problems(caller.name, implementation)
    yield from _unmarked(plugin, known)


def _signature_problems(hook: str, implementation: HookImpl) -> Iterator[str]:
    function = implementation.function
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        yield f"{hook} is async: hooks only declare, so make it a plain function"
    if implementation.wrapper or implementation.hookwrapper:
        yield f"{hook} is a wrapper: plugins are called one at a time, so there is nothing to wrap"
    if implementation.tryfirst or implementation.trylast:
        yield f"{hook} asks for an order: plugins are called in the order of their names"
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            yield f"{hook} takes {parameter}: name the parameters it needs, nothing else is passed"
        elif parameter.default is not parameter.empty:
            # pluggy 1.6 leaves such a parameter at its default and 1.7 fills it: refuse what depends on the version.
            yield f'{hook} gives its parameter "{parameter.name}" a default: leave the default out'


def _unmarked(plugin: object, known: frozenset[str]) -> Iterator[str]:
    """Functions named like a hook that pluggy would pass over in silence."""
    for name in known:
        function = inspect.getattr_static(plugin, name, None)
        if inspect.isfunction(function) and not hasattr(function, "crosskey_impl"):
            where = f"{plugin.__name__}.{name}" if isinstance(plugin, ModuleType) else name
            yield f"{where} is not marked: write @hookimpl above it"


def spec_problems(spec: Spec) -> Iterator[str]:
    """Everything wrong with a spec that can be seen without opening it. msgspec checks no types on construction."""
    kind = type(spec).__name__
    name = cast("object", spec.name)  # a plugin's constructor call may hold anything, whatever the annotations say
    if not (isinstance(name, str) and _NAME.fullmatch(name)):
        yield f"{kind} name {name!r} is not a lower-case word (letters, digits, - and _)"
    yield from _settings_problems(f'{kind} "{name}"', spec.settings, CORE_KEYS[type(spec)])
    if isinstance(spec, SourceSpec | TargetSpec):
        yield from _open_problems(f'{kind} "{name}"', spec.open)
    elif isinstance(spec, MapperSpec) and not callable(spec.compile):
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
