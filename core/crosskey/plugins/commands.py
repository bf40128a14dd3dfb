"""The commands that plugins add. Light: ``crosskey --help`` lists them and must be there at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from crosskey.plugins.hook_checks import hook_problems
from crosskey.plugins.installed import Installed, installed_plugins
from crosskey.plugins.loaded import HOOKS, LoadedPlugin, new_manager

if TYPE_CHECKING:
    import click

__all__ = ("commands_of", "listed_commands", "warn")


def listed_commands(kind: type[click.Command]) -> dict[str, click.Command]:
    """The commands of installed plugins by name, asked through their hook without loading anything else of them.

    ``kind`` is click's class of commands: only the command line imports click.

    A plugin that cannot be imported or breaks a rule of the hooks is passed over: ``crosskey plugins list`` says why.
    """
    return {command.name: command for _, command in commands_of(_light_plugins(), kind) if command.name}


def commands_of(plugins: Iterable[LoadedPlugin], kind: type[click.Command]) -> list[tuple[LoadedPlugin, click.Command]]:
    """Each command with its plugin. Those of a plugin that raises, and names two plugins claim, are left out with a
    warning.
    """
    by_name: dict[str, list[tuple[LoadedPlugin, click.Command]]] = {}
    for plugin in plugins:
        try:
            answers = [item for answer in plugin.ask("crosskey_commands") for item in cast("Iterable[object]", answer)]
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin's own code
            warn("%s: its commands are left out: %s: %s", plugin.origin, type(error).__name__, error)
            continue
        for command in answers:
            if isinstance(command, kind) and command.name:
                by_name.setdefault(command.name, []).append((plugin, command))
            else:
                warn("%s: left out a %s: not a named click command", plugin.origin, type(command).__name__)
    for name, rivals in by_name.items():
        if len(rivals) > 1:
            origins = " and ".join(plugin.origin for plugin, _ in rivals)
            warn('command "%s" is left out: %s both add it', name, origins)
    return [rivals[0] for rivals in by_name.values() if len(rivals) == 1]


def warn(text: str, *facts: object) -> None:
    """Log what one plugin did wrong."""
    import logging  # noqa: PLC0415 - `crosskey --help` has nothing to log

    logging.getLogger("crosskey.plugins").warning(text, *facts)


def _light_plugins() -> Iterator[LoadedPlugin]:
    for entry in _trusted(sorted(installed_plugins())):
        manager = new_manager()
        try:
            manager.register(_imported(entry), entry.name)
            sound = not any(hook_problems(manager.get_plugin(entry.name), manager, HOOKS))
        except (Exception, SystemExit):  # noqa: BLE001, S112 - a plugin's own code; the loader tells what is wrong
            continue
        if sound:
            yield LoadedPlugin(manager, name=entry.name, distribution=entry.distribution, version=entry.version)


def _trusted(entries: Sequence[Installed]) -> Iterator[Installed]:
    """Those that may be imported. Help is shown even where the list of trusted plugins is damaged."""
    outside = [entry for entry in entries if entry.distribution != "crosskey"]
    refused: set[Installed] = set()
    if outside:
        from crosskey.plugins.trust import Trust  # noqa: PLC0415 - nobody else has to be trusted

        try:
            trust = Trust.read()
        except Exception:  # noqa: BLE001 - whichever it is, the command that needs a plugin tells
            trust = Trust(Path(), {})
        refused = {
            entry
            for entry in outside
            if trust.refusal(entry.distribution, entry.version, entry.record(), Path(entry.folder))
        }
    return (entry for entry in entries if entry not in refused)


def _imported(entry: Installed) -> object:
    if entry.distribution == "crosskey":
        return _resolved(entry.target)
    from crosskey.plugins.patience import within  # noqa: PLC0415 - nobody else has to be waited for

    return within(lambda: _resolved(entry.target))


def _resolved(target: str) -> object:
    module, _, path = target.partition(":")
    return reduce(getattr, filter(None, path.split(".")), cast("object", import_module(module.strip())))
