"""What a run that died half-way, or a journal from a backup, leaves behind does not make the next run blind."""

from __future__ import annotations

import shutil

import pytest
from engine_bench import CONFIG, rails

from bench_plugin import Killed


async def test_the_first_run_leaves_a_measure_even_if_it_dies_while_it_writes(bench):
    bench.configure(CONFIG + "[rails]\nmin_people = 2\n")
    for number in range(4):
        bench.directory.add(f"p{number}", groups=["Staff"])
    bench.desk.fault = "killed-after"
    with pytest.raises(Killed):
        await bench.run()
    bench.desk.fault = ""
    bench.directory.group("Staff").clear()
    bench.clock.advance(300)
    result = await bench.run()
    assert (rails(result), bench.did()) == (["empty-group"], [])


async def test_an_account_that_only_its_marker_tells_of_is_told(bench, tmp_path):
    await bench.run()
    shutil.copyfile(bench.config.journal.path, tmp_path / "backup")
    for name in ("ada", "bob", "cleo"):
        bench.directory.add(name, groups=["Staff"])
    bench.desk.add("user", name="By Hand", mail="by.hand@example.com")
    await bench.run()
    shutil.copyfile(tmp_path / "backup", bench.config.journal.path)
    del bench.directory.people["ada"]
    bench.directory.group("Staff").discard("ada")
    bench.directory.change("bob", active=False, status="OFF", email="former@example.com")
    result = await bench.run()
    assert bench.did() == ["adopt user Cleo"]
    keys = [bench.desk.of("user")[name].key for name in ("Ada", "Bob")]
    [told] = [notice.summary for notice in result.notices if notice.code == "accounts-forgotten"]
    assert told.startswith("2 active user accounts ")
    assert set(told.rpartition(": ")[2].split(", ")) == set(keys)
    for key in keys:
        bench.desk.edit("user", key, active=False)
    assert "accounts-forgotten" not in [notice.code for notice in (await bench.run()).notices]
