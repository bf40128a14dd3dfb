"""Any history of changes and faults, then calm: nobody lost, nobody doubled, nobody left in, nobody wrongly out."""

import asyncio
import tempfile
from contextlib import suppress
from pathlib import Path

import anyio
from engine_bench import CONFIG, Bench
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bench_plugin import Killed
from crosskey.errors import CrosskeyError

"""Thousands of synced commits: where there is a file system in memory, they need not reach a disk."""

FAULTS = [
    *("", "", "lost-answer", "lost-request", "late", "auth", "down", "raise", "silent"),
    *("killed-before", "killed-after", "cancelled", "no-key", "already"),
]
NAMES = ["ada", "bob", "cleo", "dora", "emil", "faye", "gus"]
GROUPS = ["Staff", "London", "Desk"]


class Company(RuleBasedStateMachine):
    """A directory that people edit, a desk that people edit, vendors that misbehave, and runs in between."""

    @initialize()
    def found(self):
        self.folder = tempfile.TemporaryDirectory()
        self.bench = Bench(Path(self.folder.name))
        self.protected: set[str] = set()
        self.with_roles = True
        self.bench.desk.can_find = True
        self.given_by_hand: set[tuple[str, str]] = set()
        for name in NAMES[:4]:
            self.bench.directory.add(name, groups=["Staff"])
        self.bench.desk.batch = 2

    def teardown(self):
        if hasattr(self, "bench"):
            with self.folder:
                self.calm()

    @rule(name=st.sampled_from(NAMES), groups=st.sets(st.sampled_from(GROUPS)), active=st.booleans())
    def person(self, name, groups, active):
        known = self.bench.directory.people.get(name)
        if known is None:
            self.bench.directory.add(name, active=active, groups=sorted(groups))
        else:
            self.bench.directory.change(name, active=active, status="ON" if active else "OFF")
            for group in GROUPS:
                members = self.bench.directory.group(group)
                members.add(name) if group in groups else members.discard(name)

    @rule(name=st.sampled_from(NAMES), title=st.sampled_from(["", "Engineer", "Boss"]))
    def rename(self, name, title):
        if name in self.bench.directory.people:
            self.bench.directory.change(name, title=title, display_name=f"{name.title()} {title}".strip())

    @rule(name=st.sampled_from(NAMES))
    def delete(self, name):
        self.bench.directory.people.pop(name, None)
        for members in self.bench.directory.members.values():
            members.discard(name)

    @rule(kind=st.sampled_from(["user", "agent"]), role=st.booleans(), off=st.booleans(), which=st.integers(0, 6))
    def somebody_edits_the_desk(self, kind, role, off, which):
        accounts = [key for key in self.bench.desk.accounts if key[0] == kind]
        if not accounts:
            return
        key = accounts[which % len(accounts)]
        account = self.bench.desk.accounts[key]
        if role and kind == "user":
            roles = {
                **account.references,
                "roles": tuple(sorted({*account.references.get("roles", ()), "roles-approver"})),
            }
            self.bench.desk.edit(*key, references=roles)
            self.given_by_hand.add(key)
        if off:
            self.bench.desk.edit(*key, active=False)

    @rule(which=st.integers(0, 6))
    def somebody_deletes_an_account(self, which):
        keys = list(self.bench.desk.accounts)
        if keys:
            key = keys[which % len(keys)]
            del self.bench.desk.accounts[key]
            self.given_by_hand.discard(key)

    @rule(protected=st.sets(st.sampled_from(NAMES), max_size=2), with_roles=st.booleans())
    def the_configuration_changes(self, protected, with_roles):
        self.protected, self.with_roles = protected, with_roles
        self.configure()

    def configure(self):
        config = CONFIG if self.with_roles else CONFIG.replace('roles = ["Viewer"]\n', "")
        protect = ", ".join(f'"{name}@example.com"' for name in sorted(self.protected))
        self.bench.configure(f"{config}\n[rails]\nprotect = [{protect}]")

    @rule(bad=st.sets(st.sampled_from(NAMES)), poison=st.booleans())
    def run_while_the_desk_refuses_some(self, bad, poison):
        labels = {self.bench.directory.people[name].label for name in bad if name in self.bench.directory.people}
        self.bench.desk.poison, self.bench.desk.bad = (labels, set()) if poison else (set(), labels)
        self.run()
        self.bench.desk.poison, self.bench.desk.bad = set(), set()

    @rule(hidden=st.sets(st.integers(1, 12).map(str)))
    def run_while_the_accounts_flap(self, hidden):
        self.bench.desk.hidden = hidden
        self.run()
        self.bench.desk.hidden = set()

    @rule(fault=st.sampled_from(FAULTS))
    def run_under_a_fault(self, fault):
        self.bench.desk.fault = fault
        self.run()
        self.bench.desk.fault = ""

    @rule(hidden=st.sets(st.sampled_from(NAMES)))
    def run_while_the_listing_flaps(self, hidden):
        self.bench.directory.hidden = set(hidden)
        self.run()
        self.bench.directory.hidden = set()

    @rule()
    def run_while_the_read_breaks_off(self):
        before = len(self.bench.desk.writes)
        self.bench.directory.complete = False
        self.run()
        self.bench.directory.complete = True
        assert len(self.bench.desk.writes) == before

    @rule(seconds=st.sampled_from([1, 70, 200]))
    def time_passes(self, seconds):
        anyio.run(self.bench.clock.sleep, seconds)
        if seconds >= 70:  # within the settle time of 120 s: the worst that the engine has to allow for
            self.bench.desk.arrive()

    def run(self, *allow):
        before = dict(self.bench.desk.accounts)
        active_before = {key for key, account in before.items() if account.active}
        with suppress(CrosskeyError, Killed, asyncio.CancelledError):
            anyio.run(lambda: self.bench.run(allow=allow))
        for key, account in before.items():
            if str(account.fields["mail"]).partition("@")[0] in self.protected:
                assert self.bench.desk.accounts[key] == account, "protected"
        for key in active_before:
            if not self.bench.desk.accounts[key].active:
                self.assert_rightly_disabled(key)

    def assert_rightly_disabled(self, key):
        kind, _ = key
        mail = str(self.bench.desk.accounts[key].fields["mail"])
        name = mail.partition("@")[0]
        person = self.bench.directory.people.get(name)
        assert person is None or not person.active or not self.in_scope(kind, name), f"{name} is active and in scope"

    def in_scope(self, kind, name):
        return name in self.bench.directory.group("Staff" if kind == "user" else "Desk")

    @invariant()
    def nobody_is_doubled(self):
        if not hasattr(self, "bench"):
            return
        seen = [(kind, account.fields["mail"]) for (kind, _), account in self.bench.desk.accounts.items()]
        assert len(seen) == len(set(seen)), seen

    @invariant()
    def what_somebody_gave_by_hand_stays(self):
        for key in getattr(self, "given_by_hand", ()):
            assert "roles-approver" in self.bench.desk.accounts[key].references["roles"]

    def calm(self):
        self.protected, self.with_roles = set(), True
        self.configure()
        everything = (
            "mass-disable=99",
            "absence-unconfirmed=99",
            "accounts-missing=99",
            *(f"empty-group={name}" for name in GROUPS),
        )
        shrunk = f"shrink={len(self.bench.directory.people)}"
        self.bench.desk.arrive()
        for _ in range(3):
            anyio.run(self.bench.clock.sleep, 200)
            self.run(*everything, shrunk)
        if not self.bench.directory.people:
            return
        result = anyio.run(lambda: self.bench.run(allow=(*everything, shrunk)))
        assert self.bench.did() == [], "a second plan is empty"
        switched_off = [notice.summary for notice in result.notices if notice.code == "disabled-by-hand"]
        for kind in ("user", "agent"):
            by_hand = {text.partition(":")[0] for text in switched_off if f"switched {kind} " in text}
            live = {str(a.fields["mail"]).partition("@")[0] for a in self.bench.desk.of(kind).values() if a.active}
            wanted = {
                name
                for name, person in self.bench.directory.people.items()
                if person.active and self.in_scope(kind, name) and person.label not in by_hand
            }
            if kind == "user":
                self.roles_follow_the_group(live & wanted)
            held = {hold.label for hold in result.plan.held if hold.kind == kind}
            assert {n for n in live - wanted if n in self.bench.directory.people} <= {
                n for n, p in self.bench.directory.people.items() if p.label in held
            }, f"left in: {live - wanted}"
            missing = wanted - live
            assert {self.bench.directory.people[n].label for n in missing} <= held, f"lost: {missing}, held {held}"

    def roles_follow_the_group(self, names):
        for account in self.bench.desk.of("user").values():
            name = str(account.fields["mail"]).partition("@")[0]
            if name in names:
                given = "roles-viewer" in account.references.get("roles", ())
                assert given == (name in self.bench.directory.group("London")), name


Company.TestCase.settings = settings(
    max_examples=60, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
)
TestCompany = Company.TestCase
