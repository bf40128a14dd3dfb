"""What the rest of crosskey sees of plugins: typed results, each with its origin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, cast

from crosskey.connector.mapper import MapperSpec
from crosskey.connector.notifier import NotifierSpec
from crosskey.connector.source import SourceSpec
from crosskey.connector.sso import SsoFlowSpec
from crosskey.connector.target import TargetSpec
from crosskey.errors import ConfigError, CrosskeyError, Diagnostic, close_matches
from crosskey.events import Event, RunFacts
from crosskey.plan import Plan
from crosskey.plugins.commands import commands_of, warn
from crosskey.plugins.loaded import LoadedPlugin
from crosskey.plugins.records import PluginRecord, Provided
from crosskey.settings import Secret, SecretReference

if TYPE_CHECKING:
    import click


__all__ = ("Plugins",)

SpecKind = Literal["source", "target", "mapper", "sso flow", "notifier"]


class Plugins:
    """All plugins that were found. Plugins are called one at a time, in the order of their names.

    ``sources``, ``targets``, ``mappers``, ``sso_flows`` and ``notifiers`` map the name of ``use = "…"`` to the spec and
    its origin; ``found`` tells every entry point, the broken and refused ones included.
    """

    def __init__(
        self,
        loaded: Sequence[LoadedPlugin] = (),
        *,
        found: tuple[PluginRecord, ...] = (),
        sources: Mapping[str, Provided[SourceSpec]] | None = None,
        targets: Mapping[str, Provided[TargetSpec]] | None = None,
        mappers: Mapping[str, Provided[MapperSpec]] | None = None,
        sso_flows: Mapping[str, Provided[SsoFlowSpec]] | None = None,
        notifiers: Mapping[str, Provided[NotifierSpec]] | None = None,
        contested: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        self.found = found
        self.sources = sources or {}
        self.targets = targets or {}
        self.mappers = mappers or {}
        self.sso_flows = sso_flows or {}
        self.notifiers = notifiers or {}
        self._loaded = tuple(loaded)
        self._contested = contested or {}

    def why_not(self, kind: SpecKind, name: str) -> Diagnostic:
        """Why ``use = "<name>"`` cannot be had: two plugins claim it, its plugin is broken, or nobody offers it."""
        rivals = self._contested.get(f"{kind} {name}", ())
        if rivals:
            return Diagnostic(
                severity="error",
                code="plugin-name-taken",
                summary=f'{len(rivals)} plugins offer a {kind} named "{name}": {" and ".join(rivals)}.',
                fix="uninstall all but one of them",
            )
        for record in self.found:
            if record.state == "refused" and record.name == name:
                return Diagnostic(
                    severity="error",
                    code="plugin-refused",
                    summary=f"{record.origin} was not loaded: {record.reason}.",
                    fix=f"see `crosskey plugins list`; if you know its code: `crosskey plugins trust {name}`",
                )
            if record.state == "broken" and record.name == name:
                return Diagnostic(
                    severity="error",
                    code="plugin-broken",
                    summary=f"{record.origin} is broken: {record.reason}.",
                    fix=f"see `crosskey plugins show {name}`, then repair or reinstall {record.distribution}",
                )
        offered: Mapping[SpecKind, Iterable[str]] = {
            "source": self.sources,
            "target": self.targets,
            "mapper": self.mappers,
            "sso flow": self.sso_flows,
            "notifier": self.notifiers,
        }
        hint = close_matches(name, offered[kind])
        return Diagnostic(
            severity="error",
            code=f"{kind.replace(' ', '-')}-unknown",
            summary=f'no plugin offers a {kind} named "{name}". {hint}'.rstrip(),
            fix="correct the name, or install the plugin that offers it (`crosskey plugins list` shows what is there)",
        )

    def commands(self) -> list[Provided[click.Command]]:
        """The commands of all plugins. Those of a plugin that raises, and names two plugins claim, are left out with
        a warning.
        """
        import click  # noqa: PLC0415 - only the command line needs it

        return [plugin.provided(command) for plugin, command in commands_of(self._loaded, click.Command)]

    @property
    def resolves_secrets(self) -> bool:
        """Whether any plugin may know further secret schemes."""
        return any(plugin.implements("crosskey_resolve_secret") for plugin in self._loaded)

    def resolve_secret(self, ref: SecretReference) -> Secret | None:
        """The first plugin's answer, ``None`` when the scheme is nobody's.

        Raises :class:`ConfigError` naming the plugin when it raises. Only a :class:`CrosskeyError` may speak for
        itself there: the text of any other exception could hold what must not be shown.
        """
        for plugin in self._loaded:
            try:
                answers = plugin.ask("crosskey_resolve_secret", ref=ref)
            except CrosskeyError as error:
                raise ConfigError(f"{plugin.origin}: {error.message}", code=error.code, fix=error.fix) from error
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin's own code
                raise ConfigError(
                    f"{plugin.origin} failed with {type(error).__name__}",
                    code="secret-plugin",
                    fix=f"report it to the authors of {plugin.distribution}",
                ) from None
            for answer in answers:
                if isinstance(answer, Secret):
                    return answer
                raise ConfigError(
                    f"{plugin.origin} answered with a {type(answer).__name__} where a Secret belongs",
                    code="secret-plugin",
                    fix=f"report it to the authors of {plugin.distribution}",
                )
        return None

    def review_plan(self, plan: Plan, run: RunFacts) -> tuple[Diagnostic, ...]:
        """What plugins find in a plan. A plugin that raises or answers nonsense counts as an error: fails closed."""
        findings: list[Diagnostic] = []
        for plugin in self._loaded:
            try:
                answers = plugin.ask("crosskey_review_plan", plan=plan, run=run)
                items = [item for answer in answers for item in cast("Iterable[object]", answer)]
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin's own code
                findings.append(_review_failed(plugin, f"raised {type(error).__name__}: {error}"))
                continue
            for item in items:
                if isinstance(item, Diagnostic):
                    findings.append(item)
                else:
                    findings.append(_review_failed(plugin, f"answered with a {type(item).__name__}, not a Diagnostic"))
        return tuple(findings)

    def emit(self, event: Event) -> None:
        """Tell every plugin. One that raises is logged and never stops the run."""
        for plugin in self._loaded:
            try:
                plugin.ask("crosskey_on_event", event=event)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin's own code
                warn("%s failed on %s: %s: %s", plugin.origin, event.kind, type(error).__name__, error)


def _review_failed(plugin: LoadedPlugin, what: str) -> Diagnostic:
    return Diagnostic(
        severity="error",
        code="review-failed",
        summary=f"{plugin.origin} could not review the plan: it {what}.",
        fix=f"repair {plugin.distribution}, or uninstall it to go on without its review",
    )
