"""Spans go where the command line says; log lines say what happened and no secret."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys

import pytest

from crosskey.logs import configure_logging
from crosskey.telemetry import meter, tracer, wanted


@pytest.mark.parametrize(
    ("environ", "answer"),
    [
        ({}, False),
        ({"OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "True"}, False),
        ({"OTEL_SERVICE_NAME": "x"}, False),
    ],
)
def test_the_environment_switches_traces_on(environ, answer):
    assert wanted(environ) is answer


def test_without_a_command_line_spans_go_nowhere():
    with tracer("crosskey.test").start_as_current_span("read") as span:
        assert not span.is_recording()
    meter().create_counter("pages").add(1)


def run(code: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """OpenTelemetry sets its provider once a process, so each case has its own."""
    program = f"from pathlib import Path\nfrom crosskey.telemetry import tracer, tracing\n{code}"
    command = [sys.executable, "-W", "error", "-c", program]
    return subprocess.run(command, capture_output=True, text=True, env=environ, check=False)


def test_spans_are_written_as_lines_that_only_this_user_reads(tmp_path):
    file = tmp_path / "spans.jsonl"
    code = f"""
with tracing(Path({str(file)!r})):
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
    done = run("import sys\nwith tracing():\n    pass\nassert 'opentelemetry.sdk' not in sys.modules")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_trace_file_that_cannot_be_written_is_a_plain_error(tmp_path):
    done = run(f"with tracing(Path({str(tmp_path / 'absent' / 'x')!r})):\n    pass")
    assert "ConfigError" in done.stderr
    assert "the trace file cannot be written: No such file or directory" in done.stderr


def test_an_exporter_that_is_not_installed_is_named_with_the_command_that_installs_it():
    done = run("with tracing():\n    pass", OTEL_TRACES_EXPORTER="no-such-exporter")
    assert 'no OpenTelemetry exporter named "no-such-exporter" is installed' in done.stderr
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
