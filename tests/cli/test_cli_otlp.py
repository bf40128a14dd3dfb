"""Spans and metrics reach a real collector, by the names that are documented, and hold nobody's name."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from cli_bench import Shell
from otlp_receiver import Collector, collecting

from crosskey.errors import ExitCode
from crosskey.instruments import INSTRUMENTS
from crosskey.spans import SPANS

CLIENT = 3  # SPAN_KIND_CLIENT
TREE = {
    "crosskey": "",
    "crosskey.run": "crosskey",
    "crosskey.recover": "crosskey.run",
    "crosskey.read": "crosskey.run",
    "crosskey.read.source": "crosskey.read",
    "crosskey.read.target": "crosskey.read",
    "crosskey.plan": "crosskey.run",
    "crosskey.apply": "crosskey.run",
    "crosskey.batch": "crosskey.apply",
}
RARE = {
    "crosskey.drift.count",
    "crosskey.credential.expiry.time",  # told by whoever asks a plugin for its credentials
    "crosskey.ratelimit.wait.duration",
    "crosskey.ratelimit.throttled.count",
    "crosskey.hook.request.count",  # told by the door of a watcher
    "crosskey.guard.tripped.count",
}
"""Metrics that a run without trouble does not tell."""


@pytest.fixture
def collector():
    with collecting() as collector:
        yield collector


def sent(crosskey: Shell, collector: Collector, *words: str, code: ExitCode = ExitCode.OK, **environment: str):
    """Run a command that exports to the collector."""
    run = crosskey.process(*words, "--json", "--otlp", collector.url, environment=environment)
    assert (run.code, run.err) == (code, ""), run
    return run


def test_a_run_is_one_tree_of_spans(crosskey, collector):
    sent(crosskey, collector, "sync")
    spans = {span.id: span for span in collector.spans}
    assert len({span.trace for span in spans.values()}) == 1
    names = {span.id: span.name for span in spans.values()}
    parents = {(span.name, names.get(span.parent, "")) for span in spans.values() if span.kind != CLIENT}
    assert parents == {*TREE.items(), ("crosskey.guard", "crosskey.plan"), ("crosskey.guard", "crosskey.run")}
    assert TREE.items() <= {(name, said.parent) for name, said in SPANS.items()}
    requests = Counter(names[span.parent] for span in spans.values() if span.kind == CLIENT)
    assert requests["crosskey.read.source"] > 1
    assert requests["crosskey.batch"] >= 1
    assert not any(span.failed or span.said for span in spans.values())
    batches = [span.attributes for span in spans.values() if span.name == "crosskey.batch"]
    assert sum(batch["crosskey.result.applied"] for batch in batches) == sum(
        batch["crosskey.batch.size"] for batch in batches
    )


def test_every_span_and_attribute_is_a_documented_one(crosskey, collector):
    sent(crosskey, collector, "sync")
    sent(crosskey, collector, "check")
    for span in collector.spans:
        name = "{method} {template}" if span.kind == CLIENT else span.name
        allowed = SPANS[name].attributes
        prefixes = tuple(each.partition("<")[0] for each in allowed if "<" in each)
        assert {
            each for each in span.attributes if each not in allowed and not each.startswith(prefixes or "-")
        } == set()
        required = {each for each in allowed if "<" not in each} - {"error.type", "http.request.resend_count"}
        assert required <= span.attributes.keys(), span
    assert {"{method} {template}" if span.kind == CLIENT else span.name for span in collector.spans} == set(SPANS)


def test_every_metric_arrives_as_it_is_documented(crosskey, collector):
    sent(crosskey, collector, "sync")
    metrics = collector.metrics
    assert set(metrics) == set(INSTRUMENTS) - RARE
    for name, metric in metrics.items():
        said = INSTRUMENTS[name]
        assert (metric.kind, metric.unit, metric.about) == (said.kind, said.unit, said.about)
        assert {each for attributes, _ in metric.points for each in attributes} <= set(said.attributes)
        if said.kind == "histogram":
            assert {bounds for _, (_, _, bounds) in metric.points} == {said.buckets}


def test_metrics_tell_what_the_run_did(crosskey, collector):
    results = sent(crosskey, collector, "sync").json
    metrics = collector.metrics
    done = metrics["crosskey.operation.count"]
    assert sum(value for _, value in done.points) == results["results"]["applied"]
    assert set(done.values("crosskey.operation.type")) == {"adopt", "create"}
    assert metrics["crosskey.run.duration"].values("crosskey.run.verdict")["clean"][0] == 1
    phases = metrics["crosskey.run.phase.duration"].values("crosskey.phase")
    assert {name: count for name, (count, _, _) in phases.items()} == dict.fromkeys(
        ("read", "recover", "plan", "apply"), 1
    )
    people = metrics["crosskey.subject.count"].values("crosskey.subject.state")
    assert people["read"] == results["people"]
    assert metrics["crosskey.operation.uncertain"].value == metrics["crosskey.operation.held"].value == 0
    with (crosskey.folder / ".crosskey" / "journal.sqlite").open("rb") as file:
        assert 0 < metrics["crosskey.journal.size"].value <= file.seek(0, 2)
    requests = sum(count for _, (count, _, _) in metrics["http.client.request.duration"].points)
    assert requests == sum(span.kind == CLIENT for span in collector.spans)
    times = [metrics[name].value for name in metrics if name.endswith(".time")]
    assert len(times) == 3
    assert max(times) - min(times) < 60  # of the same run


def test_a_run_that_fails_tells_its_class_and_the_age_of_the_last_that_did_not(crosskey, collector):
    sent(crosskey, collector, "sync")
    good = collector.metrics["crosskey.run.last_success.time"].value
    collector.payloads.clear()
    sent(crosskey, collector, "sync", code=ExitCode.AUTH, OKTA_TOKEN="00canary-that-nobody-takes")
    metrics = collector.metrics
    assert metrics["crosskey.run.last_success.time"].value == good
    [(attributes, _)] = metrics["crosskey.run.duration"].points
    assert attributes["crosskey.run.verdict"] == "failed"
    assert attributes["error.type"] == "okta-E0000011"
    failed = {span.name: span.attributes for span in collector.spans if span.failed and span.kind != CLIENT}
    assert {each["error.type"] for name, each in failed.items() if name != "crosskey.read.target"} == {"okta-E0000011"}
    assert failed["crosskey"]["process.exit.code"] == ExitCode.AUTH
    assert failed["crosskey.run"]["crosskey.run.verdict"] == "failed"
    assert not any(span.said for span in collector.spans)


def test_a_plan_is_no_success_and_a_rail_is_told(crosskey, collector):
    known = crosskey.stage.company.people[3]
    sent(crosskey, collector, "plan")
    assert "crosskey.run.last_success.time" not in collector.metrics
    collector.payloads.clear()
    crosskey.edit(("[rails]", f'[rails]\nprotect = ["{known.email}"]'))
    run = sent(crosskey, collector, "sync", code=ExitCode.HELD)
    held = {hold["rail"] for hold in run.json["plan"]["held"]}
    tripped = collector.metrics["crosskey.guard.tripped.count"].values("crosskey.guard")
    assert tripped == dict.fromkeys(held, 1)
    assert collector.metrics["crosskey.operation.held"].value >= len(held)
    assert "crosskey.run.last_success.time" in collector.metrics  # one person is held, everybody else is in step


def test_the_runs_trace_is_in_the_journal_and_in_history(crosskey, collector):
    sent(crosskey, collector, "sync")
    crosskey.process("plan", "--json")
    [root] = [span for span in collector.spans if not span.parent]
    plain, traced = crosskey("history", "--json").json
    assert (traced["trace"], plain["trace"]) == (root.trace, "")
    assert f"trace {root.trace}" in crosskey("history", traced["id"]).out
    assert "trace" not in crosskey("history", plain["id"]).out
    assert crosskey("history", traced["id"], "--json").json["run"]["trace"] == root.trace


def test_opentelemetrys_own_variables_do_the_same(crosskey, collector):
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=acme",
        "OTEL_SERVICE_NAME": "crosskey-staging",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=staging,service.instance.id=one",
    }
    assert crosskey.process("plan", "--json", environment=environment).code == ExitCode.OK
    assert {path for path, _ in collector.payloads} == {"/v1/traces", "/v1/metrics"}
    assert {headers["x-tenant"] for headers in collector.headers} == {"acme"}
    for resource in collector.resources:
        assert resource["service.name"] == "crosskey-staging"
        assert (resource["deployment.environment.name"], resource["service.instance.id"]) == ("staging", "one")


def test_one_signal_may_be_left_out(crosskey, collector):
    sent(crosskey, collector, "plan", OTEL_METRICS_EXPORTER="none")
    assert {path for path, _ in collector.payloads} == {"/v1/traces"}


def test_the_option_may_stand_last_and_go_by_the_variables(crosskey, collector):
    run = crosskey.process("check", "--otlp", environment={"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url})
    assert run.code == ExitCode.OK
    [root] = [span for span in collector.spans if not span.parent]
    assert root.attributes["crosskey.command"] == "check"
    assert {each["service.name"] for each in collector.resources} == {"crosskey"}


def test_off_by_default_nothing_of_it_is_even_imported(crosskey, tmp_path):
    """A sitecustomize writes down what the process had imported when it ended."""
    listed = tmp_path / "modules"
    (tmp_path / "sitecustomize.py").write_text(
        "import atexit, pathlib, sys\n"
        f"atexit.register(lambda: pathlib.Path({str(listed)!r}).write_text(' '.join(sys.modules)))\n"
    )
    run = crosskey.process("sync", "--json", environment={"PYTHONPATH": str(tmp_path)})
    assert run.code == ExitCode.OK
    modules = set(listed.read_text().split())
    assert "crosskey.engine.run" in modules
    assert not modules & {"opentelemetry.sdk", "opentelemetry.metrics", "opentelemetry.exporter", "requests"}


def test_a_word_that_is_no_address_is_told_before_anything_happens(crosskey):
    run = crosskey("sync", "--json", "--otlp", "monday.plan")
    assert (run.code, run.error["code"]) == (ExitCode.CONFIG, "otlp-url")
    assert crosskey.writes == 0
    assert not crosskey.journal.exists()


def test_an_exporter_that_is_missing_is_told_with_its_remedy(crosskey):
    environment = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    run = crosskey.process("sync", "--json", "--otlp", environment=environment)
    assert (run.code, run.error["code"]) == (ExitCode.CONFIG, "trace-exporter")
    assert "otlp_proto_grpc" in run.error["message"]
    assert crosskey.writes == 0


def test_without_the_extra_the_command_that_installs_it_is_told(crosskey, tmp_path):
    """A sitecustomize hides the exporter, as if it had never been installed."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nsys.modules['opentelemetry.exporter.otlp.proto.http'] = None\n"
    )
    environment = {"PYTHONPATH": str(tmp_path)}
    run = crosskey.process("sync", "--json", "--otlp", environment=environment)
    assert (run.code, run.error["code"]) == (ExitCode.CONFIG, "trace-exporter")
    assert 'pip install "crosskey[otlp]"' in run.error["fix"]


