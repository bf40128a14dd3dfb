"""Calling plugins: each on its own, and what one of them raises ends where its contract says."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import pytest
from core_acme import ENTRY

from crosskey.errors import ConfigError, Diagnostic
from crosskey.events import Event, RunFacts
from crosskey.plugins import load_plugins
from crosskey.settings import SecretReference

RUN = RunFacts(id="r1", kind="sync", instance="desk", applies=True)
EVENT = Event(kind="run.started", at=datetime(2026, 1, 1, tzinfo=UTC), run="r1")
HEAD = "from crosskey import *\nfrom crosskey import hookimpl\n"
VAULT = SecretReference("vault", "kv/desk")


def with_plugins(shelf, **sources: str):
    for name, source in sources.items():
        shelf.put(f"{name}-dist", "1.0", HEAD + source, entry=name)
    plugins = load_plugins([ENTRY, *shelf.entry_points()])
    assert [found.name for found in plugins.found if found.state == "broken"] == []
    return plugins


COMMAND = "import click\n@hookimpl\ndef crosskey_commands():\n    return [click.Command({name!r})]"


def test_what_a_plugin_does_besides_declaring_is_told_without_calling_it(shelf):
    plugins = with_plugins(
        shelf,
        one="@hookimpl\ndef crosskey_commands(): 1 / 0",
        two="@hookimpl\ndef crosskey_on_event(): 1 / 0\n@hookimpl\ndef crosskey_review_plan(): 1 / 0",
    )
    provides = {found.name: found.provides for found in plugins.found}
    assert (provides["one"], provides["two"]) == (("commands",), ("plan review", "event listener"))


def test_commands_bear_their_origin(shelf):
    commands = with_plugins(shelf, one=COMMAND.format(name="go")).commands()
    assert [(command.value.name, command.origin) for command in commands] == [("go", "plugin one (one-dist 1.0)")]


@pytest.mark.parametrize(
    ("source", "warning"),
    [
        ("@hookimpl\ndef crosskey_commands(): return 1 / 0", "plugin bad (bad-dist 1.0): its commands are left out"),
        ("@hookimpl\ndef crosskey_commands(): return ['go']", "plugin bad (bad-dist 1.0): left out a str"),
    ],
)
def test_commands_of_a_plugin_that_fails_are_left_out_with_a_warning(shelf, caplog, source, warning):
    plugins = with_plugins(shelf, bad=source, one=COMMAND.format(name="go"))
    assert [command.value.name for command in plugins.commands()] == ["go"]
    assert warning in caplog.text


def test_a_command_that_two_plugins_add_is_left_out_naming_both(shelf, caplog):
    plugins = with_plugins(shelf, one=COMMAND.format(name="go"), two=COMMAND.format(name="go"))
    assert plugins.commands() == []
    assert "plugin one (one-dist 1.0) and plugin two (two-dist 1.0)" in caplog.text


def test_the_first_plugin_that_knows_a_scheme_resolves_the_secret(shelf):
    plugins = with_plugins(
        shelf,
        one="@hookimpl\ndef crosskey_resolve_secret(ref): return None",
        two="@hookimpl\ndef crosskey_resolve_secret(ref): return Secret(ref.argument[::-1], ref)",
        zzz="@hookimpl\ndef crosskey_resolve_secret(ref): raise RuntimeError('must not be asked')",
    )
    assert plugins.resolves_secrets
    secret = plugins.resolve_secret(VAULT)
    assert secret is not None
    assert secret.reveal() == "ksed/vk"


def test_a_scheme_that_nobody_knows_is_not_an_error_here(shelf):
    plugins = with_plugins(shelf, one="@hookimpl\ndef crosskey_resolve_secret(): return None")
    assert plugins.resolve_secret(VAULT) is None
    assert not load_plugins([ENTRY]).resolves_secrets


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise RuntimeError('canary-value')", "failed with RuntimeError"),
        ("raise ConfigError('the vault is sealed', fix='unseal it')", "the vault is sealed"),
        ("raise SystemExit('canary-value')", "failed with SystemExit"),
        ("return 'canary-value'", "answered with a str where a Secret belongs"),
    ],
)
def test_a_plugin_that_cannot_resolve_its_scheme_is_named(shelf, body, said):
    plugins = with_plugins(shelf, bad=f"@hookimpl\ndef crosskey_resolve_secret(ref): {body}")
    with pytest.raises(ConfigError) as caught:
        plugins.resolve_secret(VAULT)
    assert "plugin bad (bad-dist 1.0)" in str(caught.value)
    assert said in str(caught.value)
    assert "canary" not in str(caught.value)


def test_findings_about_a_plan_come_from_every_plugin(shelf):
    finding = "[Diagnostic(severity='warning', code='{0}', summary=run.id)]"
    plugins = with_plugins(
        shelf,
        one="@hookimpl\ndef crosskey_review_plan(plan, run): return " + finding.format("a"),
        two="@hookimpl\ndef crosskey_review_plan(run):\n    yield from " + finding.format("b"),
        zzz="@hookimpl\ndef crosskey_review_plan(): return None",
    )
    assert plugins.review_plan(None, RUN) == (
        Diagnostic(severity="warning", code="a", summary="r1"),
        Diagnostic(severity="warning", code="b", summary="r1"),
    )


@pytest.mark.parametrize("body", ["raise ValueError('no')", "raise SystemExit", "return ['fine']", "return 7"])
def test_a_review_that_fails_counts_as_an_error(shelf, body):
    plugins = with_plugins(shelf, bad=f"@hookimpl\ndef crosskey_review_plan(plan): {body}")
    (finding,) = plugins.review_plan(None, RUN)
    assert (finding.severity, finding.code) == ("error", "review-failed")
    assert "plugin bad (bad-dist 1.0)" in finding.summary


def test_a_listener_that_fails_is_logged_and_the_others_hear_the_event(shelf, caplog):
    plugins = with_plugins(
        shelf,
        bad="@hookimpl\ndef crosskey_on_event(event): raise ValueError('deaf')",
        log="import logging\n@hookimpl\ndef crosskey_on_event(event): logging.getLogger('ear').error(event.kind)",
    )
    with caplog.at_level(logging.WARNING):
        plugins.emit(EVENT)
    assert [record.getMessage() for record in caplog.records] == [
        "plugin bad (bad-dist 1.0) failed on run.started: ValueError: deaf",
        "run.started",
    ]
