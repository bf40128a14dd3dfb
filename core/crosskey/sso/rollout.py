"""Rolling a door out step by step: forward only when what the next step waits for is there, backwards always.

Needs no network: the journal tells what was tested and who came in, the last read's snapshot who is of the pilot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from crosskey.config import Config, DoorSection
from crosskey.connector.sso import Door
from crosskey.errors import UNREADABLE, ConfigError, Diagnostic, StorageError
from crosskey.journal import STEPS, BreakGlass, Doorbook, Journal, Step, StepRecord
from crosskey.sso.break_glass import FRESH, standing_problems
from crosskey.sso.pilot import Pilot, read_pilot
from crosskey.sso.proofs import require_factor_proof

__all__ = ("WAITS_FOR", "DoorState", "Next", "Rollout", "move", "read_rollout", "read_state")

_OLD: Final = timedelta(days=30)


class Next(msgspec.Struct, frozen=True, kw_only=True):
    """A step that is still to come, and what it waits for; nothing: it may be gone to, once it is the next one."""

    step: Step
    lacks: list[Diagnostic]


class DoorState(msgspec.Struct, frozen=True, kw_only=True):
    """Where one door is. ``warnings`` are what was there when its step was reached and is there no more."""

    door: Door
    enabled: bool
    now: StepRecord
    break_glass: BreakGlass | None
    warnings: list[Diagnostic]


class Rollout(DoorState, frozen=True, kw_only=True):
    """How far one door is rolled out. ``pilots`` of ``members`` came in since the step is ``pilot``."""

    ahead: list[Next]
    members: int | None
    pilots: int


class _Look(msgspec.Struct, frozen=True, kw_only=True):
    """What the conditions look at."""

    config: Config
    section: DoorSection
    book: Doorbook
    now: datetime
    pilot: Pilot | None
    came: int


def read_state(config: Config, section: DoorSection, journal: Journal, now: datetime) -> DoorState:
    """Look at the journal, and at one account in the last read; neither network nor secrets."""
    at, proven = journal.step(section.door), journal.break_glass(section.door)
    found = _local_missing(section) if STEPS.index(at.step) >= STEPS.index("redirect") else []
    if at.step == "enforced":
        found += _aged(section, proven, now)
    if proven is not None:
        found += standing_problems(config, section, journal, proven)
    warnings = [msgspec.structs.replace(each, severity="warning") for each in found]
    return DoorState(door=section.door, enabled=section.rules.enabled, now=at, break_glass=proven, warnings=warnings)


def read_rollout(config: Config, section: DoorSection, book: Doorbook, now: datetime) -> Rollout:
    """Look at the journal and at who is of the pilot in the last read, too."""
    state = read_state(config, section, book, now)
    look = _look(config, section, book, now, state.now)
    ahead = STEPS[STEPS.index(state.now.step) + 1 :]
    return Rollout(
        **msgspec.structs.asdict(state),
        ahead=[Next(step=step, lacks=WAITS_FOR[step](look)) for step in ahead],
        members=None if look.pilot is None else len(look.pilot.members),
        pilots=look.came,
    )


def move(
    config: Config, section: DoorSection, book: Doorbook, now: datetime, to: Step, *, by: str, reason: str = ""
) -> StepRecord:
    """Move a door: one step forward when nothing is lacking, or back to any step before, whatever is.

    Raises :class:`ConfigError` for a step that is not the next one or with everything that is lacking,
    :class:`crosskey.errors.StaleError` when somebody else moved it meanwhile.
    """
    at = book.step(section.door)
    here, there = STEPS.index(at.step), STEPS.index(to)
    if there == here:
        raise ConfigError(f"the door is at {to} already", code="step-same", where=section.path, fix=_show(section))
    if there > here + 1:
        raise ConfigError(
            f"the door is at {at.step}; forward it goes one step at a time",
            code="step-far",
            where=section.path,
            fix=f"crosskey sso step {section.door} {STEPS[here + 1]}",
        )
    if there > here:
        lacks = WAITS_FOR[to](_look(config, section, book, now, at))
        if lacks:
            raise ConfigError(
                f"the door cannot go to {to} yet; it stays at {at.step}",
                code="step-unmet",
                where=section.path,
                fix=f"do what follows, then `crosskey sso step {section.door} {to}`",
                problems=lacks,
            )
    return book.move(section.door, to, before=at.step, by=by, reason=reason)


def _look(config: Config, section: DoorSection, book: Doorbook, now: datetime, at: StepRecord) -> _Look:
    pilot, came = None, 0
    if section.rules.pilot:
        try:
            pilot = read_pilot(config, section)
        except (StorageError, *UNREADABLE):
            pilot = None
    if pilot is not None and at.step == "pilot" and at.at is not None:
        came = len(pilot.members & {*book.pilots(section.door, at.at)})
    return _Look(config=config, section=section, book=book, now=now, pilot=pilot, came=came)


# -------------------------------------------------------------------------------------------------- what steps wait for


def _for_test(_look: _Look) -> list[Diagnostic]:
    """Nothing."""
    return []


def _for_button(look: _Look) -> list[Diagnostic]:
    """The door is switched on; in a test on this journal somebody would come in; with `mfa = "required"` both tests."""
    section, lacks = look.section, list[Diagnostic]()
    if not section.rules.enabled:
        lacks.append(_lack("door-off", "the door is switched off", f"{section.path}.enabled", "write enabled = true"))
    tested = look.book.latest_attempt(section.door, "test", "tested")
    flow = section.provided.value.name
    if tested is None or tested.flow != flow:
        summary = f"no test sign-in by {flow} was made on this journal in which somebody would come in"
        lacks.append(_lack("test-missing", summary, section.path, f"crosskey sso test {section.door}"))
    try:
        require_factor_proof(section, look.book)
    except ConfigError as error:
        lacks.append(error.diagnostic())
    return lacks


def _for_pilot(look: _Look) -> list[Diagnostic]:
    """`pilot` names groups that the last read brought, and a member has an account that is on."""
    section, where = look.section, f"{look.section.path}.pilot"
    if not section.rules.pilot:
        return [_lack("pilot-empty", "no group is named that goes first", where, 'write pilot = ["<group>"]')]
    if look.pilot is None:
        return [_lack("pilot-unread", "who is of the pilot was not read yet", where, "crosskey plan")]
    lacks: list[Diagnostic] = []
    if look.pilot.missing:
        names = ", ".join(f'"{name}"' for name in look.pilot.missing)
        fix = f"correct the name, or pin it under [source.{section.source}.groups]; then `crosskey plan`"
        lacks.append(_lack("pilot-unknown", f"the last read brought no group {names}", where, fix))
    links = look.book.links(section.kind, sorted(look.pilot.members))
    if not any(link.active for link in links.values()):
        summary = f"none of the {len(look.pilot.members)} people of the pilot has an account of the kind {section.kind}"
        lacks.append(_lack("pilot-nobody", f"{summary} that is on", where, "crosskey sync"))
    return lacks


def _for_default(look: _Look) -> list[Diagnostic]:
    """Somebody of the pilot signed in since the step is `pilot`."""
    if look.came:
        return []
    many = "nobody" if look.pilot is None else f"none of {len(look.pilot.members)} people"
    fix = f"let somebody of the pilot sign in at {look.section.rules.public_url}/{look.section.door}; who was refused: "
    return [
        _lack(
            "pilot-unused",
            f"{many} of the pilot signed in since the step is `pilot`",
            f"{look.section.path}.pilot",
            f"{fix}`crosskey sso attempts --door {look.section.door}`",
        )
    ]


def _for_redirect(look: _Look) -> list[Diagnostic]:
    """`local` names another way in."""
    return _local_missing(look.section)


def _for_enforced(look: _Look) -> list[Diagnostic]:
    """A local login was proven within 24 hours, and its account is still fit for it."""
    section = look.section
    proven = look.book.break_glass(section.door)
    fix = f"crosskey sso break-glass {section.door} --account <key>"
    if proven is None or not timedelta(0) <= look.now - proven.at <= FRESH:
        when = "" if proven is None else f" since {proven.at:%Y-%m-%d %H:%M} UTC"
        summary = f"nobody proved{when} that a local login works; that counts for 24 hours"
        return [_lack("break-glass-unproven", summary, section.path, fix)]
    return standing_problems(look.config, section, look.book, proven)


WAITS_FOR: Final[Mapping[Step, Callable[[_Look], list[Diagnostic]]]] = {
    "test": _for_test,
    "button": _for_button,
    "pilot": _for_pilot,
    "default": _for_default,
    "redirect": _for_redirect,
    "enforced": _for_enforced,
}
"""What each step waits for."""


def _local_missing(section: DoorSection) -> list[Diagnostic]:
    if section.rules.local:
        return []
    summary = "without another way in nobody gets in while the provider is down"
    fix = "write the path of the desk's own sign-in, and try it"
    return [_lack("local-missing", summary, f"{section.path}.local", fix)]


def _aged(section: DoorSection, proven: BreakGlass | None, now: datetime) -> list[Diagnostic]:
    """That nobody tried the local login for long. Nothing closes by itself."""
    if proven is not None and now - proven.at <= _OLD:
        return []
    fix = f"crosskey sso break-glass {section.door} --account {proven.key if proven else '<key>'}"
    if proven is None:
        return [_lack("break-glass-unproven", "nobody proved that a local login works", section.path, fix)]
    days = (now - proven.at).days
    summary = f"that the local login of {proven.kind} {proven.key} works was proven {days} days ago"
    return [_lack("break-glass-old", summary, section.path, fix)]


def _lack(code: str, summary: str, where: str, fix: str) -> Diagnostic:
    return Diagnostic(severity="error", code=code, summary=summary, path=where, fix=fix)


def _show(section: DoorSection) -> str:
    return f"`crosskey sso step {section.door}` shows what comes next"
