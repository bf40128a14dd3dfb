"""What a swap must not do on its way: lie about the first plan, take somebody's account, leave half of a person behind."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from engine_bench import CONFIG, Bench, Quiet, rails
from rich.console import Console

import bench_plugin
from bench_plugin import Killed
from crosskey.cli.progress import ProgressBar
from crosskey.cli.swap import result_json
from crosskey.config import load_config
from crosskey.engine.connect import Connect
from crosskey.engine.rails import Allowed
from crosskey.engine.swap import SwapOptions, SwapResult, swap
from crosskey.errors import ConfigError

CORP, ACQUIRED = ('which = "corp"', 'which = "acquired"')
ONE = CONFIG.replace('use = "directory"', f'use = "directory"\n{CORP}', 1)
SEVERAL = ONE.replace(
    "[target.desk]",
    """[source.third]
use = "directory"
which = "third"
[sync]
from = ["corp", "third"]
same = ["employee_number"]
[target.desk]""",
)


class SwapBench(Bench):
    """Everybody of one directory is in another too, under other ids."""

    async def swap(
        self, *, keys: tuple[str, ...] = ("employee_number",), allow: tuple[str, ...] = (), observer=None, **options
    ) -> SwapResult:
        text = self.path.read_text(encoding="utf-8")
        new = self.path.with_name("new.toml")
        new.write_text(text.replace(CORP, ACQUIRED), encoding="utf-8")
        chosen = SwapOptions(
            keys=keys,
            allowed=Allowed.parse(allow),
            **{"confirm": lambda _proof: True, "stop": lambda: False, **options},
        )
        other = load_config(new, self.plugins)
        with self.journal() as journal:
            return await swap(
                self.config, other, self.plugins, journal, Connect(clock=self.clock), chosen, observer or Quiet()
            )

    def swapped(self) -> None:
        """From now on the new directory is read."""
        self.configure(self.path.read_text(encoding="utf-8").replace(CORP, ACQUIRED))


@pytest.fixture
def bench(tmp_path: Path) -> SwapBench:
    made = SwapBench(tmp_path, ONE)
    for one, prefix in ((made.directory, ""), (bench_plugin.acquired, "x-")):
        one.can_find = True
        for name in ("Staff", "London", "Desk"):
            one.group(name)
        for number in range(8):
            one.add(
                f"{prefix}p{number}",
                groups=["Staff"],
                email=f"p{number}@example.com",
                display_name=f"P{number}",
                employee_number=str(number),
            )
    return made


@pytest.fixture
def acquired():
    return bench_plugin.acquired


async def test_a_first_plan_that_would_be_held_is_no_proof_that_nothing_changes(bench, acquired):
    bench.configure(ONE + "[rails]\nmax_disable = { count = 2, percent = 1 }\n")
    await bench.run()
    for number in range(8):
        acquired.change(f"x-p{number}", active=False, status="OFF")
    result = await bench.swap()
    assert (result.proof.nothing_changes, result.applied, result.verdict) == (False, None, "held")
    assert [one.rail for one in result.proof.held] == ["mass-disable"]


async def test_a_directory_that_tells_far_fewer_people_is_held(bench, acquired):
    bench.configure(ONE + "[rails]\nmin_people = 4\n")
    await bench.run()
    acquired.hidden = {f"x-p{number}" for number in range(1, 8)}
    result = await bench.swap(allow=("swap-differs=7",))
    assert (result.proof.nothing_changes, result.applied, result.verdict) == (False, None, "held")
    assert [one.rail for one in result.proof.held] == ["shrink"]
    assert (await bench.swap(allow=("swap-differs=7", "shrink=1"))).applied is not None


async def test_who_has_an_account_by_the_new_directory_already_keeps_both_and_is_named(bench, acquired):
    await bench.run()
    acquired.change("x-p1", email="other@example.com")
    bench.swapped()
    await bench.run()
    assert bench.did() == ["create user P1"]
    acquired.change("x-p1", email="p1@example.com")
    bench.configure(ONE)
    before = dict(bench.desk.accounts)
    result = await bench.swap()
    assert [one.rail for one in result.proof.held] == ["identity-collision"]
    assert result.applied.counts == {"applied": 7}
    assert bench.desk.accounts["user", "2"] == before["user", "2"], "its marker is still that of the old entry"


async def test_rules_may_name_groups_of_sources_that_are_not_swapped(bench, acquired):
    bench.configure(
        SEVERAL.replace('group = "London"', 'group = "third:Paris"').replace('group = "Desk"', 'group = "Rome"')
    )
    bench_plugin.third.add("y", groups=["Staff", "Paris", "Rome"])
    bench_plugin.third.group("Desk")
    await bench.run()
    result = await bench.swap()
    assert (result.proof.nothing_changes, result.applied.counts) == (True, {"applied": 8})
    bench.swapped()
    assert ((await bench.run()).plan.size, rails(await bench.run())) == (0, [])


@pytest.mark.parametrize("lead", ["corp", "third"])
async def test_a_swap_that_is_cut_short_leaves_people_of_two_sources_whole(bench, acquired, lead):
    third = bench_plugin.third
    third.group("Staff")
    bench.configure(SEVERAL if lead == "corp" else SEVERAL.replace('["corp", "third"]', '["third", "corp"]'))
    for number in range(8):
        third.add(f"y{number}", groups=["Staff"], display_name=f"P{number}", employee_number=str(number))
    await bench.run()
    assert len(bench.desk.accounts) == 8
    for number in range(8):
        third.change(f"y{number}", employee_number="")
    stops = iter([False, True, True])
    first = await bench.swap(stop=lambda: next(stops, True))
    assert first.verdict == ("aborted" if lead == "corp" else "clean")
    if lead == "corp":
        assert len(first.proof.plan.held) == 0
        plan = await bench.run("plan")
        assert not [change for change in bench.changes if change.action == "create"], rails(plan)
        assert (await bench.swap()).verdict == "clean"
    bench.swapped()
    assert ((await bench.run()).plan.size, len(bench.desk.accounts)) == (0, 8)
    with bench.journal() as journal:
        issuers = {subject.issuer for pair in journal.all_vouchers() for subject in pair}
    assert issuers == {acquired.issuer, third.issuer}


async def test_a_signal_while_links_move_waits_for_the_batch(bench):
    await bench.run()
    progress = ProgressBar(Console(file=io.StringIO()), quiet=True)
    writing: list[bool] = []

    def stop() -> bool:
        writing.append(progress.applying())
        return False

    await bench.swap(stop=stop, observer=progress)
    assert writing == [True, True, True]


async def test_a_rehearsal_leaves_nothing_behind_and_takes_away_what_a_kill_left(bench, acquired):
    await bench.run()
    folder = bench.config.journal.path.parent
    before = {path.name for path in folder.iterdir()}
    left = folder / "rehearsal"
    left.mkdir()
    (left / "journal.sqlite").write_bytes(b"of a process that was killed")
    modes: list[int] = []

    def look(proof) -> bool:
        modes.append(left.exists())
        return False

    await bench.swap(confirm=look)
    assert ({path.name for path in folder.iterdir()}, modes) == (before, [False])
    acquired.fail = Killed()
    with pytest.raises(BaseException):  # noqa: PT011 - however the process ends
        await bench.swap()
    assert {path.name for path in folder.iterdir()} == before


async def test_a_key_that_nobody_has_is_an_error_and_no_proof(bench):
    with pytest.raises(ConfigError, match="employee_number"):
        await bench.swap(keys=("employe_number",))


async def test_an_account_whose_move_is_refused_is_told_and_moves_with_the_next_swap(bench, acquired):
    for one, id_ in ((bench.directory, "p1"), (acquired, "x-p1")):
        one.group("Desk").add(id_)
    await bench.run()
    agent = next(key for kind, key in bench.desk.accounts if kind == "agent")
    bench.desk.edit("agent", agent, label="Refused")
    bench.desk.bad = {"Refused"}
    first = await bench.swap()
    assert (first.verdict, first.applied.counts) == ("partial", {"applied": 8, "rejected": 1})
    told = result_json(first)
    assert [one["outcome"].code for one in told["failures"]] == ["bad"]
    bench.desk.bad = set()
    again = await bench.swap()
    assert (again.verdict, again.proof.relinks) == ("clean", 1)
    bench.swapped()
    assert ((await bench.run()).plan.size, len(bench.desk.accounts)) == (0, 9)


@pytest.mark.parametrize("fault", ["lost-answer", "lost-request"])
@pytest.mark.parametrize("markers", [True, False])
@pytest.mark.parametrize("between", ["old", "new", "none"])
async def test_a_lost_answer_doubles_nobody_whatever_runs_in_between(bench, fault, markers, between):
    bench.desk.keeps_markers = markers
    await bench.run()
    bench.desk.fault = fault
    assert (await bench.swap()).verdict == "failed"
    bench.desk.fault = ""
    bench.clock.advance(600)
    if between == "new":
        bench.swapped()
    if between != "none":
        await bench.run()
        assert not [change for change in bench.changes if change.action in ("create", "disable")]
    bench.configure(ONE)
    assert (await bench.swap()).verdict == "clean"
    bench.swapped()
    assert ((await bench.run()).plan.size, len(bench.desk.accounts)) == (0, 8)


async def test_what_crosskey_switched_off_and_who_is_leaving_go_along(bench, acquired):
    bench.configure(ONE.replace('match = ["email"]\ndefault', 'match = ["email"]\nleavers = { after = "2h" }\ndefault'))
    await bench.run()
    for number in (1, 2):
        bench.directory.change(f"p{number}", active=False, status="OFF")
        acquired.change(f"x-p{number}", active=False, status="OFF")
    await bench.run()
    bench.clock.advance(3600)
    assert (await bench.swap()).proof.nothing_changes
    bench.swapped()
    assert (await bench.run()).plan.size == 0
    acquired.change("x-p2", active=True, status="ON")
    await bench.run()
    bench.clock.advance(3700)
    await bench.run()
    assert bench.did() == ["disable user P1"], "two hours since it began, before the swap"


async def test_a_protected_account_is_not_written_and_its_person_gets_no_second_one(bench, acquired):
    bench.configure(ONE + '[rails]\nprotect = ["user:2"]\n')
    await bench.run()
    acquired.change("x-p1", email="other@example.com")
    before = bench.desk.accounts["user", "2"]
    result = await bench.swap()
    assert (result.verdict, result.applied.counts) == ("clean", {"applied": 8})
    assert bench.desk.accounts["user", "2"] == before
    bench.swapped()
    held = await bench.run()
    assert (bench.did(), rails(held)) == ([], ["protected"])
