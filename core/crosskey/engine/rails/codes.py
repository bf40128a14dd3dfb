"""Reason codes of everything that can hold a plan, a class of changes, or a person."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ("APPROVABLE", "COUNTED", "RAILS")

RAILS: Mapping[str, str] = {
    "empty-source": "the source returned nobody",
    "shrink": "far fewer people than in the last complete read",
    "empty-group": "a group that mappings name lost all its members",
    "absence-unconfirmed": "linked people are missing from a complete read and were not confirmed gone",
    "accounts-missing": "linked accounts are missing from the target's list and were not confirmed gone",
    "ceiling": "the configuration lets crosskey do less than that",
    "first-run": "nothing was ever applied for this kind of account, and nobody has looked yet",
    "mass-disable": "more accounts would be disabled than allowed at once",
    "rolling-disable": "more accounts would be disabled within a day or a week than allowed",
    "mass-demote": "more accounts would lose roles, teams and the like than allowed at once",
    "mass-change": "the same would change in a large part of all accounts",
    "create-flood": "more accounts would be made than allowed at once",
    "seats-short": "the target has fewer free seats than the plan needs",
    "protected": "the account must never be touched",
    "last-active": "too few accounts of a kind would be left that can work",
    "ambiguous-match": "several accounts or people fit each other",
    "ambiguous-person": "nobody can tell whether people of several sources are one",
    "swap-differs": "two directories that are to be swapped tell different companies",
    "voucher-unread": "a leaver of one source, for whom another vouched that cannot be asked",
    "identity-collision": "the account found belongs to somebody else",
    "new-identity": "somebody with a new id bears the address of an account that is linked to an id that is gone",
    "unmanaged-leaver": "somebody inactive still has an active account that crosskey does not manage",
    "mapping-problem": "the rules cannot make a valid account for this person",
    "unsettled": "an earlier write has no known outcome yet",
    "refused-before": "the target refused the very same before",
    "clock": "the clock cannot be trusted, so no time has passed",
    "stopped": "somebody stopped all writes",
    "failing": "the target refuses nearly everything",
    "given-up": "every round of the watcher failed, 28 times in a row and for 28 days",
    "drift": "somebody changed a value that the rules own, and the policy there is alert",
    "duties-open": "tickets, approvals or teams wait for a leaver, and the policy there is hold",
    "undone": "a person took the very same back, and the rules have not changed since",
    "changed-since": "what a run left is not there any more, so it cannot be taken back",
    "unprovable": "nobody can see whether what a run left is still there, or give back what was before",
    "restored": "the journal came from a backup, so it knows less than happened",
    "review": "a plugin objects to the plan",
}
"""Reason codes and what they mean; the documentation's table is compared with this."""

COUNTED: frozenset[str] = frozenset(
    {"first-run", "mass-disable", "rolling-disable", "mass-demote", "mass-change", "create-flood"}
)
"""Rails on how many changes of one class there are. All of them want one thing, that a person looks: whoever approved a
change under one of them has looked, and no other of them asks for it again."""

APPROVABLE: frozenset[str] = COUNTED | {
    "shrink",
    "empty-group",
    "absence-unconfirmed",
    "accounts-missing",
    "voucher-unread",
    "refused-before",
    "drift",
    "duties-open",
    "undone",
    "restored",
}
"""Where a person's word is enough. Elsewhere something must be put right first: who is whose, what is protected."""
