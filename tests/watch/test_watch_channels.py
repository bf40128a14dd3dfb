"""How late a leaver may be out, by each channel, and which channel is silent though it should not be."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from sso_bench import ISSUER, section_of

from crosskey.config import (
    Config,
    JournalSettings,
    MapSection,
    RailSettings,
    SourceSection,
    SyncSection,
    WatchSettings,
    duration_text,
)
from crosskey.engine.connect import Connect
from crosskey.journal import ChannelRecord, Doorbook, Watchbook
from crosskey.mapping.settings import LeaverSettings, RulesSettings
from crosskey.mapping.spec import SPEC as RULES
from crosskey.plugins import load_plugins
from crosskey.plugins.records import Provided
from crosskey.settings import Secret
from crosskey.watch import Setup, Spoken, read_status
from crosskey.watch.causes import causes_of
from crosskey.watch.channels import WORST, Heard, door_statuses
from crosskey_entra.settings import EntraSettings
from crosskey_entra.spec import SPEC as ENTRA
from crosskey_okta.settings import OktaSettings
from crosskey_okta.spec import SPEC as OKTA
from fake_clock import FakeClock

NOW = FakeClock().now()
WATCHED = Heard(watching="yes")
POLL = {"signal_poll": f"{ISSUER}/poll", "signal_poll_token": Secret("canary")}
TENANT = {"tenant": "0f0f0f0f-0000-4000-8000-000000000001"}
SOURCES = {
    "okta": (OKTA, OktaSettings(url="https://acme.okta.example", token=Secret("canary"), hook_secret=Secret("canary"))),
    "entra": (
        ENTRA,
        EntraSettings(
            **TENANT,
            client_id="0f0f0f0f-0000-4000-8000-000000000002",
            client_secret=Secret("canary"),
            hook_secret=Secret("x" * 40),
        ),
    ),
}


def provided(value):
    return Provided(value=value, plugin="p", distribution="crosskey", version="1")


def config_of(flow="okta", *, source="okta", leavers=None, may="demote", rules=None, every=5, **settings):
    spec, source_settings = SOURCES[source]
    mapping = RulesSettings(leavers=leavers or LeaverSettings())
    return Config(
        path=Path("crosskey.toml"),
        digest="",
        canonical="",
        sources={
            "corp": SourceSection(name="corp", path="source.corp", provided=provided(spec), settings=source_settings)
        },
        targets={},
        sync=SyncSection(target="desk", sources=("corp",)),
        maps={"agent": MapSection(kind="agent", path="map.agent", provided=provided(RULES), settings=mapping)},
        rails=RailSettings(may=may),
        journal=JournalSettings(path=Path("journal.sqlite")),
        watch=WatchSettings(every=timedelta(minutes=every)),
        doors={"agents": section_of(flow, rules=rules, **settings)},
    )


def noted_in(folder, **settings):
    return msgspec.structs.replace(config_of(**settings), journal=JournalSettings(path=folder / "journal.sqlite"))


def door_of(config, heard=WATCHED):
    [door] = door_statuses(config, heard, NOW)
    return door


def channel_of(config, name, heard=WATCHED):
    return next(each for each in door_of(config, heard).channels if each.channel == name)


def heard_at(channel, ago, door="agents"):
    at = NOW - timedelta(seconds=ago)
    return {(door, channel): ChannelRecord(door=door, channel=channel, heard_at=at, ended_at=None, count=1)}


def test_the_worst_case_is_two_rounds_apart():
    door = door_of(config_of())
    assert (door.worst, door.holds, door.limit) == (360.0, "round", 36_000.0)  # five minutes, and the spread twice
    assert door.sentence == f"6m, {WORST} (a few seconds, and nothing is promised); sessions end after 10h in any case"


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"may": "create"}, "rails.may"),
        ({"leavers": LeaverSettings(do="keep")}, "keep the accounts"),
        ({"leavers": LeaverSettings(after=timedelta(days=7))}, "further apart"),
        ({"every": 60 * 24}, "further apart"),
    ],
)
def test_where_no_round_ends_a_session_in_time_only_its_own_end_does(parts, why):
    door = door_of(config_of(rules={"lasts": timedelta(hours=8), "idle": timedelta(hours=1)}, **parts))
    assert (door.worst, door.holds) == (8 * 3600.0, "limit")
    assert why in door.because
    assert door.sentence.startswith("8h, when sessions end in any case: ")


@pytest.mark.parametrize("heard", [Heard(watching="no"), Heard(watching="lost"), Heard(watching="yes", overdue=True)])
def test_rounds_that_do_not_come_hold_nothing(heard):
    assert door_of(config_of(), heard).holds == "limit"
    assert channel_of(config_of(), "rounds", heard).problem


def test_the_grace_of_the_rules_counts():
    assert door_of(config_of(leavers=LeaverSettings(after=timedelta(hours=1)))).worst == 3_960.0


@pytest.mark.parametrize(
    ("config", "channels"),
    [
        (config_of(), {"hook", "token-revocation", "front-channel"}),
        (
            config_of(signal_secret=Secret("canary"), scopes=("openid", "offline_access"), **POLL),
            {"hook", "token-revocation", "front-channel", "refresh", "security-event", "poll"},
        ),
        (config_of("entra", source="entra", **TENANT), {"hook", "front-channel"}),
        (config_of("oidc"), {"hook", "back-channel", "token-revocation", "front-channel"}),
    ],
    ids=["okta", "okta with all", "entra", "oidc"],
)
def test_only_channels_that_are_open_are_told(config, channels):
    found = {each.channel for each in door_of(config).channels}
    assert found == channels | {"rounds", "operator", "limits"}


def test_each_channel_has_a_bound_and_the_providers_own_word():
    config = config_of("entra", source="entra", scopes=("openid", "profile", "offline_access"), **TENANT)
    bounds = {each.channel: (each.bound, each.most) for each in door_of(config).channels}
    assert bounds["rounds"] == (360.0, None)
    assert bounds["hook"] == (2.0, 900.0)  # Graph's notifications are 15 minutes late at most
    assert bounds["refresh"] == (600.0, None)
    assert bounds["front-channel"] == (0.0, None)
    assert bounds["limits"] == (36_000.0, None)
    assert channel_of(config_of(**POLL), "poll").bound == 30.0


def test_a_hook_is_heard_by_its_source():
    heard = Heard(watching="yes", channels=heard_at("hook", 60, door="source.corp"))
    hook = channel_of(config_of(), "hook", heard)
    assert (hook.heard_at, hook.problem) == (NOW - timedelta(seconds=60), "")  # nobody may have left for a year


@pytest.mark.parametrize(
    ("channels", "words"),
    [
        ({}, "nobody asks"),
        (heard_at("poll", 20), ""),
        (heard_at("poll", 200), "nobody asks"),
        (heard_at("poll", 400) | heard_at("poll-failed", 300), "it last did"),
        (heard_at("poll-failed", 300), "it never did"),
        (heard_at("poll", 10) | heard_at("poll-failed", 300), ""),
        (heard_at("poll", 4000) | heard_at("poll-failed", 3000), "nobody asks"),
    ],
)
def test_a_transmitter_that_is_silent_is_told(channels, words):
    poll = channel_of(config_of(**POLL), "poll", Heard(watching="yes", channels=channels))
    assert words in poll.problem
    assert bool(words) == bool(poll.problem) == bool(poll.fix)


@pytest.mark.parametrize(
    ("asked", "answered", "silent"),
    [(None, None, False), (300, None, True), (300, 299, False), (300, 900, True), (20, 900, False)],
)
def test_a_provider_that_does_not_answer_about_sessions_is_told(asked, answered, silent):
    heard = Heard(
        watching="yes",
        channels=heard_at("refresh", answered) if answered else {},
        asked={"agents": NOW - timedelta(seconds=asked)} if asked else {},
    )
    config = config_of(scopes=("openid", "offline_access"))
    assert bool(channel_of(config, "refresh", heard).problem) == silent


def test_the_documentation_says_what_status_does():
    page = " ".join((Path(__file__).parents[2] / "docs" / "sso.md").read_text(encoding="utf-8").split())
    door = door_of(config_of())
    worst, limit = (duration_text(timedelta(seconds=each)) for each in (door.worst, door.limit))
    assert "The worst case, with every channel silent: " in page
    assert f"so what holds is {WORST}. With the defaults the first is {worst} " in page
    assert f"sessions end after {limit} in any case" in page
    assert door.sentence.startswith(f"{worst}, {WORST}")


async def test_what_a_vendor_pushes_is_noted_now_and_then(tmp_path):
    setup = Setup(config=noted_in(tmp_path), plugins=load_plugins(), connect=Connect(clock=FakeClock()))
    clock = setup.connect.clock
    Watchbook.prepare(setup.config.journal.path, clock=clock, connection="desk")
    spoken = Spoken(lambda: setup)
    for _ in range(5):
        spoken("corp")
        clock.advance(10)
    with Watchbook.reading(setup.config.journal.path, clock=clock, connection="desk") as book:
        [hook] = book.channels()
    assert (hook.door, hook.channel, hook.count) == ("source.corp", "hook", 2)
    setup.config.journal.path.unlink()
    clock.advance(60)
    spoken("corp")  # what cannot be noted keeps no signal from being heard


def test_somebody_hears_of_a_silent_channel_and_that_it_is_over(tmp_path):
    config, clock = noted_in(tmp_path, **POLL), FakeClock()
    Watchbook.prepare(config.journal.path, clock=clock, connection="desk")

    def told():
        with Watchbook.noting(config.journal.path, clock=clock, connection="desk") as book:
            causes = causes_of(read_status(book, config, clock.now()))
            return [(each.severity, each.key, each.fix) for each in book.tell(causes, notifiers=[])]

    key = "desk:silent:agents:poll"
    assert ("warning", key, "start `crosskey serve`") in told()
    assert told() == []  # once
    with Doorbook.noting(config.journal.path, clock=clock, connection="desk") as book:
        book.note_poll("agents")
    assert ("resolved", key, "") in told()
