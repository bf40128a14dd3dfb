"""What reaches a watcher from outside: signals about people, wishes, a changed configuration, the end."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise

import pytest
from virtual_time import START, in_virtual_time
from watch_bench import CONNECTION, Bench, Result

from crosskey.errors import AuthError, LockedError
from crosskey.model import Subject

ISSUER = "https://acme.example"


def people(*numbers: int) -> list[Subject]:
    return [Subject(ISSUER, str(number)) for number in numbers]


def test_signals_are_gathered_into_one_round_about_those_people(bench):
    def signals() -> None:
        bench.watcher.wake(people(1, 2))
        bench.watcher.wake(people(2, 3))

    in_virtual_time(bench.watch(0.1, (2, signals)))
    assert bench.reaches() == ["everything", "people", "changes"]
    assert bench.began[1][1].people == frozenset(people(1, 2, 3))
    assert bench.minutes()[1] == pytest.approx(2 + 2 / 60, abs=0.01)


def test_too_many_people_become_a_round_of_changes(bench):
    in_virtual_time(bench.watch(0.05, (1, lambda: bench.watcher.wake(people(*range(500))))))
    assert bench.reaches() == ["everything", "changes"]


def test_signals_during_a_round_are_looked_at_after_it(bench):
    async def long() -> None:
        await bench.clock.sleep(120)

    bench.script = lambda options, number: long() if number == 1 else None
    in_virtual_time(bench.watch(0.05, (1, lambda: bench.watcher.wake(people(7)))))
    assert bench.reaches() == ["everything", "people"]
    assert bench.minutes()[1] == pytest.approx(2, abs=0.01)


def test_people_wait_for_a_lock_and_through_a_quarantine(bench):
    bench.script = lambda options, number: (
        LockedError("x") if number == 2 else AuthError("x", code="token") if number == 4 else None
    )
    at_lock = (1, lambda: bench.watcher.wake(people(1)))
    in_quarantine = (7, lambda: bench.watcher.wake(people(2)))
    in_virtual_time(bench.watch(0.6, at_lock, in_quarantine))
    assert bench.reaches()[:6] == ["everything", "people", "people", "changes", "everything", "people"]
    assert bench.began[2][1].people == frozenset(people(1))
    assert bench.began[5][1].people == frozenset(people(2))


def test_a_wish_is_a_round_at_once_also_in_quarantine(bench):
    bench.script = lambda options, number: AuthError("x", code="token") if number == 2 else None
    in_virtual_time(bench.watch(0.3, (1, bench.watcher.ask), (3, bench.watcher.ask), (4, bench.watcher.ask)))
    assert bench.minutes()[1:4] == pytest.approx([1, 3, 4], abs=0.01)
    assert bench.reaches()[:4] == ["everything", "changes", "everything", "changes"]
    assert bench.told.subjects() == ["error quarantined: token", "resolved quarantined: token"]


def test_a_wish_that_another_process_noted_is_found(bench):
    def note() -> None:
        with bench.book() as book:
            book.ask("everything")

    in_virtual_time(bench.watch(0.08, (1.5, note)))
    assert len(bench.began) == 2
    assert 1.5 <= bench.minutes()[1] <= 2.6


def test_clearing_a_quarantine_from_outside_reads_everything(bench):
    def clear() -> None:
        with bench.book() as book:
            assert book.clear_trouble(by="command")
            book.ask("everything")

    bench.script = lambda options, number: AuthError("x", code="token") if number == 1 else None
    in_virtual_time(bench.watch(0.2, (3, clear)))
    assert 3 <= bench.minutes()[1] <= 4.1
    assert bench.status().trouble is None
    assert [event.kind for event in bench.book().events() if event.kind.startswith("quarantine")] == [
        "quarantine.entered",
        "quarantine.left",
    ]


def test_the_file_that_stops_everything(bench):
    stop = bench.watcher.setup.config.journal.path.with_name("journal.sqlite.stop")
    in_virtual_time(bench.watch(1, (11, stop.touch), (41, stop.unlink)))
    assert not [minute for minute in bench.minutes() if 11.1 < minute < 41]
    assert [minute for minute in bench.minutes() if minute > 41]
    assert "warning stopped by a person" in bench.told.subjects()
    assert "resolved stopped by a person" in bench.told.subjects()


def test_a_stop_file_ends_the_writing_between_two_batches(bench):
    stop = bench.watcher.setup.config.journal.path.with_name("journal.sqlite.stop")
    seen: list[bool] = []

    async def batches(options) -> None:
        for _ in range(3):
            seen.append(options.stop())
            stop.touch()

    bench.script = lambda options, number: batches(options)
    in_virtual_time(bench.watch(0.02))
    assert seen == [False, True, True]


# -- reload -----------------------------------------------------------------------------------------------------------


def test_a_changed_configuration_holds_from_the_next_round_on_and_everything_is_read(bench):
    def change() -> None:
        bench.file.write_text(bench.file.read_text().replace('"5m"', '"10m"').replace('"30s"', '"1m"'))
        bench.watcher.reload()

    in_virtual_time(bench.watch(1, (6, change)))
    late = [minute for minute in bench.minutes() if minute > 16]
    assert all(8 < later - earlier < 12 for earlier, later in pairwise(late))
    assert bench.reaches().count("everything") == 2


@pytest.mark.parametrize(
    ("old", "new"), [('use = "fake"', 'use = "fake'), ("[watch]", "[watch]\nevrey = 1"), ('"5m"', '"1s"')]
)
def test_a_broken_configuration_is_told_and_the_old_one_goes_on(bench, old, new):
    good = bench.file.read_text()

    def break_it() -> None:
        bench.file.write_text(good.replace(old, new))
        bench.watcher.reload()

    def mend_it() -> None:
        bench.file.write_text(good)
        bench.watcher.reload()

    in_virtual_time(bench.watch(1, (12, break_it), (32, mend_it)))
    assert len(bench.began) >= 11
    assert bench.told.subjects() == ["error configuration refused", "resolved configuration refused"]
    assert bench.watcher.setup.config.watch.every == timedelta(minutes=5)


def test_what_only_a_restart_can_change_is_refused(bench):
    def move() -> None:
        bench.file.write_text(bench.file.read_text() + '\n[journal]\npath = "elsewhere.sqlite"\n')
        bench.watcher.reload()

    in_virtual_time(bench.watch(0.2, (1, move)))
    assert "reload-restart" in bench.told.notices[0].text
    assert not (bench.file.parent / "elsewhere.sqlite").exists()


# -- the end ----------------------------------------------------------------------------------------------------------


def test_stopping_while_nothing_runs_is_at_once_and_in_good_order(bench):
    assert in_virtual_time(bench.watch(0.04)) == 0
    status = bench.status()
    assert (status.watching, status.watcher.doing) == ("no", "stopped")
    assert [event.kind for event in bench.book().events() if event.kind.startswith("watch")] == [
        "watch.began",
        "watch.ended",
    ]


def test_stopping_while_reading_cancels_the_run(bench):
    async def read() -> None:
        await bench.clock.sleep(600)

    bench.script = lambda options, number: read()
    ended: list[float] = []

    async def watch() -> int:
        code = await bench.watch(0.02)
        ended.append(asyncio.get_running_loop().time())
        return code

    assert in_virtual_time(watch()) == 0
    assert ended[0] < 75
    with bench.book() as book:
        assert [run.verdict for run in book.runs()] == ["aborted"]
    assert bench.told.notices == []


def test_stopping_while_writing_lets_the_batch_end_and_a_second_time_does_not(bench):
    async def writing(options) -> None:
        for _ in range(10):
            if options.stop():
                return
            await bench.clock.sleep(60)

    class Applying(Bench):
        async def execute(self, config, plugins, journal, connect, options, observer):
            observer.phase("Applying", 10)
            return await super().execute(config, plugins, journal, connect, options, _Deaf())

    class _Deaf:
        def phase(self, name, total):
            pass

        def advance(self, count):
            pass

    for stops, ends in ((1, 120), (2, 91)):
        folder = bench.file.parent / f"stops-{stops}"
        folder.mkdir()
        again = Applying(folder)
        again.script = lambda options, number: writing(options)
        at: list[float] = []

        async def watch(again=again, stops=stops, at=at) -> int:
            loop = asyncio.get_running_loop()
            for _ in range(stops):
                loop.call_later(90, again.watcher.stop)
            code = await again.watcher.run()
            at.append(loop.time())
            return code

        assert in_virtual_time(watch()) == (0 if stops == 1 else 130)
        assert at[0] <= ends


def test_a_second_watcher_is_refused_by_name(bench):
    async def both() -> None:
        first = asyncio.create_task(bench.watch(0.1))
        await asyncio.sleep(10)
        with pytest.raises(LockedError) as refused:
            await bench.another().run()
        assert refused.value.code == "watched"
        assert f"({CONNECTION})" in refused.value.message
        await first

    in_virtual_time(both())


def test_a_first_start_waits_for_a_run_that_is_at_work_on_a_journal_it_must_make(bench):
    from crosskey.journal import JournalWriter

    path = bench.watcher.setup.config.journal.path
    with JournalWriter.open(path, clock=bench.clock, connection="other") as other:
        in_virtual_time(bench.watch(0.05))
        assert bench.began == []
        assert "another run is at work; waiting for it to end" in bench.lines
        assert other.epoch == 1
    assert not bench.told.notices
    bench.watcher = bench.another()
    in_virtual_time(bench.watch(0.05))
    assert len(bench.began) == 1


def test_held_things_are_told_once_a_rail_and_over_once_all_was_read_without_them(bench):
    def script(options, number):
        if bench.clock.now() < START + timedelta(hours=2):
            return Result(
                held=[("mass-disable", "class"), ("mapping-problem", "person"), ("mapping-problem", "person")]
            )
        return None

    bench.script = script
    in_virtual_time(bench.watch(3, (130, lambda: bench.watcher.ask("everything"))))
    assert bench.told.subjects() == [
        "warning held: mapping-problem",
        "warning held: mass-disable",
        "resolved held: mapping-problem",
        "resolved held: mass-disable",
    ]
    assert bench.told.notices[0].text.startswith("2 held by the rail mapping-problem")
    assert bench.told.notices[0].fix == "see who, since when, and what lets it through with `crosskey held`"
    assert bench.told.notices[1].fix.endswith('if all of it is right: crosskey approve mass-disable --because "…"')


def test_a_run_that_is_held_whole_is_no_success_and_pings_say_so(bench):
    bench.script = lambda options, number: Result(held=[("empty-source", "run")]) if number > 1 else None
    in_virtual_time(bench.watch(0.5))
    assert bench.told.subjects() == ["error held: empty-source", "error no round succeeds"]
    status = bench.status()
    assert status.overdue
    assert status.rounds.held_whole
    assert status.rounds.success_at is not None
    assert status.exit_code == 12


def test_refused_changes_are_told(bench):
    bench.script = lambda options, number: Result(counts={"applied": 3, "rejected": 2}) if number == 2 else None
    in_virtual_time(bench.watch(0.3))
    assert bench.told.subjects() == ["warning changes were refused"]
    assert bench.told.notices[0].text == "The target did not do everything: 2 rejected."
    assert bench.status().exit_code == 5


def test_a_burst_of_hand_edits_is_told_once_and_over_a_day_later(bench):
    bench.script = lambda options, number: Result(drifts={2: 9, 4: 1}.get(number, 0))
    in_virtual_time(bench.watch(30))
    assert bench.told.subjects() == ["warning much is changed by hand", "resolved much is changed by hand"]
    assert bench.told.notices[0].text.startswith("10 values that crosskey owns were changed by somebody else")
    assert "crosskey drift" in bench.told.notices[0].fix


# ------------------------------------------------------------------------------------------- people who wait before a page


def sought(bench):
    with bench.book() as book:
        return book.sought()


def seek(bench, *numbers):
    def ask() -> None:
        with bench.book() as book:
            bench.answers = [book.seek(person) for person in people(*numbers)]
        bench.watcher.ask()

    return ask


def test_whom_somebody_seeks_is_looked_at_alone_and_once(bench):
    during = []
    bench.script = lambda options, number: during.append(sought(bench))
    in_virtual_time(bench.watch(0.05, (1, seek(bench, 7, 7))))
    assert bench.answers == [True, False]
    assert bench.reaches() == ["everything", "people"]  # nobody asked for what changed
    assert bench.began[1][1].people == frozenset(people(7))
    assert during[1] == tuple(people(7)), "until the round is over they are being looked at"
    assert sought(bench) == ()


def test_who_is_sought_again_after_a_round_is_looked_at_again(bench):
    in_virtual_time(bench.watch(0.06, (1, seek(bench, 7)), (2, seek(bench, 7))))
    assert bench.reaches() == ["everything", "people", "people"]


def test_people_are_sought_beside_a_round_that_was_asked_for(bench):
    def both() -> None:
        with bench.book() as book:
            book.ask("changes")
            book.seek(people(7)[0])
            assert book.watcher().asked == "changes"
        bench.watcher.ask()

    in_virtual_time(bench.watch(0.05, (1, both)))
    assert sorted(bench.reaches()) == ["changes", "everything", "people"]
    assert sought(bench) == ()


def test_so_many_are_sought_and_no_more(bench):
    in_virtual_time(bench.watch(0.05, (1, seek(bench, *range(22)))))
    assert bench.answers == [True] * 20 + [None] * 2
    assert bench.began[1][1].people == frozenset(people(*range(20)))


def test_a_flood_of_signals_loses_nobody_who_waits(bench):
    def flood() -> None:
        seek(bench, 7)()
        bench.watcher.wake(people(*range(100, 150)))
        asyncio.get_running_loop().call_later(1, lambda: bench.watcher.wake(people(*range(1000, 1500))))

    in_virtual_time(bench.watch(0.06, (1, flood)))
    assert "changes" in bench.reaches()
    looked_at = [options.people for _, options in bench.began if options.people]
    assert looked_at == [frozenset(people(7))]


def test_a_watcher_that_begins_forgets_whom_the_one_before_sought(bench):
    in_virtual_time(bench.watch(0.05))
    with bench.book() as book:
        book.seek(people(7)[0])
    bench.watcher = bench.another()
    in_virtual_time(bench.watch(0.05))
    assert sought(bench) == ()
