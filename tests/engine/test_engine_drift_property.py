"""Any mixture of changes at the source and hands in the desk, under every policy, against a model of who owns what."""

from __future__ import annotations

import tempfile
from pathlib import Path

import anyio
from engine_bench import CONFIG, Bench
from hypothesis import example, given, settings
from hypothesis import strategies as st

VALUES = ["", "north", "south", "east"]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("source"), st.sampled_from(VALUES)),
        st.tuples(st.just("hand"), st.sampled_from(VALUES)),
        st.tuples(st.just("group"), st.booleans()),
        st.tuples(st.just("role"), st.booleans()),
        st.tuples(st.just("run"), st.sampled_from(["plan", "sync"])),
    ),
    max_size=14,
)


class Field:
    """What must become of one field: the last value both agreed on, and whether crosskey ever wrote it."""

    def __init__(self) -> None:
        self.agreed: str | None = None
        self.written = False

    def run(self, now: str, wanted: str, policy: str, *, writes: bool) -> tuple[str, bool]:
        """The value after a run, and whether it is held."""
        drifted = self.agreed is not None and now not in (wanted, self.agreed)
        clears = wanted != "" or (self.written and now == self.agreed)
        if now == wanted:
            if wanted or self.written or policy != "reassert":
                self.agreed = wanted
            return now, False
        if not clears or (drifted and policy != "reassert"):
            return now, drifted and clears and policy == "alert"
        if writes:
            self.agreed, self.written = wanted, True
            return wanted, False
        return now, False


class Role:
    """What must become of one role of a set."""

    def __init__(self) -> None:
        self.owned = False
        self.given = False

    def run(self, now: bool, wanted: bool, policy: str, *, writes: bool) -> tuple[bool, bool]:
        """Whether it is there after a run, and whether it is held."""
        if not wanted:
            taken = now and self.given
            if writes or not taken:
                self.owned = self.given = False
            return now and not (taken and writes), False
        if now:
            self.owned = True
        elif self.owned and policy != "reassert":
            return False, policy == "alert"
        elif writes:
            self.owned = self.given = now = True
        return now, False


class World:
    """One person, one account, and the model beside them."""

    def __init__(self, folder: Path, policy: str) -> None:
        self.policy = policy
        self.bench = Bench(folder)
        self.bench.desk.add_field("area", listed=True)
        rules = CONFIG.replace("[map.user]", f'[map.user]\ndrift = "{policy}"')
        self.bench.configure(rules.replace("[map.user.fields]", '[map.user.fields]\narea = "region"'))
        self.bench.directory.add("ada", groups=["Staff"])
        self.field, self.role = Field(), Role()
        self.sync()

    @property
    def account(self):
        return self.bench.desk.of("user")["Ada"]

    def value(self) -> str:
        return str(self.account.fields.get("area") or "")

    def has(self) -> bool:
        return "roles-viewer" in self.account.references.get("roles", ())

    def step(self, what: str, value: object) -> None:
        account = self.account
        if what == "source":
            self.bench.directory.change("ada", region=value)
        elif what == "group":
            members = self.bench.directory.group("London")
            members.add("ada") if value else members.discard("ada")
        elif what == "hand":
            self.bench.desk.edit("user", account.key, fields={**account.fields, "area": value})
        elif what == "role":
            roles = set(account.references.get("roles", ())) - {"roles-viewer"} | ({"roles-viewer"} if value else set())
            references = {**account.references, "roles": tuple(sorted(roles))}
            self.bench.desk.edit("user", account.key, references=references)
        else:
            self.sync(str(value))

    def sync(self, kind: str = "sync") -> None:
        before = (self.value(), self.has()) if self.bench.desk.accounts else ("", False)
        wanted = self.bench.directory.people["ada"].region, "ada" in self.bench.directory.group("London")
        self.bench.clock.advance(200)
        result = anyio.run(lambda: self.bench.run(kind))
        writes = kind == "sync"
        value, field_held = self.field.run(before[0], wanted[0], self.policy, writes=writes)
        has, role_held = self.role.run(before[1], wanted[1], self.policy, writes=writes)
        assert (self.value(), self.has()) == (value, has)
        held = [hold for hold in result.plan.held if hold.rail == "drift"]
        assert len(held) == (field_held or role_held)

    def settle(self) -> None:
        self.sync()
        writes = len(self.bench.desk.writes)
        before = self.noticed()
        self.sync()
        assert self.bench.did() == [], "the second plan is empty"
        assert (len(self.bench.desk.writes), self.noticed()) == (writes, before)
        if self.policy == "reassert" and self.bench.directory.people["ada"].region:
            assert self.value() == self.bench.directory.people["ada"].region

    def noticed(self) -> int:
        with self.bench.journal() as journal:
            return sum(event.kind == "drift.noticed" for event in journal.events())


@settings(max_examples=60)
@example(policy="yield", steps=[("source", "north"), ("hand", "south")])
@given(policy=st.sampled_from(["reassert", "yield", "alert"]), steps=STEPS)
def test_no_hand_edit_is_lost_and_no_change_of_the_source_is(policy, steps):
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), policy)
        for what, value in steps:
            world.step(what, value)
        world.settle()
