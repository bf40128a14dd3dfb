"""The short tier of T8: one writer is stopped or killed in the middle of a request, another takes over; twenty race."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from proofs.crash.scenarios import SCENARIOS
from proofs.crash.sweep import Bench, prepared
from proofs.writers.rounds import Paused, paused, raced

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork") or not hasattr(signal, "SIGSTOP"), reason="needs fork and SIGSTOP"
)


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with prepared(SCENARIOS["sync"], settle="2m", traced=False) as made:
        yield made


@pytest.mark.parametrize(
    "case",
    [
        Paused(1),
        Paused(2, after=True),
        Paused(4),
        Paused(1, after=True, killed=True),
        Paused(3, killed=True),
    ],
    ids=["first", "second-done", "last", "killed-done", "killed"],
)
def test_a_writer_that_was_replaced_sends_nothing_more_and_nobody_has_two_accounts(bench, case):
    assert len(bench.expected.facts.posts) == 4
    assert paused(bench, case) == []


def test_of_twenty_that_start_at_once_one_writes(bench):
    assert raced(bench) == []