DEBUG = {"CROSSKEY_LOG": "debug", "OTEL_EXPORTER_OTLP_TIMEOUT": "600"}


def lost(err: str) -> list[str]:
    return [line for line in err.splitlines() if "dropped, because no collector took it" in line]


def test_a_collector_that_hangs_holds_no_run_up(crosskey):
    """It would for ten minutes, by the timeout given here; the deadline at the end lets go long before."""
    with collecting(hangs=True) as collector:
        run = crosskey.process("sync", "--otlp", collector.url, environment=DEBUG)
    assert run.code == ExitCode.OK
    assert crosskey.last_run()["verdict"] == "clean"
    [told] = lost(run.err)
    assert told.startswith("debug telemetry:")
    assert "in time" in told


def test_a_collector_that_is_down_is_told_once_and_only_to_who_looks(crosskey):
    with collecting() as gone:
        url = gone.url
    short = {"OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
    quiet = crosskey.process("sync", "--json", "--otlp", url, environment=short)
    assert (quiet.code, quiet.err) == (ExitCode.OK, "")
    loud = crosskey.process("plan", "--otlp", url, environment={**short, "CROSSKEY_LOG": "debug"})
    assert loud.code == ExitCode.OK
    assert len(lost(loud.err)) == 1
    assert "sets of metrics 1" in lost(loud.err)[0]
    assert "spans 0" not in lost(loud.err)[0]
    assert "opentelemetry" not in loud.err


def test_a_collector_that_takes_everything_loses_nothing(crosskey, collector):
    run = crosskey.process("plan", "--otlp", collector.url, environment={"CROSSKEY_LOG": "debug"})
    assert (run.code, lost(run.err)) == (ExitCode.OK, [])


def test_log_lines_are_json_where_the_environment_says_so(crosskey):
    with collecting() as gone:
        url = gone.url
    environment = {"CROSSKEY_LOG_FORMAT": "json", "CROSSKEY_LOG": "debug", "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
    run = crosskey.process("check", "--otlp", url, environment=environment)
    assert run.code == ExitCode.OK
    messages = [json.loads(line)["message"] for line in run.err.splitlines()]
    assert any(message.startswith("dropped") for message in messages)


def test_nobody_and_no_secret_is_in_what_is_sent(crosskey, collector):
    """Every command that runs, with a rail that names somebody and a credential that is refused."""
    company, desk = crosskey.stage.company, crosskey.stage.desk
    crosskey.edit(("[rails]", f'[rails]\nprotect = ["{company.people[3].email}"]'))
    for words, code in (
        (["check"], ExitCode.OK),
        (["plan", "--save", "monday.plan"], ExitCode.HELD),
        (["apply", "--yes"], ExitCode.HELD),
        (["sync", "--allow", "empty-group=All Staff"], ExitCode.HELD),
    ):
        sent(crosskey, collector, *words, code=code)
    sent(crosskey, collector, "sync", code=ExitCode.AUTH, OKTA_TOKEN="00canary-that-nobody-takes")
    text = collector.text()
    for word in ("/api/v1/users", "crosskey.operation.count", "crosskey.batch"):
        assert word in text
    names = [name for person in company.people for name in (person.email, person.login, person.display_name)]
    names += crosskey.stage.org.users.roll.ids()
    # a very short name may stand in any binary
    names += [person.family_name for person in company.people if len(person.family_name) > 5]
    secrets = [*crosskey.environment.values(), *desk.tokens, "canary", "monday.plan", str(crosskey.folder)]
    words = ["filter", "after=", "search=", "cursor", "All Staff", "Traceback", "Bearer", "SSWS"]
    assert [hidden for hidden in (*names, *secrets, *words) if hidden and hidden in text] == []
