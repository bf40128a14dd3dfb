"""People about whom what was read does not decide yet: a source or the target is asked for each before anything is."""

from __future__ import annotations

import msgspec

from crosskey.connector.mapper import Candidate, Desired
from crosskey.engine.kindplan import KindPlan
from crosskey.journal import Link
from crosskey.model import Account, Person, Subject

__all__ = ("Gone", "Losing", "Unvouched")


class Gone(msgspec.Struct, frozen=True):
    """Somebody linked to an account that a complete read of the target did not bring."""

    kind: KindPlan
    person: Person
    desired: Desired
    link: Link


class Losing(msgspec.Struct, frozen=True):
    """Somebody active who would lose an account, or what a group gave, going by the groups that were read."""

    kind: KindPlan
    candidate: Candidate
    desired: Desired
    link: Link
    account: Account


class Unvouched(msgspec.Struct, frozen=True):
    """A leaver by the word of every source that has them; ``missing`` are subjects of sources that once had them."""

    kind: KindPlan
    person: Person
    link: Link
    account: Account
    because: str
    missing: tuple[Subject, ...]
