"""What waits, put together by what holds it, and what of it a person's word lets through."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Final

import msgspec

from crosskey.engine.rails import APPROVABLE, RAILS, Approvals
from crosskey.engine.who import several, shown_as
from crosskey.errors import ConfigError, close_matches
from crosskey.journal import Approved, Waiting
from crosskey.model import Subject
from crosskey.plan import Action, HeldScope

__all__ = ("Choice", "Hold", "choose", "holds", "who_waits")

_FIXES: Final = 3
"""So many different ways out are told with a hold of several people."""


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """One reason why something waits: ``count`` changes or people, the first of them ``since`` the run ``run``.

    ``approved`` of them go with the next run. ``approve`` is the command that lets all of it through, empty where no
    word of a person is enough.
    """

    rail: str
    scope: HeldScope
    kind: str
    action: Action | None
    count: int
    approved: int
    since: datetime
    run: str
    summary: str
    examples: tuple[str, ...]
    fix: str
    approve: str


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What exactly is let through: changes and people, or numbers and names as ``--allow`` takes them."""

    items: tuple[Approved, ...] = ()
    words: tuple[str, ...] = ()


def holds(waiting: Sequence[Waiting], approvals: Approvals) -> list[Hold]:
    """Everything that waits, by what holds it: whole runs first, then classes of changes, then people."""
    classes: dict[tuple[str, ...], list[Waiting]] = {}
    members: dict[tuple[str, ...], list[Waiting]] = {}
    for number, each in enumerate(waiting):
        if each.held.subject is not None:
            members.setdefault(_key(each), []).append(each)
        elif each.held.scope == "class" and not each.held.word:
            classes.setdefault(_key(each), []).append(each)
        else:
            classes[*_key(each), str(number)] = [each]
    found = [_hold(_together(each), members.get(key, []), approvals) for key, each in classes.items()]
    found += [_hold(each[0], each, approvals) for each in members.values() if each[0].held.scope == "person"]
    order: Mapping[HeldScope, int] = {"run": 0, "class": 1, "person": 2}
    return sorted(found, key=lambda hold: (order[hold.scope], hold.rail, hold.kind, hold.action or ""))


def choose(
    waiting: Sequence[Waiting],
    rail: str,
    *,
    kind: str = "",
    only: Sequence[str] = (),
    limit: int | None = None,
    known: Callable[[str], AbstractSet[Subject]] = lambda _who: frozenset(),
) -> Choice:
    """What of a rail's holds somebody means. ``known`` tells who is known by a name that the journal does not know.

    Raises :class:`ConfigError` where nothing fits, or where no word of a person is enough.
    """
    held = [each for each in waiting if each.held.rail == rail and kind in ("", each.held.kind)]
    if not held:
        of_kind = f" for {kind} accounts" if kind else ""
        there = sorted({each.held.rail for each in waiting})
        hint = "" if rail in there else close_matches(rail, there or RAILS)
        raise ConfigError(
            f'nothing is held by "{rail}"{of_kind}. {hint}'.rstrip(),
            code="nothing-held",
            where="approve",
            fix="see what waits with `crosskey held`",
        )
    words = tuple(dict.fromkeys(each.held.word for each in held if each.held.word))
    people = [each for each in held if each.held.subject is not None]
    if rail not in APPROVABLE or not (words or people):
        raise ConfigError(
            f'no word of a person is enough for "{rail}": {RAILS.get(rail, "a plugin holds it")}',
            code="not-approvable",
            where="approve",
            fix=next((each.held.fix for each in held if each.held.fix), "see `crosskey held`"),
        )
    if words:
        return Choice(words=_words(rail, words, only, limit))
    chosen = _people(rail, people, only, known) if only else people
    return Choice(items=tuple(_item(each) for each in chosen[:limit]))


def _words(rail: str, words: tuple[str, ...], only: Sequence[str], limit: int | None) -> tuple[str, ...]:
    names = [word.partition("=")[2] for word in words]
    strange = [who for who in only if who not in names]
    if strange:
        raise _unknown(rail, strange[0], names)
    if limit is not None:
        raise ConfigError(
            f'"{rail}" holds by a number or a name, which is let through whole or not at all',
            code="limit",
            where="--limit",
            fix="leave --limit out",
        )
    return tuple(word for word, name in zip(words, names, strict=True) if not only or name in only)


