"""Reason codes of everything that can hold a plan, a class of changes, or a person."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ("RAILS",)

RAILS: Mapping[str, str] = {
    "empty-source": "the source returned nobody",
    "shrink": "far fewer people than in the last complete read",
    "empty-group": "a group that mappings name lost all its members",
    "absence-unconfirmed": "linked people are missing from a complete read and were not confirmed gone",
    "accounts-missing": "linked accounts are missing from the target's list and were not confirmed gone",
    "mass-disable": "more accounts would be disabled than allowed at once",
    "seats-short": "the target has fewer free seats than the plan needs",
    "protected": "the account must never be touched",
    "ambiguous-match": "several accounts or people fit each other",
    "ambiguous-person": "nobody can tell whether people of several sources are one",
    "swap-differs": "two directories that are to be swapped tell different companies",
    "voucher-unread": "a leaver of one source, for whom another vouched that cannot be asked",
    "identity-collision": "the account found belongs to somebody else",
    "unmanaged-leaver": "somebody inactive still has an active account that crosskey does not manage",
    "mapping-problem": "the rules cannot make a valid account for this person",
    "unsettled": "an earlier write has no known outcome yet",
    "refused-before": "the target did not do the very same a short while ago",
    "restored": "the journal came from a backup, so it knows less than happened",
    "review": "a plugin objects to the plan",
}
"""Reason codes and what they mean; the documentation's table is compared with this."""
