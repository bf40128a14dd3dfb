"""In waves: a few of every sort first, each wave looked at, stopped when it is not good, and gone on with later."""

import asyncio
from datetime import timedelta

import pytest
from engine_bench import CONFIG

from bench_plugin import Killed
from crosskey.engine.run import Waves
from crosskey.engine.waves import cut, spread
from crosskey.errors import RailError, UncertainError
from crosskey.model import Subject
from crosskey.plan import Change

TEN = Waves(canary=2, steps=(50.0, 100.0))


@pytest.fixture(params=[False, True], ids=["reads all", "looks up"])
def bench(bench, request):
    bench.desk.looks_up = request.param
    return bench


async def staffed(bench, count):
    """Somebody for whom everything is in step, and ``count`` newcomers."""
    bench.configure(CONFIG + "\n[rails]\nmax_create = { count = 99 }\n")
    bench.directory.add("zoe", groups=["Staff"])
    await bench.run()
    bench.desk.writes.clear()
    bench.desk.batches.clear()
    for number in range(count):
        bench.directory.add(f"p{number:02}", groups=["Staff"])


def sizes(result):
    return [(wave.size, wave.failed, wave.unverified) for wave in result.applied.waves]


def events(bench, run, prefix="wave."):
    with bench.journal() as journal:
        return [(event.kind, event.facts) for event in journal.events(run) if event.kind.startswith(prefix)]


def change(number, action="create", kind="user"):
    return Change(
        id=f"{kind}:{number}", action=action, kind=kind, subject=Subject("https://a.example", str(number)), label=""
    )


@pytest.mark.parametrize(
    ("canary", "steps", "total", "classes", "ends"),
    [
        (5, (10, 50, 100), 1000, 1, [5, 100, 500, 1000]),
        (5, (10, 50, 100), 20, 1, [5, 10, 20]),
        (5, (10, 50, 100), 3, 1, [3]),
        (5, (10, 50, 100), 5, 1, [5]),
        (2, (50,), 9, 4, [4, 5, 9]),
        (1, (100,), 2, 1, [1, 2]),
        (3, (0.1,), 10, 1, [3, 10]),
        (200, (10, 50, 100), 1000, 1, [200, 500, 1000]),
    ],
)
def test_where_waves_end(canary, steps, total, classes, ends):
    assert [wave.end for wave in cut(Waves(canary=canary, steps=steps), total, classes)] == ends


def test_a_canary_holds_one_of_every_sort_in_the_order_of_the_plan():
    plan = (
        [change(n, "disable") for n in range(4)]
        + [change(n) for n in range(4, 30)]
        + [change(n, "update") for n in (30, 31)]
    )
    assert spread(plan, 3) == ["user:0", "user:4", "user:30"]
    assert spread(plan, 5) == ["user:0", "user:1", "user:4", "user:5", "user:30"]
    assert spread(plan, 1, {("user", "disable"), ("user", "create")}) == ["user:30"]
    assert spread(plan, 0) == []
    assert len(spread(plan, 99)) == len(plan)


async def test_each_wave_is_written_and_looked_at_before_the_next(bench):
    await staffed(bench, 10)
    seen = []
    look = (lambda: len(bench.desk.lookups)) if bench.desk.looks_up else (lambda: bench.desk.reads)

    def stop():
        seen.append((len(bench.desk.writes), look()))
        return False

    result = await bench.run("apply", waves=TEN, stop=stop)
    assert sizes(result) == [(2, 0, 0), (3, 0, 0), (5, 0, 0)]
    assert (result.verdict, result.applied.counts) == ("clean", {"applied": 10})
    looked = {**dict(seen), 10: look()}
    assert looked[2] < looked[5] < looked[10], "somebody looked between the waves"
    assert bench.observer.phases[-6:] == [
        "Applying the canary (1 of 3)",
        "Applying the canary: looking at what it wrote",
        "Applying the wave to 50 % (2 of 3)",
        "Applying the wave to 50 %: looking at what it wrote",
        "Applying the wave to 100 % (3 of 3)",
        "Applying the wave to 100 %: looking at what it wrote",
    ]
    assert [kind for kind, _ in events(bench, result.run)] == ["wave.begun", "wave.verified"] * 3
    with bench.journal() as journal:
        assert journal.ladder() is None


async def test_a_plan_smaller_than_the_canary_is_one_wave(bench):
    await staffed(bench, 2)
    result = await bench.run("apply", waves=Waves(canary=5))
    assert sizes(result) == [(2, 0, 0)]
    result = await bench.run("apply", waves=Waves(canary=5))
    assert (sizes(result), result.verdict) == ([], "clean")


