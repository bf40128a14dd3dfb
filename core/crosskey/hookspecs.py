"""The nine hooks: what a plugin package may declare, and when each is called.

A hook only *declares*; the objects it returns do the work. All hooks are plain functions (``async def`` is refused
at load), none is historic, none takes more than two parameters. Implement one with::

    from crosskey import hookimpl

    @hookimpl
    def crosskey_sources():
        return [SourceSpec(name="acme", …)]

and name the module in ``[project.entry-points.crosskey]``. An implementation may take fewer parameters than the spec.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:  # a plugin that only adds commands needs none of these, nor does `crosskey --help`
    import click

    from crosskey.connector.mapper import MapperSpec
    from crosskey.connector.notifier import NotifierSpec
    from crosskey.connector.source import SourceSpec
    from crosskey.connector.sso import SsoFlowSpec
    from crosskey.connector.target import TargetSpec
    from crosskey.errors import Diagnostic
    from crosskey.events import Event, RunFacts
    from crosskey.plan import Plan
    from crosskey.settings import Secret, SecretReference

__all__ = ("hookimpl", "hookspec")

hookspec = pluggy.HookspecMarker("crosskey")
hookimpl = pluggy.HookimplMarker("crosskey")

# ----------------------------------------------------------------------------------------------------------------------
# Declaring: called once, when plugins are loaded
# ----------------------------------------------------------------------------------------------------------------------


@hookspec
def crosskey_sources() -> Sequence[SourceSpec]:
    """Declare identity sources.

    Called once, when plugins are loaded; must be cheap and must not touch network, files or environment.

    :returns: specs; a name that another plugin already took is refused, naming both.

    If it raises, that plugin is marked broken and the others go on; fatal only if the configuration uses it.
    """
    raise NotImplementedError


@hookspec
def crosskey_targets() -> Sequence[TargetSpec]:
    """Declare targets.

    Called once, when plugins are loaded; must be cheap and must not touch network, files or environment.

    :returns: specs; a name that another plugin already took is refused, naming both.

    If it raises, that plugin is marked broken and the others go on; fatal only if the configuration uses it.
    """
    raise NotImplementedError


@hookspec
def crosskey_mappers() -> Sequence[MapperSpec]:
    """Declare mappers.

    Called once, when plugins are loaded; must be cheap and must not touch network, files or environment.

    :returns: specs; a name that another plugin already took is refused, naming both.

    If it raises, that plugin is marked broken and the others go on; fatal only if the configuration uses it.
    """
    raise NotImplementedError


@hookspec
def crosskey_sso_flows() -> Sequence[SsoFlowSpec]:
    """Declare sign-in flows.

    Called once, when plugins are loaded; must be cheap and must not touch network, files or environment.

    :returns: specs; a name that another plugin already took is refused, naming both.

    If it raises, that plugin is marked broken and the others go on; fatal only if the configuration uses it.
    """
    raise NotImplementedError


@hookspec
def crosskey_notifiers() -> Sequence[NotifierSpec]:
    """Declare ways to tell a person what needs one.

    Called once, when plugins are loaded; must be cheap and must not touch network, files or environment.

    :returns: specs; a name that another plugin already took is refused, naming both.

    If it raises, that plugin is marked broken and the others go on; fatal only if the configuration uses it.
    """
    raise NotImplementedError


@hookspec
def crosskey_commands() -> Sequence[click.Command]:
    """Add commands to the command line.

    Called when the command line is built. Each command appears under its own name; one that clashes with a command
    of crosskey or of another plugin is left out with a warning. Import heavy modules inside the command, not around it:
    ``crosskey --help`` calls this hook.

    :returns: click commands or groups.

    If it raises, the commands are left out with a warning.
    """
    raise NotImplementedError


# ----------------------------------------------------------------------------------------------------------------------
# Reading the configuration
# ----------------------------------------------------------------------------------------------------------------------


@hookspec(firstresult=True)
def crosskey_resolve_secret(ref: SecretReference) -> Secret | None:
    """Resolve a secret reference of a scheme of your own.

    Called for each reference in a section that is used, after the built-in schemes (env, file, keyring, command), until
    one plugin answers. *Not mine*: return ``None``. *Mine but wrong*: raise.

    :param ref: scheme and argument, as written in the configuration.
    :returns: the secret, or ``None`` when the scheme is not yours.

    If it raises, the configuration is refused, naming the reference and the plugin.
    """
    raise NotImplementedError


# ----------------------------------------------------------------------------------------------------------------------
# Running
# ----------------------------------------------------------------------------------------------------------------------


@hookspec
def crosskey_review_plan(plan: Plan, run: RunFacts) -> Iterable[Diagnostic]:
    """Look at a plan before it may be applied, and object.

    Called once for each plan, after the rails. Iterate ``plan.changes()``; do not keep it.

    :param plan: header, counts and changes; read-only.
    :param run: which run it is and whether it will be applied.
    :returns: findings; one of severity ``error`` blocks the apply.

    If it raises, that counts as an error: it fails closed. Never called per record.
    """
    raise NotImplementedError


@hookspec
def crosskey_on_event(event: Event) -> None:
    """Hear what a run does.

    Called for each event, after it is in the journal: per phase and per batch, never per record.

    :param event: kind, time, run and a few facts; no secrets, no personal data.

    If it raises, that is logged; it never stops a run.
    """
    raise NotImplementedError
