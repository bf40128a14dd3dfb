"""What a run tells: whose fault it was and how much was done, never who; and never more often for more people."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from engine_bench import CONFIG, Bench, Quiet
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from crosskey.connector.credential import Credential
from crosskey.engine.connect import Connect
from crosskey.engine.run import RunOptions, execute
from crosskey.engine.spans import RunTelling, tell_credentials
from crosskey.errors import CrosskeyError
from crosskey.instruments import Instruments
from crosskey.logs import JsonFormatter, current_run


class Counting(Instruments):
    """Instruments that also count how often they are told something."""

    def __init__(self, meter) -> None:
        super().__init__(meter)
        self.told: Counter[str] = Counter()

    def tell(self, name, value, attributes) -> None:
        self.told[name] += 1
        super().tell(name, value, attributes)


class Watched(Connect):
    """Connectors whose runs are told to a reader and an exporter of this test."""

    def __init__(self, clock) -> None:
        super().__init__(clock=clock)
        self.exporter, self.reader = InMemorySpanExporter(), InMemoryMetricReader()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracer = provider.get_tracer("test")
        self.instruments = Counting(MeterProvider([self.reader]).get_meter("test"))

    def telling(self, connection: str) -> RunTelling:
        return RunTelling(self.tracer, self.instruments, self.clock, connection=connection)

    @property
    def spans(self) -> list[dict]:
        return [json.loads(span.to_json()) for span in self.exporter.get_finished_spans()]

    def named(self, name: str) -> list[dict]:
        return [span for span in self.spans if span["name"] == name]

    def metrics(self) -> dict[str, list[tuple[dict, object]]]:
        data = self.reader.get_metrics_data()
        return {
            metric.name: [(dict(each.attributes), getattr(each, "value", None)) for each in metric.data.data_points]
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


@pytest.fixture
def watched(bench) -> Watched:
    return Watched(bench.clock)


async def run(bench: Bench, watched: Watched, trigger: str = "command"):
    with bench.journal() as journal:
        options = RunOptions(kind="sync", trigger=trigger)
        return await execute(bench.config, bench.plugins, journal, watched, options, Quiet())


async def test_what_became_of_changes_is_counted_by_outcome_and_error(bench, watched):
    for name in ("ann", "bob", "cid"):
        bench.directory.add(name, groups=["Staff"])
    bench.desk.bad.add("Bob")
    await run(bench, watched)
    told = watched.metrics()["crosskey.operation.count"]
    by = {"crosskey.connection": "desk", "crosskey.account.kind": "user", "crosskey.operation.type": "create"}
    assert {(attributes["crosskey.operation.outcome"], attributes.get("error.type")): n for attributes, n in told} == {
        ("applied", None): 2,
        ("rejected", "bad"): 1,
    }
    assert all(by.items() <= attributes.items() for attributes, _ in told)
    [batch] = watched.named("crosskey.batch")
    assert batch["attributes"]["error.type"] == "bad"
    assert batch["status"] == {"status_code": "ERROR"}
    [root] = watched.named("crosskey.run")
    assert root["attributes"]["crosskey.run.verdict"] == "partial"


@pytest.mark.parametrize(
    ("fault", "uncertain"), [("auth", 0), ("down", 0), ("raise", 1), ("silent", 1), ("lost-request", 1)]
)
async def test_a_target_that_fails_is_told_by_class_and_without_a_text(bench, watched, fault, uncertain):
    bench.directory.add("ann", groups=["Staff"])
    bench.desk.fault = fault
    result = await run(bench, watched)
    [root] = watched.named("crosskey.run")
    assert root["attributes"]["error.type"] == result.applied.stopped.code
    assert root["attributes"]["crosskey.run.verdict"] == "failed"
    assert watched.metrics()["crosskey.operation.uncertain"] == [({"crosskey.connection": "desk"}, uncertain)]
    text = json.dumps(watched.spans)
    for hidden in ("Ann", "ann@", result.applied.stopped.message, "exception.message", '"description"'):
        assert hidden not in text


async def test_drift_is_counted_once_by_field_and_tells_nobodys_value(bench, watched):
    bench.configure(CONFIG.replace("[map.user]", '[map.user]\ndrift = "yield"'))
    bench.directory.add("ann", groups=["Staff"])
    await run(bench, watched)
    bench.clock.advance(200)
    for key, account in list(bench.desk.accounts.items()):
        bench.desk.edit(*key, fields={**account.fields, "mail": "elsewhere@example.com"})
    await run(bench, watched)
    await run(bench, watched)
    about = {"crosskey.account.kind": "user", "crosskey.drift.part": "mail", "crosskey.drift.policy": "yield"}
    assert watched.metrics()["crosskey.drift.count"] == [({"crosskey.connection": "desk", **about}, 1)]
    with bench.journal() as journal:
        [event] = [event for event in journal.events() if event.kind == "drift.noticed"]
        assert event.facts == {"kind": "user", "key": "1", "part": "mail", "policy": "yield"}
        assert journal.verify().ok
    assert "elsewhere" not in json.dumps(watched.spans)


async def test_a_source_that_raises_somebodys_name_keeps_it_to_itself(bench, watched):
    bench.directory.add("ann", groups=["Staff"])
    bench.directory.fail = ValueError("cannot read ann@example.com")
    with pytest.raises(CrosskeyError):
        await run(bench, watched)
    failed = {
        span["name"]: span["attributes"]["error.type"] for span in watched.spans if "error.type" in span["attributes"]
    }
    assert failed["crosskey.read.source"] == failed["crosskey.run"] == "plugin-raised"
    assert "ann" not in json.dumps(watched.spans)
    [(attributes, _)] = watched.metrics()["crosskey.run.duration"]
    assert (attributes["crosskey.run.verdict"], attributes["error.type"]) == ("failed", "plugin-raised")


async def test_more_people_are_not_told_more_often(tmp_path):
    """The same number of batches, forty times the people: the very same number of calls, and of spans."""
    counts = []
    for size in (5, 200):
        (tmp_path / str(size)).mkdir()
        bench = Bench(tmp_path / str(size))
        bench.desk.batch = 1000
        for number in range(size):
            bench.directory.add(f"p{number:03}", groups=["Staff"])
        watched = Watched(bench.clock)
        result = await run(bench, watched)
        assert result.applied.counts["applied"] == size
        counts.append((watched.instruments.told, Counter(span["name"] for span in watched.spans)))
    assert counts[0] == counts[1]


async def test_a_run_that_nobody_typed_is_a_trace_of_its_own_linked_to_what_started_it(bench, watched):
    with watched.tracer.start_as_current_span("tick"):
        await run(bench, watched, trigger="timer")
        await run(bench, watched, trigger="command")
    [tick] = watched.named("tick")
    alone, below = watched.named("crosskey.run")
    assert (alone["parent_id"], below["parent_id"]) == (None, tick["context"]["span_id"])
    assert alone["context"]["trace_id"] != tick["context"]["trace_id"]
    assert [link["context"]["span_id"] for link in alone["links"]] == [tick["context"]["span_id"]]
    with bench.journal() as journal:
        traces = {each.trigger: f"0x{each.trace}" for each in journal.runs()}
    assert traces == {"timer": alone["context"]["trace_id"], "command": tick["context"]["trace_id"]}


async def test_the_last_success_is_no_plan_no_failure_and_no_run_that_was_held_whole(bench, watched):
    bench.directory.add("ann", groups=["Staff"])
    await run(bench, watched)
    first = bench.clock.now()
    bench.clock.advance(3600)
    people, bench.directory.people = bench.directory.people, {}
    held = await run(bench, watched)
    assert [hold.scope for hold in held.plan.held] == ["run"]
    await bench.run("plan")
    bench.directory.fail = ValueError("down")
    with pytest.raises(CrosskeyError):
        await run(bench, watched)
    [(_, at)] = watched.metrics()["crosskey.run.last_success.time"]
    assert at == first.timestamp()
    bench.directory.people, bench.directory.fail = people, None
    await run(bench, watched)
    [(_, at)] = watched.metrics()["crosskey.run.last_success.time"]
    assert at == bench.clock.now().timestamp()


async def test_log_lines_of_a_run_bear_its_id_and_trace_and_no_other_lines_do(bench, watched):
    import logging

    record = logging.LogRecord("crosskey.test", logging.INFO, "", 0, "read a page", (), None)
    seen = []

    class Listening(Quiet):
        def advance(self, count: int) -> None:
            seen.append(json.loads(JsonFormatter().format(record)))

    bench.directory.add("ann", groups=["Staff"])
    with bench.journal() as journal:
        options = RunOptions(kind="sync")
        result = await execute(bench.config, bench.plugins, journal, watched, options, Listening())
    [root] = watched.named("crosskey.run")
    assert {line["run"] for line in seen} == {result.run}
    assert {f"0x{line['trace_id']}" for line in seen} == {root["context"]["trace_id"]}
    assert all(len(line["span_id"]) == 16 for line in seen)
    assert json.loads(JsonFormatter().format(record)).keys() == {"time", "level", "logger", "message"}
    assert current_run.get() == ""


def test_the_first_credential_to_end_is_told_without_its_name(watched, bench):
    soon, later = bench.clock.now(), bench.clock.now().replace(year=2036)
    credentials = [
        Credential(name="ann's secret", expires_at=later),
        Credential(name="certificate", expires_at=soon),
        Credential(name="token"),
    ]
    tell_credentials(watched.instruments, "source.corp", credentials)
    tell_credentials(watched.instruments, "target.desk", credentials[2:])
    assert watched.metrics()["crosskey.credential.expiry.time"] == [
        ({"crosskey.instance": "source.corp"}, soon.timestamp())
    ]


async def test_who_is_leaving_and_how_far_the_rails_are_is_told(bench, watched):
    bench.configure(CONFIG.replace("[map.user.fields]", 'leavers = { after = "2d" }\n[map.user.fields]'))
    bench.desk.batch = 50
    for number in range(20):
        bench.directory.add(f"p{number:02}", groups=["Staff"])
    await run(bench, watched)
    user = {"crosskey.connection": "desk", "crosskey.account.kind": "user"}
    assert (user, 0) in watched.metrics()["crosskey.subject.grace"]
    for number in range(11):
        bench.directory.change(f"p{number:02}", active=False)
    bench.directory.people.pop("p19")  # missing
    bench.directory.add("new", groups=["Staff"])
    await run(bench, watched)
    told = watched.metrics()
    assert (user, 12) in told["crosskey.subject.grace"]
    assert ({**user, "crosskey.guard": "mass-disable"}, 10) in told["crosskey.guard.headroom"]
    assert ({**user, "crosskey.guard": "create-flood"}, 24) in told["crosskey.guard.headroom"]
    bench.clock.advance(2 * 86_400)
    await run(bench, watched)
    told = watched.metrics()
    assert ({**user, "crosskey.guard": "mass-disable"}, -2) in told["crosskey.guard.headroom"]
    assert (user, 12) in told["crosskey.subject.grace"], "the rail held them"
    for number in range(5):
        bench.directory.change(f"p{number:02}", active=True)
    await run(bench, watched)
    assert (user, 0) in watched.metrics()["crosskey.subject.grace"], "five came back, the others are switched off"
