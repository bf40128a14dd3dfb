"""The short tier of T8: one writer is stopped or killed in the middle of a request, another takes over; twenty race."""

from __future__ import annotations

import os
import signal

import pytest
from proof_program import proved

pytestmark = pytest.mark.skipif(
    not hasattr(os, "fork") or not hasattr(signal, "SIGSTOP"), reason="needs fork and SIGSTOP"
)


def test_a_writer_that_was_replaced_sends_nothing_more_and_of_twenty_one_writes():
    told = proved("proofs.writers", "--rounds", "7", "--seed", "2").splitlines()[-1]
    assert ", 0 wrong," in told
    for kind in ("killed", "raced", "stopped", "stopped anywhere"):
        assert f"{kind} " in told, f"seed 2 brought no round of that kind: {told}"