def _people(
    rail: str, people: Sequence[Waiting], only: Sequence[str], known: Callable[[str], AbstractSet[Subject]]
) -> list[Waiting]:
    chosen: list[Waiting] = []
    for who in only:
        subjects = known(who)
        found = [each for each in people if each.held.subject in subjects or who.casefold() in _names(each)]
        if not found:
            raise _unknown(rail, who, [each.held.label for each in people])
        handles = {each.held.subject: _handle(each) for each in found}
        if len(handles) > 1:
            raise several(who, list(handles.values()))
        chosen += [each for each in found if each not in chosen]
    return chosen


def who_waits(each: Waiting) -> str:
    """Who waits, for a reader."""
    return shown_as(each.held.label, each.held.kind, each.held.key)


def _handle(each: Waiting) -> str:
    """What names somebody and nobody else."""
    held = each.held
    return f"{held.kind}:{held.key}" if held.key else held.subject.id if held.subject else ""


def _names(each: Waiting) -> set[str]:
    held = each.held
    key = held.key or ""
    names = {held.label, held.subject.id if held.subject else "", f"{held.kind}:{key}" if key else ""}
    return {name.casefold() for name in names if name}


def _unknown(rail: str, who: str, known: Iterable[str]) -> ConfigError:
    return ConfigError(
        f'"{rail}" holds nobody and nothing that is called "{who}". {close_matches(who, known)}'.rstrip(),
        code="who-unknown",
        where="--only",
        fix="`crosskey held --all` lists everybody; an id, an e-mail address or kind:key is taken too",
    )


def _together(classes: Sequence[Waiting]) -> Waiting:
    """What one rail holds of one class, for whatever reasons."""
    first, *others = classes
    if not others:
        return first
    every = [each.held for each in classes]
    held = msgspec.structs.replace(
        first.held,
        summary="; ".join(held.summary for held in every),
        examples=tuple(example for held in every for example in held.examples),
        count=sum(held.count for held in every),
    )
    return msgspec.structs.replace(first, held=held)


def _key(each: Waiting) -> tuple[str, str, str]:
    held = each.held
    return held.rail, held.kind, (held.action or "") if held.scope == "class" else ""


def _item(each: Waiting) -> Approved:
    held = each.held
    who = held.subject or Subject("", "")
    return Approved(held.kind, held.action or "", who.issuer, who.id)


def _hold(first: Waiting, members: Sequence[Waiting], approvals: Approvals) -> Hold:
    held = first.held
    oldest = min((first, *members), key=lambda each: each.since)
    person = held.scope == "person"
    if held.word:
        approved = held.count if held.word in approvals.words() else 0
    else:
        approved = sum(
            approvals.covers(held.rail, item.kind, item.action, item.subject) for item in map(_item, members)
        )
    return Hold(
        rail=held.rail,
        scope=held.scope,
        kind=held.kind,
        action=None if person else held.action,
        count=len(members) if person else held.count,
        approved=approved,
        since=oldest.since,
        run=oldest.run,
        summary=RAILS.get(held.rail, held.summary) if person else held.summary,
        examples=tuple(f"{who_waits(each)}: {each.held.summary}" for each in members) if person else held.examples,
        fix=_fix(members) if person else held.fix,
        approve=_command(first, members),
    )


def _fix(members: Sequence[Waiting]) -> str:
    """What helps: one rail may hold several people for reasons of several sides."""
    fixes = list(dict.fromkeys(each.held.fix for each in members if each.held.fix))
    if len(fixes) > _FIXES:
        return f"{fixes[0]}; of the others `crosskey explain WHO` tells it"
    return "; or ".join(fixes)


def _command(first: Waiting, members: Sequence[Waiting]) -> str:
    held = first.held
    if held.rail not in APPROVABLE or not (held.word or members):
        return ""
    named = f' --only "{held.word.partition("=")[2]}"' if held.rail == "empty-group" else ""
    of_kind = f" --kind {held.kind}" if held.kind else ""
    return f'crosskey approve {held.rail}{of_kind}{named} --because "…"'
