"""Two runs and one scratch database: whoever was replaced neither removes nor keeps what is its successor's."""

from __future__ import annotations

import msgspec
import pytest

from crosskey.engine.stage import Stage
from crosskey.engine.stage.scratch import decoder
from crosskey.errors import UNREADABLE, LockedError

ISSUERS = ["https://directory.example"]


def test_a_replaced_run_does_not_remove_its_successors_database(tmp_path):
    path = tmp_path / "reading.sqlite"
    with Stage.fresh(path, ISSUERS):
        successor = Stage.fresh(path, ISSUERS)
    with successor:
        successor.note("who", "successor")
        successor.keep(tmp_path / "snapshot.sqlite")
    with Stage.kept(tmp_path / "snapshot.sqlite") as kept:
        assert kept.read_note("who", str) == "successor"


@pytest.mark.parametrize("over", [False, True], ids=["at-work", "through"])
def test_a_replaced_run_does_not_keep_its_successors_database(tmp_path, over):
    path, snapshot = tmp_path / "reading.sqlite", tmp_path / "snapshot.sqlite"
    replaced, successor = Stage.fresh(path, ISSUERS), Stage.fresh(path, ISSUERS)
    replaced.note("who", "replaced")
    successor.note("who", "successor")
    if over:
        successor.keep(snapshot)
    with pytest.raises(LockedError, match="another run") as caught, replaced:
        replaced.keep(snapshot)
    assert caught.value.code == "fenced"
    if not over:
        successor.keep(snapshot)
    with Stage.kept(snapshot) as kept:
        assert kept.read_note("who", str) == "successor"
    assert [one.name for one in tmp_path.iterdir()] == ["snapshot.sqlite"]


def test_a_damaged_row_that_holds_no_body_at_all_is_unreadable():
    read = decoder(dict[str, int])
    assert read(msgspec.msgpack.encode({"a": 1})) == {"a": 1}
    with pytest.raises(UNREADABLE):
        read(None)
