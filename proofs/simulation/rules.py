"""The configurations of simulated connections: explicit about every rail, parsed once a process."""

from __future__ import annotations

import tempfile
from functools import cache
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Final

import msgspec

from crosskey.config import Config, load_config
from crosskey.config.sections import JournalSettings
from crosskey.plugins import Plugins, load_plugins
from proofs.simulation.oracle import MOST_DISABLES

__all__ = ("BREAKGLASS", "PROTECTED", "VARIANTS", "config", "plugins")

BREAKGLASS: Final = "breakglass@people.example"
"""Whoever bears this is protected by the configuration."""
PROTECTED: Final = "chief@people.example"
"""Whoever bears this finds an account that the desk itself protects."""
VARIANTS: Final = ("on_create", "always")
"""Ownership of the title, which is what changes when the rules change."""

_TEXT: Final = """
[source.corp]
use = "simulated"
[target.desk]
use = "simulated"
[sync]
settle = "120s"
full_every = "2h"
plan_expiry = "4h"
[map.user]
scope = {{ groups = ["Staff"] }}
match = ["email"]
leavers = {{ do = "disable", after = "0d" }}
default = {{ site = "Acme / Main" }}
[map.user.fields]
name = "display_name"
mail = "email"
title = {{ from = "title", write = "{title}" }}
note = {{ from = "department", write = "if_empty" }}
[[map.user.assign]]
group = "London"
site = "Acme / London"
roles = ["Viewer"]
[map.agent]
scope = {{ groups = ["Desk"] }}
match = ["email"]
leavers = {{ do = "disable", after = "10m" }}
[map.agent.fields]
name = "display_name"
mail = "email"
[[map.agent.assign]]
group = "Desk"
teams = ["First"]
[rails]
max_disable = {{ count = {most}, percent = 0 }}
disable_per_day = 2.0
disable_per_week = 4.0
max_demote = {{ count = 10, percent = 100 }}
max_change = {{ count = 25, percent = 100 }}
max_remap = {{ count = 25, percent = 100 }}
max_create = {{ count = 25, percent = 100 }}
keep_seats = 0
first_run = "go"
may = "demote"
absent_reads = 2
absent_for = "10m"
keep_active = {{ user = 0, agent = 1 }}
shrink_percent = 60
min_people = 2
protect = ["{breakglass}"]
"""


@cache
def plugins() -> Plugins:
    """The simulated vendors and the rules that every connection uses."""
    return load_plugins(
        (
            EntryPoint("simulation", "proofs.simulation.plugin", "crosskey"),
            EntryPoint("rules", "crosskey.mapping.plugin", "crosskey"),
        )
    )


@cache
def _parsed(variant: str) -> Config:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "crosskey.toml"
        path.write_text(_TEXT.format(title=variant, most=MOST_DISABLES, breakglass=BREAKGLASS), encoding="utf-8")
        return load_config(path, plugins())


def config(variant: str, journal: Path) -> Config:
    """One variant of the rules over one journal."""
    return msgspec.structs.replace(_parsed(variant), journal=JournalSettings(path=journal))
