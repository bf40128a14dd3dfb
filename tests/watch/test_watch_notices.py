"""From a cause to a person: the outbox survives what notifiers do, and credentials are told about in time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from virtual_time import START, in_virtual_time
from watch_bench import Result

from crosskey import Credential
from crosskey.errors import AuthError, RetryableError
from crosskey.watch.expiry import stage_of


def failing(options, number):
    return AuthError("source.corp: 401", code="token") if number >= 2 else None


def test_a_notifier_that_fails_is_tried_again_later_and_nothing_is_told_twice(bench):
    bench.script = failing
    bench.told.fails = [RetryableError("away"), ValueError("broken"), TimeoutError()]
    in_virtual_time(bench.watch(1))
    assert bench.told.subjects() == ["error quarantined: token"]
    assert bench.status().outbox.waiting == 0
    assert (bench.watcher.counts["notice", "sent"], bench.watcher.counts["notice", "failed"]) == (1, 3)


def test_a_notice_survives_the_process(bench):
    bench.script = failing
    bench.told.fails = [RetryableError("away", code="away")] * 5

    async def twice() -> None:
        await bench.watch(0.12)
        assert bench.told.notices == []
        waiting = bench.status().outbox
        assert (waiting.waiting, waiting.failing, waiting.problem) == (1, 1, "ops: away")
        bench.told.fails.clear()
        bench.watcher = bench.another()
        await bench.watch(0.2)

    in_virtual_time(twice())
    assert bench.told.subjects() == ["error quarantined: token"]


def test_after_a_week_a_notice_is_given_up(bench):
    from crosskey.connector.notifier import Notice
    from crosskey.journal import Cause, Watchbook

    path = bench.watcher.setup.config.journal.path
    Watchbook.prepare(path, clock=bench.clock, connection="desk")
    notice = Notice(key="k", code="c", severity="error", at=bench.clock.now(), subject="s", text="t")
    with bench.book() as book:
        book.tell([Cause(notice, "c")], notifiers=["ops"])
        tries = 0
        while due := book.due(["ops"]):
            for delivery in due:
                book.not_delivered(delivery, "away")
            tries += 1
            bench.clock.advance(4 * 3600 + 1)
        assert 40 < tries < 50
        assert book.outbox().given_up == 1


def test_a_notifier_that_is_gone_from_the_configuration_gets_nothing(bench):
    from crosskey.journal import Watchbook

    Watchbook.prepare(bench.watcher.setup.config.journal.path, clock=bench.clock, connection="desk")
    with bench.book() as book:
        assert book.tell([], notifiers=["ops"]) == []
        assert book.due([]) == []


def test_credentials_are_told_about_at_each_stage_once(bench):
    ends = START + timedelta(days=62)
    bench.told.credentials = [Credential(name="API token", expires_at=ends, fix="renew it in the console")]
    for days in (0, 3, 4, 31, 40, 54, 56, 60.9, 61.1, 62.1, 70):
        bench.clock.ahead = days * 86_400.0
        bench.watcher = bench.another()
        in_virtual_time(bench.watch(0.05))
    source = [notice for notice in bench.told.notices if "source.corp" in notice.subject]
    assert [notice.code for notice in source] == ["within-60", "within-30", "within-7", "within-1", "within-0"]
    assert [notice.severity for notice in source] == ["warning", "warning", "error", "error", "error"]
    assert [(notice.at - START).days for notice in source] == [3, 40, 56, 61, 62]
    assert source[0].fix == "renew it in the console"
    assert source[0].text == "source.corp: API token ends on 2026-03-08."
    assert bench.told.asked == 2 * 10, "once a day and side"


def test_a_renewed_credential_ends_the_warning(bench):
    bench.told.credentials = [Credential(name="API token", expires_at=START + timedelta(days=5))]

    def renew() -> None:
        bench.told.credentials = [Credential(name="API token", expires_at=START + timedelta(days=300))]

    for hours in (0, 2, 25):
        bench.clock.ahead = hours * 3600.0
        bench.watcher = bench.another()
        in_virtual_time(bench.watch(0.05, (1, renew)))
    assert [notice.severity for notice in bench.told.notices] == ["error", "error", "resolved", "resolved"]
    assert [each.name for each in bench.status().credentials] == ["API token", "API token"]


def test_a_side_that_fails_to_tell_fails_no_round(bench):
    bench.told.credentials = [ValueError("boom")]
    in_virtual_time(bench.watch(1))
    assert bench.watcher.counts["round", "failed"] == 0
    assert bench.told.asked == 2, "once a side and day, however often it fails"


@pytest.mark.parametrize(
    ("days", "stage"),
    [
        (None, None),
        (400, None),
        (60.01, None),
        (60, 60),
        (31, 60),
        (30, 30),
        (7.5, 30),
        (7, 7),
        (1, 1),
        (0, 0),
        (-3, 0),
    ],
)
def test_stages(days, stage):
    assert stage_of(None if days is None else START + timedelta(days=days), START) == stage


def test_a_journal_that_takes_nothing_is_told_past_the_outbox(bench):
    path = bench.watcher.setup.config.journal.path

    def spoil() -> None:
        path.with_name("kept").write_bytes(path.read_bytes())
        path.write_bytes(b"not a database any more" * 100)

    in_virtual_time(bench.watch(0.5, (2, spoil)))
    assert bench.told.subjects() == ["error the journal takes nothing"]
    assert bench.told.notices[0].code == "journal-foreign"
    assert not bench.watcher.is_ready


def test_a_journal_that_was_put_back_is_taken_up_again(bench):
    path = bench.watcher.setup.config.journal.path

    def spoil() -> None:
        path.with_name("kept").write_bytes(path.read_bytes())
        path.write_bytes(b"not a database any more" * 100)

    def mend() -> None:
        path.write_bytes(path.with_name("kept").read_bytes())

    in_virtual_time(bench.watch(1, (2, spoil), (22, mend)))
    assert [minute for minute in bench.minutes() if minute > 22]
    assert bench.told.subjects() == [
        "error the journal takes nothing",
        "resolved the journal takes nothing",
        "error no round succeeds",
        "resolved no round succeeds",
    ]
    assert bench.status().exit_code == 0


def test_notices_hold_nobody_s_data(bench):
    error = AuthError(
        "source.corp: ada.king@acme.example may not read; Bearer abcdefghijklmnop",
        code="scope",
        fix="give ada.king@acme.example the role",
    )
    bench.script = lambda options, number: error
    in_virtual_time(bench.watch(0.1))
    (notice,) = bench.told.notices
    assert "@" not in notice.text + notice.fix + notice.subject
    assert "abcdefghijklmnop" not in notice.text


def test_a_notifier_that_hangs_is_given_up_for_now_and_holds_no_round_up(bench):
    bench.told.hangs = True
    bench.script = lambda options, number: Result(held=[("protected", "person")])
    in_virtual_time(bench.watch(1))
    assert len(bench.began) >= 11
    assert bench.status().outbox.problem == "ops: TimeoutError"


def test_a_journal_that_breaks_during_a_quarantine_makes_no_storm_of_rounds(bench):
    path = bench.watcher.setup.config.journal.path
    bench.script = lambda options, number: AuthError("x", code="token")
    in_virtual_time(bench.watch(2, (5, lambda: path.write_bytes(b"not a database any more" * 100))))
    assert bench.watcher.counts["round", "failed"] <= 2 * 60
