"""The short tier of T4: a few points of each kind, the real command, real system calls, real sockets."""

from __future__ import annotations

import re

import pytest
from proof_program import proved
from proofs.crash.command import FOLDER, strace

from crosskey.errors import ExitCode

pytestmark = pytest.mark.skipif(
    strace() is None, reason="PROOF SKIPPED: strace is not installed or may not trace here, so no crash point was tried"
)


@pytest.mark.parametrize("fault", ["kill", "ENOSPC", "EIO"])
def test_one_run_sets_everything_right(fault):
    told = proved("proofs.crash", "--command", "sync", "--fault", fault, "--every", "89")
    tried, hit, wrong = map(int, re.findall(r"(\d+) trials, (\d+) disturbed, (\d+) wrong", told)[0])
    assert tried >= 12
    assert hit >= tried - 2
    assert wrong == 0


@pytest.mark.parametrize("command", ["undo", "retention", "leaver"])
def test_what_takes_back_and_what_removes_may_be_killed_too(command):
    told = proved("proofs.crash", "--command", command, "--fault", "kill", "--every", "131")
    tried, hit, wrong = map(int, re.findall(r"(\d+) trials, (\d+) disturbed, (\d+) wrong", told)[0])
    assert tried >= 6
    assert hit >= tried - 1
    assert wrong == 0


def test_a_folder_that_cannot_be_synced_is_told_though_sqlite_tells_nobody():
    told = proved("proofs.crash", "--command", "sync", "--fault", "EIO", "--call", "fsync", "--file", FOLDER)
    assert re.search(r"[1-9]\d* trials, [1-9]\d* disturbed, 0 wrong", told), told
    assert re.findall(r"exit (\d+):", told) == [str(ExitCode.STORAGE.value)]
