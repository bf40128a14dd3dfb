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
from crosskey.engine.saved import load_plan, save_plan
from crosskey.engine.undo import UndoOptions, UndoResult
from crosskey.engine.undo import undo as undo_run

__all__ = ("undo",)

_FILE = click.Path(path_type=Path, dir_okay=False)
_SAVED = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command(
    epilog="""\
\b
Examples:
  crosskey history                                   which run was it?
  crosskey undo 20261123T212944-4f2a                 show what would be taken back, ask, do it
  crosskey undo 20261123T2129 --only ada@acme.example
  crosskey undo 20261123T2129 --save back.plan       write nothing yet; then: --plan back.plan
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
@click.option(
    "--save", type=_FILE, metavar="FILE", help="Write nothing; keep what would be taken back, to do exactly it."
)
@click.option(
    "--plan", "saved", type=_SAVED, metavar="FILE", help="Do exactly what was saved, with the same words, or nothing."
)
@allow_option
@watch_options
def undo(
    run: str,
    config_path: Path,
    *,
    as_json: bool,
    show_all: bool,
    only: tuple[str, ...],
    yes: bool,
    save: Path | None,
    saved: Path | None,
    allow: Allowed,
) -> int:
    """Take a run back, as far as what it wrote is still there.

    RUN is a run's id, or the beginning of it. Each value that the run wrote and that is unchanged since gets the value
    from before; accounts that it made are switched off. What somebody changed since is left alone and listed. An undo
    is a run like any other, and can be undone.
    """
    if save is not None and (yes or saved is not None):
        raise click.UsageError("--save writes nothing to the target: leave --yes and --plan out")
    expected = load_plan(saved) if saved is not None else None
    if not (yes or save or saved):
        see_that_somebody_can_answer(as_json=as_json)
    session = Session(config_path)
    stop = StopFlag()
    progress = ProgressBar(Console(stderr=True, highlight=False), quiet=as_json)
    with session.writing() as journal:
        record = journal.run(run)
        heading = f"Taking back run {record.id} ({record.kind}, {record.started_at:%Y-%m-%d %H:%M} UTC)"
        renderer = Renderer(console_for_tables(), session.config, show_all=show_all, heading=heading)

        def confirm(proposal: Proposal) -> bool:
            if save is not None:
                return False
            with progress.paused():
                renderer.proposal(proposal)
                return confirmed(f"Take these {proposal.plan.size} changes back?")

        options = UndoOptions(
            kind="undo",
            allowed=allow,
            confirm=None if yes or saved else confirm,
            stop=stop,
            expected=expected,
            undone=record.id,
            only=only,
        )
        stop.applying = progress.applying
        with progress:
            work = undo_run(session.config, session.plugins, journal, session.connect, options, progress)
            result: UndoResult = asyncio.run(supervised(work, stop))
        if save is not None:
            save_plan(result.plan, save)
        if as_json:
            renderer.result_json(result, saved=save, more={"undone": result.undone.id, "writes": result.writes})
        else:
            again = " ".join(("crosskey undo", record.id, *(f"--only {who}" for who in only), "--plan"))
            renderer.result(result, applies=save is None, saved=save, by=again)
    return exit_code(result)
