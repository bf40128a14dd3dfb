"""When to try again, and when to give up: one policy for every plugin."""

from __future__ import annotations

import random

import msgspec

__all__ = ("Retries", "RetryPolicy")


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How often and how long one call is tried.

    Faults (connection lost, 5xx) are tried ``attempts`` times in all, waiting a random time up to ``first`` doubling
    to ``longest`` seconds, ``patience`` in sum. A 429 is not a fault: it is waited for, ``throttle_patience`` in sum.
    """

    attempts: int = 5
    first: float = 0.5
    longest: float = 30.0
    patience: float = 120.0
    throttle_patience: float = 900.0


class Retries:
    """The tries of one call so far. Each method gives the seconds to wait, or ``None`` to give up."""

    def __init__(self, policy: RetryPolicy, *, metered: bool) -> None:
        self._policy = policy
        self._metered = metered
        self._faults = 0
        self._throttles = 0
        self._fault_wait = 0.0
        self._throttle_wait = 0.0

    def after_fault(self, told: float | None = None) -> float | None:
        """After a lost connection or a 5xx; ``told`` is the server's own word (``Retry-After``)."""
        policy = self._policy
        self._faults += 1
        if self._faults >= policy.attempts:
            return None
        # Full jitter: clients that failed together must not come back together.
        wait = told or _between(0.0, min(policy.longest, policy.first * 2.0 ** (self._faults - 1)))
        self._fault_wait += wait
        return wait if self._fault_wait <= policy.patience else None

    def after_throttle(self, told: float | None, *, crowded: bool = False) -> float | None:
        """After a 429: wait as told; else, ``crowded`` (too many at once), briefly; else longer each time.

        A desk metered over minutes says no for minutes: with a budget the waits start at 30 seconds.
        """
        self._throttles += 1
        if crowded:
            wait = _between(0.5, 1.0) * min(2.0**self._throttles, 16.0)
        elif told is not None:
            wait = told
        elif self._metered:
            wait = min(60.0, 30.0 * 1.25 ** (self._throttles - 1))
        else:
            wait = _between(0.5, 1.0) * min(60.0, 2.0**self._throttles)
        self._throttle_wait += wait
        return wait if self._throttle_wait <= self._policy.throttle_patience else None


def _between(low: float, high: float) -> float:
    return random.uniform(low, high)  # noqa: S311 - spreads retries over time, protects nothing
