"""What must hold: at every write while anything may go wrong, and of the whole world once it is calm."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Final

from crosskey.model import Account
from crosskey.plan import Change
from proofs.simulation.desk import TARGET_LAG, Desk, Key
from proofs.simulation.directory import SOURCE_LAG, Directory

if TYPE_CHECKING:
    from proofs.simulation.life import Life

__all__ = ("MOST_DISABLES", "SCOPES", "Oracle")

MOST_DISABLES: Final = 3
"""``[rails] max_disable.count`` of every world."""
SCOPES: Final = {"user": "g-Staff", "agent": "g-Desk"}
_SHORTEST_CUT: Final = 20


class Oracle:
    """Watches every write; ``broken`` lists what must never happen and did."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.tell = tell
        self.broken: list[str] = []
        self.writes = 0
        self.wanted_since: dict[tuple[str, str], float] = {}
        self.london_since: dict[str, float] = {}
        self.exempt: set[str] = set()
        """People whom a protected account keeps from having their own."""
        self.taking_back = False
        """Whether runs are taken back: then people who are wanted are switched off, because a person says so."""
        self.left_off: set[Key] = set()
        """Accounts that somebody switched off by hand: they stay off until a person says otherwise."""

    def complain(self, law: str, text: str) -> None:
        """Note a broken law."""
        self.broken.append(f"{law}: {text}")
        self.tell(f"BROKEN {law}: {text}")

    # -- at every moment ----------------------------------------------------------------------------------------------

    def is_wanted(self, directory: Directory, kind: str, who: str) -> bool:
        """Whether somebody should have an account of a kind, by the newest truth."""
        person = directory.people.get(who)
        return person is not None and person.active is True and who in directory.members[SCOPES[kind]]

    def note(self, directory: Directory, at: float) -> None:
        """Remember since when everybody is wanted, and in London, without a break."""
        london = directory.members["g-London"]
        self.london_since = {who: self.london_since.get(who, at) for who in sorted(london)}
        for kind in SCOPES:
            wanted = {who for who in directory.people if self.is_wanted(directory, kind, who)}
            for who in wanted:
                self.wanted_since.setdefault((kind, who), at)
            for known in [key for key in self.wanted_since if key[0] == kind and key[1] not in wanted]:
                del self.wanted_since[known]

    def sending(self, life: Life, batch: Sequence[Change]) -> None:
        """Look at a batch that is about to be written."""
        self.writes += len(batch)
        round_ = life.round
        if round_.kind == "plan":
            self.complain("plan-writes", f"a run that only plans sent {len(batch)} changes")
        if life.taken_over:
            self.complain("not-fenced", "a run that was taken over sent a batch")
        intended = _intended(life)
        for change in batch:
            place = (change.kind, change.key or "")
            if intended is not None and change.id not in intended:
                self.complain("no-intent", f"{change.action} {change.id} has no intent in the journal")
            if place in life.desk.unmanaged:
                self.complain(
                    "touched-foreign", f"{change.action} of {change.kind} {change.key}, which is not crosskey's"
                )
            owner = life.desk.owners.get(place, change.subject)
            if owner != change.subject:
                self.complain(
                    "anothers-account", f"{change.kind} {change.key} of {owner.id} written for {change.label}"
                )
            if change.action == "disable":
                self._disabling(life, change)
            self._demoting(life, change)
            given = life.desk.given_at.get(place)
            if "roles" in change.references and given is not None and given > round_.began - TARGET_LAG:
                life.desk.hand_roles.pop(
                    place, None
                )  # lists did not show it yet: nobody who writes a whole list could know

    def _disabling(self, life: Life, change: Change) -> None:
        round_ = life.round
        since = self.wanted_since.get((change.kind, change.subject.id))
        if not self.taking_back and since is not None and since <= round_.began - SOURCE_LAG:
            self.complain(
                "wrong-disable", f"{change.kind} {change.key} of {change.subject.id}, wanted since {since:.0f}"
            )
        round_.disables[change.kind] += 1
        if round_.disables[change.kind] > max(MOST_DISABLES, round_.allowed):
            self.complain("threshold", f"{round_.disables[change.kind]} {change.kind} accounts disabled in one run")

    def _demoting(self, life: Life, change: Change) -> None:
        since = self.london_since.get(change.subject.id)
        if change.kind != "user" or change.action not in ("update", "enable") or self.taking_back:
            return  # what is adopted is brought in line with what was read
        if since is None or since > life.round.began - SOURCE_LAG:
            return
        taken = {id_ for part in change.references.values() for id_ in set(part.before) - set(part.after)}
        if lost := taken & {"roles-viewer", "site-london"}:
            who = change.subject.id
            self.complain("wrong-demotion", f"user {change.key} of {who}, in London since {since:.0f}: -{sorted(lost)}")

    # -- once it is calm ----------------------------------------------------------------------------------------------

    def judge(self, directory: Directory, desk: Desk) -> None:
        """Compare who should have what with who has."""
        by_owner: dict[tuple[str, str], list[Account]] = {}
        for key, account in desk.accounts.items():
            owner = desk.owners.get(key)
            if owner is not None:
                by_owner.setdefault((account.kind, owner.id), []).append(account)
        everybody = {who for _, who in by_owner} | set(directory.people)
        for kind in SCOPES:
            for who in sorted(everybody - self.exempt):
                self._judge_one(directory, desk, kind, who, by_owner.get((kind, who), []))
        for key, role in sorted(desk.hand_roles.items()):
            account = desk.accounts.get(key)
            if account is not None and role not in account.references.get("roles", ()):
                self.complain("took-anothers", f"{key} lost the role that somebody gave by hand")

    def _judge_one(self, directory: Directory, desk: Desk, kind: str, who: str, accounts: list[Account]) -> None:
        live = [account for account in accounts if account.active]
        created = [account for account in accounts if (kind, account.key) in desk.made]
        if len(created) > 1:
            self.complain("double", f"{len(created)} {kind} accounts were made for {who}: {_keys(created)}")
        if not self.is_wanted(directory, kind, who):
            if live:
                self.complain("leaver-left", f"{who} is not wanted and has {kind} {_keys(live)}")
            return
        if len(live) > 1:
            self.complain("double-live", f"{who} has {kind} {_keys(live)}")
        elif not live and not any((kind, account.key) in self.left_off for account in accounts):
            self.complain("lost", f"{who} should have a {kind} account and has none that is on")
        for account in live:
            self._judge_content(directory, account, who)

    def _judge_content(self, directory: Directory, account: Account, who: str) -> None:
        person = directory.people[who]
        name, mail = str(account.fields.get("name", "")), str(account.fields.get("mail", ""))
        whole = name == person.display_name or (len(name) >= _SHORTEST_CUT and person.display_name.startswith(name))
        if not whole or (mail != person.email and not person.email.startswith(mail or "-")):
            self.complain("wrong-content", f"{account.kind} {account.key} of {who}: {name!r} {mail!r}")
        if account.kind != "user":
            return
        london = who in directory.members["g-London"]
        site = ("site-london",) if london else ("site-main",)
        if account.references.get("site") != site:
            self.complain("wrong-content", f"user {account.key} of {who} is at {account.references.get('site')}")
        if london and "roles-viewer" not in account.references.get("roles", ()):
            self.complain("wrong-content", f"user {account.key} of {who} lacks a role")


def _intended(life: Life) -> set[str] | None:
    """Ids of the changes whose intent is on the disk; ``None`` where it cannot be read at the moment."""
    try:
        with closing(sqlite3.connect(f"{life.path.absolute().as_uri()}?mode=ro", uri=True, timeout=0)) as disk:
            return {str(row[0]) for row in disk.execute("SELECT change_id FROM operation WHERE state = 'intent'")}
    except sqlite3.Error:
        return None


def _keys(accounts: Sequence[Account]) -> str:
    return ", ".join(account.key for account in accounts)
