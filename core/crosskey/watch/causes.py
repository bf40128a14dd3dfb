"""What of a status somebody should hear about. Sentences hold counts, codes and names of sections: nobody's data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final, Literal

from crosskey.connector.notifier import Notice
from crosskey.engine.rails import APPROVABLE, RAILS
from crosskey.journal import Cause
from crosskey.watch.expiry import stage_of
from crosskey.watch.failure import Failure
from crosskey.watch.status import Status

__all__ = ("cause_of_hooks", "cause_of_reload", "causes_of", "dead_hooks_in")

_UNSETTLED: Final = timedelta(hours=1)
_DRIFT_BURST: Final = 10
"""So many hand edits within a day are more than somebody's correction: an import, a script, another sync."""
_HOOKS_DEAD: Final = "hooks-dead"


def causes_of(status: Status, *, doing: str = "") -> list[Cause]:
    """Everything that is so right now; ``doing`` says what the watcher is at, for when nothing comes of it."""
    return [
        *_stopped(status),
        *_quarantine(status),
        *_overdue(status, doing),
        *_held(status),
        *_undone(status),
        *_drift(status),
        *_expiries(status),
        *_silent(status),
    ]


def cause_of_reload(status: Status, failure: Failure) -> Cause:
    """A changed configuration that cannot be used."""
    text = f"the changed configuration cannot be used ({failure.code}); the one before goes on"
    return _cause(status, "configuration", failure.code, "error", "configuration refused", text, failure.fix)


def cause_of_hooks(status: Status, section: str) -> Cause:
    """A source whose vendor delivers no signals any more; the timer finds everything, only later."""
    text = f"{section}: its hooks do not work; changes are found by the timer alone."
    return _cause(
        status, f"hooks:{section}", _HOOKS_DEAD, "warning", "hooks do not work", text, "crosskey hooks install"
    )


def dead_hooks_in(told: Iterable[Notice]) -> tuple[str, ...]:
    """Sections about whose hooks somebody was told and has not heard better: a restart mends none."""
    return tuple(notice.key.rpartition(":hooks:")[2] for notice in told if notice.code == _HOOKS_DEAD)


def _stopped(status: Status) -> Iterator[Cause]:
    if status.stopped is not None:
        text = "Nothing is written and no round begins until somebody lets writes go on."
        yield _cause(status, "stopped", "stopped", "warning", "stopped by a person", text, status.stopped.fix)


def _quarantine(status: Status) -> Iterator[Cause]:
    trouble = status.trouble
    if trouble is None or not trouble.quarantined:
        return
    place = f"{trouble.place}: " if trouble.place else ""
    if trouble.given_up:
        text = (
            f"{place}{trouble.text} [{trouble.code}]. All {trouble.failures} rounds failed since"
            f" {trouble.since:%Y-%m-%d}: none begins by itself any more, so nobody joins or leaves."
        )
        fix = f"{trouble.fix or 'mend what failed'}; then `crosskey watch --clear`"
        yield _cause(status, "quarantine", "given-up", "error", "given up: nothing is tried any more", text, fix)
        return
    again = f"{trouble.failures} in a row; next try {trouble.next_try_at:%H:%M} UTC."
    text = f"{place}{trouble.text} [{trouble.code}]. {again}"
    fix = f"{trouble.fix}; then `crosskey watch --clear` tries at once" if trouble.fix else "`crosskey watch --clear`"
    yield _cause(status, "quarantine", trouble.code, "error", f"quarantined: {trouble.code}", text, fix)


def _overdue(status: Status, doing: str) -> Iterator[Cause]:
    if not status.overdue or status.quarantined:  # the quarantine has been told
        return
    since = status.rounds.success_at
    last = f"the last one ended {since:%Y-%m-%d %H:%M} UTC" if since else "there was none yet"
    trouble = f" It failed with {status.trouble.code}." if status.trouble else ""
    text = f"No round succeeded within {status.patience / 60:.0f} minutes: {last}. Now: {doing or 'unknown'}.{trouble}"
    yield _cause(status, "no-success", "no-success", "error", "no round succeeds", text, "see `crosskey status`")


def _held(status: Status) -> Iterator[Cause]:
    whole = status.rounds.held_whole
    for rail, count in sorted(status.rounds.held.items()):
        text = f"{count} held by the rail {rail}: {RAILS.get(rail, 'a plugin holds it')}."
        yield _cause(
            status,
            f"held:{rail}",
            rail,
            "error" if whole else "warning",
            f"held: {rail}",
            text,
            "see who, since when, and what lets it through with `crosskey held`"
            + (f'; if all of it is right: crosskey approve {rail} --because "…"' if rail in APPROVABLE else ""),
            run=status.rounds.full,
        )


def _undone(status: Status) -> Iterator[Cause]:
    undone = status.rounds.undone
    if undone:
        words = ", ".join(f"{count} {name}" for name, count in sorted(undone.items()))
        fix = "see why with `crosskey history`, then `crosskey history RUN`"
        text = f"The target did not do everything: {words}."
        yield _cause(status, "undone", "+".join(sorted(undone)), "warning", "changes were refused", text, fix)
    since = status.unsettled.since
    if since is not None and status.at - since > _UNSETTLED:
        text = f"{status.unsettled.count} writes have no known outcome for more than an hour."
        yield _cause(status, "unsettled", "unsettled", "warning", "writes are unsettled", text, "see `crosskey plan`")


def _drift(status: Status) -> Iterator[Cause]:
    if status.drifts >= _DRIFT_BURST:
        text = f"{status.drifts} values that crosskey owns were changed by somebody else within a day."
        fix = "see whose with `crosskey drift`, and whether another tool or import writes to the same accounts"
        yield _cause(status, "drift", "drift-burst", "warning", "much is changed by hand", text, fix)


def _expiries(status: Status) -> Iterator[Cause]:
    for each in status.credentials:
        stage = stage_of(each.expires_at, status.at)
        if stage is None or each.expires_at is None:
            continue
        when = f"{each.expires_at:%Y-%m-%d}"
        text = f"{each.instance}: {each.name} {'ended' if stage == 0 else 'ends'} on {when}."
        subject = f"{each.instance}: a credential {'has ended' if stage == 0 else f'ends within {stage} days'}"
        severity = "error" if stage <= 7 else "warning"
        fix = each.fix or "renew it, then reload the watcher"
        yield _cause(status, f"credential:{each.instance}:{each.name}", f"within-{stage}", severity, subject, text, fix)


def _silent(status: Status) -> Iterator[Cause]:
    """Channels by which doors hear of leavers; that rounds do not come has been told."""
    for door in status.doors:
        for each in door.channels:
            if each.problem and each.channel != "rounds":
                text = f"{each.problem}. Somebody who left may be inside for longer: {door.sentence}."
                subject = f"a channel of {door.door} is silent: {each.channel}"
                key = f"silent:{door.door}:{each.channel}"
                yield _cause(status, key, "channel-silent", "warning", subject, text, each.fix)


def _cause(
    status: Status,
    key: str,
    code: str,
    severity: Literal["warning", "error"],
    subject: str,
    text: str,
    fix: str = "",
    run: str = "",
) -> Cause:
    notice = Notice(
        key=f"{status.connection}:{key}",
        code=code,
        severity=severity,
        at=status.at,
        subject=f"{status.connection}: {subject}",
        text=text,
        fix=fix,
        run=run,
    )
    return Cause(notice, code)
