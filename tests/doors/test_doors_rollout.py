"""``crosskey sso step``: forward only when what a step waits for is there, back whenever somebody says so."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from cli_bench import Shell, run_here, small_company
from doors_bench import House, house, leave_snapshot
from sso_bench import ADA, BO, CONNECTION, roll_out, section_of
from test_doors_commands import CONFIGURATION, Typed

from crosskey.clock import SystemClock
from crosskey.config import load_config
from crosskey.errors import ExitCode, StaleError
from crosskey.journal import AttemptRecord, BreakGlass, Doorbook, JournalWriter, LoginRecord, attempts
from crosskey.journal.database import Database
from crosskey.journal.migrations import MIGRATIONS, migrate
from crosskey.journal.schema_rollout import ROLLOUT
from crosskey.model import Account
from crosskey.plugins import load_plugins
from crosskey.sso.rollout import move
from fake_clock import FakeClock

RULES = 'enabled = true\npilot = ["First"]\nlocal = "/auth/account/login"'


class Rollout(Typed):
    """A door that is on, and the journal beside it as if a sync and tests had been at work."""

    def __init__(self, folder, rules=RULES, more=""):
        super().__init__(folder)
        text = CONFIGURATION.replace("[sso.agents]", f"[sso.agents]\n{rules}") + more
        (folder / "crosskey.toml").write_text(text, encoding="utf-8")
        self.house = House(folder / "kept" / "journal.sqlite", [section_of()], None)
        self.path = self.house.config.journal.path
        roll_out(self.path, SystemClock(), "test")

    def noting(self):
        return Doorbook.noting(self.path, clock=SystemClock(), connection=CONNECTION)

    def tested(self, code="tested", mfa="unasked", flow="oidc"):
        with self.noting() as book:
            at = datetime.now(UTC)
            book.note_attempt(
                AttemptRecord(door="agents", at=at, code=code, reference="r", purpose="test", mfa=mfa, flow=flow)
            )

    def proven(self, *, ago=timedelta(0), key="3", pattern="agent:3", word=""):
        with self.noting() as book:
            at = datetime.now(UTC) - ago
            book.prove(BreakGlass(door="agents", kind="agent", key=key, pattern=pattern, word=word, at=at, by="tests"))

    def shown(self):
        run = self("sso", "step", "agents", "--json")
        assert run.code == ExitCode.OK, run
        return run.json

    def lacks(self, step):
        found = {each["step"]: each["lacks"] for each in self.shown()["ahead"]}
        return [each["code"] for each in found[step]]

    def refused(self, step):
        """Moving there is refused; the codes of what is lacking."""
        before = self.shown()["now"]["step"]
        run = self("sso", "step", "agents", step)
        assert (run.code, self.shown()["now"]["step"]) == (ExitCode.CONFIG, before)
        assert "fix:" in run.err
        return run.err

    def goes(self, step, *words):
        run = self("sso", "step", "agents", step, *words)
        assert run.code == ExitCode.OK, run
        assert self.shown()["now"]["step"] == step


def test_a_door_goes_forward_one_step_at_a_time(tmp_path):
    there = Rollout(tmp_path, more='\n[rails]\nprotect = ["agent:3"]\n')
    assert there.lacks("button") == ["test-missing"]
    assert "crosskey sso test agents" in there.refused("button")
    there.tested("mfa-missing")
    assert there.lacks("button") == ["test-missing"]
    there.tested(flow="okta")  # before the provider was swapped
    assert there.lacks("button") == ["test-missing"]
    there.tested()
    assert "one step at a time" in there.refused("pilot")
    there.goes("button", "--because", "the desk agreed")

    assert there.lacks("pilot") == ["pilot-unread"]
    leave_snapshot(there.path, {"Others": [ADA]})
    assert there.lacks("pilot") == ["pilot-unknown", "pilot-nobody"]
    leave_snapshot(there.path, {"First": [BO]})  # a user of the portal only
    assert "crosskey sync" in there.refused("pilot")
    leave_snapshot(there.path, {"First": [ADA, BO]})
    there.goes("pilot")

    assert there.lacks("default") == ["pilot-unused"]
    assert (there.shown()["members"], there.shown()["pilots"]) == (2, 0)


async def test_a_pilot_who_comes_in_opens_the_way_to_the_default(tmp_path):
    there = Rollout(tmp_path)
    leave_snapshot(there.path, {"First": [ADA, BO]})
    roll_out(there.path, SystemClock(), "button", ("agents",))
    there.goes("pilot")
    clock = FakeClock(datetime.now(UTC) + timedelta(seconds=1))
    async with house(tmp_path, agents={"pilot": ("First",)}, step="pilot", clock=clock) as doors:
        await doors.browser().sign_in()
        # moved by the bench a moment later than the command did: the newest move counts
        with doors.book as book:
            at = book.step("agents").at
    assert at is not None
    assert (there.shown()["pilots"], there.lacks("default")) == (1, [])
    assert "1 of them signed in" in there("sso", "step", "agents").out
    there.goes("default")


def test_a_second_factor_must_have_been_tested_both_ways(tmp_path):
    there = Rollout(tmp_path, f'{RULES}\nmfa = "required"')
    there.tested()
    assert there.lacks("button") == ["mfa-unproven"]
    there.tested(mfa="proven")
    assert "somebody without one, who must be refused" in there.refused("button")
    there.tested("mfa-missing")
    there.goes("button")


def test_tests_count_for_longer_than_attempts_are_kept(tmp_path):
    there = Rollout(tmp_path)
    there.tested()
    late = FakeClock(datetime.now(UTC) + timedelta(days=400))
    with Doorbook.noting(there.path, clock=late, connection=CONNECTION) as book:
        book.begin_login(
            LoginRecord(
                state="s",
                door="agents",
                browser="b",
                flow="oidc",
                issuer="i",
                purpose="login",
                request="{}",
                return_to="/",
                begun_at=late.now(),
            )
        )
    assert there.lacks("button") == []


@pytest.mark.parametrize(
    ("rules", "to", "code"),
    [
        ("enabled = false", "button", "door-off"),
        ("enabled = true", "pilot", "pilot-empty"),
        ("enabled = true", "redirect", "local-missing"),
        (RULES, "enforced", "break-glass-unproven"),
    ],
)
def test_what_the_section_lacks(tmp_path, rules, to, code):
    there = Rollout(tmp_path, rules)
    assert code in there.lacks(to)


def test_enforced_needs_a_local_login_proven_within_a_day(tmp_path):
    there = Rollout(tmp_path, more='\n[rails]\nprotect = ["agent:3"]\n')
    roll_out(there.path, SystemClock(), "redirect", ("agents",))
    assert "crosskey sso break-glass agents" in there.refused("enforced")
    there.proven(ago=timedelta(hours=25))
    assert there.lacks("enforced") == ["break-glass-unproven"]
    there.proven()
    there.goes("enforced")
    with there.noting() as book:
        facts = next(dict(each.facts) for each in book.events() if each.kind == "break_glass.proven")
        assert {key: facts[key] for key in ("door", "kind", "key", "how")} == {
            "door": "agents", "kind": "agent", "key": "3", "how": "seen",
        }  # fmt: skip
    assert there.shown()["warnings"] == []
    there.proven(ago=timedelta(days=31), word="Bo saw Ada do it")
    assert [each["code"] for each in there.shown()["warnings"]] == ["break-glass-old"]
    told = there("status")
    for words in ("enforced", "Bo saw Ada do it", "31 days ago", "crosskey sso break-glass agents --account 3"):
        assert words in " ".join(told.out.split()), told.out
    assert there.shown()["now"]["step"] == "enforced"  # nothing closes by itself


@pytest.mark.parametrize(
    ("what", "code"),
    [("linked", "break-glass-linked"), ("unprotected", "break-glass-unprotected"), ("off", "break-glass-off")],
)
def test_h10_a_local_login_that_no_longer_stands_is_told(tmp_path, what, code):
    protect = "" if what == "unprotected" else '\n[rails]\nprotect = ["agent:3"]\n'
    there = Rollout(tmp_path, more=protect)
    there.proven()
    if what == "linked":
        there.house.sync.link(BO, "agent", "3")
    if what == "off":
        leave_snapshot(there.path, {}, [Account(kind="agent", key="3", label="glass", active=False)])
    [warning] = there.shown()["warnings"]
    assert (warning["code"], warning["severity"]) == (code, "warning")
    assert code in there.lacks("enforced")
    told = there("status", "--json").json
    assert [each["code"] for door in told["rollout"] for each in door["warnings"]] == [code]
    assert warning["fix"] in " ".join(there("status").out.split())


# ------------------------------------------------------------------------------------------------------------- and back


async def test_back_any_number_while_the_doors_are_served_and_the_provider_is_down(tmp_path):
    there = Rollout(tmp_path)
    async with house(tmp_path, agents={"local": "/auth/account/login"}, step="enforced") as doors:

        def down(request):
            raise httpx.ConnectError("no route")

        doors.provider.faults = dict.fromkeys(("/.well-known/openid-configuration",), down)
        stuck = await doors.browser().get("/agents/sign-in")
        assert (stuck.status_code, "provider-unreachable" in stuck.text) == (503, True)
        there.goes("button", "--because", "the provider is down")
        page = await doors.browser().get("/agents/sign-in")
        assert (page.status_code, "/auth/account/login" in page.text) == (200, True)
        back = there("sso", "step", "agents", "test")
        assert (back.code, "taken back" in back.out) == (ExitCode.OK, False)  # forward it goes step by step only
        assert (await doors.browser().get("/agents/sign-in")).status_code == 403
    moved = [dict(event.facts) for event in there.house.book.events() if event.kind == "door.moved"]
    assert (moved[-1]["before"], moved[-1]["step"], bool(moved[-1]["by"])) == ("button", "test", True)
    with there.noting() as book:
        assert [each.reason for each in book.moves("agents", 2)] == ["", "the provider is down"]
        assert book.verify().ok


def test_two_commands_at_once_move_a_door_once(tmp_path):
    """The second one decided on what is no longer so, and is told."""
    there = Rollout(tmp_path)
    there.tested()
    config = load_config(tmp_path / "crosskey.toml", load_plugins(), resolve_secrets=False)
    section, now = config.doors["agents"], datetime.now(UTC)
    with there.noting() as first, there.noting() as second:
        at = second.step("agents").step
        move(config, section, first, now, "button", by="one")
        with pytest.raises(StaleError, match="from test to button"):
            second.move("agents", "button", before=at, by="two")
        assert [each.by for each in second.moves("agents", 1)] == ["one"]
    assert "is at button already" in there("sso", "step", "agents", "button").err


@pytest.mark.parametrize(
    "forged",
    [
        "UPDATE sso_step SET step = 'enforced' WHERE event = (SELECT max(event) FROM sso_step)",
        "UPDATE sso_step SET event = event + 1000 WHERE event = (SELECT min(event) FROM sso_step)",
        "DELETE FROM sso_step",
        "INSERT INTO sso_step SELECT event + 1000, connection, door, 'test', step, at, moved_by, '' FROM sso_step",
        "UPDATE sso_break_glass SET key = '4'",
        "UPDATE sso_break_glass SET word = '', proven_at = '2099-01-01T00:00:00+00:00'",
    ],
)
def test_a_move_or_a_proof_that_nobody_made_is_found(tmp_path, forged):
    there = Rollout(tmp_path)
    roll_out(there.path, SystemClock(), "redirect", ("agents",))
    there.proven(word="Bo saw it")
    with there.noting() as book:
        assert book.verify().ok
    with sqlite3.connect(there.path) as raw:
        raw.execute(forged)
    raw.close()
    with there.noting() as book:
        found = book.verify()
        assert (found.ok, "row of event" in found.reason or "no event vouches" in found.reason) == (False, True)


def test_a_section_that_says_entry_is_told_of_the_step(tmp_path):
    there = Rollout(tmp_path, 'entry = "redirect"')
    run = there("sso", "step", "agents")
    assert run.code == ExitCode.CONFIG
    for words in ("sso.agents.entry", "remove this line", "crosskey sso step agents"):
        assert words in run.err


def test_a_run_that_is_at_work_keeps_nobody_from_moving_a_door(tmp_path):
    there = Rollout(tmp_path)
    there.tested()
    with JournalWriter.open(there.path, clock=SystemClock(), connection=CONNECTION):
        there.goes("button")
        there.goes("test")


def test_a_journal_of_an_older_version_is_upgraded_by_the_first_move(tmp_path):
    typed = Typed(tmp_path)
    file = tmp_path / "crosskey.toml"
    file.write_text(CONFIGURATION.replace("[sso.agents]", f"[sso.agents]\n{RULES}"), encoding="utf-8")
    path = tmp_path / "kept" / "journal.sqlite"
    path.parent.mkdir(mode=0o700)
    path.touch(0o600)
    at = datetime.now(UTC)
    rollout = next(each.version for each in MIGRATIONS if each.statements is ROLLOUT)
    with Database(path, writable=True) as database:
        migrate(database, at, version=0, migrations=[each for each in MIGRATIONS if each.version < rollout])
        test = AttemptRecord(door="agents", at=at, code="tested", reference="r", purpose="test", flow="oidc")
        with database.transaction():
            database.run("INSERT INTO connection (name, epoch, serial) VALUES (?, 1, 1)", (CONNECTION,))
            attempts.add(database, CONNECTION, test)
    assert typed("sso", "step", "agents", "--json").json["now"]["step"] == "test"
    assert typed("sso", "step", "agents", "button").code == ExitCode.OK
    assert typed("sso", "step", "agents", "--json").json["now"]["step"] == "button"


def test_a_door_that_is_none(tmp_path):
    there = Rollout(tmp_path)
    assert "no-door" in there("sso", "step", "portal", "--json").out
    assert json.loads(run_here(("sso", "step", "agents", "--json"), tmp_path, {}).out)["now"]["step"] == "test"


def test_a_pilot_may_be_a_group_that_no_mapping_names(tmp_path):
    """It is read with the others; where no source has it, the sync goes on and the step says so."""
    with small_company() as stage:
        crosskey = Shell(tmp_path, stage)
        text = crosskey.file.read_text(encoding="utf-8")
        team = next(each for each in crosskey.stage.company.teams if f'"{each.name}"' not in text)
        crosskey.add(f'[sso.agents]\npilot = ["{team.name}", "Nobody Has It"]')
        run = crosskey("plan")
        assert run.code in (ExitCode.OK, ExitCode.HELD), run
        found = crosskey("sso", "step", "agents", "--json").json
        assert found["members"] == len(team.members) > 0
        [pilot] = [each for each in found["ahead"] if each["step"] == "pilot"]
        assert [each["code"] for each in pilot["lacks"] if each["code"] != "pilot-nobody"] == ["pilot-unknown"]
        assert '"Nobody Has It"' in pilot["lacks"][0]["summary"]
        assert team.name not in pilot["lacks"][0]["summary"]

        desk = crosskey.stage.desk
        account = desk.add_agent("Break Glass", email="glass@acme.example")
        with Doorbook.noting(crosskey.journal, clock=SystemClock(), connection="desk") as book:
            at = datetime.now(UTC)
            key = str(account.id)
            book.prove(BreakGlass(door="agents", kind="agent", key=key, pattern="", word="", at=at, by="tests"))
        checked = crosskey("check", "--json").json["findings"]["sso.agents"]
        assert [(each["code"], each["severity"]) for each in checked] == [("break-glass-unprotected", "warning")]
        refused = crosskey("sso", "break-glass", "agents", "--account", key)
        assert (refused.code, "[rails] protect" in refused.err) == (ExitCode.CONFIG, True)
        crosskey.edit(("[rails]\n", f'[rails]\nprotect = ["agent:{key}"]\n'))
        run = crosskey("sso", "break-glass", "agents", "--account", key, "--attest", "Bo saw it", "--json")
        assert (run.code, run.json["word"], run.json["pattern"]) == (ExitCode.OK, "Bo saw it", f"agent:{key}")
        assert "stands: it is on" in crosskey("check").out
