"""``crosskey check``."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final

import click
import msgspec

from crosskey.cli.findings import show_findings
from crosskey.cli.options import config_option, json_option, watch_options
from crosskey.cli.render import console_for_tables
from crosskey.cli.session import Session
from crosskey.config import SourceSection, TargetSection
from crosskey.connector.source import Source
from crosskey.connector.target import HasCatalogue, Target
from crosskey.engine.blame import blaming
from crosskey.engine.rules import compile_mappings
from crosskey.errors import ConfigError, CrosskeyError, Diagnostic, ExitCode
from crosskey.model import Catalogue
from crosskey.sso.break_glass import look_at
from crosskey.sso.rollout import read_state

__all__ = ("check",)

Findings = dict[str, list[Diagnostic]]

_NOT_SEEN: Final = frozenset({"local-missing", "break-glass-old"})
"""What a look at the account does not tell."""


@click.command(
    epilog="""\
\b
Examples:
  crosskey check
  crosskey check --json | jq '.findings[][] | select(.severity == "error")'
"""
)
@config_option
@json_option
@watch_options
def check(config_path: Path, *, as_json: bool) -> int:
    """Test every credential, scope, role and name; say how to fix what is wrong.

    Reads a little from the source and the target and writes nothing.
    """
    session = Session(config_path)
    findings: Findings = {"configuration": [_fine("config", f"{config_path} is valid")]}
    asyncio.run(_check_all(session, findings))
    broken = [finding for section in findings.values() for finding in section if finding.severity == "error"]
    if as_json:
        click.echo(msgspec.json.encode({"ok": not broken, "findings": findings}))
    else:
        console = console_for_tables()
        show_findings(console, findings)
        console.print("Everything a run needs is there." if not broken else f"[red]{len(broken)} to fix.[/]")
    return int(_exit_code(broken))


async def _check_all(session: Session, findings: Findings) -> None:
    config = session.config
    target = config.target
    for source in config.feeds:
        findings[source.path] = await _check(source, session.connect.source(source))
    findings[target.path] = await _check(target, session.connect.target(target))
    if all(finding.severity != "error" for finding in findings[target.path]):
        findings["map"] = await _check_rules(session)
        await _check_doors(session, findings)


async def _check(
    section: SourceSection | TargetSection,
    opening: AbstractAsyncContextManager[Source] | AbstractAsyncContextManager[Target],
) -> list[Diagnostic]:
    try:
        async with opening as connector:
            with blaming(section):
                return list(await connector.check())
    except ConfigError as error:
        return [error.diagnostic(), *error.problems]
    except CrosskeyError as error:
        return [error.diagnostic()]


async def _check_rules(session: Session) -> list[Diagnostic]:
    config = session.config
    try:
        async with session.connect.target(config.target) as target:
            with blaming(config.target):
                schema = await target.schema()
                catalogue = await target.catalogue() if isinstance(target, HasCatalogue) else Catalogue()
        compile_mappings(config, schema, catalogue)
    except ConfigError as error:
        return [*error.problems] or [error.diagnostic()]
    except CrosskeyError as error:
        return [error.diagnostic()]
    kinds = ", ".join(config.maps)
    groups = "groups are looked up by `crosskey plan`, which reads them all"
    return [
        _fine("map", f"every field, site, role and team that the rules name exists ({kinds})"),
        Diagnostic(severity="info", code="map", summary=groups),
    ]


async def _check_doors(session: Session, findings: Findings) -> None:
    """Whether the account of each proven local login is still one to get in with, by a fresh look at the desk."""
    if not session.config.doors or not session.config.journal.path.exists():
        return
    with session.reading() as journal:
        for section in session.config.doors.values():
            state = read_state(session.config, section, journal, session.clock.now())
            if (proven := state.break_glass) is None:
                continue
            aged = [each for each in state.warnings if each.code in _NOT_SEEN]
            fresh = await look_at(session.config, session.connect, section, journal, proven)
            warnings = [*aged, *(msgspec.structs.replace(each, severity="warning") for each in fresh)]
            fine = f"the local login of {proven.kind} {proven.key} stands: it is on, protected and nobody's"
            findings[section.path] = warnings or [_fine("break-glass", fine)]


def _fine(code: str, summary: str) -> Diagnostic:
    return Diagnostic(severity="ok", code=code, summary=summary)


def _exit_code(broken: Sequence[Diagnostic]) -> ExitCode:
    if not broken:
        return ExitCode.OK
    # A credential comes first: with a bad one, whatever else was found may only follow from it.
    classes = [finding.exit_code or ExitCode.CONFIG for finding in broken]
    return ExitCode.AUTH if ExitCode.AUTH in classes else classes[0]
