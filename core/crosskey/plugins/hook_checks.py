"""What the hook functions of a plugin must keep to before any of them is called."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import ModuleType

from pluggy import HookImpl, PluginManager

__all__ = ("hook_problems",)


def hook_problems(plugin: object, manager: PluginManager, known: frozenset[str]) -> Iterator[str]:
    """Everything about the hook functions of a registered plugin that would fail later, or silently never run."""
    callers = manager.get_hookcallers(plugin) or ()
    if not callers:
        yield "it implements no hook: name the module that holds the functions marked @hookimpl"
    for caller in callers:
        for implementation in caller.get_hookimpls():
            if caller.spec is None and not implementation.optionalhook:
                yield f"crosskey has no hook {caller.name}. {_close_matches(caller.name, known)}"
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


def _close_matches(name: str, known: frozenset[str]) -> str:
    from crosskey.errors import close_matches  # noqa: PLC0415 - only for the message

    return close_matches(name, known)
