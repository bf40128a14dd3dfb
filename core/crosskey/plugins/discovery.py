"""Finding plugins through entry points, and keeping what one of them breaks away from the others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint
from importlib.metadata import entry_points as installed_entry_points
from pathlib import Path
from typing import Final, NamedTuple, TypeVar, cast

import msgspec

from crosskey.connector.mapper import MapperSpec
from crosskey.connector.notifier import NotifierSpec
from crosskey.connector.source import SourceSpec
from crosskey.connector.sso import SsoFlowSpec
from crosskey.connector.target import TargetSpec
from crosskey.plugins.abilities import declared_capabilities
from crosskey.plugins.checks import Spec, spec_problems
from crosskey.plugins.facade import Plugins
from crosskey.plugins.fitness import unfitness
from crosskey.plugins.hook_checks import hook_problems
from crosskey.plugins.loaded import HOOKS, LoadedPlugin, new_manager
from crosskey.plugins.patience import SlowError, within
from crosskey.plugins.records import PluginRecord, Provided
from crosskey.plugins.trust import BUILT_IN, Trust, canonical

__all__ = ("load_plugins",)

GROUP: Final = "crosskey"

KINDS: Final[tuple[tuple[str, str, type[Spec]], ...]] = (
    ("source", "crosskey_sources", SourceSpec),
    ("target", "crosskey_targets", TargetSpec),
    ("mapper", "crosskey_mappers", MapperSpec),
    ("sso flow", "crosskey_sso_flows", SsoFlowSpec),
    ("notifier", "crosskey_notifiers", NotifierSpec),
)

SERVICES: Final = {
    "crosskey_commands": "commands",
    "crosskey_resolve_secret": "secrets",
    "crosskey_review_plan": "plan review",
    "crosskey_on_event": "event listener",
}
"""What a plugin gives besides specs, by the hook it implements."""

S = TypeVar("S", bound=Spec)


class _Broken(Exception):  # noqa: N818 - not an error anybody sees: it carries the reason to the record
    """Why a plugin is not used."""


class _Refused(_Broken):
    """Why a plugin was not even imported."""


class _Declared(NamedTuple):
    kind: str
    plugin: LoadedPlugin
    spec: Spec

    @property
    def label(self) -> str:
        return f"{self.kind} {self.spec.name}"


def load_plugins(entry_points: Iterable[EntryPoint] | None = None, *, trust: Trust | None = None) -> Plugins:
    """Load every plugin of the entry-point group ``crosskey`` and ask what it declares. Never raises for a plugin.

    A plugin that nobody trusts or that needs another crosskey is *refused*: nothing of it is imported. One that cannot
    be imported, breaks a rule of the hooks, raises or hangs is kept as *broken*. Each has its reason, and the others go
    on. A name that two plugins claim belongs to neither: using it is an error that names both.

    ``entry_points`` replaces those of the installed distributions; built-in plugins have no other door than these.
    ``trust`` is what the installed ones are measured by (left out: what :meth:`Trust.read` says); entry points that are
    handed in are trusted by whoever does it.
    """
    if entry_points is None:
        found, trust = installed_entry_points(group=GROUP), trust or Trust.read()
    else:
        found = entry_points
    records: dict[str, PluginRecord] = {}
    plugins: list[LoadedPlugin] = []
    declared: list[_Declared] = []
    broken: list[PluginRecord] = []
    for entry in _unambiguous(found, broken):
        record = _record(entry)
        specs: list[_Declared] = []
        try:
            _refuse_unfit(entry, record, trust)
            plugin, declarations = _patiently(entry, record)
            specs.extend(declarations)
        except _Broken as reason:
            state = "refused" if isinstance(reason, _Refused) else "broken"
            broken.append(msgspec.structs.replace(record, state=state, reason=str(reason)))
            continue
        plugins.append(plugin)
        declared.extend(specs)
        records[record.name] = msgspec.structs.replace(
            record, provides=tuple(_provides(plugin, specs)), capabilities=tuple(_abilities(specs))
        )
    contested = _contested(declared)
    for label, rivals in contested.items():
        for rival in rivals:
            others = " and ".join(other.plugin.origin for other in rivals if other.plugin is not rival.plugin)
            reason = f"{label} is left out: {others or rival.plugin.origin} declares it too"
            known = records[rival.plugin.name]
            records[rival.plugin.name] = msgspec.structs.replace(
                known, reason="; ".join(filter(None, (known.reason, reason)))
            )
    kept = [item for item in declared if item.label not in contested]
    return Plugins(
        plugins,
        found=tuple(sorted((*records.values(), *broken), key=lambda record: (record.name, record.distribution))),
        sources=_by_name(kept, SourceSpec),
        targets=_by_name(kept, TargetSpec),
        mappers=_by_name(kept, MapperSpec),
        sso_flows=_by_name(kept, SsoFlowSpec),
        notifiers=_by_name(kept, NotifierSpec),
        contested={label: tuple(rival.plugin.origin for rival in rivals) for label, rivals in contested.items()},
    )


def _record(entry: EntryPoint) -> PluginRecord:
    distribution = entry.dist
    return PluginRecord(
        name=entry.name,
        distribution=distribution.name if distribution else "no distribution",
        version=distribution.version if distribution else "0",
        module=entry.value,
        state="loaded",
    )


def _unambiguous(found: Iterable[EntryPoint], broken: list[PluginRecord]) -> Iterator[EntryPoint]:
    """The entry points whose name only one distribution bears, by name; the others go to ``broken``."""
    by_name: dict[str, dict[tuple[str, str], EntryPoint]] = defaultdict(dict)
    for entry in found:
        by_name[entry.name][_record(entry).distribution, entry.value] = entry
    for name, twins in sorted(by_name.items()):
        if len(twins) == 1:
            yield next(iter(twins.values()))
            continue
        rivals = [_record(entry) for entry in twins.values()]
        owners = " and ".join(f"{rival.distribution} {rival.version} ({rival.module})" for rival in rivals)
        reason = f'{len(rivals)} plugins are named "{name}": {owners}. Uninstall all but one'
        broken.extend(msgspec.structs.replace(rival, state="broken", reason=reason) for rival in rivals)


def _refuse_unfit(entry: EntryPoint, record: PluginRecord, trust: Trust | None) -> None:
    """Raise for a plugin that must not be imported, going by the files of its distribution alone."""
    found = entry.dist
    if trust is not None:
        folder = Path(str(found.locate_file(""))) if found else Path()
        text = found.read_text("RECORD") if found else None
        reason = trust.refusal(record.distribution, record.version, text, folder)
        if reason:
            raise _Refused(reason)
    if found is not None and canonical(record.distribution) != BUILT_IN and (reason := unfitness(found.requires)):
        raise _Refused(reason)


def _patiently(entry: EntryPoint, record: PluginRecord) -> tuple[LoadedPlugin, list[_Declared]]:
    def load() -> tuple[LoadedPlugin, list[_Declared]]:
        plugin = _load(entry, record)
        return plugin, list(_declarations(plugin))

    if canonical(record.distribution) == BUILT_IN:
        return load()  # a thread each would only cost time
    try:
        return within(load)
    except SlowError as error:
        raise _Broken(str(error)) from error


def _load(entry: EntryPoint, record: PluginRecord) -> LoadedPlugin:
    manager = new_manager()
    try:
        plugin = cast("object", entry.load())
        manager.register(plugin, record.name)
        problems = list(hook_problems(plugin, manager, HOOKS))
    except (Exception, SystemExit) as error:
        raise _Broken(_sentence(error)) from error
    if problems:
        raise _Broken("; ".join(problem.strip() for problem in problems))
    return LoadedPlugin(manager, name=record.name, distribution=record.distribution, version=record.version)


def _declarations(plugin: LoadedPlugin) -> Iterator[_Declared]:
    for kind, hook, spec_type in KINDS:
        try:
            answers = [item for answer in plugin.ask(hook) for item in cast("Iterable[object]", answer)]
        except (Exception, SystemExit) as error:
            raise _Broken(f"{hook} raised {_sentence(error)}") from error
        for spec in answers:
            if not isinstance(spec, spec_type):
                raise _Broken(f"{hook} returned a {type(spec).__name__} where a {spec_type.__name__} belongs")
            problems = list(spec_problems(spec))
            if problems:
                raise _Broken("; ".join(problems))
            yield _Declared(kind, plugin, spec)


def _contested(declared: Iterable[_Declared]) -> dict[str, list[_Declared]]:
    by_label: dict[str, list[_Declared]] = defaultdict(list)
    for item in declared:
        by_label[item.label].append(item)
    return {label: rivals for label, rivals in by_label.items() if len(rivals) > 1}


def _provides(plugin: LoadedPlugin, specs: Iterable[_Declared]) -> Iterator[str]:
    yield from (item.label for item in specs)
    yield from (service for hook, service in SERVICES.items() if plugin.implements(hook))


def _abilities(specs: Iterable[_Declared]) -> Iterator[str]:
    for item in specs:
        if isinstance(item.spec, SourceSpec | TargetSpec):
            for name in declared_capabilities(item.spec):
                yield f"{item.label}: {name}"


def _by_name(declared: Iterable[_Declared], spec_type: type[S]) -> dict[str, Provided[S]]:
    return {item.spec.name: item.plugin.provided(item.spec) for item in declared if isinstance(item.spec, spec_type)}


def _sentence(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