async def test_a_target_that_cuts_text_without_a_word_stops_after_the_canary(bench):
    await staffed(bench, 10)
    bench.desk.cut = 16
    for name in ("p00", "p05"):
        bench.directory.change(name, display_name=f"{name.title()} of the long and winding name")
    result = await bench.run("apply", waves=TEN)
    assert len(bench.desk.writes) == 2
    assert sizes(result) == [(2, 0, 1)]
    stopped = result.applied.stopped
    assert isinstance(stopped, RailError)
    assert (stopped.code, result.verdict) == ("wave-errors", "failed")
    assert "1 are not shown as written" in stopped.message
    [(failed, outcome)] = result.applied.failures
    assert (failed.label, outcome.code) == ("P00 of the long and winding name", "not-verified")
    assert "name" in outcome.message
    assert "winding" not in outcome.message
    assert events(bench, result.run)[-1] == (
        "wave.stopped",
        {"wave": "1 of 3", "size": 2, "failed": 0, "unverified": 1},
    )


@pytest.mark.parametrize("ignored", ["name", "roles"])
async def test_a_target_that_ignores_something_stops_and_begins_with_a_canary_again(bench, ignored):
    await staffed(bench, 10)
    for number in range(10):
        bench.directory.group("London").add(f"p{number:02}")
    bench.desk.ignored = {ignored}
    result = await bench.run("apply", waves=TEN)
    assert sizes(result) == [(2, 0, 2)]
    again = await bench.run("apply")
    assert isinstance(again.applied.stopped, RailError), "without being told, for it was not through"
    assert len(bench.desk.writes) <= 4
    bench.desk.ignored = set()
    result = await bench.run("apply")
    assert (result.verdict, result.applied.waves[0].name) == ("clean", "the canary")
    assert (await bench.run("plan")).plan.size == 0
    assert len(bench.desk.accounts) == 11


async def test_a_late_list_is_looked_at_again_before_anybody_is_blamed(bench):
    await staffed(bench, 4)
    bench.desk.hidden = {"2", "3"}
    seen = []

    async def sleep(seconds):
        seen.append(seconds)
        bench.desk.hidden = set()

    bench.clock.sleep = sleep
    result = await bench.run("apply", waves=TEN)
    assert (result.verdict, seen != []) == ("clean", True)


async def test_one_failure_ends_the_canary_and_some_are_borne_later(bench):
    await staffed(bench, 60)
    bench.desk.bad = {"P00"}
    result = await bench.run("apply", waves=Waves(canary=3))
    assert sizes(result) == [(3, 1, 0)]
    assert isinstance(result.applied.stopped, RailError)
    bench.desk.bad = {"P55"}
    result = await bench.run("apply", waves=Waves(canary=3))
    assert [wave.failed for wave in result.applied.waves] == [0, 0, 0, 1]
    assert (result.applied.stopped, result.verdict) == (None, "partial")


async def test_a_wave_stops_as_soon_as_too_many_failed(bench):
    await staffed(bench, 40)
    bench.desk.batch = 1
    bench.desk.bad = {f"P{number:02}" for number in range(10, 40)}
    result = await bench.run("apply", waves=Waves(canary=3, steps=(100.0,), max_errors=10.0))
    assert isinstance(result.applied.stopped, RailError)
    assert result.applied.counts["rejected"] == 4
    assert (result.applied.interrupted, result.verdict) == (False, "failed")


async def test_an_error_that_all_would_meet_ends_the_climb_and_is_no_matter_of_the_wave(bench):
    await staffed(bench, 10)
    bench.desk.fault = "lost-answer"
    result = await bench.run("apply", waves=TEN)
    assert isinstance(result.applied.stopped, UncertainError)
    bench.desk.fault = ""
    result = await bench.run("apply", waves=TEN)
    assert [wave.size for wave in result.applied.waves] == [2, 3, 5], "what was written by then is looked at too"
    assert len(bench.desk.accounts) == 11


@pytest.mark.parametrize("after", range(12))
async def test_whoever_is_stopped_goes_on_with_the_wave_that_was_not_good_yet(bench, after):
    await staffed(bench, 10)
    bench.desk.batch = 1
    result = await bench.run("apply", waves=TEN, stop=lambda: len(bench.desk.writes) >= after)
    first = [wave.name for wave in result.applied.waves]
    written = len(bench.desk.writes)
    assert (result.verdict, written) == (("aborted", after) if after < 10 else (result.verdict, 10))
    result = await bench.run("apply", waves=TEN)
    second = [wave.name for wave in result.applied.waves]
    assert result.verdict == "clean"
    assert [*first, *second] == (
        ["the canary", "the wave to 50 %", "the wave to 100 %"] if after < 10 or second else first
    )
    assert len(bench.desk.writes) == 10, "nothing lost, nothing doubled"
    assert {write[0] for write in bench.desk.writes} == {"create"}


