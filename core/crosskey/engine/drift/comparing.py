"""Compare three states of one account: what crosskey last applied, what is there now, and what the rules want.

Where all that moved is what the rules want, the source changed. Where all that moved is what is there, somebody else
changed it: that is drift, and so it is where both moved. A value that never became what was written (the target cut it,
trimmed it, wrote it in other letters) is the target's way to keep it, and no drift.
"""

from __future__ import annotations

from typing import Final

import msgspec

from crosskey.connector.mapper import CompiledMapping, Desired, DriftPolicy, JudgesDrift
from crosskey.connector.target import KindSpec, ReferenceSpec
from crosskey.engine.diff import is_cut, is_empty
from crosskey.engine.drift.values import alike, same
from crosskey.engine.drift.writes import Writes
from crosskey.journal import Link, Value
from crosskey.model import Account, Scalar

__all__ = ("Comparison", "Drifted", "compare", "policy_of")


class Drifted(msgspec.Struct, frozen=True, kw_only=True):
    """One owned value that somebody else changed.

    Of a set of references, ``ours`` and ``taken`` are the ids that somebody took away.
    """

    part: str
    ours: Value
    now: Value
    wanted: Value
    policy: DriftPolicy
    taken: tuple[str, ...] = ()


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What comparing one account told.

    ``kept`` are fields that the target keeps in its own way: written again they would come to the same. ``known`` is
    the link with what is known of the account's values now, ``None`` where nothing is new. ``unsure``: what is shown is
    as the rules say, which may only be because it does not show the last write yet.
    """

    drifted: list[Drifted]
    kept: frozenset[str]
    known: Link | None
    unsure: bool = False


class _Unknown(msgspec.Struct, frozen=True):
    """Stands for a value that crosskey never applied."""


_UNKNOWN: Final = _Unknown()


def policy_of(mapping: CompiledMapping, part: str) -> DriftPolicy:
    """What the rules say of a part that drifted; a mapping that says nothing has it written again."""
    return mapping.drift(part) if isinstance(mapping, JudgesDrift) else "reassert"


def compare(
    kind: KindSpec, mapping: CompiledMapping, desired: Desired, link: Link, account: Account, writes: Writes
) -> Comparison:
    """Compare everything of one linked account that rules write."""
    looking = _Looking(mapping, link, account, writes)
    unlisted = {field.name for field in kind.fields if not field.listed}
    for name, wanted in desired.fields.items():
        if mapping.fields.get(name, "always") != "always":
            continue  # what is written once, or into an empty field only, is whoever's fills it afterwards
        now = account.fields.get(name)
        if now is not None or name not in unlisted:
            looking.field(name, now, wanted)
    for reference in kind.references:
        if reference.name in mapping.managed or reference.name in link.given:
            looking.reference(reference, desired.references.get(reference.name, ()))
    return looking.ended()


class _Looking:
    """Looks at one account part by part."""

    def __init__(self, mapping: CompiledMapping, link: Link, account: Account, writes: Writes) -> None:
        self._mapping = mapping
        self._link = link
        self._account = account
        self._writes = writes
        self._drifted: list[Drifted] = []
        self._unsure = False
        self._kept: set[str] = set()
        self._fields, self._seen, self._given = dict(link.fields), dict(link.seen), dict(link.given)

    def field(self, name: str, now: Scalar, wanted: Scalar) -> None:
        """One field."""
        applied = self._link.fields.get(name, _UNKNOWN)
        if same(now, wanted):
            self._agree_on_field(name, wanted, applied)
            return
        seen = self._link.seen.get(name, _UNKNOWN)
        ours = applied if isinstance(seen, _Unknown) else seen
        if isinstance(ours, _Unknown) and self._cares(name) and self._writes.first_look_at(self._link):
            self._seen[name] = ours = ""  # a new account holds nothing but what the create wrote
        if isinstance(ours, _Unknown):
            return  # never applied, never seen as the rules say: a rule that is new, or a value found at adoption
        if same(now, ours):
            if applied == wanted:
                self._kept.add(name)  # as the target keeps it
        elif self._writes.explains(name, now):
            pass
        elif not isinstance(applied, _Unknown) and self._is_targets_way(name, now, applied):
            self._seen[name] = now
            if applied == wanted:
                self._kept.add(name)
        else:
            self._add(name, ours, now, wanted)

    def reference(self, reference: ReferenceSpec, wanted: tuple[str, ...]) -> None:
        """One reference."""
        now = self._account.references.get(reference.name, ())
        if reference.many:
            self._set(reference.name, now, wanted)
        elif wanted:
            self._single(reference.name, now, wanted)

    def ended(self) -> Comparison:
        """Everything together."""
        link = self._link
        changed = (self._fields, self._seen, self._given) != (link.fields, link.seen, link.given)
        return Comparison(
            drifted=self._drifted,
            kept=frozenset(self._kept),
            known=msgspec.structs.replace(link, fields=self._fields, seen=self._seen, given=self._given)
            if changed
            else None,
            unsure=self._unsure,
        )

    def _must_wait(self, name: str) -> bool:
        """Note, and say, whether nothing can be learnt of a part yet: a list may not show what was written to it."""
        moving = self._writes.moving(name)
        self._unsure |= moving
        return moving

    def _is_targets_way(self, name: str, now: Scalar, applied: Scalar) -> bool:
        return is_cut(now, applied) or (alike(now, applied) and self._writes.first_look(name))

    def _agree_on_field(self, name: str, wanted: Scalar, applied: Scalar | _Unknown) -> None:
        """The account says what the rules say: where crosskey ever wrote the field, it is crosskey's again."""
        if not isinstance(applied, _Unknown):
            if not same(applied, wanted) and not self._must_wait(name):
                self._fields[name] = wanted
            self._seen.pop(name, None)
        elif name in self._seen:
            if not same(self._seen[name], wanted) and not self._must_wait(name):
                self._seen[name] = wanted
        elif (not is_empty(wanted) or self._cares(name)) and not self._must_wait(name):
            self._seen[name] = wanted

    def _cares(self, name: str) -> bool:
        """Whether nothing is written over a hand's value: then also what is empty or taken away is remembered."""
        return policy_of(self._mapping, name) != "reassert"

    def _single(self, name: str, now: tuple[str, ...], wanted: tuple[str, ...]) -> None:
        given, seen = self._link.given.get(name, ()), self._link.seen.get(name, ())
        ours = given or seen
        if now == wanted:
            if ours != now and not self._must_wait(name):
                if given:
                    self._given[name] = now
                else:
                    self._seen[name] = now
        elif ours and now != ours and not self._writes.explains(name, now):
            self._add(name, ours, now, wanted)

    def _set(self, name: str, now: tuple[str, ...], wanted: tuple[str, ...]) -> None:
        given, seen = self._link.given.get(name, ()), self._link.seen.get(name, ())
        owned = (*given, *(seen if isinstance(seen, tuple) else ()))
        taken = tuple(
            id_ for id_ in dict.fromkeys(owned) if id_ in wanted and id_ not in now and not self._writes.adds(name, id_)
        )
        if taken:
            self._add(name, taken, now, wanted, taken=taken)
        self._know_set(name, now, wanted, given, taken)

    def _know_set(
        self, name: str, now: tuple[str, ...], wanted: tuple[str, ...], given: tuple[str, ...], taken: tuple[str, ...]
    ) -> None:
        left = taken if self._cares(name) else ()  # what a later write to the set would make forget
        found = tuple(id_ for id_ in wanted if (id_ in now and id_ not in given) or id_ in left)
        gone = [id_ for id_ in given if id_ not in now and id_ not in wanted]
        if (found == self._link.seen.get(name, ()) and not gone) or self._must_wait(name):
            return
        if found:
            self._seen[name] = found
        else:
            self._seen.pop(name, None)
        if gone:  # somebody took away what no rule gives any more: not crosskey's, should it come back
            still = tuple(id_ for id_ in given if id_ not in gone)
            self._given = {key: ids for key, ids in {**self._given, name: still}.items() if ids}

    def _add(self, part: str, ours: Value, now: Value, wanted: Value, *, taken: tuple[str, ...] = ()) -> None:
        policy = policy_of(self._mapping, part)
        one = Drifted(part=part, ours=ours, now=now, wanted=wanted, policy=policy, taken=taken)
        self._drifted.append(one)
