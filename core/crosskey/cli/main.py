"""``crosskey``: commands are imported only when they are used, so that help and completion are instant."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from typing import Final

import click

__all__ = ("COMMANDS", "cli", "main")

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "init": ("crosskey.cli.init:init", "Write a commented configuration."),
    "check": ("crosskey.cli.check:check", "Test every credential, scope, role and name; say how to fix what is wrong."),
    "plan": ("crosskey.cli.plan:plan", "Show what would be done, and why. Changes nothing."),
    "apply": ("crosskey.cli.apply:apply", "Show the plan, ask, and carry it out; or apply a saved plan exactly."),
    "sync": ("crosskey.cli.sync:sync", "Plan and apply in one go, as the rails allow."),
    "watch": ("crosskey.cli.watch:watch", "Keep in step for years: rounds of changes often, everything daily."),
    "serve": (
        "crosskey.cli.serve:serve",
        "Let people sign in: the doors that are switched on, and the check behind every click.",
    ),
    "sessions": ("crosskey.cli.sessions:sessions", "List who is signed in at the doors, and end sessions; offline."),
    "status": ("crosskey.cli.status:status", "Say how it is going: watcher, last success, what is held, notices."),
    "held": ("crosskey.cli.held:held", "List what waits for a person, why, and what lets it through."),
    "approve": ("crosskey.cli.approve:approve", "Let exactly what is held now through one rail, once."),
    "stop": ("crosskey.cli.stop:stop", "Stop all writes at once, also those of a run that is at work."),
    "go": ("crosskey.cli.go:go", "Let writes go on after `crosskey stop`."),
    "undo": ("crosskey.cli.undo:undo", "Take a run back, as far as what it wrote is still there."),
    "swap": (
        "crosskey.cli.swap:swap",
        "Prove that another directory changes nothing, then move the links to it.",
    ),
    "explain": ("crosskey.cli.explain:explain", "Say everything about one person: rules, groups, accounts, changes."),
    "replay": ("crosskey.cli.replay:replay", "Say what other rules would have done in a run that is past."),
    "drift": ("crosskey.cli.drift:drift", "List what somebody else changed in the target, and what comes of it."),
    "history": ("crosskey.cli.history:history", "List past runs, or show what one run did."),
    "audit": ("crosskey.cli.audit:audit", "Prove that the journal is what was written, or say from where it is not."),
    "doctor": ("crosskey.cli.doctor:doctor", "Say whether this machine, the journal and its disk are fit; offline."),
    "hooks": ("crosskey.cli.hooks:hooks", "Have the identity provider tell about changes at once."),
    "sso": (
        "crosskey.cli.sso:sso",
        "Set sign-in up at the identity provider and at the desk, try it, and roll it out.",
    ),
    "cassette": (
        "crosskey.cli.cassette:cassette",
        "Record what vendors answer, without secrets and people, for tests.",
    ),
    "test": ("crosskey.cli.test:test", "Say whether configurations come to the plans that are expected of them."),
    "plugin": ("crosskey.cli.plugin:plugin", "Write a plugin of your own."),
    "plugins": ("crosskey.cli.plugins:plugins", "List plugins, or show one plugin's settings."),
}
"""The built-in commands: where each is, and the line that help shows (compared with its own help by a test)."""


class _Commands(click.Group):
    """Built-in commands by name, then those that plugins add."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, built-in ones first, in the order in which a new user needs them."""
        return [*COMMANDS, *sorted(self._added(ctx))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name in COMMANDS:
            module, _, name = COMMANDS[cmd_name][0].partition(":")
            return getattr(importlib.import_module(module), name)
        return self._added(ctx).get(cmd_name) or _hidden(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command, or suggest the closest one."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from crosskey.errors import close_matches  # noqa: PLC0415 - only for the message

            hint = close_matches(args[0], self.list_commands(ctx))
            raise click.UsageError(f"{error.message} {hint}".strip(), ctx) from None

    def invoke(self, ctx: click.Context) -> object:
        """Run the command. That whoever reads its output goes away (``| head``) is no error."""
        try:
            return super().invoke(ctx)
        except (BrokenPipeError, SystemExit) as ended:
            # rich turns the broken pipe into an exit of its own
            if not isinstance(ended, BrokenPipeError) and not isinstance(ended.__context__, BrokenPipeError):
                raise
        from crosskey.cli.failure import leave_standard_output  # noqa: PLC0415 - only when it happens

        leave_standard_output()
        return 0

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing the built-in ones."""
        added = {name: command.get_short_help_str(100) for name, command in self._added(ctx).items()}
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])
        if added:
            with formatter.section("From plugins"):
                formatter.write_dl(sorted(added.items()))

    @staticmethod
    def _added(ctx: click.Context) -> dict[str, click.Command]:
        from crosskey.plugins import listed_commands  # noqa: PLC0415 - built-in commands do without

        root = ctx.find_root()
        known: dict[str, click.Command] | None = root.meta.get("crosskey.commands")
        if known is None:
            known = {name: command for name, command in listed_commands(click.Command).items() if name not in COMMANDS}
            root.meta["crosskey.commands"] = known
        return known


def _hidden(name: str) -> click.Command | None:
    """A command of a plugin that lives where help does not look, such as a zip archive."""
    from crosskey.plugins import load_plugins  # noqa: PLC0415 - rare

    return next((given.value for given in load_plugins().commands() if given.value.name == name), None)


_EPILOG: Final = """\
\b
Start here:
  crosskey demo           a whole company, locally, in a minute
  crosskey init           write crosskey.toml
  crosskey check          is everything right?
  crosskey plan           what would be done, and why
"""


@click.command(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=_EPILOG,
)
@click.version_option(package_name="crosskey", message="%(package)s %(version)s")
def cli() -> None:
    """Keep a service desk in step with an identity provider."""


def main() -> None:
    """Run the command line; errors become one message with a fix and a documented exit code."""
    try:
        code = cli.main(standalone_mode=False, prog_name="crosskey")
        sys.exit(code if isinstance(code, int) else 0)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        sys.exit(_failure().exit_misused(error))
    except (click.Abort, KeyboardInterrupt):
        sys.exit(_failure().exit_interrupted())
    except Exception as error:  # noqa: BLE001 - the last line of defence: a message instead of a traceback
        sys.exit(_failure().exit_with(error))


def _failure():  # noqa: ANN202 - a module
    from crosskey.cli import failure  # noqa: PLC0415 - nothing that `crosskey --help` needs

    return failure
