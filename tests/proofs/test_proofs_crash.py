"""The short tier of T4: a few points of each kind, the real command, real system calls, real sockets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from proofs.crash.command import FOLDER, Injection, strace
from proofs.crash.scenarios import SCENARIOS
from proofs.crash.sweep import Bench, prepared

from crosskey.errors import ExitCode

pytestmark = pytest.mark.skipif(
    strace() is None, reason="PROOF SKIPPED: strace is not installed or may not trace here, so no crash point was tried"
)

POINTS = 25


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with prepared(SCENARIOS["sync"]) as made:
        yield made


def test_an_undisturbed_sync_is_seen_call_by_call(bench):
    names = {call.name for call in bench.calls}
    assert {"write", "pwrite64", "fdatasync", "ftruncate", "unlink", "rename"} <= names
    assert dict(bench.expected.writes) == {("user", "create"): 1, ("user", "update"): 2, ("agent", "update"): 1}


@pytest.mark.parametrize("fault", ["kill", "ENOSPC", "EIO"])
def test_one_run_sets_everything_right(bench, fault):
    points = bench.points(fault)
    verdicts = [bench.trial(point) for point in points[1 :: len(points) // POINTS]]
    assert [verdict for verdict in verdicts if verdict.wrong] == []
    assert sum(verdict.fired for verdict in verdicts) >= POINTS - 2


def test_a_folder_that_cannot_be_synced_is_told_though_sqlite_tells_nobody(bench):
    files = [call.file for call in bench.calls if call.name == "fsync"]
    assert FOLDER in files
    verdict = bench.trial(Injection("fsync", files.index(FOLDER) + 1, "EIO"))
    assert (verdict.code, verdict.fired, verdict.wrong) == (ExitCode.STORAGE, True, [])
