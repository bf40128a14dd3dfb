"""The whole configuration: every section, the references between them, and the secrets that a run needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar, cast

import msgspec

from crosskey.config.decode import Decoder
from crosskey.config.document import Document, kept_document, key_path, read_document
from crosskey.config.doors import DOORS, DoorSection, DoorSettings, door_table, entry_problem, kind_problem
from crosskey.config.hook_address import hook_addresses
from crosskey.config.sections import (
    Config,
    JournalSettings,
    MapSection,
    NotifySection,
    RailSettings,
    SourceSection,
    SyncSection,
    TargetSection,
    WatchSettings,
)
from crosskey.config.serve import ServeSettings
from crosskey.config.words import type_words
from crosskey.errors import ConfigError, close_matches
from crosskey.model import PERSON_ATTRIBUTES
from crosskey.plugins.facade import Plugins, SpecKind
from crosskey.plugins.records import Provided
from crosskey.secrets import SCHEMES, read_secret
from crosskey.settings import Secret, SecretReference, Settings

__all__ = ("kept_config", "load_config")

S = TypeVar("S", bound=Settings)
P = TypeVar("P")

DEFAULT_MAPPER: Final = "rules"

_TABLES: Final = ("source", "target", "sync", "map", "rails", "journal", "watch", "notify", "sso", "serve")


def load_config(
    path: Path,
    plugins: Plugins,
    *,
    resolve_secrets: bool = True,
    watching: bool = False,
    serving: bool = False,
    stand_in: Callable[[str], str] | None = None,
) -> Config:
    """Read a configuration file into types.

    With ``resolve_secrets`` the secrets of the sections that ``[sync]`` uses are read now, with ``watching`` those of
    ``[watch]`` and ``[notify.…]``, with ``serving`` those of ``[sso.…]``; otherwise, and for other sections, each is
    read when it is first revealed. With a ``stand_in`` none is ever read: it says, for the path of each, what stands
    there instead. Raises one :class:`ConfigError` whose ``problems`` are all that is wrong, each with the path of its
    key and the fix.
    """
    also = {"watch", "notify"} if watching else set[str]()
    if serving:
        also.add("sso")
    return _load(read_document(path), plugins, resolve_secrets=resolve_secrets, also=also, stand_in=stand_in)


def kept_config(canonical: str, path: Path, plugins: Plugins) -> Config:
    """The configuration that a run of the past went by, from its canonical text; ``path`` is where the file is now.

    No secret is read. Raises :class:`ConfigError` when it no longer fits the plugins that are installed.
    """
    return _load(kept_document(canonical, path), plugins, resolve_secrets=False, also=set())


def _load(
    document: Document,
    plugins: Plugins,
    *,
    resolve_secrets: bool,
    also: set[str],
    stand_in: Callable[[str], str] | None = None,
) -> Config:
    path = document.path
    loading = _Loading(document, plugins, stand_in)
    config = loading.config()
    if resolve_secrets:
        loading.read_secrets(also)
    if config is None or loading.decoder.problems:
        problems = loading.decoder.problems
        count = "one problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise ConfigError(f"the configuration has {count}", code="config-invalid", where=str(path), problems=problems)
    return config


class _Loading:
    """One turn of reading a document; problems gather in ``decoder``."""

    def __init__(self, document: Document, plugins: Plugins, stand_in: Callable[[str], str] | None) -> None:
        self._document = document
        self._plugins = plugins
        self._stand_in = stand_in
        self._root = document.path.absolute().parent
        self._used: set[str] = set()
        schemes = None if plugins.resolves_secrets else SCHEMES
        self.decoder = Decoder(self._secret, schemes=schemes, folder=self._root)

    def config(self) -> Config | None:
        """All sections; ``None`` when anything is wrong."""
        tables = self._document.tables
        for key in tables:
            if key not in _TABLES:
                summary = f"unknown section. {close_matches(key, _TABLES)}"
                self.decoder.problem(key_path("", key), "config-unknown-key", summary, "correct or remove it")
        sources = self._named("source", self._source)
        targets = self._named("target", self._target)
        maps = self._named("map", self._map)
        notify = self._named("notify", self._notify)
        sync = self._sync(self._names("source"), self._names("target"))
        first = sync.sources[0] if sync else next(iter(self._names("source")), "")
        doors = self._named("sso", lambda name, path, table: self._door(name, path, table, first))
        rails = self.decoder.struct(RailSettings, tables.get("rails", {}), "rails")
        journal = self.decoder.struct(JournalSettings, tables.get("journal", {}), "journal")
        watch = self.decoder.struct(WatchSettings, tables.get("watch", {}), "watch")
        serve = self.decoder.struct(ServeSettings, tables.get("serve", {}), "serve")
        if tables.get("map", {}) == {}:
            self.decoder.problem("map", "config-required", "there are no mapping rules", "write a section [map.<kind>]")
        if sync is None:
            return None
        self._used = {f"target.{sync.target}", *(f"map.{kind}" for kind in maps)}
        self._used |= {f"source.{name}" for name in sync.sources}
        if rails is msgspec.UNSET or journal is msgspec.UNSET or watch is msgspec.UNSET or serve is msgspec.UNSET:
            return None
        self._check_hooks(watch, sync)
        wrong_kinds = [problem for door in doors.values() if (problem := kind_problem(door, self._names("map")))]
        self.decoder.problems += [problem.diagnostic() for problem in wrong_kinds]
        return Config(
            path=self._document.path,
            digest=self._document.digest,
            canonical=self._document.canonical,
            sources=sources,
            targets=targets,
            sync=sync,
            maps=maps,
            rails=rails,
            journal=msgspec.structs.replace(journal, path=self._root / journal.path),
            watch=watch,
            notify=notify,
            doors={section.door: section for section in doors.values()},
            serve=serve,
        )

    def _check_hooks(self, watch: WatchSettings, sync: SyncSection) -> None:
        """Note as a problem that ``public_url`` is the address of a source that nobody reads."""
        if not watch.public_url:
            return
        try:
            hook_addresses(watch.public_url, sync.sources, where="watch.public_url")
        except ConfigError as error:
            self.decoder.problems.append(error.diagnostic())

    def read_secrets(self, also: set[str]) -> None:
        """Read the secrets of the sections in use, and of ``also``; each that cannot be read becomes a problem."""
        used_now = self._used | also
        for path, secret in self.decoder.secrets:
            if not any(path.startswith(f"{used}.") for used in used_now):
                continue
            try:
                secret.reveal()
            except ConfigError as error:
                self.decoder.problems.append(error.diagnostic())

    def _secret(self, reference: SecretReference, path: str) -> Secret:
        if (stand_in := self._stand_in) is not None:
            return Secret(lambda: stand_in(path), reference)
        root, plugins = self._root, self._plugins
        return Secret(lambda: read_secret(reference, where=path, root=root, plugins=plugins), reference)

    def _names(self, kind: str) -> list[str]:
        """The sections of a kind that are written, the broken ones included."""
        tables = self._document.tables.get(kind)
        entries = cast("dict[str, object]", tables) if isinstance(tables, dict) else {}
        return [name for name, table in entries.items() if isinstance(table, dict)]

    def _named(self, kind: str, decode: Callable[[str, str, dict[str, object]], P | None]) -> dict[str, P]:
        """All sections ``[<kind>.<name>]`` that can be decoded."""
        tables = self._document.tables.get(kind, {})
        if not isinstance(tables, dict):
            summary = f"expected sections [{kind}.<name>], got {type_words(tables)}"
            self.decoder.problem(kind, "config-type", summary, f"write [{kind}.<name>]")
            return {}
        sections: dict[str, P] = {}
        entries = cast("dict[str, object]", tables)
        if loose := [key for key, table in entries.items() if not isinstance(table, dict)]:
            summary = f"keys stand outside a section [{kind}.<name>]: {', '.join(loose)}"
            self.decoder.problem(kind, "config-type", summary, f"give the section a name: [{kind}.<name>]")
        for name, table in entries.items():
            path = key_path(kind, name)
            if name in loose:
                continue
            if path != f"{kind}.{name}":
                summary = "a section's name may hold letters, digits, - and _ only"
                self.decoder.problem(path, "config-value", summary, "rename the section")
            elif (section := decode(name, path, cast("dict[str, object]", table))) is not None:
                sections[name] = section
        return sections

    def _source(self, name: str, path: str, table: dict[str, object]) -> SourceSection | None:
        found = self._provided("source", self._plugins.sources, path, table)
        groups = self.decoder.value(dict[str, str], table.get("groups", {}), f"{path}.groups")
        apps = self.decoder.value(dict[str, str], table.get("apps", {}), f"{path}.apps")
        settings = found and self._settings(found.value.settings, path, table, ("use", "groups", "apps"))
        if not found or not settings or groups is msgspec.UNSET or apps is msgspec.UNSET:
            return None
        return SourceSection(
            name=name,
            path=path,
            provided=found,
            settings=settings,
            groups=cast("dict[str, str]", groups),
            apps=cast("dict[str, str]", apps),
        )

    def _target(self, name: str, path: str, table: dict[str, object]) -> TargetSection | None:
        found = self._provided("target", self._plugins.targets, path, table)
        settings = found and self._settings(found.value.settings, path, table, ("use",))
        if not found or not settings:
            return None
        return TargetSection(name=name, path=path, provided=found, settings=settings)

    def _map(self, kind: str, path: str, table: dict[str, object]) -> MapSection | None:
        found = self._provided("mapper", self._plugins.mappers, path, {"use": DEFAULT_MAPPER, **table})
        settings = found and self._settings(found.value.settings, path, table, ("use",))
        if not found or not settings:
            return None
        return MapSection(kind=kind, path=path, provided=found, settings=settings)

    def _notify(self, name: str, path: str, table: dict[str, object]) -> NotifySection | None:
        found = self._provided("notifier", self._plugins.notifiers, path, table)
        settings = found and self._settings(found.value.settings, path, table, ("use",))
        if not found or not settings:
            return None
        return NotifySection(name=name, path=path, provided=found, settings=settings)

    def _door(self, name: str, path: str, table: dict[str, object], first: str) -> DoorSection | None:
        if name not in DOORS:
            summary = f"there is no such door. {close_matches(name, DOORS)}"
            self.decoder.problem(path, "config-unknown-key", summary, "write [sso.agents] or [sso.portal]")
            return None
        sources = cast("dict[str, object]", self._document.tables.get("source", {}))
        whole, source = door_table(table, sources, first, self._plugins.sso_flows)
        own = DoorSettings.__struct_encode_fields__
        if (gone := entry_problem(table, path)) is not None:
            self.decoder.problems.append(gone.diagnostic())
            whole.pop("entry")
        found = self._provided("sso flow", self._plugins.sso_flows, path, whole)
        rules = self.decoder.struct(DoorSettings, {key: whole[key] for key in own if key in whole}, path)
        settings = found and self._settings(found.value.settings, path, whole, ("use", *own))
        if source not in sources:
            summary = f"there is no section [source.{source}]. {close_matches(source, sources)}"
            self.decoder.problem(f"{path}.source", "sync-unknown", summary, "correct the name")
        if not found or not settings or isinstance(rules, msgspec.UnsetType):
            return None
        return DoorSection(door=name, path=path, provided=found, settings=settings, source=source, rules=rules)

    def _provided(
        self, kind: SpecKind, offered: Mapping[str, Provided[P]], path: str, table: dict[str, object]
    ) -> Provided[P] | None:
        use, where = table.get("use"), f"{path}.use"
        if isinstance(use, str) and use in offered:
            return offered[use]
        if isinstance(use, str):
            self.decoder.problems.append(msgspec.structs.replace(self._plugins.why_not(kind, use), path=where))
            return None
        known = ", ".join(f'"{name}"' for name in sorted(offered))
        summary = "this key is required" if use is None else f"expected text, got {type_words(use)}"
        self.decoder.problem(
            where, "config-required", f"{summary}: it names the {kind} plugin", f"write use = … with one of {known}"
        )
        return None

    def _settings(self, wanted: type[S], path: str, table: dict[str, object], core_keys: tuple[str, ...]) -> S | None:
        own = {key: value for key, value in table.items() if key not in core_keys}
        try:
            settings = self.decoder.struct(wanted, own, path, also_known=core_keys)
        except (NameError, TypeError) as error:
            name = f"{wanted.__module__}.{wanted.__qualname__}"
            summary = f"{name} cannot be used as settings ({type(error).__name__}: {error})"
            self.decoder.problem(path, "plugin-broken", summary, "report it to the authors of the plugin")
            return None
        return None if isinstance(settings, msgspec.UnsetType) else settings

    def _sync(self, sources: list[str], targets: list[str]) -> SyncSection | None:
        """``[sync]`` with its defaults filled in and its names checked."""
        table = self._document.tables.get("sync", {})
        sync = self.decoder.struct(SyncSection, table, "sync")
        names = _names_only(table) if isinstance(sync, msgspec.UnsetType) else sync
        if names is None:
            return None
        chosen = [self._choose("source", "sync.from", name, sources) for name in names.sources or ("",)]
        target = self._choose("target", "sync.to", names.target, targets)
        self._several(names, chosen)
        if isinstance(sync, msgspec.UnsetType) or target is None or None in chosen:
            return None
        return msgspec.structs.replace(sync, sources=tuple(filter(None, chosen)), target=target)

    def _several(self, sync: SyncSection, chosen: Sequence[str | None]) -> None:
        """What several sources need besides."""
        twice = sorted({name for name in chosen if name and chosen.count(name) > 1})
        if twice:
            self.decoder.problem("sync.from", "config-value", f'"{twice[0]}" is named twice', "name each source once")
        for attribute, sources in sync.prefer.items():
            path = key_path("sync.prefer", attribute)
            if attribute not in PERSON_ATTRIBUTES and not attribute.startswith("extra."):
                summary = f"people have no attribute {attribute}. {close_matches(attribute, PERSON_ATTRIBUTES)}"
                self.decoder.problem(path, "attribute-unknown", summary, "correct the name")
            for name in sources:
                if name not in chosen:
                    summary = f'"{name}" is no source of `from`. {close_matches(name, filter(None, chosen))}'
                    self.decoder.problem(path, "sync-unknown", summary, "correct the name")
        for attribute in sync.same or ():
            if attribute not in PERSON_ATTRIBUTES and not attribute.startswith("extra."):
                summary = f"people have no attribute {attribute}. {close_matches(attribute, PERSON_ATTRIBUTES)}"
                self.decoder.problem("sync.same", "attribute-unknown", summary, "correct the name")
        if len(chosen) > 1 and sync.same is None:
            summary = "several sources are read, and nothing says how one person in two of them is recognised"
            fix = 'write same = ["employee_number", "email"] or whatever surely tells people apart; [] for nobody'
            self.decoder.problem("sync.same", "config-required", summary, fix)

    def _choose(self, kind: str, where: str, name: str, known: list[str]) -> str | None:
        """The section that is named, or the only one there is."""
        if name in known:
            return name
        if not known:
            if self._document.tables.get(kind, {}) == {}:  # what is there but wrong has been reported
                self.decoder.problem(kind, "config-required", f"there is no {kind}", f"write a section [{kind}.<name>]")
        elif name:
            summary = f"there is no section [{kind}.{name}]. {close_matches(name, known)}"
            self.decoder.problem(where, "sync-unknown", summary, "correct the name")
        elif len(known) == 1:
            return known[0]
        else:
            names = ", ".join(f'"{name}"' for name in known)
            summary = f"there are several {kind}s, and none is chosen"
            self.decoder.problem(where, "config-required", summary, f"name one of {names} here")
        return None


def _names_only(table: object) -> SyncSection | None:
    """The names in a ``[sync]`` that is wrong elsewhere, so that they are checked in the same turn."""
    if not isinstance(table, dict):
        return None
    entries = cast("dict[str, object]", table)
    try:
        return msgspec.convert({key: entries[key] for key in ("from", "to") if key in entries}, SyncSection)
    except msgspec.ValidationError:
        return None
