"""How the mapper is declared, what it costs to import, and what it says about its settings."""

from __future__ import annotations

import subprocess
import sys
from typing import get_type_hints

import msgspec
import pytest

from crosskey.connector.mapper import MapperSpec
from crosskey.mapping.plugin import crosskey_mappers
from crosskey.mapping.settings import FieldSettings, LeaverSettings, RulesSettings, ScopeSettings


def test_one_mapper_named_rules_is_declared():
    (spec,) = crosskey_mappers()
    assert isinstance(spec, MapperSpec)
    assert (spec.name, spec.settings) == ("rules", RulesSettings)
    assert spec.summary


def test_declaring_it_imports_nothing_heavy():
    code = (
        "import sys; from crosskey.mapping.plugin import crosskey_mappers; crosskey_mappers(); "
        "print([name for name in ('jinja2', 'httpx', 'sqlite_utils') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("settings", [RulesSettings, ScopeSettings, LeaverSettings, FieldSettings])
def test_every_key_is_described(settings):
    hints = get_type_hints(settings, include_extras=True)
    for field in msgspec.structs.fields(settings):
        metas = getattr(hints[field.name], "__metadata__", ())
        assert any(getattr(meta, "description", "") for meta in metas), field.name


def test_unknown_keys_are_refused():
    with pytest.raises(msgspec.ValidationError, match="unknown field `scoop`"):
        msgspec.convert({"scoop": {}}, RulesSettings)
