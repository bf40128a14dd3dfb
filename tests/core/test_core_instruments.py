"""Names that OpenTelemetry defines are as it defines them, our own keep its rules, and each value gets where it belongs."""

from __future__ import annotations

import re

import pytest
from opentelemetry.metrics import NoOpMeter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.semconv._incubating.attributes import process_attributes, url_attributes
from opentelemetry.semconv.attributes import error_attributes, http_attributes, server_attributes
from opentelemetry.semconv.attributes import url_attributes as stable_url_attributes
from opentelemetry.semconv.metrics import http_metrics

from crosskey.errors import AuthError, PluginError
from crosskey.instruments import INSTRUMENTS, Instruments
from crosskey.spans import SPANS, error_type

MODULES = (
    process_attributes,
    url_attributes,
    error_attributes,
    http_attributes,
    server_attributes,
    stable_url_attributes,
)
STANDARD = {value for module in MODULES for name, value in vars(module).items() if name.isupper()}
USED = [*INSTRUMENTS.values(), *SPANS.values()]
UNITS = re.compile(r"s|By|\{[a-z]+\}")  # https://ucum.org: seconds, bytes, and annotations for what is counted
NAME = re.compile(r"crosskey(\.[a-z]+(_[a-z]+)*)*(\.<[a-z]+>)?")


def test_every_attribute_is_the_conventions_own_or_in_our_namespace():
    names = {name for each in USED for name in each.attributes}
    assert {name for name in names if not NAME.fullmatch(name)} <= STANDARD
    assert len(names & STANDARD) == 11


def test_every_metric_is_the_conventions_own_or_in_our_namespace():
    assert [name for name in INSTRUMENTS if not NAME.fullmatch(name)] == [http_metrics.HTTP_CLIENT_REQUEST_DURATION]
    for name, said in INSTRUMENTS.items():
        assert UNITS.fullmatch(said.unit), name
        assert not name.endswith(("_total", ".total", "_seconds")), "exporters add these by themselves"
        assert (said.kind == "histogram") == bool(said.buckets)
        assert name.endswith(".duration") == (said.kind == "histogram")
        assert not name.endswith(".time") or (said.kind, said.unit) == ("gauge", "s")


def test_a_request_takes_the_boundaries_that_the_conventions_advise():
    advised = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
    assert INSTRUMENTS["http.client.request.duration"].buckets == advised


@pytest.fixture
def reader():
    return InMemoryMetricReader()


@pytest.fixture
def instruments(reader):
    return Instruments(MeterProvider([reader]).get_meter("test"))


def points(reader) -> dict[str, list[tuple[dict, object]]]:
    data = reader.get_metrics_data()
    return {
        metric.name: [(dict(point.attributes), getattr(point, "value", None)) for point in metric.data.data_points]
        for resource in (data.resource_metrics if data else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_each_can_be_made_and_told(name, instruments, reader):
    instruments.tell(name, 1, {})
    assert list(points(reader)) == [name]


def test_a_level_is_what_was_said_last_and_levels_of_two_connections_add_up(instruments, reader):
    for value in (5, 2, 2):
        instruments.tell("crosskey.operation.held", value, {"crosskey.connection": "desk"})
    instruments.tell("crosskey.operation.held", 1, {"crosskey.connection": "other>desk"})
    told = points(reader)["crosskey.operation.held"]
    assert {attributes["crosskey.connection"]: value for attributes, value in told} == {"desk": 2, "other>desk": 1}


def test_a_name_that_is_not_declared_is_refused(instruments):
    with pytest.raises(KeyError):
        instruments.tell("crosskey.made.up", 1, {})


class Refusing(NoOpMeter):
    """A meter that must not be asked for anything."""

    def create_counter(self, *_args, **_options):
        raise AssertionError("an instrument was made")


def test_while_nobody_exports_nothing_is_made():
    silent = Instruments()
    assert not silent.on
    silent.tell("crosskey.operation.count", 1, {})
    with pytest.raises(AssertionError):
        Instruments(Refusing("test")).tell("crosskey.operation.count", 1, {})


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (AuthError("no", code="permission-denied"), "permission-denied"),
        (PluginError("no", code="okta-E0000011"), "okta-E0000011"),
        (PluginError("no", code="no account for ann@example.com"), "_OTHER"),
        ("x" * 60, "_OTHER"),
        ("", "_OTHER"),
        (KeyError("ann@example.com"), "KeyError"),
    ],
)
def test_a_failure_is_named_by_its_code_or_class_and_never_by_its_text(failure, kind):
    assert error_type(failure) == kind
