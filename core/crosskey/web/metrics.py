"""A watcher's state in Prometheus' words: gauges from the journal, counters of this process.

Times are exported as times, never as ages: an age that stops being updated looks young for ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from crosskey.watch import Status, Watcher

__all__ = ("exposition",)


def exposition(watcher: Watcher) -> tuple[bytes, str]:
    """The text format and its content type."""
    registry = CollectorRegistry()
    registry.register(_State(watcher))
    return generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4


class _State:
    """A collector over one watcher."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher

    def collect(self) -> Iterable[Metric]:
        """Every family, made from what is known now."""
        watcher = self._watcher
        yield _gauge("crosskey_watch_alive", "Whether the loop goes round.", [([], float(watcher.is_alive))])
        yield _gauge("crosskey_watch_ready", "Whether it can do its work.", [([], float(watcher.is_ready))])
        for what, summary, label in (
            ("round", "Rounds of this process, by how they ended.", "outcome"),
            ("notice", "Deliveries of notices by this process.", "outcome"),
            ("signal", "Signals that this process heard, by what they asked for.", "about"),
        ):
            counter = CounterMetricFamily(f"crosskey_{what}_count", summary, labels=[label])
            for (kind, how), count in sorted(watcher.counts.items()):
                if kind == what:
                    counter.add_metric([how], count)
            yield counter
        if watcher.status is not None:
            yield from _of_journal(watcher.status)


def _of_journal(status: Status) -> Iterable[Metric]:
    connection = status.connection
    rounds, trouble = status.rounds, status.trouble
    yield _time(
        "crosskey_run_last_success_time_seconds", "When a run last did its work.", connection, rounds.success_at
    )
    full = "When everything was last read."
    yield _time("crosskey_snapshot_last_complete_time_seconds", full, connection, rounds.full_at)
    yield _one("crosskey_run_overdue", "Whether no run did its work in time.", connection, float(status.overdue))
    yield _gauge(
        "crosskey_connection_quarantined",
        "Whether rounds wait because they failed, and why.",
        [([connection, trouble.code if trouble else ""], float(status.quarantined))],
        ["connection", "reason"],
    )
    given_up = "Whether they failed for so long that only a person lets another begin."
    yield _one("crosskey_connection_given_up", given_up, connection, float(status.given_up))
    failures = trouble.failures if trouble else 0
    yield _one("crosskey_run_failures", "Rounds that failed in a row.", connection, failures)
    yield _one("crosskey_operation_uncertain", "Writes without a known outcome.", connection, status.unsettled.count)
    yield _gauge(
        "crosskey_operation_held",
        "What rails hold, since everything was last read.",
        [([connection, rail], count) for rail, count in sorted(rounds.held.items())],
        ["connection", "rail"],
    )
    yield _gauge(
        "crosskey_operation_undone",
        "The most that a run could not write, since everything was last read.",
        [([connection, how], count) for how, count in sorted(rounds.undone.items())],
        ["connection", "result"],
    )
    yield _one("crosskey_notice_waiting", "Notices that wait to be delivered.", connection, status.outbox.waiting)
    yield _one("crosskey_notice_given_up", "Notices that nobody took.", connection, status.outbox.given_up)
    yield _gauge(
        "crosskey_credential_expiry_time_seconds",
        "When credentials end.",
        [
            ([connection, each.instance, each.name], each.expires_at.timestamp())
            for each in status.credentials
            if each.expires_at is not None
        ],
        ["connection", "instance", "name"],
    )


def _one(name: str, summary: str, connection: str, value: float) -> Metric:
    return _gauge(name, summary, [([connection], value)], ["connection"])


def _time(name: str, summary: str, connection: str, at: datetime | None) -> Metric:
    """A time; no sample at all while there is none, so that an alert on absence can tell."""
    return _gauge(name, summary, [([connection], at.timestamp())] if at else [], ["connection"])


def _gauge(name: str, summary: str, samples: list[tuple[list[str], float]], labels: list[str] | None = None) -> Metric:
    family = GaugeMetricFamily(name, summary, labels=labels or [])
    for values, value in samples:
        family.add_metric(values, value)
    return family
