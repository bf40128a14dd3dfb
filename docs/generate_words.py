"""What the code cannot say about itself: what a rail holds and what lets it through, what an exit code asks one to do.

Each key is compared with the code: a rail or exit code that is added without words here fails.
"""

from __future__ import annotations

from collections.abc import Mapping

from crosskey.errors import ExitCode

__all__ = ("EXIT_CODES", "LETS_THROUGH")

LETS_THROUGH: Mapping[str, tuple[str, str]] = {
    "empty-source": ("the whole run", "nothing: find out why with `crosskey check`"),
    "shrink": (
        "the whole run",
        "an approval, or `--allow shrink=N`; N is exactly the number of people that the source returned",
    ),
    "empty-group": ("the whole run", 'an approval, or `--allow "empty-group=NAME"`'),
    "absence-unconfirmed": (
        "the disables of those people",
        "an approval or `--allow absence-unconfirmed=N` looks them up by id; only those confirmed gone are disabled",
    ),
    "accounts-missing": (
        "making those accounts anew",
        "an approval or `--allow accounts-missing=N` looks them up by key; only those that are gone are made anew",
    ),
    "ceiling": ("whatever goes further than `[rails] may`", "raise `may`; nothing else"),
    "first-run": (
        "all changes of one kind in `sync` and `watch`",
        '`crosskey apply`, an approval, or `--allow first-run=N`; `[rails] first_run = "go"` never asks',
    ),
    "mass-disable": (
        "all disables of one kind",
        "an approval, or `--allow mass-disable=N` for up to N, once; `[rails] max_disable` raises the limit",
    ),
    "rolling-disable": (
        "all disables of one kind",
        "an approval, `--allow rolling-disable=N`, or time; `[rails] disable_per_day` and `disable_per_week`",
    ),
    "mass-demote": (
        "the updates of one kind that take something away",
        "an approval, or `--allow mass-demote=N`; `[rails] max_demote`",
    ),
    "mass-change": (
        "the updates of one kind that change the same; all of them where the rules are new",
        "an approval, or `--allow mass-change=N`; `[rails] max_change`, `max_remap`",
    ),
    "create-flood": (
        "all creates of one kind",
        "an approval, or `--allow create-flood=N`; `[rails] max_create`",
    ),
    "seats-short": (
        "creates, re-enables and adoptions of that kind that take a seat",
        "free or buy seats, narrow `scope` of that mapping, or lower `[rails] keep_seats`",
    ),
    "protected": (
        "that account",
        "remove the pattern from `[rails] protect`; what the target itself protects is never let through",
    ),
    "last-active": (
        "the disables that would leave too few",
        '`--allow "last-active=KIND"`, once; `[rails] keep_active` for good',
    ),
    "ambiguous-match": ("that person", "correct the accounts or the people, so that one fits one"),
    "ambiguous-person": ("that person", "correct the attribute in the source that is wrong, or choose other keys"),
    "swap-differs": ("the whole swap", "`--allow swap-differs=N`; N is how many people and accounts would be affected"),
    "voucher-unread": ("that person", 'an approval, `--allow "voucher-unread=ISSUER"`, or read that source again'),
    "identity-collision": ("that person", "correct the attribute that two people share, in the source"),
    "new-identity": (
        "that person",
        '`--allow "new-identity=ID"` gives the account to that new id, if it is the same person',
    ),
    "unmanaged-leaver": ("nothing: it is a finding", "switch that account off in the target, if it is theirs"),
    "drift": (
        "what was changed of that account; everything else goes on",
        "an approval or `--allow drift=KIND:KEY` writes it again, once; or set it in the target to what the rules say",
    ),
    "duties-open": (
        "the disable of that account",
        "an approval, `--allow duties-open=KIND:KEY`, or give what waits to somebody in the target",
    ),
    "mapping-problem": ("that person", "fill the attribute in at the source, or change the rule that is named"),
    "unsettled": ("that person", "run again after the time that is named: what happened is looked up first"),
    "refused-before": (
        "that create or update",
        "correct what is named, or approve it: something else is sent at once, the very same after 1 h, 6 h, daily",
    ),
    "clock": ("who would leave only because time has passed", "set the clock right"),
    "stopped": ("the whole run, from the next batch on", "`crosskey go`"),
    "failing": ("the rest of the run; `crosskey watch` keeps away for a while", "mend what the target refuses"),
    "given-up": (
        "all rounds that a watcher would begin by itself",
        "`crosskey watch --clear`, once what failed is mended; `crosskey watch --now` tries once",
    ),
    "undone": (
        "that change, or that part of it",
        "change the rules; or an approval, or `--allow undone=RUN`, lets what that run did be done again",
    ),
    "changed-since": (
        "that part of an undo",
        "nothing: whoever changed it since meant something; see what is there now",
    ),
    "unprovable": ("that part of an undo", "set it in the target by hand"),
    "restored": (
        "disables of every kind; people whose account is there although no list brings it",
        "an approval, or `--allow restored=N` for up to N disables a kind; it ends once a run decided everything",
    ),
    "review": ("the whole run", "whatever the plugin asks for"),
}

EXIT_CODES: Mapping[ExitCode, tuple[str, str]] = {
    ExitCode.OK: ("everything is done, or there was nothing to do", "nothing"),
    ExitCode.INTERNAL: ("crosskey met something it did not expect", "run with `CROSSKEY_DEBUG=1` and report it"),
    ExitCode.CONFIG: ("the configuration or the command line is wrong", "correct the keys that are named"),
    ExitCode.AUTH: ("a credential, scope or role is missing or refused", "`crosskey check` names it and its fix"),
    ExitCode.RETRYABLE: ("a vendor could not be reached, or a write got no clear answer", "run again later"),
    ExitCode.REJECTED: ("the target refused single changes; all others were done", "`crosskey history RUN` says why"),
    ExitCode.HELD: ("something is held until a person decides; everything else was done", "read what is held"),
    ExitCode.PLUGIN: ("a plugin failed, or a vendor broke its own rules", "report it to the plugin's authors"),
    ExitCode.STORAGE: ("the journal or its disk failed", "mend the disk, or restore a backup"),
    ExitCode.LOCKED: ("another run holds the journal", "let it end"),
    ExitCode.STALE: ("a saved plan no longer fits", "plan again and look again"),
    ExitCode.QUARANTINED: (
        "a run ended because the target refuses nearly everything; `status`: rounds wait, because they failed",
        "read why; `crosskey watch --clear` when mended",
    ),
    ExitCode.OVERDUE: (
        "`status`: no round succeeded in time, or the watcher died",
        "look whether `crosskey watch` runs",
    ),
    ExitCode.ALTERED: (
        "`audit verify`, `doctor`: the journal is not what was written",
        "read what can be trusted; restore a backup",
    ),
    ExitCode.INTERRUPTED: ("Ctrl-C or a signal ended the run early; what it did is in the journal", "run again"),
}
