"""``crosskey undo``."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
from rich.console import Console

from crosskey.cli.options import allow_option, config_option, json_option, show_all_option, watch_options
from crosskey.cli.progress import ProgressBar
from crosskey.cli.render import Renderer, console_for_tables
from crosskey.cli.running import StopFlag, confirmed, exit_code, see_that_somebody_can_answer, supervised
from crosskey.cli.session import Session
from crosskey.engine.rails import Allowed
from crosskey.engine.run import Proposal
from crosskey.engine.undo import UndoOptions, UndoResult
from crosskey.engine.undo import undo as undo_run

__all__ = ("undo",)


@click.command(
    epilog="""\
\b
Examples:
  crosskey history                                   which run was it?
  crosskey undo 20261123T212944-4f2a                 show what would be taken back, ask, do it
  crosskey undo 20261123T2129 --only ada@acme.example
"""
)
@click.argument("run")
@config_option
@json_option
@show_all_option
@click.option(
    "--only",
    multiple=True,
    metavar="WHO",
    help="Only this person or account: an e-mail address, a name, an id of the source, or kind:key. Repeatable.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@allow_option
@watch_options
def undo(
    run: str, config_path: Path, *, as_json: bool, show_all: bool, only: tuple[str, ...], yes: bool, allow: Allowed
) -> int:
    """Take a run back, as far as what it wrote is still there.

    RUN is a run's id, or the beginning of it. Each value that the run wrote and that is unchanged since gets the value
    from before; accounts that it made are switched off. What somebody changed since is left alone and listed. An undo
    is a run like any other, and can be undone.
    """
    if not yes:
        see_that_somebody_can_answer(as_json=as_json)
    session = Session(config_path)
    stop = StopFlag()
    progress = ProgressBar(Console(stderr=True, highlight=False), quiet=as_json)
    with session.writing() as journal:
        record = journal.run(run)
        heading = f"Taking back run {record.id} ({record.kind}, {record.started_at:%Y-%m-%d %H:%M} UTC)"
        renderer = Renderer(console_for_tables(), session.config, show_all=show_all, heading=heading)

        def confirm(proposal: Proposal) -> bool:
            with progress.paused():
                renderer.proposal(proposal)
                return confirmed(f"Take these {proposal.plan.size} changes back?")

        options = UndoOptions(
            kind="undo", allowed=allow, confirm=None if yes else confirm, stop=stop, undone=record.id, only=only
        )
        stop.applying = progress.applying
        with progress:
            work = undo_run(session.config, session.plugins, journal, session.connect, options, progress)
            result: UndoResult = asyncio.run(supervised(work, stop))
        if as_json:
            renderer.result_json(result, saved=None, more={"undone": result.undone.id, "writes": result.writes})
        else:
            renderer.result(result, applies=True, saved=None)
    return exit_code(result)
