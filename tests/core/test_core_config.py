"""A configuration that is right, as types."""

from __future__ import annotations

import tomllib
from datetime import timedelta
from pathlib import Path

import pytest
from core_acme import CONFIG, AcmeSettings, Retry, RulesSettings, acme_plugins
from hypothesis import given
from hypothesis import strategies as st

from crosskey.config import Config, Limit, duration_text, load_config, parse_duration
from crosskey.config.toml import toml_value


@pytest.fixture
def load(tmp_path: Path):
    def load(text: str, *, resolve_secrets: bool = False) -> Config:
        path = tmp_path / "crosskey.toml"
        path.write_text(text, encoding="utf-8")
        return load_config(path, acme_plugins(), resolve_secrets=resolve_secrets)

    return load


def test_the_smallest_configuration_gets_its_defaults(load, tmp_path):
    config = load(CONFIG)
    assert config.path == tmp_path / "crosskey.toml"
    assert config.feeds[0] is config.sources["corp"]
    assert config.target is config.targets["support"]
    assert (config.feeds[0].path, config.target.path, config.maps["user"].path) == (
        "source.corp",
        "target.support",
        "map.user",
    )
    assert config.feeds[0].provided.plugin == "acme"
    assert config.feeds[0].settings == AcmeSettings(url="https://acme.example.com")
    assert config.maps["user"].provided.value.name == "rules"
    assert (config.sync.sources, config.sync.target) == (("corp",), "support")
    assert (config.sync.settle, config.sync.plan_expiry) == (None, timedelta(hours=4))
    assert config.rails.max_disable == Limit(count=10, percent=5.0)
    assert (config.rails.shrink_percent, config.rails.min_people, config.rails.protect) == (70.0, 5, ())
    assert config.journal.path == tmp_path / ".crosskey" / "journal.sqlite"


def test_every_part_may_be_written(load, tmp_path):
    config = load(
        """
        [source.corp]
        use = "acme"
        url = "https://acme.example.com"
        token = { command = ["pass", "show", "a b"] }
        mode = true
        timeout = "1h30m"
        hosts = ["a.example.com"]
        keys = { main = { env = "MAIN_KEY" } }
        levels = { x = "low" }
        retry = { attempts = 5, wait = "2m" }
        steps = [{ wait = "1s" }]
        certificate = "keys/cert.pem"
        [source.corp.groups]
        "All Staff" = "g1"
        [source.corp.apps]
        Desk = "a1"
        [source.unused]
        use = "acme"
        url = "https://unused.example.com"
        [target.support]
        use = "desk"
        url = "https://desk.example.com"
        secret = { env = "DESK_SECRET" }
        [sync]
        from = ["corp"]
        to = "support"
        settle = "0s"
        plan_expiry = "7d"
        [map.user]
        use = "rules"
        fields = { name = "display_name", title = { from = "title" } }
        [rails]
        max_disable = { count = 3, percent = 1 }
        protect = ["admin@example.com", "agent:12"]
        [journal]
        path = "/var/lib/crosskey/journal.sqlite"
        """
    )
    settings = config.feeds[0].settings
    assert isinstance(settings, AcmeSettings)
    assert str(settings.token) == "Secret({ command = \"pass show 'a b'\" })"
    assert settings.mode is True
    assert settings.timeout == timedelta(minutes=90)
    assert settings.hosts == ("a.example.com",)
    assert list(settings.keys) == ["main"]
    assert settings.retry == Retry(attempts=5, wait=timedelta(minutes=2))
    assert settings.steps == (Retry(wait=timedelta(seconds=1)),)
    assert settings.certificate == config.path.parent / "keys" / "cert.pem"
    assert (config.feeds[0].groups, config.feeds[0].apps) == ({"All Staff": "g1"}, {"Desk": "a1"})
    assert list(config.sources) == ["corp", "unused"]
    assert (config.sync.settle, config.sync.plan_expiry) == (timedelta(0), timedelta(days=7))
    rules = config.maps["user"].settings
    assert isinstance(rules, RulesSettings)
    assert rules.fields["name"] == "display_name"
    assert rules.fields["title"].copy == "title"
    assert config.rails.max_disable == Limit(count=3, percent=1.0)
    assert config.journal.path == Path("/var/lib/crosskey/journal.sqlite")


def test_the_digest_follows_the_meaning_and_not_the_writing(load):
    shuffled = """# a comment
        [map.user]
        [target.support]
        secret.env = 'DESK_SECRET'
        url = "https://desk.example.com"   # another
        use = "desk"
        [source.corp]
        url = "https://acme.example.com"
        use = "acme"
        """
    first = load(CONFIG)
    assert load(shuffled).digest == first.digest
    assert load(shuffled).canonical == first.canonical
    assert load(CONFIG.replace("acme.example.com", "acme2.example.com")).digest != first.digest
    assert len(first.digest) == 64


def test_a_byte_order_mark_is_no_reason_to_refuse_a_file(load):
    assert load("\ufeff" + CONFIG.lstrip()).feeds[0].name == "corp"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("15m", 900), ("4h", 14_400), ("0d", 0), ("7d", 604_800), ("1w", 604_800), ("1h30m", 5_400)],
)
def test_durations_are_read_as_people_write_them(text, seconds):
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "90", "s", "-1s", "1.5h", "PT1H", "1 h", "1y", "٣s", "999999999d", "9999999999s"])
def test_other_texts_are_no_durations(text):
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=10**9))
def test_a_duration_survives_being_written(seconds):
    assert parse_duration(duration_text(timedelta(seconds=seconds))) == timedelta(seconds=seconds)


PLAIN = st.text() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)


@given(st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8))
def test_values_written_as_toml_are_read_back_the_same(value):
    assert tomllib.loads(f"key = {toml_value(value)}")["key"] == value
