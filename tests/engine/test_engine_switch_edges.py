"""The kill switch by itself: who threw it and why, however it was thrown, and what is said where it cannot be."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest

from crosskey.engine.guarding import KillSwitch, Switch
from crosskey.errors import StorageError
from crosskey.plan import Held

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


def test_the_switch_tells_why_and_since_when_and_what_ends_it(tmp_path):
    switch = Switch(tmp_path / "deep" / "er" / "journal.sqlite")
    assert switch.look() is None
    assert switch.file == tmp_path / "deep" / "er" / "journal.sqlite.stop"
    switch.stop("a longer reason than the next one", NOW)
    switch.stop("moving", NOW)
    stopped = switch.look()
    assert (stopped.because, stopped.since, stopped.fix) == ("moving", NOW, "crosskey go")
    assert switch.file.stat().st_mode & 0o777 == 0o600
    assert switch.file.parent.stat().st_mode & 0o777 == 0o700
    assert switch.go() is True
    assert switch.look() is None
    assert switch.go() is False


def test_the_environment_goes_before_the_file(tmp_path, monkeypatch):
    switch = Switch(tmp_path / "journal.sqlite")
    switch.stop("moving", NOW)
    monkeypatch.setenv("CROSSKEY_STOP", "lunch")
    stopped = switch.look()
    assert (stopped.because, stopped.since, stopped.fix) == ("lunch", None, "unset CROSSKEY_STOP and begin again")


@pytest.mark.parametrize(
    ("content", "because"),
    [
        (b"", ""),
        (b"  by hand\n", "by hand"),
        (b"x" * 300, "x" * 200),
        (b'{"because": "gr\xfcn"}', '{"because": "gr\ufffdn"}'),
        ("gr\u00fcn \xff".encode("latin-1"), "gr\ufffdn \ufffd"),
    ],
)
def test_a_file_made_by_hand_stops_too(tmp_path, content, because):
    switch = Switch(tmp_path / "journal.sqlite")
    switch.file.write_bytes(content)
    stopped = switch.look()
    assert (stopped.because, stopped.since, stopped.fix) == (because, None, "crosskey go")


def test_a_switch_that_cannot_be_set_says_what_else_to_do(tmp_path):
    switch = Switch(tmp_path / "journal.sqlite")
    switch.file.mkdir()
    stopped = switch.look()
    assert (stopped.because, stopped.fix) == ("", "crosskey go")
    with pytest.raises(StorageError) as caught:
        switch.stop("moving", NOW)
    told = caught.value
    assert told.message == f"the switch cannot be set: {os.strerror(21)}"
    assert (told.code, told.where) == ("switch", str(switch.file))
    assert told.fix == "make a file of that name by hand, or set CROSSKEY_STOP"
    with pytest.raises(StorageError) as caught:
        switch.go()
    told = caught.value
    assert (told.code, told.where, told.fix) == ("switch", str(switch.file), "remove it by hand")


async def test_a_thrown_switch_holds_the_run(tmp_path):
    switch = Switch(tmp_path / "journal.sqlite")
    guard = KillSwitch(switch)
    assert await guard.before([]) == ()
    switch.stop("moving", NOW)
    summary = "somebody stopped all writes"
    assert await guard.before([]) == [
        Held(rail="stopped", scope="run", summary=f"{summary}: moving", fix="crosskey go")
    ]
    switch.file.write_bytes(b"")
    assert await guard.before([]) == [Held(rail="stopped", scope="run", summary=summary, fix="crosskey go")]
