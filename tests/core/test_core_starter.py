"""Settings tables and the first configuration are made from the settings themselves."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from core_acme import AcmeSettings, acme_plugins

from crosskey.config import load_config
from crosskey.config.reference import setting_rows, settings_table
from crosskey.config.sections import JournalSettings, RailSettings, SyncSection, WatchSettings
from crosskey.config.starter import PLACEHOLDER, StarterMap, StarterSection, secret_variables, starter_config
from crosskey.config.toml import toml_value
from crosskey.connector.target import FieldSpec, KindSpec, ReferenceSpec
from crosskey.errors import ConfigError
from crosskey.plugins import load_plugins
from crosskey.settings import Secret, SecretReference

STAFF = KindSpec(
    name="staff",
    summary="People who get help",
    fields=(
        FieldSpec(name="full", summary="Display name", required=True),
        FieldSpec(name="mail", summary="E-mail address"),
        FieldSpec(name="mail2", summary="Second e-mail address"),
        FieldSpec(name="email", summary="Another e-mail"),
        FieldSpec(name="badge", summary="Badge", required=True),
        FieldSpec(name="notes"),
    ),
    references=(ReferenceSpec(name="site", required=True), ReferenceSpec(name="roles", many=True)),
)
HELPERS = KindSpec(name="helper", summary="People who help", fields=(FieldSpec(name="full name"),), seats=True)


def sections() -> tuple[StarterSection, StarterSection]:
    plugins = acme_plugins()
    source = StarterSection(
        name="corp",
        spec=plugins.sources["acme"].value,
        values={"url": "https://acme.example.com", "token": SecretReference("file", "token.txt")},
    )
    return source, StarterSection(name="support", spec=plugins.targets["desk"].value)


def test_a_table_tells_key_type_default_and_meaning():
    rows = {row.key: (row.type, row.default, row.required) for row in setting_rows(AcmeSettings)}
    assert rows == {
        "url": ("text", "", True),
        "token": ("secret reference", "", False),
        "password": ("secret reference", "", False),
        "mode": ('"fast" or "safe" or true or false', '"safe"', False),
        "timeout": ("duration", "", False),
        "hosts": ("list of text", "[]", False),
        "keys": ("table of secret reference", "{}", False),
        "levels": ('table of "low" or "high"', "{}", False),
        "retry": ("table", "", False),
        "retry.attempts": ("whole number", "3", False),
        "retry.wait": ("duration", '"90s"', False),
        "steps": ("list of table", "[]", False),
        "certificate": ("path", "", False),
    }
    table = settings_table(AcmeSettings)
    assert "| `url` | text | **required** | Where the directory is. |" in table
    assert '| `retry.wait` | duration | `"90s"` | How long to wait between. |' in table


@pytest.mark.parametrize("settings", [SyncSection, RailSettings, JournalSettings, WatchSettings])
def test_every_key_of_the_core_is_described(settings):
    assert [row.key for row in setting_rows(settings) if not row.description] == []


def test_the_starter_is_a_configuration_that_loads(tmp_path: Path):
    source, target = sections()
    text = starter_config(source, target, [StarterMap(kind=STAFF, groups=["All Staff"], default={"site": "Main"})])
    path = tmp_path / "crosskey.toml"
    path.write_text(text, encoding="utf-8")
    tables = tomllib.loads(text)
    assert tables["source"]["corp"] == {
        "use": "acme",
        "url": "https://acme.example.com",
        "token": {"file": "token.txt"},
    }
    assert tables["target"]["support"]["url"] == PLACEHOLDER
    assert tables["map"]["staff"]["scope"] == {"groups": ["All Staff"]}
    assert tables["map"]["staff"]["default"] == {"site": "Main"}
    assert tables["map"]["staff"]["match"] == ["email"]
    assert tables["map"]["staff"]["fields"] == {"full": "display_name", "mail": "email", "badge": PLACEHOLDER}
    with pytest.raises(ConfigError) as caught:
        load_config(path, acme_plugins(), resolve_secrets=False)
    # the rules belong to the plugin of the fixture, which knows two keys; all else is well-formed
    assert {problem.path for problem in caught.value.problems} == {
        "map.staff.scope",
        "map.staff.match",
        "map.staff.leavers",
        "map.staff.default",
    }


def test_every_comment_that_looks_like_a_setting_is_one(tmp_path: Path):
    text = starter_config(*sections(), [StarterMap(kind=STAFF), StarterMap(kind=HELPERS)])
    opened = "\n".join(
        line.removeprefix("# ") if line.startswith("# ") and " = " in line and not line.endswith(".") else line
        for line in text.splitlines()
        if "{ env = … }" not in line
    )
    tables = tomllib.loads(opened.replace("# [", "[").replace(" [[", "[["))
    assert tables["rails"]["max_disable"] == {"count": 10, "percent": 5.0}
    assert tables["source"]["corp"]["retry"] == {"attempts": 3, "wait": "90s"}


def test_a_kind_with_paid_seats_is_never_offered_to_everyone():
    text = starter_config(*sections(), [StarterMap(kind=HELPERS), StarterMap(kind=STAFF)])
    tables = tomllib.loads(text)
    assert tables["map"]["helper"]["scope"] == {"groups": [PLACEHOLDER]}
    assert "scope" not in tables["map"]["staff"]
    assert tables["map"]["staff"]["default"] == {"site": PLACEHOLDER}


def test_the_variables_to_export_are_told():
    source, target = sections()
    assert secret_variables(source) == []
    assert secret_variables(target) == ["SUPPORT_SECRET"]


def test_what_toml_cannot_write_is_refused():
    with pytest.raises(TypeError, match="Secret"):
        toml_value(Secret("x"))


def test_the_built_in_plugins_describe_every_key():
    plugins = load_plugins()
    specs = [*plugins.sources.values(), *plugins.targets.values(), *plugins.mappers.values()]
    silent = [
        f"{found.value.name}.{row.key}"
        for found in specs
        for row in setting_rows(found.value.settings)
        if not row.description
    ]
    assert silent == []
