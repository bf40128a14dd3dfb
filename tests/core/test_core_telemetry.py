"""Spans go where the command line says; log lines say what happened and no secret."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys

import pytest

from crosskey.errors import ConfigError
from crosskey.logs import configure_logging
from crosskey.telemetry import Wish, instruments, meter, tracer

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
BOTH = {"traces": ("otlp",), "metrics": ("otlp",)}


@pytest.mark.parametrize(
    ("environ", "exporters"),
    [
        ({}, {}),
        ({"OTEL_TRACES_EXPORTER": "none"}, {}),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, {"traces": ("otlp",)}),
        ({"OTEL_METRICS_EXPORTER": "console, otlp"}, {"metrics": ("console", "otlp")}),
        (ENDPOINT, BOTH),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://127.0.0.1:4318/v1/metrics"}, {"metrics": ("otlp",)}),
        ({**ENDPOINT, "OTEL_METRICS_EXPORTER": "none"}, {"traces": ("otlp",)}),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "True"}, {}),
        ({"OTEL_SERVICE_NAME": "x"}, {}),
    ],
)
def test_the_environment_switches_each_signal_on(environ, exporters):
    wish = Wish.read(environ)
    assert (dict(wish.exporters), bool(wish)) == (exporters, bool(exporters))


def test_the_option_switches_both_signals_on_unless_the_sdk_is_disabled():
    assert Wish.read({}, otlp="") == Wish(BOTH)
    assert Wish.read({}, otlp="https://collector.example:4318/") == Wish(
        BOTH, endpoint="https://collector.example:4318"
    )
    assert Wish.read({"OTEL_TRACES_EXPORTER": "none"}, otlp="") == Wish({"metrics": ("otlp",)})
    assert Wish.read({"OTEL_TRACES_EXPORTER": "console"}, otlp="").exporters["traces"] == ("console", "otlp")
    assert not Wish.read({"OTEL_SDK_DISABLED": "true"}, otlp="")


@pytest.mark.parametrize(
    "url",
    [
        "monday.plan",
        "ftp://collector.example",
        "http://",
        "http://me:canary@collector.example",
        "http://c.example/?key=1",
    ],
)
def test_what_is_no_address_of_a_collector_is_told(url):
    with pytest.raises(ConfigError) as told:
        Wish.read({}, otlp=url)
    assert (told.value.code, told.value.where) == ("otlp-url", "--otlp")
    assert "canary" not in str(told.value)


def test_without_a_command_line_spans_go_nowhere():
    with tracer("crosskey.test").start_as_current_span("read") as span:
        assert not span.is_recording()
    meter().create_counter("pages").add(1)
    assert not instruments().on


def run(code: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """OpenTelemetry sets its provider once a process, so each case has its own."""
    program = f"from pathlib import Path\nfrom crosskey.telemetry import exporting, tracer\n{code}"
    command = [sys.executable, "-W", "error", "-c", program]
    return subprocess.run(command, capture_output=True, text=True, env=environ, check=False)


def test_spans_are_written_as_lines_that_only_this_user_reads(tmp_path):
    file = tmp_path / "spans.jsonl"
    code = f"""
with exporting(Path({str(file)!r})):
    with tracer('crosskey.source.corp').start_as_current_span('outer'):
        with tracer().start_as_current_span('inner', attributes={{'pages': 2}}):
            pass
"""
    done = run(code)
    assert (done.returncode, done.stderr) == (0, "")
    inner, outer = [json.loads(line) for line in file.read_text().splitlines()]
    assert (inner["name"], inner["attributes"], inner["parent"]) == ("inner", {"pages": 2}, outer["span"])
    assert (outer["name"], outer["parent"], outer["trace"]) == ("outer", "", inner["trace"])
    assert outer["seconds"] >= inner["seconds"] >= 0
    assert file.stat().st_mode & 0o777 == 0o600


def test_without_a_wish_the_sdk_is_not_even_imported():
    done = run("import sys\nwith exporting():\n    pass\nassert 'opentelemetry.sdk' not in sys.modules")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_trace_file_that_cannot_be_written_is_a_plain_error(tmp_path):
    done = run(f"with exporting(Path({str(tmp_path / 'absent' / 'x')!r})):\n    pass")
    assert "ConfigError" in done.stderr
    assert "the trace file cannot be written: No such file or directory" in done.stderr


def test_an_exporter_that_is_not_installed_is_named_with_the_command_that_installs_it():
    done = run("with exporting():\n    pass", OTEL_TRACES_EXPORTER="no-such-exporter")
    assert 'no OpenTelemetry exporter named "no-such-exporter" for traces is installed' in done.stderr
    assert "--trace FILE" in done.stderr


@pytest.fixture
def logs():
    """Logging as the command line sets it up, undone afterwards."""
    root, ours = logging.getLogger(), logging.getLogger("crosskey")
    before = root.handlers[:], root.level, ours.level

    def configure(**options) -> io.StringIO:
        stream = io.StringIO()
        configure_logging(stream=stream, **options)
        return stream

    yield configure
    root.handlers[:], root.level = before[0], before[1]
    ours.setLevel(before[2])


def test_a_plain_line_names_the_instance(logs):
    stream = logs()
    logging.getLogger("crosskey.source.corp").warning("page %d came twice", 3)
    logging.getLogger("crosskey.source.corp").info("not asked for")
    assert stream.getvalue() == "warning source.corp: page 3 came twice\n"


def test_json_lines_for_machines(logs):
    stream = logs(as_json=True, level=logging.INFO)
    logging.getLogger("crosskey.target.desk").info("names in any script: Zoë 李")
    line = json.loads(stream.getvalue())
    assert (line["level"], line["logger"], line["message"]) == (
        "info",
        "crosskey.target.desk",
        "names in any script: Zoë 李",
    )
    assert line["time"].endswith("+00:00")


@pytest.mark.parametrize("as_json", [False, True])
def test_credentials_are_hidden_whoever_logs_them(logs, as_json):
    stream = logs(as_json=as_json)
    log = logging.getLogger("someone.else")
    log.error("sent Authorization: Bearer %s", "canary.token.value")
    log.error("body client_secret=canary-secret&x=1")
    try:
        raise ValueError("got access_token=canary-access")
    except ValueError:
        log.exception("it failed with SSWS canary00token00value")
    text = stream.getvalue()
    assert "canary" not in text
    assert "ValueError" in text
    assert text.count("someone.else") == 3


def test_setting_up_twice_writes_once(logs):
    logs()
    stream = logs()
    logging.getLogger("crosskey").error("once")
    assert stream.getvalue().count("once") == 1
