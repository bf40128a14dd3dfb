"""A package that was written for the first public API still loads and passes the kit. Its files are frozen."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import ClassVar

from crosskey.plugins import load_plugins
from crosskey.testing import MapperConformance, SourceConformance, TargetConformance

FIRST = Path(__file__).with_name("first")
sys.path.insert(0, str(FIRST))

from fake_first_source import FakeFirstSource  # noqa: E402 - it stands in the frozen package
from fake_first_target import FakeFirstTarget  # noqa: E402

DIGEST = "a0a70ba464553fd996bde9727af4f00cb4fb40b00c4db1c35f8298c8f4cf8d6b"
MODULES = ("crosskey_first_source", "crosskey_first_target", "crosskey_first_mapper")

RULES = """
group = "All Staff"
fields = { name = "display_name", emailaddress = "email", title = "extra.job" }
match = "email"
reference = "site"
by = "locality"
table = { London = "Acme / London" }
otherwise = "Acme / Main"
"""


def test_its_files_are_those_of_that_day():
    digest = hashlib.sha256()
    for file in sorted(FIRST.rglob("*.py")):
        digest.update(file.relative_to(FIRST).as_posix().encode() + b"\0" + file.read_bytes())
    assert digest.hexdigest() == DIGEST, "these files are frozen: a plugin that is out there cannot be changed either"


def test_it_loads():
    entry_points = [
        EntryPoint(module.replace("crosskey_", "").replace("_", "-"), module, "crosskey") for module in MODULES
    ]
    found = {record.name: (record.state, record.provides, record.reason) for record in load_plugins(entry_points).found}
    assert found == {
        "first-source": ("loaded", ("source first-source",), ""),
        "first-target": ("loaded", ("target first-target",), ""),
        "first-mapper": ("loaded", ("mapper first-mapper",), ""),
    }


class TestFirstSource(SourceConformance):
    plugin = "crosskey_first_source"
    use = "first-source"
    settings = 'url = "https://first.example"\ntoken = { env = "FIRST_SOURCE_TOKEN" }\npage_size = 10'

    def vendor(self, clock):
        return FakeFirstSource()


class TestFirstTarget(TargetConformance):
    plugin = "crosskey_first_target"
    use = "first-target"
    settings = 'url = "https://first.example"\ntoken = { env = "FIRST_TARGET_TOKEN" }\npage_size = 5'

    def vendor(self, clock):
        return FakeFirstTarget()


class TestFirstMapper(MapperConformance):
    plugin = "crosskey_first_mapper"
    use = "first-mapper"
    settings = RULES
    wrong: ClassVar[Sequence[str]] = (RULES.replace("emailaddress", "emailadress"), RULES.replace('"site"', '"sight"'))
