"""Every metric that crosskey tells, declared once; each is made by the OpenTelemetry API when it is first used.

Values go in per page, request, batch or run, never per record. While nobody exports, no instrument is ever made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, Literal

import msgspec

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter, UpDownCounter

__all__ = ("INSTRUMENTS", "Attributes", "Instrument", "Instruments")

Attributes = Mapping[str, str | int]

Tell = Callable[[float, Attributes], None]

Kind = Literal["counter", "up-down counter", "gauge", "histogram"]

# The boundaries that the HTTP conventions advise; requests to vendors fit them.
_REQUEST = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_RUN = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0)
_COMMIT = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Instrument(msgspec.Struct, frozen=True):
    """One metric: what it counts, in which unit (UCUM), and the attributes that it is told by."""

    kind: Kind
    unit: str
    about: str
    attributes: tuple[str, ...]
    buckets: tuple[float, ...] = ()


_CONNECTION = "crosskey.connection"
_BUCKET = ("server.address", "http.request.method", "url.template")

INSTRUMENTS: Final[Mapping[str, Instrument]] = {
    "crosskey.run.duration": Instrument(
        "histogram",
        "s",
        "how long a run took",
        (_CONNECTION, "crosskey.run.kind", "crosskey.run.verdict", "error.type"),
        _RUN,
    ),
    "crosskey.run.phase.duration": Instrument(
        "histogram", "s", "how long one phase of a run took", (_CONNECTION, "crosskey.phase", "error.type"), _RUN
    ),
    "crosskey.run.last_success.time": Instrument(
        "gauge", "s", "when the last `sync` or `apply` came to its end with nothing holding all of it", (_CONNECTION,)
    ),
    "crosskey.snapshot.last_complete.time": Instrument(
        "gauge", "s", "when everyone in a source was last read completely", (_CONNECTION, "crosskey.instance")
    ),
    "crosskey.change.last_applied.time": Instrument("gauge", "s", "when the target last took a change", (_CONNECTION,)),
    "crosskey.operation.count": Instrument(
        "counter",
        "{operation}",
        "changes that were sent, by what became of them",
        (
            _CONNECTION,
            "crosskey.account.kind",
            "crosskey.operation.type",
            "crosskey.operation.outcome",
            "error.type",
        ),
    ),
    "crosskey.operation.uncertain": Instrument(
        "up-down counter", "{operation}", "changes that were sent and whose outcome nobody knows yet", (_CONNECTION,)
    ),
    "crosskey.operation.held": Instrument(
        "up-down counter", "{operation}", "what the newest plan holds back until a person decides", (_CONNECTION,)
    ),
    "crosskey.hook.request.count": Instrument(
        "counter",
        "{request}",
        "requests to a source's hook address, by what became of them",
        ("crosskey.instance", "crosskey.hook.reason"),
    ),
    "crosskey.guard.tripped.count": Instrument(
        "counter", "{trip}", "runs in which a rail held something", (_CONNECTION, "crosskey.guard")
    ),
    "crosskey.guard.headroom": Instrument(
        "gauge",
        "{operation}",
        "how many more changes the plan could have had before the rail holds them; below 0: so many too many",
        (_CONNECTION, "crosskey.guard", "crosskey.account.kind"),
    ),
    "crosskey.drift.count": Instrument(
        "counter",
        "{field}",
        "owned values that somebody else changed in the target, each counted when it is first noticed",
        (_CONNECTION, "crosskey.account.kind", "crosskey.drift.part", "crosskey.drift.policy"),
    ),
    "crosskey.subject.count": Instrument(
        "gauge",
        "{subject}",
        "people the source told (`read`), and those with a linked account that is on (`linked`) or off (`disabled`)",
        (_CONNECTION, "crosskey.subject.state", "crosskey.account.kind"),
    ),
    "crosskey.subject.grace": Instrument(
        "up-down counter",
        "{subject}",
        "people who are leaving, or missing, and whose account is still on: a grace runs, or it is not confirmed yet",
        (_CONNECTION, "crosskey.account.kind"),
    ),
    "crosskey.seat.free": Instrument(
        "gauge", "{seat}", "paid seats that are free in the target", (_CONNECTION, "crosskey.account.kind")
    ),
    "crosskey.credential.expiry.time": Instrument(
        "gauge", "s", "when the first of an instance's credentials ends", ("crosskey.instance",)
    ),
    "crosskey.ratelimit.limit": Instrument("gauge", "{request}", "size of a rate-limit window, as told", _BUCKET),
    "crosskey.ratelimit.remaining": Instrument("gauge", "{request}", "what is left of it, as told", _BUCKET),
    "crosskey.ratelimit.wait.duration": Instrument(
        "histogram", "s", "how long requests were held back for a rate limit", ("server.address",), _RUN
    ),
    "crosskey.ratelimit.throttled.count": Instrument(
        "counter", "{request}", "requests that a vendor refused as too many (429)", _BUCKET
    ),
    "crosskey.journal.size": Instrument("gauge", "By", "size of the journal's file", (_CONNECTION,)),
    "crosskey.journal.commit.duration": Instrument(
        "histogram", "s", "how long the disk took to make a transaction durable", (), _COMMIT
    ),
    "http.client.request.duration": Instrument(
        "histogram",
        "s",
        "how long a request took, its answer read whole",
        (
            "http.request.method",
            "server.address",
            "server.port",
            "url.scheme",
            "url.template",
            "http.response.status_code",
            "http.request.resend_count",
            "error.type",
        ),
        _REQUEST,
    ),
}
"""By OpenTelemetry name. Names that begin with ``crosskey.`` are our own; times are seconds since 1970."""


class Instruments:
    """The instruments of one meter. Without a meter (nobody exports) nothing is made and nothing is told."""

    def __init__(self, meter: Meter | None = None) -> None:
        self._meter = meter
        self._made: dict[str, Tell] = {}

    @property
    def on(self) -> bool:
        """Whether anybody takes the values: what costs a query is asked only then."""
        return self._meter is not None

    def tell(self, name: str, value: float, attributes: Attributes) -> None:
        """Count, set or record a value, as the instrument of that name does. Attributes hold nothing personal, ever."""
        if self._meter is None:
            return
        tell = self._made.get(name)
        if tell is None:
            tell = self._made[name] = _make(self._meter, name, INSTRUMENTS[name])
        tell(value, attributes)


def _make(meter: Meter, name: str, said: Instrument) -> Tell:
    match said.kind:
        case "counter":
            return meter.create_counter(name, said.unit, said.about).add
        case "up-down counter":
            return _level(meter.create_up_down_counter(name, said.unit, said.about))
        case "gauge":
            return meter.create_gauge(name, said.unit, said.about).set
        case "histogram":
            return meter.create_histogram(
                name, said.unit, said.about, explicit_bucket_boundaries_advisory=said.buckets
            ).record


def _level(counter: UpDownCounter) -> Tell:
    """What is there now, told to an instrument that takes differences (levels of several connections add up)."""
    levels: dict[frozenset[tuple[str, str | int]], float] = {}

    def tell(value: float, attributes: Attributes) -> None:
        key = frozenset(attributes.items())
        counter.add(value - levels.get(key, 0), attributes)
        levels[key] = value

    return tell
