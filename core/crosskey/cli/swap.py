"""``crosskey swap``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click
import msgspec
from rich.console import Console

from crosskey.cli.options import allow_option, config_option, json_option, watch_options
from crosskey.cli.progress import ProgressBar
from crosskey.cli.render import console_for_tables
from crosskey.cli.running import StopFlag, confirmed, supervised
from crosskey.cli.session import Session
from crosskey.cli.swapping import show_proof
from crosskey.config import load_config
from crosskey.engine.rails import Allowed
from crosskey.engine.swap import Proof, SwapOptions, SwapResult
from crosskey.engine.swap import swap as swap_sources
from crosskey.errors import ExitCode

__all__ = ("swap",)


@click.command(
    epilog="""\
\b
Examples:
  cp crosskey.toml entra.toml            then change [source.corp] in entra.toml
  crosskey swap entra.toml --proof       compare both directories; move nothing
  crosskey swap entra.toml               the same, then ask, then move the links
  mv entra.toml crosskey.toml            from now on the new one is read
"""
)
@click.argument("new", metavar="NEW", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@config_option
@json_option
@click.option(
    "--match",
    "keys",
    multiple=True,
    metavar="ATTRIBUTE",
    help="How people are recognised on both sides, in order; otherwise [sync] same, or what the rules match by.",
)
@click.option("--proof", "proof_only", is_flag=True, help="Show the comparison and move nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@allow_option
@watch_options
def swap(
    new: Path, config_path: Path, *, as_json: bool, keys: tuple[str, ...], proof_only: bool, yes: bool, allow: Allowed
) -> int:
    """Prove that another directory changes nothing, then move the links to it.

    NEW is a copy of the configuration in which one [source] section names the new directory. People of both are
    matched, groups and rules compared, and the first plan after the swap rehearsed. Then every account follows its
    person.
    """
    if not (proof_only or yes) and (as_json or not sys.stdin.isatty()):
        raise click.UsageError("nobody is there to ask: add --proof to look, or --yes to move without asking")
    session = Session(config_path)
    other = load_config(new, session.plugins)
    console, stop = console_for_tables(), StopFlag()
    progress = ProgressBar(Console(stderr=True, highlight=False), quiet=as_json)
    shown = False

    def confirm(proof: Proof) -> bool:
        nonlocal shown
        if yes:
            return True
        with progress.paused():
            show_proof(console, proof)
            shown = True
            return confirmed(f"Move {proof.relinks} links to {proof.new}?")

    options = SwapOptions(keys=keys, allowed=allow, confirm=None if proof_only else confirm, stop=stop)
    stop.applying = progress.applying
    with session.writing() as journal, progress:
        work = swap_sources(session.config, other, session.plugins, journal, session.connect, options, progress)
        result: SwapResult = asyncio.run(supervised(work, stop))
    if as_json:
        click.echo(msgspec.json.encode(result_json(result)))
    else:
        if not shown:
            show_proof(console, result.proof)
        _show_outcome(console, result, config_path, new)
    return exit_code(result)


def result_json(result: SwapResult) -> dict[str, object]:
    """What ``--json`` prints."""
    applied = result.applied
    return {
        "run": result.run,
        "verdict": result.verdict,
        "nothing_changes": result.proof.nothing_changes,
        "proof": result.proof,
        "moved": None if applied is None else dict(applied.counts),
        "failures": [{"change": change.id, "outcome": outcome} for change, outcome in applied.failures]
        if applied
        else [],
        "error": applied.stopped.diagnostic() if applied is not None and applied.stopped is not None else None,
    }


def exit_code(result: SwapResult) -> int:
    """The documented exit code of a swap."""
    applied = result.applied
    if applied is not None and applied.stopped is not None:
        return int(applied.stopped.exit_code)
    if applied is not None and applied.interrupted:
        return int(ExitCode.INTERRUPTED)
    if applied is not None and (applied.counts["rejected"] or applied.counts["unknown"]):
        return int(ExitCode.REJECTED)
    return int(ExitCode.HELD if result.proof.held or (applied is not None and applied.held) else ExitCode.OK)


def _show_outcome(console: Console, result: SwapResult, old: Path, new: Path) -> None:
    applied = result.applied
    if applied is None:
        state = "Nothing was moved."
        if any(one.scope == "run" for one in result.proof.held):
            state += " What is held must be let through first."
        console.print(state)
        return
    counts = ", ".join(f"{count} {name}" for name, count in sorted(applied.counts.items())) or "nothing to move"
    console.print(f"Run {result.run}: {counts}.")
    for change, outcome in applied.failures:
        console.print(f"  {change.kind} {change.key} {change.label}: {outcome.message}", markup=False)
    if applied.stopped is not None:
        console.print(str(applied.stopped), markup=False)
    for held in applied.held:
        console.print(f"held ({held.rail}): {held.summary}\n  fix: {held.fix}", markup=False)
    if applied.failures or applied.stopped is not None or applied.interrupted or applied.held:
        console.print(f"Run it again: what has moved already stays. crosskey swap {new}")
    else:
        console.print(f"From now on the new directory is to be read:  mv {new} {old}")
