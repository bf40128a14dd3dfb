"""The public API keeps what it promised: it may grow, and nothing that was recorded may go or change."""

from __future__ import annotations

import pytest
from api_facts import breaks, live, recorded

PROMISE = (
    "crosskey promises plugin authors that public names keep their meaning within a major version: there may be new names, "
    "and new fields and parameters that have defaults; nothing is taken away or changed. If a new major version is really "
    "meant, record it anew: python tests/api/snapshot.py. Otherwise keep what plugins rely on:"
)


def test_whatever_was_recorded_is_there_and_asks_for_no_more():
    broken = breaks(recorded(), live())
    assert broken == [], "\n".join((PROMISE, *broken))


@pytest.mark.parametrize(
    "change",
    [
        lambda facts: facts.remove("crosskey.Account field label: str (optional)"),
        lambda facts: facts.remove("crosskey.http.link_next(): -> str | None"),
        lambda facts: facts.remove("hook crosskey_on_event() parameter 0 event: Event (required)"),
        lambda facts: facts.remove("crosskey.errors.ExitCode.HELD = 6"),
        lambda facts: facts.remove("crosskey.PERSON_ATTRIBUTES holds 'email'"),
        lambda facts: facts.append("crosskey.Account field colour: str (required)"),
        lambda facts: facts.append("crosskey.http.recording() parameter speed: float (required)"),
        lambda facts: facts.append("hook crosskey_sources() parameter 0 config: object (required)"),
        lambda facts: facts.append("crosskey.Source.pause(): async -> None"),
        lambda facts: facts.append("crosskey.FindsPeople.find_all(): async -> None"),
    ],
)
def test_what_breaks_a_plugin_is_noticed(change):
    facts = recorded()
    change(facts)
    assert len(breaks(recorded(), facts)) == 1


@pytest.mark.parametrize(
    "fact",
    [
        "crosskey.Colour: struct",
        "crosskey.Colour field 0 name: str (required)",
        "crosskey.Account field colour: str (optional)",
        "crosskey.http.recording() parameter speed: float (optional)",
        "crosskey.http.Client.stream(): async -> None",
        "crosskey.http.Client.stream() parameter 1 url: str (required)",
        "crosskey.Context.random(): -> float",
        "crosskey.PERSON_ATTRIBUTES holds 'pronouns'",
        "crosskey.errors.ExitCode.NEW = 99",
        "hook crosskey_colours(): -> Sequence[Colour]",
        "hook crosskey_colours() parameter 0 wanted: str (required)",
    ],
)
def test_what_only_grows_is_fine(fact):
    assert (
        breaks(recorded(), [*recorded(), "crosskey.Colour: struct", "hook crosskey_colours(): -> Colour", fact]) == []
    )
