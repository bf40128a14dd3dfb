"""The public API as facts, one a line: what stands in a line is what a plugin may rely on."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from crosskey import hookspecs

MODULES = ("crosskey", "crosskey.http", "crosskey.errors", "crosskey.sso", "crosskey.testing", "crosskey.testing.plans")
LENT = frozenset({"crosskey.Context", "crosskey.Clock", "crosskey.SsoContext", "crosskey.Pins"})
"""Protocols that the core implements and plugins only use: those may grow."""

OF_THE_KIT = ("vendor", "scene", "fields", "references", "unacceptable", "compiled")
"""What a test class overrides or calls. Everything else of the kit may change, its tests above all."""

RECORDED = Path(__file__).with_name("public.txt")


def live() -> list[str]:
    """Every fact of today."""
    found: list[str] = []
    for module in MODULES:
        exported = importlib.import_module(module)
        for name in sorted(exported.__all__):
            found += facts(f"{module}.{name}", getattr(exported, name))
    for name, hook in sorted(vars(hookspecs).items()):
        if name.startswith("crosskey_"):
            found += _signature(f"hook {name}", hook)
    return found


def facts(path: str, thing: Any) -> Iterator[str]:
    """What may be relied on of one public name."""
    if isinstance(thing, type) and issubclass(thing, Enum):
        yield f"{path}: enum"
        yield from (f"{path}.{member.name} = {member.value!r}" for member in thing)
    elif isinstance(thing, type) and issubclass(thing, msgspec.Struct):
        yield f"{path}: struct"
        yield from _fields(path, thing)
        yield from _members(path, thing)
    elif isinstance(thing, type):
        sort = "protocol" if getattr(thing, "_is_protocol", False) else "class"
        bases = [] if path.endswith("Conformance") else _bases(thing)
        yield f"{path}: {sort}" + (f" ({', '.join(bases)})" if bases else "")
        if path.endswith("Conformance"):
            yield from _kit(path, thing)
            return
        if sort == "class" and "__init__" in vars(thing):
            yield from _signature(path, thing.__init__)
        yield from _members(path, thing)
    elif inspect.isroutine(thing):
        yield from _signature(path, thing)
    elif isinstance(thing, tuple | frozenset):
        yield f"{path}: {type(thing).__name__}"
        yield from (f"{path} holds {item!r}" for item in thing)
    else:
        yield f"{path} = {type(thing).__name__ if ' at 0x' in repr(thing) else _words(thing)}"


def _bases(thing: type) -> list[str]:
    return [base.__name__ for base in thing.__mro__[1:] if base.__module__.startswith("crosskey")]


def _kit(path: str, thing: type) -> Iterator[str]:
    for name in sorted({name for base in thing.__mro__ for name in vars(base).get("__annotations__", {})}):
        if hasattr(thing, name):
            yield f"{path} setting {name}"
    for name in OF_THE_KIT:
        if hasattr(thing, name):
            yield from _signature(f"{path}.{name}", getattr(thing, name))


def _fields(path: str, struct: type[msgspec.Struct]) -> Iterator[str]:
    parameters = inspect.signature(struct).parameters
    for place, field in enumerate(msgspec.structs.fields(struct)):
        owner = next(base for base in struct.__mro__ if field.name in vars(base).get("__annotations__", {}))
        wanted = owner.__annotations__[field.name]
        number = "" if parameters[field.name].kind is inspect.Parameter.KEYWORD_ONLY else f" {place}"
        need = "required" if field.required else "optional"
        yield f"{path} field{number} {field.name}: {wanted} ({need})"


def _members(path: str, thing: type) -> Iterator[str]:
    """Methods and properties that crosskey itself gives the class, inherited ones too."""
    seen: set[str] = set()
    for base in thing.__mro__:
        if not base.__module__.startswith("crosskey"):
            continue
        for name, member in sorted(vars(base).items()):
            if name in seen or (name.startswith("_") and name != "__call__") or name.startswith("test_"):
                continue
            seen.add(name)
            if isinstance(member, property | cached_property):
                yield f"{path}.{name}: property {_returns(getattr(member, 'fget', None) or member.func)}"
            elif inspect.isfunction(member) or isinstance(member, classmethod | staticmethod):
                yield from _signature(f"{path}.{name}", getattr(member, "__func__", member))


def _signature(path: str, function: Any) -> Iterator[str]:
    """One fact for the call as a whole and one for each parameter, so that a new one with a default breaks none."""
    signature = inspect.signature(function)
    kind = "async " if inspect.iscoroutinefunction(function) else ""
    yield f"{path}(): {kind}{_returns(function)}"
    for place, (name, parameter) in enumerate(signature.parameters.items()):
        if name == "self":
            continue
        number = "" if parameter.kind is inspect.Parameter.KEYWORD_ONLY else f" {place}"
        open_ended = parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        need = "required" if parameter.default is inspect.Parameter.empty and not open_ended else "optional"
        yield f"{path}() parameter{number} {name}: {_words(parameter.annotation)} ({need})"


def _returns(function: Any) -> str:
    return f"-> {_words(getattr(function, '__annotations__', {}).get('return', 'nothing told'))}"


def _words(value: Any) -> str:
    if value is inspect.Parameter.empty:
        return "anything"
    if isinstance(value, str):
        return value
    text = f"{value.__module__}.{value.__qualname__}" if isinstance(value, type) else repr(value)
    return text.replace("typing.", "").replace("<class '", "").replace("'>", "")


def breaks(recorded: list[str], now: list[str]) -> list[str]:
    """What a plugin that was written for the recorded API could trip over today."""
    known, found = set(recorded), set(now)
    owners = {_owner(fact) for fact in recorded}
    protocols = {_owner(fact) for fact in recorded if ": protocol" in fact} - LENT
    told = [f"- {fact}" for fact in recorded if fact not in found]
    for fact in now:
        owner = _owner(fact)
        if fact in known:
            continue
        if fact.endswith("(required)") and owner in owners:
            told.append(f"+ {fact}: whoever makes or calls it does not give that")
        elif owner not in owners and owner.rpartition(".")[0] in protocols and " parameter" not in fact:
            told.append(f"+ {fact}: plugins that implement {owner.rpartition('.')[0]} do not have it")
    return told


def _owner(fact: str) -> str:
    """The name that a fact is about: ``crosskey.Account``, ``crosskey.Catalogue.resolve``, ``crosskey_sources``."""
    return fact.removeprefix("hook ").split(" ")[0].rstrip(":").removesuffix("()")


def write() -> None:
    """Record the API of today."""
    lines = [
        "# The public API, one fact a line; compared with the live one by test_api_public.py.",
        "# Written by: python tests/api/snapshot.py",
        *live(),
    ]
    RECORDED.write_text("\n".join(lines) + "\n", encoding="utf-8")


def recorded() -> list[str]:
    """The facts that were recorded."""
    return [line for line in RECORDED.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]


if __name__ == "__main__":
    sys.exit("run snapshot.py")
