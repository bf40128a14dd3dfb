"""Ask about one person as of a run that is past, or find the run that somebody names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Final

import msgspec

from crosskey.clock import Clock
from crosskey.config import Config, kept_config
from crosskey.engine.explanation import Explanation, by_account, explain, explain_from_journal, nobody_known
from crosskey.engine.merging import Preference
from crosskey.engine.past.moment import Moment
from crosskey.engine.past.shelf import Kept, Shelf
from crosskey.errors import ConfigError, CrosskeyError, StorageError
from crosskey.journal import Journal, PastJournal, RunRecord
from crosskey.model import Subject
from crosskey.plugins import Plugins

__all__ = ("explain_as_of", "named_run", "rules_text")

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


def named_run(journal: Journal, word: str) -> RunRecord:
    """The run that a person names: its id or the beginning of it, ``last``, or a day or time (UTC unless it says).

    A time means the last run that had begun by then, a day the last run of or before that day. Raises
    :class:`ConfigError`.
    """
    if word == "last" and (runs := journal.runs(limit=1)):
        return runs[0]
    at = _moment_named(word)
    return journal.run(word) if at is None else journal.run_at(at)


def _moment_named(word: str) -> datetime | None:
    if not _DAY.match(word):
        return None
    try:
        if _DAY.fullmatch(word):
            return datetime.combine(datetime.fromisoformat(word).date() + timedelta(days=1), time.min, UTC)
        at = datetime.fromisoformat(word)
    except ValueError:
        raise ConfigError(
            f'"{word}" is no time',
            code="time-unknown",
            where="--at",
            fix='write it as 2026-11-23 or "2026-11-23 09:00"',
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def explain_as_of(
    config: Config, plugins: Plugins, journal: Journal, run: RunRecord, who: str, *, clock: Clock, text: str
) -> list[Explanation]:
    """Everyone whom ``who`` names, as it stood when a run had ended. ``text`` is the present configuration's file.

    From what was kept of that run, or of the last one before it of which something is; else from the journal alone.
    """
    shelf = Shelf(config.journal.path, config.journal.snapshots)
    kept = shelf.newest_by(run.id, journal.in_order)
    if kept is None:
        return _alone(config, run, shelf, who, clock, "nothing is kept of what that run or one before it read")
    try:
        return _from_kept(config, plugins, journal, run, kept, who, clock, text)
    except StorageError as error:
        return _alone(config, run, shelf, who, clock, error.message)
    except ConfigError as error:
        if error.code == "who-unknown":
            raise
        reason = f"the rules of that run do not fit what is installed now ({error.message})"
        return _alone(config, run, shelf, who, clock, reason)


def _from_kept(
    config: Config, plugins: Plugins, journal: Journal, run: RunRecord, kept: Kept, who: str, clock: Clock, text: str
) -> list[Explanation]:
    same = run.config_digest == config.digest
    then = config if same else kept_config(journal.configuration(run.config_digest), config.path, plugins)
    with kept.open(preference=Preference.by_names(then.sync.prefer, then.sync.sources)) as stage:
        moment = stage.read_note("moment", Moment)
        marks, state = (moment.marks, list(stage.state.all())) if moment.worth else ({}, [])
        with PastJournal.after_run(config.journal.path, run, clock=clock, marks=marks, state=state) as past:
            explained = explain(then, past, stage, who, text=text if same else "")
    if kept.run == run.id:
        return explained
    told = (
        f"nothing is kept of what run {run.id} read; shown is what run {kept.run} did, the last before it that was kept"
    )
    return [msgspec.structs.replace(one, unknown=told) for one in explained]


def _alone(config: Config, run: RunRecord, shelf: Shelf, who: str, clock: Clock, reason: str) -> list[Explanation]:
    """What the journal tells by itself; whom ``who`` names is looked up in the last read too, who has it now."""
    with PastJournal.after_run(config.journal.path, run, clock=clock, marks={}, state=[]) as past:
        subjects = list(dict.fromkeys((*by_account(past, who), *past.written_to(who), *_now(shelf, who))))
        missing = (
            f"{reason}. So it cannot be told what the source and the target held then, nor what the rules wanted; "
            "below is what was written, when and why"
        )
        found = [one for one in explain_from_journal(past, subjects, missing) if one.accounts]
    if not found:
        raise nobody_known(who)
    return found


def _now(shelf: Shelf, who: str) -> Iterable[Subject]:
    newest = shelf.newest()
    if newest is None:
        return []
    try:
        with newest.open() as stage:
            return stage.people.search(who)
    except CrosskeyError:
        return []


def rules_text(path: Path) -> str:
    """The file of the configuration as it is written, to name its lines; empty where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return ""