@pytest.mark.parametrize("fault", ["killed-before", "killed-after"])
async def test_a_kill_loses_and_doubles_nobody(bench, fault):
    await staffed(bench, 10)
    bench.desk.can_find = True
    seen = 0

    def stop():
        nonlocal seen
        seen += 1
        bench.desk.fault = fault if len(bench.desk.writes) >= 2 else ""
        return False

    with pytest.raises(Killed):
        await bench.run("apply", waves=TEN, stop=stop)
    bench.desk.fault = ""
    await bench.clock.sleep(200)
    result = await bench.run("apply")
    assert [wave.name for wave in result.applied.waves] == ["the wave to 50 %", "the wave to 100 %"]
    assert (len(bench.desk.accounts), len(bench.desk.writes)) == (11, 10)


async def test_what_was_written_and_not_looked_at_is_looked_at_even_when_nothing_is_left(bench):
    await staffed(bench, 2)

    async def cancelled(_seconds):
        raise asyncio.CancelledError

    bench.desk.cut = 16
    bench.directory.change("p00", display_name="p00 of the long and winding name")
    sleep, bench.clock.sleep = bench.clock.sleep, cancelled
    with pytest.raises(asyncio.CancelledError):
        await bench.run("apply", waves=TEN)
    bench.clock.sleep = sleep
    result = await bench.run("apply")
    assert isinstance(result.applied.stopped, RailError)


async def test_a_sort_that_no_wave_held_begins_with_a_canary(bench):
    await staffed(bench, 10)
    await bench.run("apply", waves=TEN, stop=lambda: len(bench.desk.writes) >= 5)
    bench.directory.change("zoe", active=False, status="OFF")
    result = await bench.run("apply", waves=TEN)
    assert result.applied.waves[0].name == "the canary"
    assert bench.desk.writes[5][0] == "disable"


async def test_another_configuration_begins_with_a_canary(bench):
    await staffed(bench, 10)
    await bench.run("apply", waves=TEN, stop=lambda: len(bench.desk.writes) >= 5)
    bench.configure(CONFIG + "\n[rails]\nmin_people = 3\nmax_create = { count = 99 }\n")
    result = await bench.run("apply", waves=TEN)
    assert result.applied.waves[0].name == "the canary"


async def test_the_first_apply_of_all_sends_a_canary_by_itself(bench):
    for number in range(9):
        bench.directory.add(f"p{number}", groups=["Staff"])
    result = await bench.run("apply")
    assert [wave.size for wave in result.applied.waves] == [5, 4]
    bench.directory.add("late", groups=["Staff"])
    assert (await bench.run("apply")).applied.waves == []


async def test_no_canary_is_no_canary(bench):
    for number in range(9):
        bench.directory.add(f"p{number}", groups=["Staff"])
    result = await bench.run("apply", waves=Waves(canary=0))
    assert (result.applied.waves, len(bench.desk.accounts)) == ([], 9)


async def test_a_sync_never_goes_in_waves_and_takes_over_what_was_begun(bench):
    await staffed(bench, 10)
    await bench.run("apply", waves=TEN, stop=lambda: len(bench.desk.writes) >= 3)
    result = await bench.run()
    assert (result.applied.waves, len(bench.desk.accounts)) == ([], 11)
    result = await bench.run("apply")
    assert (result.verdict, len(bench.desk.writes)) == ("clean", 10)


async def test_pauses_between_waves_can_be_interrupted(bench):

    await staffed(bench, 10)
    pausing = Waves(canary=2, steps=(100.0,), pause=timedelta(minutes=10))
    began = bench.clock.now()
    result = await bench.run("apply", waves=pausing)
    assert (bench.clock.now() - began, result.verdict) == (timedelta(minutes=10), "clean")
    for number in range(20, 30):
        bench.directory.add(f"p{number}", groups=["Staff"])
    began = bench.clock.now()
    stop = lambda: bench.clock.now() - began >= timedelta(minutes=1)  # noqa: E731 - short
    result = await bench.run("apply", waves=pausing, stop=stop)
    assert (result.verdict, len(bench.desk.accounts)) == ("aborted", 13)
    assert len((await bench.run("apply", waves=pausing)).applied.waves) == 1
