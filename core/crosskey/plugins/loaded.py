"""One plugin that passed its checks, asked on its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar, cast

import pluggy

from crosskey import hookspecs

if TYPE_CHECKING:
    from crosskey.plugins.records import Provided

__all__ = ("HOOKS", "LoadedPlugin", "new_manager")

T = TypeVar("T")

HOOKS: Final = frozenset(name for name in vars(hookspecs) if name.startswith("crosskey_"))


def new_manager() -> pluggy.PluginManager:
    """A manager that knows the hooks and no plugin."""
    manager = pluggy.PluginManager("crosskey")
    manager.add_hookspecs(hookspecs)
    return manager


class LoadedPlugin:
    """A plugin with a manager of its own, so that whatever it answers or raises is surely its own.

    pluggy still does what it does best: it checks signatures and passes each function only what it asks for.
    """

    __slots__ = ("_manager", "distribution", "name", "version")

    def __init__(self, manager: pluggy.PluginManager, *, name: str, distribution: str, version: str) -> None:
        self._manager = manager
        self.name = name
        self.distribution = distribution
        self.version = version

    @property
    def origin(self) -> str:
        """Which plugin this is, for messages."""
        return f"plugin {self.name} ({self.distribution} {self.version})"

    def implements(self, hook: str) -> bool:
        """Whether the plugin has this hook."""
        return bool(self._caller(hook).get_hookimpls())

    def ask(self, hook: str, **arguments: object) -> list[object]:
        """Call the hook; its answers, ``None`` left out. Raises whatever the plugin raises."""
        answer = cast("object", self._caller(hook)(**arguments))
        if isinstance(answer, list) and not self._first_result(hook):
            return cast("list[object]", answer)
        return [] if answer is None else [answer]

    def provided(self, value: T) -> Provided[T]:
        """The value with this plugin as its origin."""
        from crosskey.plugins.records import Provided  # noqa: PLC0415 - help lists commands without msgspec

        return Provided(value=value, plugin=self.name, distribution=self.distribution, version=self.version)

    def _caller(self, hook: str) -> pluggy.HookCaller:
        return cast("pluggy.HookCaller", getattr(self._manager.hook, hook))

    def _first_result(self, hook: str) -> bool:
        spec = self._caller(hook).spec
        return bool(spec and spec.opts.get("firstresult"))
