"""What crosskey tells of people must be so: who changed a field, whether an account is on, what is in it and why.

And what it tells of a run that is past is what it told when that run had just ended.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from crosskey.engine.explanation import AccountExplained, Explanation, explain
from crosskey.engine.field_story import OURS, written_of
from crosskey.engine.past import Shelf
from crosskey.engine.past.asking import explain_as_of
from crosskey.engine.stage import Stage
from crosskey.errors import ConfigError, CrosskeyError, StorageError
from crosskey.journal import Journal
from proofs.simulation import rules
from proofs.simulation.world import World

__all__ = ("Told", "ask_about", "ask_again", "told_now")

_OTHERS: Final = ("somebody else", "by hand")
"""Words by which an explanation says that another hand than crosskey's was at work."""
_SINCE: Final = "somebody else since"
"""By these words it tells what a look at the desk had found."""


class Told(msgspec.Struct, frozen=True):
    """What was told of somebody right after a run."""

    run: str
    who: str
    words: dict[str, str]


def told_now(world: World, who: str) -> Told | None:
    """What is told of somebody, if the last run left all that is needed to tell it later as well."""
    shelf = Shelf(world.journal, rules.config(world.variant, world.journal).journal.snapshots)
    try:
        with Journal.open(world.journal, clock=world.clock) as journal:
            [run] = journal.runs(limit=1)
            kept = shelf.find(run.id)
            if kept is None or not kept.whole:
                return None
            with kept.open() as stage:
                told = explain(rules.config(world.variant, world.journal), journal, stage, who)
            return Told(run.id, who, _in_words(told))
    except (CrosskeyError, ValueError):
        return None


def ask_again(world: World, told: Told) -> None:
    """What is told of that run now must be the same, as far as the journal still knows it.

    Of what was taken back only the clock tells when it was known (``moments.py``), and since when somebody's hand is
    seen is noted by a look, after what is kept of the journal's state.
    """
    if world.has_forgotten or (_clock_lied(world) and world.is_ruled_alone):
        return
    config = rules.config(world.variant, world.journal)
    with Journal.open(world.journal, clock=world.clock) as journal:
        run = journal.run(told.run)
        kept = Shelf(world.journal, config.journal.snapshots).find(told.run)
        if kept is None or not kept.whole:
            return
        after = _in_words(explain_as_of(config, rules.plugins(), journal, run, told.who, clock=world.clock, text=""))
    before = told.words
    if before.keys() != after.keys():
        world.oracle.complain("told-otherwise", f"of {told.who} as of {told.run}: {sorted(before)}, {sorted(after)}")
    for what in sorted(before.keys() & after.keys()):
        if before[what] != after[what] and _SINCE not in before[what]:
            world.oracle.complain(
                "told-otherwise", f"{what} of {told.who} as of {told.run}: {before[what]}, and {after[what]} later"
            )


def _in_words(told: Iterable[Explanation]) -> dict[str, str]:
    words: dict[str, str] = {}
    for account in (account for one in told for account in one.accounts):
        link = account.link and (account.link.key, account.link.active, account.link.established_by)
        words[account.kind] = f"{link} active: {account.active}"
        for story in account.fields:
            last = story.last and (story.last.run, story.last.is_open)
            words[f"{account.kind} {story.name}"] = f"{story.value!r} {story.owner} {last}"
    return words


def _clock_lied(world: World) -> bool:
    return any(fault.startswith("process.clock") for fault in world.faults.hits)


def ask_about(world: World, people: Iterable[str], *, calm: bool = False) -> None:
    """Ask about people and compare with the truth. ``calm``: lists and journal have come to agree with it."""
    if not world.journal.exists():
        return
    try:
        with (
            Journal.open(world.journal, clock=world.clock) as journal,
            Stage.kept(world.journal.with_name("snapshot.sqlite")) as stage,
        ):
            for who in people:
                _ask(world, journal, stage, who, calm=calm)
    except StorageError as error:
        if calm:
            world.oracle.complain("told-nothing", error.message)


def _ask(world: World, journal: Journal, stage: Stage, who: str, *, calm: bool) -> None:
    try:
        told = explain(rules.config(world.variant, world.journal), journal, stage, who)
    except ConfigError as error:
        if error.code != "who-unknown" or (calm and who in world.directory.people):
            world.oracle.complain("told-nothing", f"of {who}: {error.message}")
        return
    for one in told:
        for account in one.accounts:
            _look_at_hands(world, account, who)
            _look_at_writes(world, account, who)
            if calm and one.subject.id == who:
                _look_at_state(world, account, who)


def _look_at_hands(world: World, told: AccountExplained, who: str) -> None:
    """Nobody is blamed for what only crosskey did, unless the journal forgot that, or the clock hid a list's lag."""
    if told.link is None or world.has_forgotten:
        return
    for story in told.fields:
        blamed = any(words in story.owner for words in _OTHERS)
        hidden = _SINCE in story.owner and _clock_lied(world)
        if blamed and not hidden and (told.kind, told.link.key, story.name) not in world.desk.by_others:
            world.oracle.complain(
                "told-of-hands",
                f"{story.name} of {told.kind} {told.link.key} ({who}) is {story.value!r}: {story.owner}",
            )


def _look_at_writes(world: World, told: AccountExplained, who: str) -> None:
    """What is told to have been written arrived."""
    arrived = {operation.id: world.desk.written[operation.change.id] for operation in told.operations}
    for story in told.fields:
        for write in written_of(told.operations, story.name):
            if write.state == "done" and not arrived[write.operation]:
                world.oracle.complain("told-of-writes", f"{story.name} of {who} in run {write.run} never arrived")


def _look_at_state(world: World, told: AccountExplained, who: str) -> None:
    """Once lists show everything: what is there, what the rules want, and whose it is."""
    if who in world.oracle.exempt:
        return
    oracle, directory, desk = world.oracle, world.directory, world.desk
    person = directory.people.get(who)
    wanted = told.desired is not None and told.desired.in_scope and person is not None and person.active is True
    if wanted != oracle.is_wanted(directory, told.kind, who):
        oracle.complain("told-of-rules", f"{who} is said to be {'' if wanted else 'not '}wanted as {told.kind}")
    if told.link is None:
        return
    place = f"{told.kind} {told.link.key} of {who}"
    account = desk.accounts.get((told.kind, told.link.key))
    if (told.active is True) != (account is not None and account.active):
        oracle.complain("told-of-state", f"{place} is said to be {told.active}")
    if account is None:
        return
    for story in told.fields:
        there = account.fields.get(story.name) if story.sort == "field" else account.references.get(story.name, ())
        if (story.value or None) != (there or None):
            oracle.complain("told-of-content", f"{story.name} of {place} is {there!r}, and said to be {story.value!r}")
        if story.owner == OURS and story.last is None and story.sort == "field":
            oracle.complain("told-of-owner", f"{story.name} of {place} is called crosskey's, and was never written")
